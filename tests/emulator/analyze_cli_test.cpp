// analyze, as users of the command line meet it.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
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

TEST_F(AnalyzeCommand, CountsWhatItRejectsAndLeavesOut) {
  const std::string times = list("1\n2\n2\n3\n4\n5\n6\n7\n");
  const Finished done = analyze({times});
  EXPECT_EQ(done.code, 0);
  EXPECT_NE(text_of(done).find("7 spikes in 6 s"), std::string::npos) << text_of(done);
  EXPECT_NE(text_of(done).find("rejected       1: at the same time"), std::string::npos) << text_of(done);
  const std::vector<std::string> window{times, "--from", "2s", "--until", "6s", "--settle", "500ms"};
  EXPECT_NE(text_of(analyze(window)).find("left out       5: "), std::string::npos) << text_of(analyze(window));
  const json train = document_of(window)["trains"][0];
  EXPECT_EQ(train["n_spikes"], 3);
  EXPECT_EQ(train["n_outside"], 5);
  EXPECT_EQ(document_of({times})["trains"][0]["n_rejected"], 1);
}

TEST_F(AnalyzeCommand, RefusesAListThatIsNotInTheOrderOfTimeWithBothLines) {
  const auto refused = [&](const std::string& text, const std::vector<std::string>& options, const std::string& what) {
    std::vector<std::string> command{list(text)};
    command.insert(command.end(), options.begin(), options.end());
    const Finished done = analyze(command);
    EXPECT_EQ(done.code, 2) << text;
    EXPECT_TRUE(done.lines.empty()) << text_of(done);
    EXPECT_NE(done.errors.find(what), std::string::npos) << done.errors;
  };
  refused("time_ms\n50\n60\n\n10\n70\n", {}, "spikes.csv:5: 0.01 s comes after 0.06 s of line 3; sort the list");
  refused("time_ms\n50\n60\n10\n70\n", {"--from", "40ms", "--json"}, "spikes.csv:4: 0.01 s comes after 0.06 s");
  refused("time_ms\n50\n60\n10\n70\n", {"--until", "55ms"}, "spikes.csv:4: 0.01 s comes after 0.06 s");
  refused("time_s,train\n5,A\n1,B\n4,A\n", {}, "spikes.csv:4: 4 s comes after 5 s of line 2 in train A");
}

TEST_F(AnalyzeCommand, RefusesAWindowBeyondTheData) {
  const std::string times = list(regular(200, 5.0));
  const auto refused = [&](std::vector<std::string> options, const std::string& what) {
    options.insert(options.begin(), times);
    const Finished done = analyze(options);
    EXPECT_EQ(done.code, 2) << what;
    EXPECT_TRUE(done.lines.empty()) << text_of(done);
    EXPECT_NE(done.errors.find(what), std::string::npos) << done.errors;
    EXPECT_NE(done.errors.find("lie between 0 s and 0.995 s"), std::string::npos) << done.errors;
  };
  refused({"--from", "1s"}, "--from 1s: is after the last spike");
  refused({"--from", "1s", "--until", "2s", "--json"}, "--from 1s: is after the last spike");
  refused({"--from", "-2s", "--until", "-1s"}, "--until -1s: is not after the first spike");
  refused({"--until", "0s"}, "--until 0s: is not after the first spike");
  refused({"--settle", "1s"}, "--settle 1s: leaves no spike");
  refused({"--settle", "500ms", "--until", "400ms"}, "--settle 500ms: leaves no spike");
  const Finished none = analyze({times, "--from", "0s", "--until", "1s", "--settle", "1s"});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.errors.find("--settle 1s: leaves nothing between --from 0s and --until 1s"), std::string::npos)
      << none.errors;
  // Between two spikes there is silence, and at the last one there is that spike.
  EXPECT_EQ(document_of({times, "--from", "1ms", "--until", "4ms"})["trains"][0]["n_spikes"], 0);
  EXPECT_EQ(document_of({times, "--from", "995ms"})["trains"][0]["n_spikes"], 1);
}

TEST_F(AnalyzeCommand, AHeaderAndAWindowAreAnObservationOfSilence) {
  const json train = document_of({list("time_ms\n"), "--from", "0s", "--until", "2s"})["trains"][0];
  EXPECT_EQ(train["label"], "QH");
  EXPECT_EQ(train["label_candidates"], (json{"QH", "QD"}));
  EXPECT_EQ(train["status"], "upper_bound");
  EXPECT_EQ(train["frequency_hz_low"], 0.0);
  EXPECT_NEAR(train["frequency_hz_high"].get<double>(), 1.49786613678, 1e-9);
  EXPECT_EQ(analyze({list("time_ms\n"), "--from", "0s"}).code, 2);
  EXPECT_EQ(analyze({list(""), "--from", "0s", "--until", "2s"}).code, 2);
}

/// Bursts of the given numbers of spikes, 1 ms apart, 20 ms between them.
std::string bursts(const std::vector<int>& sizes) {
  std::string text = "time_ms\n";
  double at = 0.0;
  for (int burst = 0; burst < 60; ++burst) {
    const int spikes = sizes[static_cast<std::size_t>(burst) % sizes.size()];
    for (int k = 0; k < spikes; ++k) text += std::to_string(at += k == 0 ? 20.0 : 1.0) + "\n";
  }
  return text;
}

TEST_F(AnalyzeCommand, DoesNotTellTheTwoKindsOfBurstsFromTimesAlone) {
  for (const auto& [sizes, rhythm] :
       {std::pair{std::vector<int>{5}, "clock"}, {std::vector<int>{2, 9, 4}, "stutter"}}) {
    const json train = document_of({list(bursts(sizes))})["trains"][0];
    EXPECT_EQ(train["label"], "bursting");
    EXPECT_EQ(train["label_candidates"], (json{"IB1", "IB2"}));
    EXPECT_NE(train["label_open"].get<std::string>().find("plateaus"), std::string::npos);
    EXPECT_EQ(train["burst"]["rhythm"], rhythm);
    EXPECT_EQ(train["vacancy"]["not_counted"], "the train bursts");
    EXPECT_TRUE(train["vacancy"]["n_missing"].is_null());
    const std::string text = text_of(analyze({list(bursts(sizes))}));
    EXPECT_NE(text.find("bursting (IB1 or IB2)"), std::string::npos) << text;
    EXPECT_NE(text.find("missing spikes not counted: the train bursts"), std::string::npos) << text;
  }
  const json regular_train = document_of({list(regular(200, 5.0))})["trains"][0];
  EXPECT_EQ(regular_train["label_candidates"], (json{"TS", "FS"}));
  EXPECT_EQ(regular_train["vacancy"]["n_missing"], 0);
}

TEST_F(AnalyzeCommand, AListEndsAndTimesNothingOut) {
  std::mt19937_64 random(5);
  std::exponential_distribution<double> interval(0.2);
  const auto melted = [&](int spikes) {
    std::string text = "time_ms\n";
    double at = 0.0;
    for (int k = 0; k < spikes; ++k) text += std::to_string(at += interval(random)) + "\n";
    return text;
  };
  EXPECT_EQ(document_of({list(melted(300))})["trains"][0]["status"], "list_ended");
  const std::string longer = list(melted(13'000));  // 65 s, longer than the ceiling of a step
  EXPECT_EQ(document_of({longer})["trains"][0]["status"], "list_ended");
  EXPECT_EQ(text_of(analyze({longer})).find("timeout"), std::string::npos);
  EXPECT_EQ(document_of({list(regular(200, 5.0))})["trains"][0]["status"], "ok");
  EXPECT_EQ(document_of({list(regular(5, 5.0))})["trains"][0]["status"], "undetermined");
}

TEST_F(AnalyzeCommand, ReadsWhatComesThroughAPipe) {
  const std::string fifo = path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(fifo) << regular(100, 5.0); });
  const Finished done = analyze({fifo});
  writer.join();
  EXPECT_EQ(done.code, 0) << done.errors;
  EXPECT_NE(text_of(done).find("100 spikes in 0.495 s"), std::string::npos) << text_of(done);
}

// Two spikes close together in a long observation: 1/<ISI> is 1 kHz, their count allows 0.6 Hz at most.
TEST_F(AnalyzeCommand, RateOfADoubletLiesWithinItsInterval) {
  const json train = document_of({list("time_ms\n1\n2\n"), "--from", "0s", "--until", "2s"})["trains"][0];
  EXPECT_NEAR(train["frequency_hz"].get<double>(), 1000.0, 1e-9);
  EXPECT_LE(train["frequency_hz_low"].get<double>(), 0.1212);
  EXPECT_GE(train["frequency_hz_high"].get<double>(), 3688.0);
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

TEST_F(AnalyzeCommand, FindsBurstsByFixedIntervalsWhereAsked) {
  std::string text;
  for (int burst = 0; burst < 20; ++burst) {
    for (int k = 0; k < 5; ++k) text += std::to_string(0.1 + 0.1 * burst + 0.002 * k) + "\n";
  }
  EXPECT_FALSE(document_of({list(text)})["trains"][0].contains("max_interval"));
  const json train = document_of({list(text), "--max-interval", "4ms,5ms,6ms,2ms,3"})["trains"][0];
  EXPECT_EQ(train["max_interval"]["bursts"], 20);
  EXPECT_EQ(train["max_interval"]["spikes_per_burst"], 5.0);
  EXPECT_NEAR(train["max_interval"]["duration_s"].get<double>(), 0.008, 1e-9);
  EXPECT_NEAR(train["max_interval"]["period_s"].get<double>(), 0.1, 1e-9);
  EXPECT_EQ(document_of({list(text), "--max-interval", "1ms,5ms,6ms,2ms,3"})["trains"][0]["max_interval"]["bursts"], 0);
}

TEST_F(AnalyzeCommand, RefusesWhatItCannotRead) {
  const auto refused = [&](const std::vector<std::string>& options, const std::string& what) {
    const Finished done = analyze(options);
    EXPECT_EQ(done.code, 2) << what;
    EXPECT_NE(done.errors.find(what), std::string::npos) << done.errors;
  };
  refused({list("time_s\n1\nfoo\n")}, "spikes.csv:3: 'foo' is no time");
  refused({list("time_s,amplitude_V\n0.1,0.31\n")}, "spikes.csv:2: '0.31' is a number and names no train");
  refused({list(std::string(100, '\0'))}, "spikes.csv:1: is no text");
  refused({list("")}, "holds no spike times");
  refused({list("# nothing\n")}, "holds no spike times");
  refused({"/dev/zero"}, "/dev/zero:1: ");
  refused({list(std::string(5000, '1'))}, "spikes.csv:1: a line is longer than 1000 characters");
  refused({"/nowhere.csv"}, "/nowhere.csv: no such file");
  const std::string good = list("1\n2\n");
  refused({good, "--window", "3"}, "--window: ");
  refused({good, "--window", "100ns"}, "--window 100ns: must be at least 200 ns");
  refused({good, "--threshold", "0s"}, "--threshold 0s: must be above 0");
  refused({good, "--from", "2s", "--until", "1s"}, "--until 1s: is not after --from 2s");
  refused({good, "--settle", "-1s"}, "--settle");
  refused({good, "--max-interval", "4ms"}, "--max-interval 4ms: has 1 of 5 parts");
  refused({good, "--max-interval", "4ms,3ms,6ms,2ms,3"}, "GO_ON is below START");
  refused({good, "--max-interval", "4,5ms,6ms,2ms,3"}, "--max-interval: 4 has no unit");
  refused({good, "--max-interval", "4ms,5ms,6ms,2ms,1"}, "'1' is no number of spikes from 2 on");
  std::string many;
  for (int k = 0; k < 300; ++k) many += std::to_string(k) + ",train" + std::to_string(k) + "\n";
  refused({list(many)}, "more than 256 trains");
}

}  // namespace
}  // namespace thyrode::test
