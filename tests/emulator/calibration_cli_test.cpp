// calibrate, run with a calibration, and doctor, as their users meet them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/emulator/command_line.hpp"
#include "tests/unit/calibration/bench.hpp"

namespace thyrode::test {
namespace {

using calibration::HiddenErrors;
using nlohmann::json;

constexpr double ohm = 6.2e3;
constexpr std::uint64_t seed = 5;

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A folder with a resistor, a store and a short experiment.
class CalibrationCommand : public testing::Test {
 protected:
  CalibrationCommand() {
    setenv("THYRODE_CALIBRATION", store.c_str(), 1);
    resistor = folder.write("resistor.yaml",
                            "schema: thyrode.neuron/1\nname: reference\nmodel: resistor\ndescription: 6.2 kOhm\n"
                            "source: Ohm's law\nparameters: {R: 6.2 kOhm}\n");
    experiment = folder.write("quick.yaml", quick);
  }
  ~CalibrationCommand() override { unsetenv("THYRODE_CALIBRATION"); }

  /// What a meter shows at the last current: the code that the procedure ends at, four below the last of the board.
  static std::string reading() {
    const HiddenErrors hidden{seed};
    const double code = 4091.0;
    const double current = ((code - 2048.0) * (1.0 + hidden.source.gain()) + hidden.source.offset() +
                            static_cast<double>(hidden.source.bend(4091))) *
                           native::Nominal::amps_per_dac_code;
    return std::to_string(current * ohm) + " V +-0.01 %";
  }
  std::vector<std::string> calibrate(const std::string& device, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{program, "calibrate", "--device", device, "--resistor", "6.2 kohm +-0.01 %"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// Calibrates the emulated instrument of the seed in process. @returns the file
  std::string calibrated() const {
    const auto done =
        test::run(calibrate("sim:" + resistor, {"--seed", std::to_string(seed), "--reading", reading(), "--json"}));
    EXPECT_EQ(done.code, 0) << done.errors;
    return done.code == 0 ? json::parse(done.lines.at(0)).at("file").get<std::string>() : "";
  }
  Finished run_on(const std::string& uri, const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{program, "run", experiment, "--device", uri, "--out", folder / name};
    all.insert(all.end(), more.begin(), more.end());
    return test::run(all);
  }

  Folder folder;
  std::string store = folder / "store";
  std::string resistor;
  std::string experiment;
};

TEST_F(CalibrationCommand, WhatItFindsMakesTheCurrentOfARunTheTrueOne) {
  const std::string file = calibrated();
  ASSERT_FALSE(file.empty());
  const std::string truth = folder / "truth.csv";
  const Emulator emulator{{"msn", "--speed", "max", "--seed", std::to_string(seed), "--truth", truth}};
  const auto done = run_on(emulator.uri, "true.nwb", {"--json"});
  ASSERT_EQ(done.code, 0) << done.errors;
  EXPECT_EQ(done.errors.find("no calibration"), std::string::npos) << done.errors;
  const json steps = json::parse(done.lines.back()).at("steps");
  ASSERT_EQ(steps.size(), 4U);
  std::vector<double> currents;
  std::ifstream rows{truth};
  for (std::string row; std::getline(rows, row);) {
    if (const std::string value = true_current(row); !value.empty()) currents.push_back(std::stod(value));
  }
  for (const json& step : steps) {
    const double told = step.at("current_ua");
    double nearest = 1e9;
    for (const double current : currents) nearest = std::min(nearest, std::abs(current - told));
    // A tenth of a percent, and the bend of a code.
    EXPECT_LT(nearest, 1e-3 * told + 0.1) << told;
    double wanted = 1e9;
    for (const double current : {40.0, 60.0, 90.0, 45.0}) wanted = std::min(wanted, std::abs(current - told));
    EXPECT_LT(wanted, 0.01) << told;
  }
  const auto shown = test::run({program, "show", folder / "true.nwb", "--json"});
  std::string whole;
  for (const std::string& line : shown.lines) whole += line;
  EXPECT_TRUE(json::parse(whole).at("calibration").at("channels").contains("A"));
  const auto words = test::run({program, "show", folder / "true.nwb"});
  EXPECT_NE(words.lines.at(2).find("calibrated"), std::string::npos) << words.lines.at(2);
  EXPECT_EQ(test::run({program, "validate", folder / "true.nwb"}).code, 0);
  EXPECT_EQ(test::run({program, "replay", folder / "true.nwb"}).code, 0);
}

TEST_F(CalibrationCommand, ASimulatedRunUsesNoneUnlessItIsAsked) {
  ASSERT_FALSE(calibrated().empty());
  const std::vector<std::string> same{"--seed", std::to_string(seed), "--json"};
  const auto plain = run_on("sim:msn", "a.nwb", same);
  setenv("THYRODE_CALIBRATION", (folder / "empty").c_str(), 1);
  const auto without = run_on("sim:msn", "b.nwb", same);
  setenv("THYRODE_CALIBRATION", store.c_str(), 1);
  EXPECT_EQ(plain.lines, without.lines);
  const auto with = run_on("sim:msn", "c.nwb", {"--seed", std::to_string(seed), "--json", "--calibration", "stored"});
  EXPECT_EQ(with.code, 0) << with.errors;
  EXPECT_NE(with.lines, plain.lines);
  EXPECT_EQ(test::run({program, "replay", folder / "c.nwb"}).code, 0);
}

TEST_F(CalibrationCommand, ForeignOldAndDamagedOnesAreSaid) {
  const std::string file = calibrated();
  ASSERT_FALSE(file.empty());
  const auto foreign = run_on("sim:msn", "a.nwb", {"--seed", "6", "--calibration", file});
  EXPECT_EQ(foreign.code, 2);
  EXPECT_NE(foreign.errors.find("serial number"), std::string::npos) << foreign.errors;
  auto aged = calibration::parse_calibration(text_of(file), file);
  ASSERT_TRUE(aged);
  aged->channels.at("A").date = "2001-01-01T00:00:00+00:00";
  const std::string past = folder.write("past.yaml", calibration::to_yaml(*aged));
  const auto old = run_on("sim:msn", "b.nwb", {"--seed", std::to_string(seed), "--calibration", past});
  EXPECT_EQ(old.code, 0);
  EXPECT_NE(old.errors.find("days old"), std::string::npos) << old.errors;
  std::ofstream{file, std::ios::app} << "#\n";
  const auto damaged = run_on("sim:msn", "c.nwb", {"--seed", std::to_string(seed), "--calibration", "stored"});
  EXPECT_EQ(damaged.code, 2);
  EXPECT_NE(damaged.errors.find("damaged"), std::string::npos) << damaged.errors;
}

TEST_F(CalibrationCommand, GarbageIsRefusedAndNothingIsStored) {
  const std::string device = "sim:" + resistor;
  struct Case {
    std::string ohm;
    std::vector<std::string> more;
    int code;
    const char* word;
  };
  for (const Case& bad : {Case{"6.2", {}, 2, "how well it is known"}, Case{"6200 +-1 %", {}, 2, "unit is missing"},
                          Case{"6.2 kOhm +-1", {}, 2, "%"}, Case{"6.2 V +-1 %", {}, 2, "a resistance is meant"},
                          Case{"9.1 kOhm +-1 %", {}, 1, "is stated"}, Case{"-6 kOhm +-1 %", {}, 2, "10 Ohm"},
                          Case{"6.2 kOhm +-1 %", {"--reading", "3 Ohm +-1 %"}, 2, "V or A"},
                          Case{"6.2 kOhm +-1 %", {"--reading", "0.9 V +-1 %"}, 1, "meter"},
                          Case{"6.2 kOhm +-1 %", {"--channel", "Q"}, 2, "channels A"},
                          Case{"6.2 kOhm +-1 %", {"--capacitor", "1 mOhm"}, 2, "--capacitor"}}) {
    std::vector<std::string> all{program, "calibrate", "--device", device, "--resistor=" + bad.ohm};
    all.insert(all.end(), bad.more.begin(), bad.more.end());
    const auto done = test::run(all);
    EXPECT_EQ(done.code, bad.code) << bad.ohm << ": " << done.errors;
    EXPECT_NE(done.errors.find(bad.word), std::string::npos) << bad.ohm << ": " << done.errors;
    EXPECT_FALSE(std::filesystem::exists(store)) << bad.ohm;
  }
}

TEST_F(CalibrationCommand, OneThatIsKilledLeavesTheStoreAsItWas) {
  const std::string file = calibrated();
  ASSERT_FALSE(file.empty());
  const std::string before = text_of(file);
  const Emulator emulator{{resistor, "--speed", "1", "--seed", std::to_string(seed)}};
  for (const int end : {SIGKILL, SIGINT}) {
    Process process{calibrate(emulator.uri, {"--meter"})};
    // It talks to the device at once and is long from its end.
    process.signal(end);
    EXPECT_NE(process.wait(), 0);
    EXPECT_EQ(text_of(file), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{store}, {}), 2) << "the file and its lock";
  }
}

// ---------------------------------------------------------------- doctor

json checks_of(const Finished& finished) {
  json found;
  const json document = json::parse(finished.lines.at(0));
  for (const json& check : document.at("checks")) found[check.at("name").get<std::string>()] = check;
  return found;
}

TEST_F(CalibrationCommand, DoctorFindsASoundInstrument) {
  const auto done = test::run({program, "doctor", "--device", "sim:resistor", "--out", folder.path(), "--json"});
  EXPECT_EQ(done.code, 0) << done.errors;
  const json checks = checks_of(done);
  for (const char* name : {"firmware", "state", "latency", "noise", "loopback", "watchdog", "lease", "estop", "loss"}) {
    EXPECT_EQ(checks.at(name).at("verdict"), "ok") << checks.at(name).dump();
  }
  EXPECT_EQ(checks.at("calibration").at("verdict"), "warning");
  const Emulator emulator{{"resistor", "--speed", "1"}};
  const auto behind = test::run({program, "doctor", "--device", emulator.uri, "--out", folder.path(), "--json"});
  EXPECT_EQ(behind.code, 0) << behind.lines.at(0);
  EXPECT_EQ(checks_of(behind).at("lease").at("verdict"), "ok");
}

TEST_F(CalibrationCommand, DoctorSaysWhyADeviceCannotBeOpened) {
  const auto gone = test::run({program, "doctor", "--device", "pty:/dev/pts/99999", "--out", folder.path(), "--json"});
  EXPECT_EQ(gone.code, 3);
  EXPECT_EQ(checks_of(gone).at("permission").at("verdict"), "failed");
  EXPECT_EQ(checks_of(gone).at("device").at("verdict"), "failed");
  Emulator dead{{"msn"}};
  dead.process.signal(SIGSTOP);
  const auto silent = test::run({program, "doctor", "--device", dead.uri, "--out", folder.path(), "--json"});
  dead.process.signal(SIGCONT);
  EXPECT_EQ(silent.code, 3);
  EXPECT_NE(checks_of(silent).at("device").at("measured").get<std::string>().find("no answer"), std::string::npos);
}

TEST_F(CalibrationCommand, DoctorRefusesADeviceThatARunHolds) {
  const Emulator emulator{{"msn", "--speed", "1"}};
  Process run{{program, "run", experiment, "--device", emulator.uri, "--out", folder / "held.nwb", "--json"}};
  ASSERT_FALSE(run.line().empty());
  const auto done = test::run({program, "doctor", "--device", emulator.uri, "--out", folder.path(), "--json"});
  EXPECT_EQ(done.code, 3);
  const json device = checks_of(done).at("device");
  EXPECT_NE(device.at("measured").get<std::string>().find("use"), std::string::npos) << device.dump();
  EXPECT_FALSE(run.line().empty()) << "the run goes on";
}

TEST_F(CalibrationCommand, DoctorWithoutADeviceLooksAtThisMachine) {
  const auto done = test::run({program, "doctor", "--out", folder / "gone", "--json"});
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(checks_of(done).at("disk space").at("verdict"), "failed");
  EXPECT_TRUE(checks_of(done).contains("instruments"));
}

}  // namespace
}  // namespace thyrode::test
