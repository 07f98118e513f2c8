// The command line when something is wrong: options, places, disks, pauses, a neuron that cannot go on.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/emulator/command_line.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

void expect_refused(const Finished& finished, const std::string& says) {
  EXPECT_EQ(finished.code, 2) << finished.errors;
  EXPECT_NE(finished.errors.find(says), std::string::npos) << finished.errors;
}

TEST(CommandLineTrouble, EveryWrongWordAndCombinationIsTold) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  expect_refused(run({program}), "a verb is needed");
  expect_refused(run({program, "bogus"}), "'bogus' is no verb");
  expect_refused(run({program, "simulat"}), "did you mean 'simulate'?");
  expect_refused(run({program, "run"}), "EXPERIMENT is required");
  expect_refused(run({program, "run", experiment, "--out", ""}), "--out: must not be empty");
  expect_refused(run({program, "run", experiment, "--seed", "1.5"}), "not a whole number");
  expect_refused(run({program, "run", experiment, "--noise", "off", "--device", "tcp://127.0.0.1:1"}), "--noise off");
  expect_refused(run({program, "run", experiment, "--seed", "5", "--device", "tcp://127.0.0.1:1"}), "--seed");
  expect_refused(run({program, "run", experiment, "--real-time", "--device", "pty:/dev/pts/999"}), "--real-time");
  expect_refused(run({program, "emulate", "--tcp", "70000"}), "65535");
  expect_refused(run({program, "emulate", "--speed", "0"}), "positive factor");
  expect_refused(run({program, "emulate", "nonesuch"}), "no neuron 'nonesuch'");
  EXPECT_EQ(folder.names().size(), 1U);
}

TEST(CommandLineTrouble, EachVerbHasAPageOfHelp) {
  for (const char* verb : {"demo", "run", "plan", "show", "scan", "clear", "emulate", "simulate"}) {
    const Finished help = run({program, verb, "--help"});
    EXPECT_EQ(help.code, 0);
    ASSERT_GT(help.lines.size(), 3U) << verb;
    EXPECT_EQ(help.lines[1].rfind(std::string{"Usage: thyrode "} + verb, 0), 0U) << help.lines[1];
  }
}

TEST(CommandLineTrouble, APlaceThatTakesNoFileIsRefusedAndNothingIsLeft) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  expect_refused(run({program, "run", experiment, "--out", folder / std::string(252, 'x')}), "too long");
  expect_refused(run({program, "run", experiment, "--out", folder / "nowhere/a.nwb"}), "there is no folder");
  expect_refused(run({program, "run", experiment, "--out", folder / "quick.yaml/a.nwb"}), "not a folder");
  expect_refused(run({program, "run", experiment, "--out", folder.path()}), "is a folder");
  expect_refused(run({program, "run", experiment, "--out", "/proc/a.nwb"}), "/proc");
  EXPECT_EQ(folder.names().size(), 1U);
}

TEST(CommandLineTrouble, AFileThatMayNotGrowIsARecordingFaultWithTheCurrentAtZero) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const std::string out = folder / "a.nwb";
  const Finished full =
      run({"/bin/sh", "-c", "ulimit -f 2000; exec \"$@\"", "sh", program, "run", experiment, "--json", "--out", out});
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.errors.find("recording_fault: "), std::string::npos) << full.errors;
  EXPECT_NE(full.errors.find("the current is zero"), std::string::npos) << full.errors;
  std::ifstream truth{folder / "a.truth.csv"};
  std::string last;
  for (std::string line; std::getline(truth, line);) {
    if (const std::string current = true_current(line); !current.empty()) last = current;
  }
  EXPECT_EQ(last, "0");
  const Finished shown = run({program, "show", out + ".part"});
  EXPECT_EQ(shown.code, 0) << shown.errors;
}

// The descriptor of a closed stream would be that of the next file: the table would be written into the recording.
TEST(CommandLineTrouble, ClosedStandardStreamsLeaveTheRecordingWhole) {
  const Folder folder;
  const std::string experiment = folder.write("quick.yaml", quick);
  const std::string out = folder / "a.nwb";
  const Finished closed = run({"/bin/sh", "-c", "exec \"$@\" <&- >&-", "sh", program, "run", experiment, "--out", out});
  EXPECT_EQ(closed.code, 1);
  EXPECT_NE(closed.errors.find("standard output could not be written"), std::string::npos) << closed.errors;
  EXPECT_EQ(run({program, "show", out}).code, 0);
}

TEST(CommandLineTrouble, AnEmulatorThatCannotTellItsAddressEnds) {
  const Finished full = run({"/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh", program, "emulate", "msn"});
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.errors.find("cannot be told"), std::string::npos) << full.errors;
}

TEST(CommandLineTrouble, ARecordingThatSomebodyRemovesIsNotCalledComplete) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "20"}};
  Process process{{program, "run", folder.write("quick.yaml", quick), "--json", "--device", emulator.uri, "--out",
                   folder / "a.nwb"}};
  ASSERT_FALSE(process.line().empty());
  std::filesystem::remove(folder / "a.nwb.part");
  static_cast<void>(process.lines());
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(process.errors().find("somebody deleted it"), std::string::npos) << process.errors();
  EXPECT_EQ(process.errors().find("complete"), std::string::npos) << process.errors();
}

TEST(CommandLineTrouble, AnUnfinishedRecordingShowsItsSamplesAndTheStepUnderWay) {
  const Folder folder;
  const std::string out = folder / "a.nwb";
  Emulator emulator{{"msn", "--speed", "20"}};
  Process process{
      {program, "run", folder.write("quick.yaml", quick), "--json", "--device", emulator.uri, "--out", out}};
  ASSERT_FALSE(process.line().empty());
  ASSERT_FALSE(process.line().empty());
  process.signal(SIGKILL);
  process.wait();
  const Finished shown = run({program, "show", out + ".part", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.errors;
  std::string text;
  for (const std::string& line : shown.lines) text += line;
  const json document = json::parse(text);
  EXPECT_GT(document["integrity"]["samples"].get<std::int64_t>(), 1'000'000);
  ASSERT_TRUE(document.contains("running"));
  EXPECT_GE(document["running"]["current_ua"].get<double>(), 59.9);
  const Finished as_text = run({program, "show", out + ".part"});
  EXPECT_TRUE(std::any_of(as_text.lines.begin(), as_text.lines.end(),
                          [](const std::string& line) { return line.starts_with("under way "); }));
}

TEST(CommandLineTrouble, ATerminalStopPausesTheRunAndTheNextOneOrAContinueGoesOn) {
  for (const int go_on : {SIGTSTP, SIGCONT}) {
    const Folder folder;
    Emulator emulator{{"msn", "--speed", "20", "--truth", folder / "truth.csv"}};
    Process process{{program, "run", folder.write("quick.yaml", quick), "--json", "--device", emulator.uri, "--out",
                     folder / "a.nwb"}};
    const json first = json::parse(process.line());
    process.signal(SIGTSTP);
    json row = json::parse(process.line());
    while (row["status"] != "interrupted") row = json::parse(process.line());
    const int paused = row["index"];
    process.signal(go_on);
    const json again = json::parse(process.line());
    EXPECT_EQ(again["index"].get<int>(), paused);
    EXPECT_EQ(again["status"], "ok");
    static_cast<void>(process.lines());
    EXPECT_EQ(process.wait(), 0) << process.errors();
    EXPECT_NE(process.errors().find("paused at"), std::string::npos) << process.errors();
    EXPECT_NE(process.errors().find("goes on with step"), std::string::npos) << process.errors();
  }
}

TEST(CommandLineTrouble, AnInterruptEndsAPause) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "20"}};
  Process process{{program, "run", folder.write("quick.yaml", quick), "--json", "--device", emulator.uri, "--out",
                   folder / "a.nwb"}};
  ASSERT_FALSE(process.line().empty());
  process.signal(SIGTSTP);
  json row = json::parse(process.line());
  while (row["status"] != "interrupted") row = json::parse(process.line());
  process.signal(SIGINT);
  static_cast<void>(process.lines());
  EXPECT_EQ(process.wait(), 1) << process.errors();
}

/// A holding current above what the load lets through: the switch opens as it closes.
std::string chattering() {
  std::ifstream original{"experiments/neurons/msn-fast.yaml"};
  std::stringstream text;
  text << original.rdbuf();
  std::string neuron = text.str();
  const auto set = [&neuron](const std::string& key, const std::string& value) {
    const std::size_t at = neuron.find("\n  " + key + ":");
    ASSERT_NE(at, std::string::npos) << key;
    const std::size_t end = neuron.find('\n', at + 1);
    neuron.replace(at, end - at, "\n  " + key + ": " + value);
  };
  set("I_H", "40 mA");
  set("R_L", "15 kOhm");
  return neuron;
}

TEST(CommandLineTrouble, ANeuronThatChattersEndsTheRunAndTheEmulatorWithTheReason) {
  const Folder folder;
  const std::string neuron = folder.write("chatter.yaml", chattering());
  const std::string experiment = folder.write("quick.yaml", quick);
  const Finished inside = run({program, "run", experiment, "--device", "sim:" + neuron, "--out", folder / "a.nwb"});
  EXPECT_EQ(inside.code, 3);
  EXPECT_NE(inside.errors.find("chatters"), std::string::npos) << inside.errors;
  Emulator emulator{{neuron, "--speed", "max"}};
  const Finished outside = run({program, "run", experiment, "--device", emulator.uri, "--out", folder / "b.nwb"});
  EXPECT_EQ(outside.code, 3) << outside.errors;
  EXPECT_EQ(emulator.process.wait(), 1);
  EXPECT_NE(emulator.process.errors().find("chatters"), std::string::npos) << emulator.process.errors();
}

}  // namespace
}  // namespace thyrode::test
