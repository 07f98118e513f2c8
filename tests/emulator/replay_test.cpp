// A recording without its results is run again, and every number comes back; and what a recording cannot answer.
#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/emulator/command_line.hpp"
#include "tests/emulator/results_removed.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

std::string experiment_of(const std::string& plan, const std::string& record = "{trace: off}",
                          const std::string& dwell = "{stop_when: {ci_rel_f: 5 %}, max: 20 s}") {
  return "schema: thyrode.experiment/1\nname: again\n" + plan + "\ndwell: " + dwell + "\nrecord: " + record + "\n";
}

const char* const both_legs = "plan: sweep\ncurrent: {start: 35 uA, stop: 60 uA, points: 5}\ndirection: both";
const char* const three = "plan: list\ncurrent: [40 uA, 60 uA, 45 uA]";

json document_of(const Finished& finished) {
  std::string text;
  for (const std::string& line : finished.lines) text += line;
  return json::parse(text);
}

std::vector<std::string> exported(const std::string& file, const std::string& table) {
  return run({program, "export", file, "--table", table}).lines;
}

/// On threads a run may hear of a few idle periods after its end, which no replay waits for.
void forget_marks_after(std::size_t count, std::vector<std::string>& marks) {
  for (; marks.size() > count; marks.pop_back()) {
    ASSERT_NE(marks.back().find(",0,0,0,0,0"), std::string::npos) << "not idle: " << marks.back();
  }
}

/// Deletes the results of a copy, replays it, and finds every table and every signal of the original in the new file.
void expect_reproduced(const Folder& folder, const std::string& file) {
  const std::string copy = folder / "without-results.nwb";
  const std::string again = folder / "again.nwb";
  std::filesystem::copy_file(file, copy);
  ASSERT_GT(remove_results(copy), 4) << "hardly anything was deleted: the test tests nothing";
  const Finished replayed = run({program, "replay", copy, "--out", again, "--json"});
  ASSERT_EQ(replayed.code, 0) << replayed.errors;
  EXPECT_EQ(document_of(replayed)["compared"], 0);
  const Finished names = run({program, "export", file, "--list"});
  EXPECT_GT(names.lines.size(), 8U);
  for (const std::string& name : names.lines) {
    auto one = exported(file, name);
    auto other = exported(again, name);
    if (name == "marks") forget_marks_after(other.size(), one);
    EXPECT_TRUE(one == other) << name << ": " << one.size() << " rows and " << other.size();
  }
  json was = document_of(run({program, "show", file, "--json"}));
  json is = document_of(replayed)["result"];
  was["device"].erase("uri");
  is["device"].erase("uri");
  EXPECT_EQ(is, was);
  EXPECT_EQ(run({program, "validate", again}).code, 0);
  // And the verdict of the original itself, whose results are all there.
  const Finished verdict = run({program, "replay", file, "--json"});
  EXPECT_EQ(verdict.code, 0) << verdict.errors;
  const json told = document_of(verdict);
  EXPECT_GT(told["compared"], 1000);
  EXPECT_EQ(told["compared"], told["equal"]);
}

/// Runs an experiment on the emulated instrument and expects its replay.
void expect_run_reproduced(const std::string& experiment, const std::vector<std::string>& more = {}) {
  const Folder folder;
  std::vector<std::string> words{
      program, "run", folder.write("again.yaml", experiment), "--json", "--seed", "7", "--out", folder / "a.nwb"};
  words.insert(words.end(), more.begin(), more.end());
  const Finished measured = run(words);
  ASSERT_EQ(measured.code, 0) << measured.errors;
  expect_reproduced(folder, folder / "a.nwb");
}

TEST(Replay, GivesASweepOfBothDirectionsAgain) {
  expect_run_reproduced(experiment_of(both_legs));
}

TEST(Replay, GivesTheTraceAgainAtEveryRate) {
  for (const char* trace : {"25 kS/s", "full"}) {
    SCOPED_TRACE(trace);
    expect_run_reproduced(experiment_of(three, std::string{"{trace: "} + trace + "}"));
  }
}

TEST(Replay, GivesSnippetsAgain) {
  expect_run_reproduced(experiment_of(three, "{trace: off, snippets: {before: 1 ms, after: 4 ms, max: 50 /s}}"));
}

TEST(Replay, GivesTheDecisionsOfAnAdaptiveSweepAgain) {
  expect_run_reproduced(
      experiment_of("plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 80 uA}\n"
                    "targets: {transition: 5 %}",
                    "{trace: off}", "{stop_when: {ci_rel_f: 5 %}, max: 5 s}"));
}

TEST(Replay, GivesAPhaseMapWithItsLoadsAgain) {
  expect_run_reproduced(experiment_of("plan: phase_map\ncurrent: {start: 40 uA, stop: 100 uA, resolution: 30 uA}\n"
                                      "tau_L: {start: 0.05 ms, stop: 0.45 ms, resolution: 0.2 ms}\ncoarse: 3",
                                      "{trace: off}", "{stop_when: {ci_rel_f: 10 %}, max: 2 s}"),
                        {"--device", "sim:mbn"});
}

TEST(Replay, GivesTheAnswersOfAnOperatorAgain) {
  const std::string by_hand = experiment_of(
      "plan: phase_map\ncurrent: {start: 40 uA, stop: 80 uA, resolution: 20 uA}\n"
      "operator: {quantity: R_load, unit: kOhm, start: 1 kOhm, stop: 3 kOhm, resolution: 1 kOhm}\ncoarse: 3",
      "{trace: off}", "{stop_when: {ci_rel_f: 10 %}, max: 2 s}");
  expect_run_reproduced(by_hand, {"--answer", "yes", "--answer", "2.1 kOhm", "--answer", "yes"});
}

TEST(Replay, GivesARunAgainThatWasStopped) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "30"}};
  Process process{{program, "run", folder.write("again.yaml", experiment_of(both_legs)), "--json", "--device",
                   emulator.uri, "--out", folder / "a.nwb"}};
  for (int k = 0; k < 3; ++k) ASSERT_FALSE(process.line().empty());
  process.signal(SIGINT);
  process.lines();
  ASSERT_EQ(process.wait(), 1) << process.errors();
  ASSERT_FALSE(exported(folder / "a.nwb", "operator").empty());
  expect_reproduced(folder, folder / "a.nwb");
}

TEST(Replay, GivesARunAgainWhoseInstrumentDied) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "30"}};
  Process process{{program, "run", folder.write("again.yaml", experiment_of(both_legs)), "--json", "--device",
                   emulator.uri, "--out", folder / "a.nwb"}};
  for (int k = 0; k < 3; ++k) ASSERT_FALSE(process.line().empty());
  emulator.process.signal(SIGKILL);
  process.lines();
  ASSERT_EQ(process.wait(), 3) << process.errors();
  expect_reproduced(folder, folder / "a.nwb");

  // And the run that goes on from it, whose first rows are those of another recording.
  Emulator next{{"msn", "--speed", "max"}};
  const Finished resumed =
      run({program, "run", "--resume", folder / "a.nwb", "--device", next.uri, "--json", "--out", folder / "b.nwb"});
  ASSERT_EQ(resumed.code, 0) << resumed.errors;
  for (const char* name : {"without-results.nwb", "again.nwb"}) std::filesystem::remove(folder / name);
  expect_reproduced(folder, folder / "b.nwb");
  // Without any results, in neither of the two recordings.
  EXPECT_GT(remove_results(folder / "a.nwb"), 4);
  std::filesystem::remove(folder / "again.nwb");
  const Finished bare = run({program, "replay", folder / "without-results.nwb", "--out", folder / "again.nwb"});
  ASSERT_EQ(bare.code, 0) << bare.errors;
  EXPECT_EQ(exported(folder / "again.nwb", "steps"), exported(folder / "b.nwb", "steps"));
  std::filesystem::remove(folder / "a.nwb");
  const Finished lonely = run({program, "replay", folder / "without-results.nwb"});
  EXPECT_EQ(lonely.code, 2);
  EXPECT_NE(lonely.errors.find("put it beside the recording"), std::string::npos) << lonely.errors;
}

TEST(Replay, GivesTheStepsOfARecoveredRunAgain) {
  const Folder folder;
  {
    Emulator emulator{{"msn", "--speed", "30"}};
    Process process{{program, "run", folder.write("again.yaml", experiment_of(both_legs, "{trace: 25 kS/s}")), "--json",
                     "--device", emulator.uri, "--out", folder / "a.nwb"}};
    for (int k = 0; k < 4; ++k) ASSERT_FALSE(process.line().empty());
    process.signal(SIGKILL);
    process.wait();
  }
  ASSERT_EQ(run({program, "recover", folder / "a.nwb.part"}).code, 0);
  const Finished verdict = run({program, "replay", folder / "a.nwb", "--json"});
  ASSERT_EQ(verdict.code, 0) << verdict.errors << document_of(verdict)["differences"].dump(1);
  EXPECT_GT(document_of(verdict)["compared"], 1000);
  // Without its results: the steps that had ended come first, with every value.
  const auto steps = exported(folder / "a.nwb", "steps");
  ASSERT_GT(steps.size(), 2U);
  ASSERT_GT(remove_results(folder / "a.nwb"), 4);
  ASSERT_EQ(run({program, "replay", folder / "a.nwb", "--out", folder / "again.nwb"}).code, 0);
  auto again = exported(folder / "again.nwb", "steps");
  ASSERT_GE(again.size(), steps.size());
  again.resize(steps.size());
  EXPECT_EQ(again, steps);
}

TEST(Replay, TellsEveryValueThatIsNotTheSame) {
  const Folder folder;
  ASSERT_EQ(
      run({program, "run", folder.write("again.yaml", experiment_of(three)), "--json", "--out", folder / "a.nwb"}).code,
      0);
  overwrite_first(folder / "a.nwb", "/processing/icephys/steps/cv", 0.25);
  const Finished verdict = run({program, "replay", folder / "a.nwb"});
  EXPECT_EQ(verdict.code, 1);
  const bool told = std::any_of(verdict.lines.begin(), verdict.lines.end(), [](const std::string& line) {
    return line.find("steps, step 0, cv: 0.25 recorded, ") != std::string::npos;
  });
  EXPECT_TRUE(told) << verdict.lines.back();
}

TEST(ReplayDevice, AnswersWhatWasNeverAskedWithNotInRecording) {
  const Folder folder;
  const std::string three_steps = folder.write("again.yaml", experiment_of(three));
  const std::string a = folder / "a.nwb";
  ASSERT_EQ(run({program, "run", three_steps, "--json", "--out", a}).code, 0);
  const Finished same =
      run({program, "run", three_steps, "--json", "--device", "replay:" + a, "--out", folder / "b.nwb"});
  EXPECT_EQ(same.code, 0) << same.errors;
  EXPECT_EQ(exported(folder / "b.nwb", "steps"), exported(a, "steps"));
  struct Changed {
    const char* name;
    std::string experiment;
    const char* told;
  };
  for (const auto& [name, experiment, told] :
       {Changed{"current", experiment_of("plan: list\ncurrent: [40 uA, 61 uA, 45 uA]"),
                "a step to 61 uA on channel A at sample"},
        Changed{"fewer", experiment_of("plan: list\ncurrent: [40 uA, 60 uA]"), "the end at sample"},
        Changed{"more", experiment_of("plan: list\ncurrent: [40 uA, 60 uA, 45 uA, 50 uA]"),
                "a step to 50 uA on channel A at sample"},
        Changed{"detector", experiment_of(three) + "detect: {swing: 70 mV}\n", "detect.swing: 70 mV is asked for"},
        Changed{"trace", experiment_of(three, "{trace: 25 kS/s}"), "a trace of 10 samples a value is asked for"}}) {
    SCOPED_TRACE(name);
    const std::string out = folder / (std::string{name} + ".nwb");
    const Finished changed = run({program, "run", folder.write(std::string{name} + ".yaml", experiment), "--json",
                                  "--device", "replay:" + a, "--out", out});
    EXPECT_EQ(changed.code, 2);
    EXPECT_NE(changed.errors.find("not_in_recording: "), std::string::npos) << changed.errors;
    EXPECT_NE(changed.errors.find(told), std::string::npos) << changed.errors;
    EXPECT_NE(changed.errors.find("measure anew"), std::string::npos) << changed.errors;
  }
}

TEST(ReplayDevice, RefusesFilesThatAreNoWholeRecordings) {
  const Folder folder;
  const std::string a = folder / "a.nwb";
  ASSERT_EQ(run({program, "run", folder.write("again.yaml", experiment_of(three)), "--json", "--out", a}).code, 0);
  const std::string cut = folder / "cut.nwb";
  std::filesystem::copy_file(a, cut);
  std::filesystem::resize_file(cut, std::filesystem::file_size(a) / 2);
  const std::string nameless = folder / "nameless.nwb";
  std::filesystem::copy_file(a, nameless);
  remove_object(nameless, "/general/thyrode");
  const std::string silent = folder / "silent.nwb";
  std::filesystem::copy_file(a, silent);
  remove_object(silent, "/processing/icephys/marks");
  const std::string wordless = folder / "wordless.nwb";
  std::filesystem::copy_file(a, wordless);
  remove_object(wordless, "/scratch/experiment_yaml");
  for (const auto& [file, told] : {std::pair<std::string, const char*>{folder / "none.nwb", "no such file"},
                                   {folder.write("text.nwb", "no recording"), "not an HDF5 file"},
                                   {cut, "damaged or cut short"},
                                   {nameless, "not a recording"},
                                   {silent, "nothing was recorded of the device"},
                                   {wordless, "experiment_yaml"}}) {
    SCOPED_TRACE(file);
    const Finished replayed = run({program, "replay", file});
    EXPECT_EQ(replayed.code, 2);
    EXPECT_NE(replayed.errors.find(told), std::string::npos) << replayed.errors;
    const Finished repeated = run({program, "rerun", file, "--out", folder / "new.nwb"});
    if (file != silent) {
      EXPECT_EQ(repeated.code, 2) << repeated.errors;
    }
    std::filesystem::remove(folder / "new.nwb");
    std::filesystem::remove(folder / "new.truth.csv");
  }
}

TEST(Rerun, GivesTheSameTableOfStepsOnTheEmulatedInstrument) {
  const Folder folder;
  const std::string a = folder / "a.nwb";
  ASSERT_EQ(run({program, "run", folder.write("again.yaml", experiment_of(both_legs)), "--json", "--seed", "11",
                 "--spread", "3", "--out", a})
                .code,
            0);
  std::filesystem::remove(folder / "again.yaml");
  const Finished repeated = run({program, "rerun", a, "--json"});
  ASSERT_EQ(repeated.code, 0) << repeated.errors;
  ASSERT_TRUE(std::filesystem::exists(folder / "a-2.nwb"));
  EXPECT_EQ(exported(folder / "a-2.nwb", "steps"), exported(a, "steps"));
  // Nothing is overwritten, and another seed is another measurement.
  ASSERT_EQ(run({program, "rerun", a, "--json", "--seed", "12"}).code, 0);
  EXPECT_NE(exported(folder / "a-3.nwb", "steps"), exported(a, "steps"));
  EXPECT_EQ(run({program, "rerun", a, "--out", a}).code, 2);
}

TEST(Rerun, AnswersAsTheOperatorDid) {
  const Folder folder;
  const std::string a = folder / "a.nwb";
  const std::string by_hand = experiment_of(
      "plan: phase_map\ncurrent: {start: 40 uA, stop: 80 uA, resolution: 20 uA}\n"
      "operator: {quantity: R_load, unit: kOhm, start: 1 kOhm, stop: 3 kOhm, resolution: 1 kOhm}\ncoarse: 3",
      "{trace: off}", "{stop_when: {ci_rel_f: 10 %}, max: 2 s}");
  ASSERT_EQ(run({program, "run", folder.write("again.yaml", by_hand), "--json", "--answer", "yes", "--answer",
                 "2.1 kOhm", "--answer", "yes", "--out", a})
                .code,
            0);
  const Finished repeated = run({program, "rerun", a, "--json"});
  ASSERT_EQ(repeated.code, 0) << repeated.errors;
  EXPECT_EQ(exported(folder / "a-2.nwb", "steps"), exported(a, "steps"));
  EXPECT_NE(repeated.errors.find("as in the recording"), std::string::npos) << repeated.errors;
}

}  // namespace
}  // namespace thyrode::test
