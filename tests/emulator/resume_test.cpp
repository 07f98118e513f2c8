// Runs that a crash, a cable or a key has interrupted, and how they go on.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/emulator/command_line.hpp"
#include "tests/emulator/pty_process.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

const char* const sweep = R"(schema: thyrode.experiment/1
name: staircase
plan: sweep
current: {start: 40 uA, stop: 62 uA, points: 12}
dwell: {stop_when: {ci_rel_f: 2 %}, max: 20 s}
record: {trace: off}
)";

/// A step of many minutes of the bench: long enough for a key.
const char* const long_steps = R"(schema: thyrode.experiment/1
name: patience
plan: list
current: [40 uA, 60 uA]
dwell: {stop_when: {ci_rel_f: 0.01 %}, max: 3000 s, max_spikes: 1000000000}
record: {trace: 25 kS/s}
)";

std::vector<std::string> run_of(const std::string& experiment, const std::string& device, const std::string& out) {
  return {program, "run", experiment, "--json", "--device", device, "--out", out};
}

/// What a run that goes on has to say: all steps, each current once, and those before from the recording.
void expect_whole(const Finished& resumed, std::size_t steps, const std::string& source) {
  ASSERT_EQ(resumed.code, 0) << resumed.errors;
  const json document = json::parse(resumed.lines.back());
  ASSERT_EQ(document["steps"].size(), steps);
  std::size_t before = 0;
  std::set<long> currents;
  for (std::size_t k = 0; k < steps; ++k) {
    const json& step = document["steps"][k];
    EXPECT_EQ(step["index"], k);
    EXPECT_EQ(step["status"], "ok");
    currents.insert(std::lround(step["current_ua"].get<double>()));
    if (step["resumed_from"].is_null()) continue;
    EXPECT_EQ(step["resumed_from"], source);
    EXPECT_EQ(before++, k) << "those taken over come first";
  }
  EXPECT_EQ(currents.size(), steps) << "a current was measured twice";
  EXPECT_GE(before, 3U);
  EXPECT_LT(before, steps);
  EXPECT_FALSE(document["steps"][2]["beta_n_per_ua"].is_null());
  EXPECT_FALSE(document["fit"]["lif"].is_null()) << "over all rows";
}

TEST(Resume, AfterTheInstrumentDiedItGoesOnWithoutMeasuringAnythingTwice) {
  const Folder folder;
  const std::string experiment = folder.write("sweep.yaml", sweep);
  {
    Emulator emulator{{"msn", "--speed", "30"}};
    Process process{run_of(experiment, emulator.uri, folder / "a.nwb")};
    for (int k = 0; k < 4; ++k) ASSERT_FALSE(process.line().empty());
    emulator.process.signal(SIGKILL);
    process.lines();
    EXPECT_EQ(process.wait(), 3) << process.errors();
  }
  Emulator emulator{{"msn", "--speed", "max"}};
  const Finished resumed = run({program, "run", "--resume", folder / "a.nwb", "--device", emulator.uri, "--json"});
  expect_whole(resumed, 12, "a.nwb");
  const Finished shown = run({program, "show", folder / "a-2.nwb", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.errors;
  std::string text;
  for (const std::string& line : shown.lines) text += line;
  EXPECT_EQ(json::parse(text), json::parse(resumed.lines.back()));
}

TEST(Resume, AfterTheProgramDiedItGoesOnFromTheUnfinishedRecording) {
  const Folder folder;
  const std::string experiment = folder.write("sweep.yaml", sweep);
  Emulator emulator{{"msn", "--speed", "30"}};
  {
    Process process{run_of(experiment, emulator.uri, folder / "a.nwb")};
    for (int k = 0; k < 5; ++k) ASSERT_FALSE(process.line().empty());
    process.signal(SIGKILL);
    process.wait();
  }
  const Finished resumed = run({program, "run", "--resume", folder / "a.nwb.part", "--device", emulator.uri, "--json"});
  expect_whole(resumed, 12, "a.nwb");
  EXPECT_NE(resumed.errors.find("left by a program that died"), std::string::npos) << resumed.errors;
  EXPECT_EQ(run({program, "show", folder / "a.nwb"}).code, 0) << "and it was finished";
}

TEST(Resume, DoesNotGoOnWithARunThatIsStillAlive) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "30"}};
  Process process{run_of(folder.write("sweep.yaml", sweep), emulator.uri, folder / "a.nwb")};
  ASSERT_FALSE(process.line().empty());
  const Finished early = run({program, "run", "--resume", folder / "a.nwb.part", "--device", "sim:msn"});
  EXPECT_EQ(early.code, 2);
  EXPECT_NE(early.errors.find("is still being written"), std::string::npos) << early.errors;
  process.lines();
  EXPECT_EQ(process.wait(), 0) << "the run itself goes on: " << process.errors();
}

TEST(Resume, RefusesWhatCannotGoOn) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const Finished whole = run(run_of(experiment, "sim:msn", folder / "whole.nwb"));
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const Finished nothing_left = run({program, "run", "--resume", folder / "whole.nwb"});
  EXPECT_EQ(nothing_left.code, 2);
  EXPECT_NE(nothing_left.errors.find("carried out whole"), std::string::npos) << nothing_left.errors;
  {
    std::string coarse = quick;
    coarse.replace(coarse.find("2 %"), 3, "20 %").replace(coarse.find("40 uA"), 5, "120 uA");
    Process process{
        {program, "run", folder.write("coarse.yaml", coarse), "--json", "--real-time", "--out", folder / "cut.nwb"}};
    ASSERT_FALSE(process.line().empty());
    process.signal(SIGINT);
    process.lines();
    ASSERT_EQ(process.wait(), 1) << process.errors();
  }
  const Finished another = run({program, "run", "--resume", folder / "cut.nwb", "--device", "sim:mbn"});
  EXPECT_EQ(another.code, 2);
  EXPECT_NE(another.errors.find("sim:msn then, sim:mbn now"), std::string::npos) << another.errors;
  EXPECT_EQ(run({program, "run", "--resume", folder / "nowhere.nwb"}).code, 2);
  EXPECT_EQ(run({program, "run", "--resume", folder / "cut.nwb", experiment}).code, 2);
  EXPECT_EQ(run({program, "run"}).code, 2);
}

// ---------------------------------------------------------------- keys

TEST(Keys, TheFirstInterruptOnATerminalPausesAndAsks) {
  const Folder folder;
  PtyProcess desk{{program, "run", folder.write("long.yaml", long_steps), "--out", folder / "a.nwb"}};
  ASSERT_TRUE(desk.reads("step 0")) << desk.seen();
  desk.types("\x03");
  ASSERT_TRUE(desk.reads("r or y resumes the run, s or n stops it and closes the file: ")) << desk.seen();
  desk.types("what?\n");
  ASSERT_TRUE(desk.reads("'what?' is no answer")) << desk.seen();
  ASSERT_TRUE(desk.reads("r or y resumes the run, s or n stops it and closes the file: "))
      << "asked again: " << desk.seen();
  desk.types("y\n");
  ASSERT_TRUE(desk.reads("goes on with step 0")) << desk.seen();
  desk.types("\x03");
  ASSERT_TRUE(desk.reads("r or y resumes the run, s or n stops it and closes the file: "))
      << "the next first one: " << desk.seen();
  desk.types("s\n");
  EXPECT_EQ(desk.wait(), 1);
  EXPECT_NE(desk.seen().find("stopped: the current is zero"), std::string::npos) << desk.seen();
  EXPECT_EQ(run({program, "show", folder / "a.nwb"}).code, 0);
}

TEST(Keys, TheSecondInterruptOnATerminalStops) {
  const Folder folder;
  PtyProcess desk{{program, "run", folder.write("long.yaml", long_steps), "--out", folder / "a.nwb"}};
  ASSERT_TRUE(desk.reads("step 0")) << desk.seen();
  desk.types("\x03");
  ASSERT_TRUE(desk.reads("r or y resumes the run, s or n stops it and closes the file: ")) << desk.seen();
  desk.types("\x03");
  EXPECT_EQ(desk.wait(), 1);
  EXPECT_EQ(run({program, "show", folder / "a.nwb"}).code, 0);
}

}  // namespace
}  // namespace thyrode::test
