// analyze, as users of the command line meet it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/emulator/command_line.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

class AnalyzeCommand : public ::testing::Test {
 protected:
  AnalyzeCommand() {
    std::string name = (std::filesystem::temp_directory_path() / "thyrode-analyze-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~AnalyzeCommand() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string list(const std::string& text) const {
    std::ofstream(path("spikes.csv")) << text;
    return path("spikes.csv");
  }
  static Finished analyze(std::vector<std::string> options) {
    options.insert(options.begin(), {program, "analyze"});
    return run(options);
  }
  static std::string text_of(const Finished& finished) {
    std::string text;
    for (const std::string& line : finished.lines) text += line + "\n";
    return text;
  }
  static json document_of(std::vector<std::string> options) {
    options.emplace_back("--json");
    const Finished done = analyze(std::move(options));
    EXPECT_EQ(done.code, 0) << done.errors;
    return json::parse(text_of(done), nullptr, false);
  }

 private:
  std::string folder_;
};

std::string regular(int count, double interval_ms) {
  std::string text = "time_ms\n";
  for (int k = 0; k < count; ++k) text += std::to_string(interval_ms * k) + "\n";
  return text;
}

TEST_F(AnalyzeCommand, TellsOfARegularTrain) {
  const json d = document_of({list(regular(301, 5.0))});
  EXPECT_EQ(d["schema"], "thyrode.analysis/1");
  ASSERT_EQ(d["trains"].size(), 1U);
  const json& train = d["trains"][0];
  EXPECT_TRUE(train["train"].is_null());
  EXPECT_EQ(train["n_spikes"], 301);
  EXPECT_DOUBLE_EQ(train["frequency_hz"].get<double>(), 200.0);
  EXPECT_DOUBLE_EQ(train["rate_isi_hz"].get<double>(), 200.0);
  EXPECT_EQ(train["label"], "TS");
  EXPECT_EQ(train["cv"], 0.0);
  EXPECT_NEAR(train["structure_factor_seg64"].get<double>(), 64.0, 1e-6);
  EXPECT_FALSE(train["autocorr"]["featureless"].get<bool>());
}

TEST_F(AnalyzeCommand, ReadsWhatSimulatePrintsAndFindsItsRate) {
  const std::vector<std::string> neuron{"msn",      "--current", "60uA",   "--duration", "3s",
                                        "--settle", "1s",        "--seed", "4"};
  std::vector<std::string> command{program, "simulate"};
  command.insert(command.end(), neuron.begin(), neuron.end());
  command.emplace_back("--json");
  const json simulated = json::parse(text_of(run(command)));
  command.back() = "--csv";
  command.emplace_back("spikes");
  const json d = document_of({list(text_of(run(command)))});
  EXPECT_EQ(d["trains"][0]["n_spikes"], simulated["n_spikes"]);
  EXPECT_NEAR(d["trains"][0]["rate_isi_hz"].get<double>(), simulated["frequency_hz"].get<double>(), 1e-4);
}

TEST_F(AnalyzeCommand, TakesEachTrainOfTheSecondColumnByItself) {
  std::string text = "time_ms,channel\n";
  for (int k = 0; k < 100; ++k) text += std::to_string(k * 10) + ",B\n" + std::to_string(k * 10 + 5) + ",A\n";
  const json d = document_of({list(text + "2000,A\n")});
  ASSERT_EQ(d["trains"].size(), 2U);
  EXPECT_EQ(d["trains"][0]["train"], "B");
  EXPECT_EQ(d["trains"][0]["n_spikes"], 100);
  EXPECT_EQ(d["trains"][1]["train"], "A");
  EXPECT_EQ(d["trains"][1]["n_spikes"], 101);
}

TEST_F(AnalyzeCommand, TellsHowTwoTrainsKeepStep) {
  std::string merged = "time_ms,train\n";
  std::string apart = "time_ms,train\n";
  for (int k = 0; k < 100; ++k) {
    merged += std::to_string(10 * k) + ",left\n" + std::to_string(10 * k + 5) + ",right\n";
  }
  for (int k = 0; k < 200; ++k)
    apart += std::to_string(10 * (k % 100) + 5 * (k / 100)) + (k < 100 ? ",left\n" : ",right\n");
  const json d = document_of({list(merged)});
  EXPECT_EQ(d["relation"]["relation"], "alternation");
  EXPECT_EQ(d["relation"]["n_phases"], 99);
  EXPECT_NEAR(d["relation"]["mean_phase_cycles"].get<double>(), 0.5, 1e-9);
  EXPECT_NE(text_of(analyze({list(merged)})).find("the two trains: alternation, R 1.000"), std::string::npos);
  EXPECT_EQ(document_of({list(merged), "--until", "0.2s"})["relation"]["relation"], "undetermined");
  EXPECT_FALSE(document_of({list(apart)}).contains("relation"));
  EXPECT_NE(text_of(analyze({list(apart)})).find("in the order of time"), std::string::npos);
  EXPECT_FALSE(document_of({list(regular(100, 5.0))}).contains("relation"));
}

TEST_F(AnalyzeCommand, LeavesOutSettlingAndWhatLiesOutside) {
  const json train =
      document_of({list(regular(201, 10.0)), "--from", "100ms", "--until", "1.5s", "--settle", "395ms"})["trains"][0];
  EXPECT_EQ(train["n_spikes"], 100);  // 500 ms to 1490 ms
  EXPECT_DOUBLE_EQ(train["observed_s"].get<double>(), 1.005);
}

TEST_F(AnalyzeCommand, TakesTheWindowAndTheThresholdItIsGiven) {
  std::string text = "time_ms\n";
  for (int k = 0; k < 50; ++k) text += std::to_string(100 * k) + "\n" + std::to_string(100 * k + 10) + "\n";
  const json train = document_of({list(text), "--window", "200ms", "--threshold", "50ms"})["trains"][0];
  EXPECT_DOUBLE_EQ(train["autocorr"]["bin_s"].get<double>(), 1e-3);
  EXPECT_EQ(train["autocorr"]["pair_counts"][10], 50);
  EXPECT_EQ(train["autocorr"]["pair_counts"][100], 98);
  EXPECT_TRUE(train["burst"]["threshold_given"].get<bool>());
  EXPECT_DOUBLE_EQ(train["burst"]["burst_rate_hz"].get<double>(), 10.0);
  EXPECT_EQ(train["burst"]["spikes_per_burst_mean"], 2.0);
}

TEST_F(AnalyzeCommand, CountsWhatItRejects) {
  const Finished done = analyze({list("1\n2\n2\n1.5\n3\n")});
  EXPECT_EQ(done.code, 0);
  EXPECT_NE(text_of(done).find("3 spikes in 2 s"), std::string::npos) << text_of(done);
  EXPECT_NE(text_of(done).find("rejected       2"), std::string::npos) << text_of(done);
}

// Online, from the device's stream, and offline, from the file: the same numbers bit for bit.
TEST_F(AnalyzeCommand, MeasuresTheStepsOfARecordingAgainAndSaysTheSame) {
  const std::string experiment = path("quick.yaml");
  const std::string recording = path("quick.nwb");
  std::ofstream(experiment) << quick;
  const Finished done = run({program, "run", experiment, "--device", "sim:msn", "--seed", "5", "--out", recording});
  ASSERT_EQ(done.code, 0) << done.errors;
  const json shown = json::parse(text_of(run({program, "show", recording, "--json"})));
  const json repeated = document_of({recording});
  ASSERT_EQ(repeated["steps"].size(), shown["steps"].size());
  ASSERT_EQ(shown["steps"].size(), 4U);
  for (std::size_t k = 0; k < shown["steps"].size(); ++k) {
    const json& online = shown["steps"][k];
    const json& offline = repeated["steps"][k];
    EXPECT_TRUE(offline["as_recorded"].get<bool>()) << k;
    for (const char* key : {"current_ua", "status", "n_spikes", "n_gaps", "frequency_hz", "frequency_hz_low",
                            "frequency_hz_high", "spike_rate_hz", "cv", "duration_s"}) {
      EXPECT_EQ(offline[key], online[key]) << k << " " << key;
    }
    EXPECT_EQ(offline["statistics"]["n_spikes"], online["n_spikes"]) << k;
    EXPECT_EQ(offline["statistics"]["cv"], online["cv"]) << k;
  }
  const Finished text = analyze({recording});
  EXPECT_NE(text_of(text).find("4 steps measured again from the recording: as recorded"), std::string::npos)
      << text_of(text);
  EXPECT_EQ(analyze({recording, "--settle", "1s"}).code, 2);
}

// Steps of a length or a precision of their own, files that the experiment names, several channels.
TEST_F(AnalyzeCommand, MeasuresEveryKindOfPlanAgainAndSaysTheSame) {
  const std::pair<const char*, const char*> runs[] = {{"experiments/free-steps.yaml", "sim:msn"},
                                                      {"experiments/msn-ramp.yaml", "sim:msn"},
                                                      {"experiments/evening-sequence.yaml", "sim:msn"}};
  for (const auto& [experiment, device] : runs) {
    const std::string recording = path(std::filesystem::path(experiment).stem().string() + ".nwb");
    const Finished done = run({program, "run", experiment, "--device", device, "--out", recording});
    ASSERT_EQ(done.code, 0) << done.errors;
    EXPECT_NE(text_of(analyze({recording})).find("measured again from the recording: as recorded"), std::string::npos)
        << experiment << "\n"
        << text_of(analyze({recording}));
  }
}

TEST_F(AnalyzeCommand, RefusesWhatItCannotRead) {
  const auto refused = [&](const std::vector<std::string>& options, const std::string& what) {
    const Finished done = analyze(options);
    EXPECT_EQ(done.code, 2) << what;
    EXPECT_NE(done.errors.find(what), std::string::npos) << done.errors;
  };
  refused({list("time_s\n1\nfoo\n")}, "spikes.csv:3: 'foo' is no time");
  refused({list("")}, "holds no spike times");
  refused({list("# nothing\n")}, "holds no spike times");
  refused({"/nowhere.csv"}, "/nowhere.csv: no such file");
  const std::string good = list("1\n2\n");
  refused({good, "--window", "3"}, "--window: ");
  refused({good, "--window", "100ns"}, "--window 100ns: must be at least 200 ns");
  refused({good, "--threshold", "0s"}, "--threshold 0s: must be above 0");
  refused({good, "--from", "2s", "--until", "1s"}, "--until 1s: is not after --from 2s");
  refused({good, "--settle", "-1s"}, "--settle");
  std::string many;
  for (int k = 0; k < 300; ++k) many += std::to_string(k) + ",train" + std::to_string(k) + "\n";
  refused({list(many)}, "more than 256 trains");
}

}  // namespace
}  // namespace thyrode::test
