// The command line as its users meet it: two processes, files, signals, and bad input.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "drivers/terminal.hpp"
#include "protocols/codec.hpp"
#include "tests/emulator/command_line.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

TEST(CommandLine, GivesTheSameStepTableInProcessOverAPtyAndOverTcpAtAnySpeed) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const Finished inside = run({program, "run", experiment, "--json", "--out", folder / "a.nwb"});
  ASSERT_EQ(inside.code, 0) << inside.errors;
  ASSERT_EQ(inside.lines.size(), 5U);
  const std::vector<std::vector<std::string>> others = {
      {"msn", "--speed", "max"}, {"msn", "--speed", "max", "--tcp", "0"}, {"msn", "--speed", "30"}};
  for (std::size_t k = 0; k < others.size(); ++k) {
    Emulator emulator{others[k]};
    const Finished outside = run({program, "run", experiment, "--json", "--device", emulator.uri, "--out",
                                  folder / ("b" + std::to_string(k) + ".nwb")});
    EXPECT_EQ(outside.code, 0) << emulator.uri << ": " << outside.errors;
    EXPECT_EQ(rows_of(outside), rows_of(inside)) << emulator.uri;
  }
}

TEST(CommandLine, ShowsTheDocumentThatTheRunPrinted) {
  const Folder folder;
  const Finished done = run({program, "run", folder.write("quick.yaml", quick), "--json", "--out", folder / "a.nwb"});
  ASSERT_EQ(done.code, 0) << done.errors;
  const Finished shown = run({program, "show", folder / "a.nwb", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.errors;
  std::string text;
  for (const std::string& line : shown.lines) text += line;
  EXPECT_EQ(json::parse(text), json::parse(done.lines.back()));
}

TEST(CommandLine, WritesTheSameFileFromTheSameSeed) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  for (const char* name : {"a.nwb", "b.nwb"}) {
    ASSERT_EQ(run({program, "run", experiment, "--json", "--seed", "5", "--out", folder / name}).code, 0);
  }
  const Finished difference = run({"/usr/bin/h5diff", folder / "a.nwb", folder / "b.nwb"});
  ASSERT_EQ(difference.code, 1) << "the wall clock at least differs";
  for (const std::string& line : difference.lines) {
    if (!line.starts_with("dataset:") && !line.starts_with("attribute:") && !line.starts_with("group:")) continue;
    const bool wall_clock = line.find("/general/wall_clock") != std::string::npos ||
                            line.find("/file_create_date") != std::string::npos ||
                            line.find("/session_start_time") != std::string::npos ||
                            line.find("/timestamps_reference_time") != std::string::npos;
    EXPECT_TRUE(wall_clock) << line;
  }
  const Finished other = run({program, "run", experiment, "--json", "--seed", "6", "--out", folder / "c.nwb"});
  EXPECT_NE(other.lines.at(0),
            run({program, "run", experiment, "--json", "--seed", "5", "--out", folder / "d.nwb"}).lines.at(0));
}

TEST(CommandLine, KnowsNothingOfTheNeuronBehindTheUri) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  std::ifstream original{"experiments/neurons/msn.yaml"};
  std::stringstream text;
  text << original.rdbuf();
  std::string renamed = text.str();
  renamed.replace(renamed.find("name: msn"), 9, "name: zork");
  const Finished named = run({program, "run", experiment, "--json", "--out", folder / "a.nwb"});
  const Finished other = run({program, "run", experiment, "--json", "--device",
                              "sim:" + folder.write("zork.yaml", renamed), "--out", folder / "b.nwb"});
  ASSERT_EQ(other.code, 0) << other.errors;
  EXPECT_EQ(rows_of(named), rows_of(other));
  std::string slower = renamed;
  slower.replace(slower.find("C_m: 10 uF"), 10, "C_m: 20 uF");
  const Finished physics = run({program, "run", experiment, "--json", "--device",
                                "sim:" + folder.write("slow.yaml", slower), "--out", folder / "c.nwb"});
  ASSERT_EQ(physics.code, 0) << physics.errors;
  const double f = json::parse(named.lines.at(1))["frequency_hz"];
  EXPECT_NEAR(json::parse(physics.lines.at(1))["frequency_hz"].get<double>(), f / 2.0, 0.02 * f);
}

TEST(CommandLine, EndsWithThreeWhenTheEmulatorIsKilledAndKeepsWhatWasFlushed) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "20"}};
  Process process{{program, "run", folder.write("quick.yaml", quick), "--json", "--device", emulator.uri, "--out",
                   folder / "a.nwb"}};
  ASSERT_TRUE(json::parse(process.line()).contains("frequency_hz"));
  emulator.process.signal(SIGKILL);
  const std::vector<std::string> rest = process.lines();
  EXPECT_EQ(process.wait(), 3);
  EXPECT_NE(process.errors().find("gone"), std::string::npos) << process.errors();
  const Finished shown = run({program, "show", folder / "a.nwb", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.errors;
  std::string text;
  for (const std::string& line : shown.lines) text += line;
  const json document = json::parse(text);
  ASSERT_GE(document["steps"].size(), 1U);
  EXPECT_EQ(document["steps"][0]["status"], "ok");
  EXPECT_GT(document["integrity"]["samples"].get<std::int64_t>(), 250000);
}

TEST(CommandLine, EndsWithOneAtTheFirstInterruptWithTheFileClosed) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "20", "--truth", folder / "truth.csv"}};
  Process process{{program, "run", folder.write("quick.yaml", quick), "--json", "--device", emulator.uri, "--out",
                   folder / "a.nwb"}};
  ASSERT_FALSE(process.line().empty());
  process.signal(SIGINT);
  const std::vector<std::string> rest = process.lines();
  EXPECT_EQ(process.wait(), 1);
  ASSERT_FALSE(rest.empty());
  const json document = json::parse(rest.back());
  EXPECT_EQ(document["steps"].back()["status"], "interrupted");
  EXPECT_EQ(run({program, "show", folder / "a.nwb"}).code, 0);
  emulator.process.signal(SIGTERM);
  emulator.process.wait();
  std::ifstream truth{folder / "truth.csv"};
  std::string last;
  for (std::string line; std::getline(truth, line);) {
    if (const std::string current = true_current(line); !current.empty()) last = current;
  }
  EXPECT_EQ(last, "0");
}

TEST(CommandLine, ServesTheNextClientAfterOneThatDied) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  Emulator emulator{{"msn", "--speed", "20"}};
  {
    Process first{{program, "run", experiment, "--json", "--device", emulator.uri, "--out", folder / "a.nwb"}};
    ASSERT_FALSE(first.line().empty());
    first.signal(SIGKILL);
    first.wait();
  }
  const Finished next =
      run({program, "run", experiment, "--json", "--device", emulator.uri, "--out", folder / "b.nwb"});
  EXPECT_EQ(next.code, 0) << next.errors;
}

TEST(CommandLine, TakesTheCurrentAwayAtTheSecondInterruptUntilTheFaultIsCleared) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  Emulator emulator{{"msn", "--speed", "2"}};
  Process process{{program, "run", experiment, "--json", "--device", emulator.uri, "--out", folder / "a.nwb"}};
  ASSERT_FALSE(process.line().empty());
  process.signal(SIGINT);
  process.signal(SIGTERM);
  const std::vector<std::string> rest = process.lines();
  EXPECT_EQ(process.wait(), 4) << process.errors();
  const Finished refused = run({program, "run", experiment, "--device", emulator.uri, "--out", folder / "b.nwb"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.errors.find("thyrode clear --device " + emulator.uri + " estop"), std::string::npos)
      << refused.errors;
  EXPECT_FALSE(std::filesystem::exists(folder / "b.nwb"));
  EXPECT_FALSE(std::filesystem::exists(folder / "b.nwb.part"));
  EXPECT_EQ(run({program, "clear", "--device", emulator.uri, "compliance"}).code, 3);
  EXPECT_EQ(run({program, "clear", "--device", emulator.uri, "estop"}).code, 0);
}

TEST(CommandLine, RefusesASecondClientOnOnePseudoTerminal) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  Emulator emulator{{"msn", "--speed", "20"}};
  Process first{{program, "run", experiment, "--json", "--device", emulator.uri, "--out", folder / "a.nwb"}};
  ASSERT_FALSE(first.line().empty());
  const Finished second = run({program, "run", experiment, "--device", emulator.uri, "--out", folder / "b.nwb"});
  EXPECT_EQ(second.code, 3);
  EXPECT_NE(second.errors.find("in use"), std::string::npos) << second.errors;
  const std::vector<std::string> rest = first.lines();
  EXPECT_EQ(first.wait(), 0) << first.errors();
}

TEST(CommandLine, NeverOverwritesASideFile) {
  const Folder folder;
  const std::string mine = folder.write("a.truth.csv", "mine");
  EXPECT_EQ(run({program, "run", folder.write("quick.yaml", quick), "--out", folder / "a.nwb"}).code, 2);
  std::ifstream file{mine};
  std::string text;
  file >> text;
  EXPECT_EQ(text, "mine");
}

TEST(CommandLine, SideFileThatIsThereAloneIsNotCalledARecording) {
  const Folder folder;
  folder.write("a.truth.csv", "mine");
  const Finished refused = run({program, "run", folder.write("quick.yaml", quick), "--out", folder / "a.nwb"});
  EXPECT_NE(refused.errors.find("side file with the truth"), std::string::npos) << refused.errors;
  EXPECT_NE(refused.errors.find("remove the side file"), std::string::npos) << refused.errors;
}

TEST(CommandLine, EmptySideFileOfARunThatDiedBeforeItsRecordingIsTakenOver) {
  const Folder folder;
  folder.write("a.truth.csv", "");
  const Finished done = run({program, "run", folder.write("quick.yaml", quick), "--out", folder / "a.nwb"});
  EXPECT_EQ(done.code, 0) << done.errors;
  EXPECT_GT(std::filesystem::file_size(folder / "a.truth.csv"), 0U);
}

TEST(CommandLine, NeverOverwritesARecording) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  ASSERT_EQ(run({program, "run", experiment, "--out", folder / "a.nwb"}).code, 0);
  const auto size = std::filesystem::file_size(folder / "a.nwb");
  const Finished again = run({program, "run", experiment, "--out", folder / "a.nwb"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.errors.find("never overwritten"), std::string::npos) << again.errors;
  EXPECT_EQ(std::filesystem::file_size(folder / "a.nwb"), size);
}

struct BadInput {
  const char* name;
  std::string text;
  const char* says;
};

TEST(CommandLine, RefusesBadExperimentsWithPlaceAndReasonAndLeavesNothingBehind) {
  const std::string good = quick;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const std::vector<BadInput> cases = {
      {"misspelt key", with("current:", "curent:"), "bad.yaml:4:1"},
      {"missing unit", with("60 uA", "60"), "bad.yaml:4:"},
      {"above the limit", with("90 uA", "150 uA"), "140 uA"},
      {"reversed range",
       with("plan: list\ncurrent: [40 uA, 60 uA, 90 uA, 45 uA]",
            "plan: sweep\ncurrent: {start: 90 uA, stop: 40 uA, step: 2 uA}"),
       "direction: down"},
      {"not YAML",
       "\x7f"
       "ELF\x01\x02 {{{ : [",
       "bad.yaml:"},
      {"empty", "", "bad.yaml"},
  };
  for (const BadInput& bad : cases) {
    const Folder folder;
    folder.write("bad.yaml", bad.text);
    const Finished refused = run({program, "run", "bad.yaml", "--out", "x.nwb"}, folder.path());
    EXPECT_EQ(refused.code, 2) << bad.name;
    EXPECT_NE(refused.errors.find(bad.says), std::string::npos) << bad.name << ": " << refused.errors;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"bad.yaml"}) << bad.name;
  }
}

TEST(CommandLine, RefusesWhatIsNotThere) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  EXPECT_EQ(run({program, "run", folder / "none.yaml"}).code, 2);
  EXPECT_EQ(run({program, "run", folder.path()}).code, 2);
  EXPECT_EQ(run({program, "show", folder / "none.nwb"}).code, 2);
  EXPECT_EQ(run({program, "show", experiment}).code, 2);
  EXPECT_EQ(run({program, "fly"}).code, 2);
  EXPECT_EQ(run({program}).code, 2);
  EXPECT_EQ(run({program, "simulate", "msn", "--current", "45.3", "--duration", "2s"}).code, 2);
  EXPECT_EQ(run({program, "emulate", "msn", "--speed", "0"}).code, 2);
  EXPECT_EQ(run({program, "run", ""}).code, 2);
  EXPECT_EQ(run({program, "run", experiment, "--seed", "-1"}).code, 2);
  EXPECT_EQ(run({program, "clear", "--device", "pty:/dev/pts/99999", "zork"}).code, 2);
  const std::vector<std::pair<std::string, int>> devices = {
      {"sim:nosuch", 2},         {"zork:1", 2},        {"tcp://127.0.0.1", 2},     {"tcp://127.0.0.1:1", 3},
      {"pty:/dev/pts/99999", 3}, {"pty:/dev/null", 3}, {"serial:/dev/ttyNONE", 3}, {"usb:serial=NONE", 3}};
  for (const auto& [uri, code] : devices) {
    const Finished refused = run({program, "run", experiment, "--device", uri, "--out", folder / "x.nwb"});
    EXPECT_EQ(refused.code, code) << uri;
    EXPECT_FALSE(refused.errors.empty()) << uri;
    EXPECT_FALSE(std::filesystem::exists(folder / "x.nwb.part")) << uri;
    EXPECT_FALSE(std::filesystem::exists(folder / "x.truth.csv")) << uri;
  }
}

/// Answers whatever it is asked with the same bytes, until the client has gone.
Finished run_against(const std::vector<std::uint8_t>& answer, const std::string& experiment, const std::string& out) {
  const auto terminal = PseudoTerminal::open();
  Process process{{program, "run", experiment, "--device", "pty:" + terminal->client_path(), "--out", out}};
  terminal->wait_for_client(10.0_s);
  const auto link = terminal->link();
  std::array<std::uint8_t, 256> bytes;
  while (true) {
    const auto came = (*link)->read(bytes, 5.0_s);
    if (!came || *came == 0) break;
    if (!answer.empty() && !(*link)->write(answer)) break;
  }
  Finished finished;
  finished.lines = process.lines();
  finished.code = process.wait();
  finished.errors = process.errors();
  return finished;
}

TEST(CommandLine, RefusesDevicesThatAreNotOurs) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const Finished silent = run_against({}, experiment, folder / "x.nwb");
  EXPECT_EQ(silent.code, 3);
  EXPECT_NE(silent.errors.find("no answer"), std::string::npos) << silent.errors;

  std::vector<std::uint8_t> garbage;
  for (unsigned k = 0; k < 200; ++k) garbage.push_back(static_cast<std::uint8_t>(k * 7919U >> 3U));
  const Finished noisy = run_against(garbage, experiment, folder / "x.nwb");
  EXPECT_EQ(noisy.code, 3);
  EXPECT_NE(noisy.errors.find("no thyrode device answers"), std::string::npos) << noisy.errors;

  protocol::Ident ident;
  ident.major = 2;
  std::array<std::uint8_t, protocol::max_payload_up> payload;
  std::array<std::uint8_t, protocol::max_frame_bytes> frame;
  const std::size_t size = protocol::encode(ident, payload);
  const std::size_t length = protocol::write_frame(protocol::Ident::type, 0, {payload.data(), size}, frame);
  const Finished newer =
      run_against({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length)}, experiment, folder / "x.nwb");
  EXPECT_EQ(newer.code, 3);
  EXPECT_NE(newer.errors.find("protocol 2."), std::string::npos) << newer.errors;
  EXPECT_EQ(folder.names().size(), 1U);
}

TEST(CommandLine, MeasuresWithoutNoiseWhatTheNeuronDoesAtTheTrueCurrent) {
  const Folder folder;
  const Finished done =
      run({program, "run", folder.write("quick.yaml", quick), "--noise", "off", "--json", "--out", folder / "a.nwb"});
  ASSERT_EQ(done.code, 0) << done.errors;
  std::ifstream truth{folder / "a.truth.csv"};
  std::vector<std::string> currents;  // the last one of each step
  std::vector<double> ticks;
  for (std::string line; std::getline(truth, line);) {
    const std::string current = true_current(line);
    if (current.empty()) continue;
    ticks.push_back(std::stod(line));
    currents.push_back(current);
  }
  for (const std::string& text : rows_of(done)) {
    const json row = json::parse(text);
    const double end = row["start_tick"].get<double>() + 64e6 * row["duration_s"].get<double>();
    std::size_t last = 0;
    while (last + 1 < ticks.size() && ticks[last + 1] < end) ++last;
    const Finished alone = run({program, "simulate", "msn", "--current", currents.at(last) + "uA", "--duration", "10s",
                                "--settle", "2s", "--noise", "off", "--json"});
    ASSERT_EQ(alone.code, 0) << alone.errors;
    const double f = json::parse(alone.lines.at(0))["frequency_hz"];
    EXPECT_NEAR(row["frequency_hz"].get<double>(), f, 0.002 * f) << text;
  }
}

TEST(CommandLine, PlansWithoutArmingAndSimulatesANeuronAlone) {
  const Folder folder;
  const Finished planned = run({program, "plan", folder.write("quick.yaml", quick), "--json"});
  ASSERT_EQ(planned.code, 0) << planned.errors;
  EXPECT_EQ(json::parse(planned.lines.at(0))["points"], 4);
  std::string full = quick;
  full.replace(full.find("25 kS/s"), 7, "full");
  const std::string station = folder.write("desk.yaml",
                                           "schema: thyrode.station/1\ndevice: pty:/dev/pts/99999\n"
                                           "channels: {A: {limits: [0 uA, 140 uA]}}\n");
  const Finished refused = run({program, "plan", folder.write("full.yaml", full), "--station", station});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.errors.find("kB/s"), std::string::npos) << refused.errors;

  const Finished simulated = run({program, "simulate", "msn", "--current", "45.3uA", "--duration", "2s", "--settle",
                                  "0.5s", "--noise", "off", "--json"});
  ASSERT_EQ(simulated.code, 0) << simulated.errors;
  const json document = json::parse(simulated.lines.at(0));
  EXPECT_NEAR(document["frequency_hz"].get<double>(), 12.54626, 12.54626 * 0.0005);
  EXPECT_EQ(document["spike_times_s"].size(), document["n_spikes"].get<std::size_t>());
}

bool any_line_says(const Finished& finished, const std::string& part) {
  return std::any_of(finished.lines.begin(), finished.lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

TEST(CommandLine, PlansForADeviceThatTheCommandNamesOnlyIfItAnswers) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const Finished absent = run({program, "plan", experiment, "--device", "pty:/dev/pts/99999"});
  EXPECT_EQ(absent.code, 3);
  EXPECT_TRUE(absent.lines.empty());
  EXPECT_NE(absent.errors.find("/dev/pts/99999"), std::string::npos) << absent.errors;
  const std::string station = folder.write("desk.yaml",
                                           "schema: thyrode.station/1\ndevice: pty:/dev/pts/99999\n"
                                           "channels: {A: {limits: [0 uA, 140 uA]}}\n");
  const Finished desk = run({program, "plan", experiment, "--station", station});
  EXPECT_EQ(desk.code, 0) << desk.errors;
  EXPECT_TRUE(any_line_says(desk, "pty:/dev/pts/99999 was not opened"));
  Emulator emulator{{"msn", "--speed", "max"}};
  const Finished there = run({program, "plan", experiment, "--device", emulator.uri});
  EXPECT_EQ(there.code, 0) << there.errors;
  EXPECT_TRUE(any_line_says(there, "answers at " + emulator.uri));
  EXPECT_TRUE(any_line_says(there, "4 in 1 leg"));
  EXPECT_FALSE(any_line_says(there, "leg(s)"));
  EXPECT_EQ(run({program, "run", experiment, "--device", emulator.uri, "--out", folder / "a.nwb"}).code, 0)
      << "the plan has left the device as it was";
}

TEST(CommandLine, PlansAndRunsSayWhichChannelIsNotStepped) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const std::string says = "the steps are on channel A; channel B is recorded and not stepped";
  const Finished planned = run({program, "plan", experiment, "--device", "sim:two-msn-inhibitory"});
  ASSERT_EQ(planned.code, 0) << planned.errors;
  EXPECT_TRUE(any_line_says(planned, says));
  const Finished two =
      run({program, "run", experiment, "--device", "sim:two-msn-inhibitory", "--out", folder / "two.nwb"});
  EXPECT_EQ(two.code, 0) << two.errors;
  EXPECT_NE(two.errors.find(says), std::string::npos) << two.errors;
  const Finished one = run({program, "run", experiment, "--out", folder / "one.nwb"});
  EXPECT_EQ(one.errors, "");
}

TEST(CommandLine, TellsHowLongSilenceMustLast) {
  const Folder folder;
  std::string slow = quick;
  slow.replace(slow.find("max: 20 s"), 9, "max: 60 s, f_min: 0.2 Hz");
  EXPECT_TRUE(any_line_says(run({program, "plan", folder.write("slow.yaml", slow)}), "no spike for 15 s is silence"));
  slow.replace(slow.find("dwell: {"), 8, "dwell: {settle: {tau_slow: 2 s}, ");
  EXPECT_TRUE(any_line_says(run({program, "plan", folder.write("tau.yaml", slow)}), "no spike for 40 s is silence"));
}

// 55 uA make it burst every ten seconds, for less than two.
TEST(CommandLine, CallsASlowBursterSilentOnlyAsLongAsFMinSaysSo) {
  const Folder folder;
  std::string slow = quick;
  slow.replace(slow.find("40 uA, 60 uA, 90 uA, 45 uA"), 26, "30 uA, 55 uA");
  slow.replace(slow.find("25 kS/s"), 7, "off");
  const std::string brief = folder.write("brief.yaml", slow);
  slow.replace(slow.find("max: 20 s"), 9, "max: 40 s, f_min: 0.2 Hz");
  const std::string patient = folder.write("patient.yaml", slow);
  const auto measure = [&](const std::string& experiment, const std::string& out) {
    return run({program, "run", experiment, "--device", "sim:butera", "--out", folder / out});
  };
  const Finished missed = measure(brief, "a.nwb");
  ASSERT_EQ(missed.code, 0) << missed.errors;
  EXPECT_TRUE(any_line_says(missed, "no step kept firing"));
  EXPECT_TRUE(any_line_says(missed, "fell silent    1 step at 55.0"));
  EXPECT_TRUE(any_line_says(missed, "more slowly than the dwell.f_min of this run"));
  const Finished heard = measure(patient, "b.nwb");
  ASSERT_EQ(heard.code, 0) << heard.errors;
  EXPECT_TRUE(any_line_says(heard, "firing begins  between 30.0"));
  EXPECT_FALSE(any_line_says(heard, "fell silent"));
}

}  // namespace
}  // namespace thyrode::test
