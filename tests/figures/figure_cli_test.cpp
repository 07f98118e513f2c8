// figure, as users of the command line meet it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/emulator/process.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const std::string program = THYRODE_PROGRAM;

/// A folder with one figure of two currents of the spiking neuron.
class FigureCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("thyrode-figure-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& checks, const std::string& name = "two") {
    const fs::path path = folder_ / (name + ".yaml");
    std::ofstream(path) << "schema: thyrode.figure/1\nname: " << name
                        << "\ntitle: Two currents\nshows: spikes\nruns:\n  pair: {device: \"sim:msn\", noise: off}\n"
                        << "checks:\n"
                        << checks << "---\nschema: thyrode.experiment/1\nname: pair\nplan: list\n"
                        << "current: [45.3 uA, 60 uA]\ndwell: {stop_when: {ci_rel_f: 1 %}, max: 5 s}\n"
                        << "record: {trace: off}\n";
    return path.string();
  }
  static std::string check(const std::string& value, const std::string& wanted) {
    return "  - what: a value\n    paper: published\n    of: pair\n    value: \"" + value + "\"\n    " + wanted + "\n";
  }
  Finished measure(const std::vector<std::string>& figures, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{program, "figure"};
    words.insert(words.end(), figures.begin(), figures.end());
    words.insert(words.end(), {"--out", (folder_ / "out").string()});
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  fs::path folder_;
};

TEST_F(FigureCommand, PassesWhereTheValueIsAsPublished) {
  const Finished done = measure({write(check("steps[current_ua=60].frequency_hz", "between: [19 Hz, 21 Hz]"))});
  EXPECT_EQ(done.code, 0) << done.errors;
  EXPECT_TRUE(fs::exists(folder_ / "out" / "two" / "pair.nwb"));
  EXPECT_TRUE(fs::exists(folder_ / "out" / "two" / "pair.json"));
}

TEST_F(FigureCommand, EndsWithOneWhereItIsNot) {
  const Finished done = measure({write(check("steps[current_ua=60].frequency_hz", "between: [21 Hz, 22 Hz]"))});
  EXPECT_EQ(done.code, 1) << done.errors;
}

TEST_F(FigureCommand, RefusesAPathThatLeadsNowhereWithItsPlace) {
  const std::string file = write(check("steps[current_ua=60].frequency", "at_least: 0"));
  const Finished done = measure({file});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.errors.find(file + ":11:12: 'steps[current_ua=60].frequency' leads nowhere"), std::string::npos)
      << done.errors;
  EXPECT_FALSE(fs::exists(folder_ / "out")) << "it is known before anything is measured";
}

TEST_F(FigureCommand, KeepsTheTableWhereOneValueCannotBeFound) {
  const std::string checks = check("steps[current_ua=60].frequency_hz", "between: [19 Hz, 21 Hz]") +
                             check("fit.lif.rheobase_ua", "at_least: 1 uA") +
                             check("steps[label=TS].frequency_hz", "at_least: 1 Hz");
  const std::string file = write(checks);
  const Finished done = measure({file}, {"--json"});
  EXPECT_EQ(done.code, 1) << done.errors;
  ASSERT_EQ(done.lines.size(), 1U) << done.errors;
  const json found = json::parse(done.lines.front())["figures"][0]["checks"];
  EXPECT_TRUE(found[0]["passed"].get<bool>());
  EXPECT_TRUE(found[0]["reason"].is_null());
  for (const std::size_t k : {1U, 2U}) {
    EXPECT_FALSE(found[k]["passed"].get<bool>());
    EXPECT_TRUE(found[k]["value"].is_null());
  }
  EXPECT_EQ(found[1]["reason"], file +
                                    ":16:12: 'fit.lif.rheobase_ua' leads nowhere: what should hold 'rheobase_ua' "
                                    "is undefined");
  EXPECT_NE(found[2]["reason"].get<std::string>().find("leads to 2 values"), std::string::npos) << found[2]["reason"];
  std::string table;
  for (const std::string& line : measure({file}).lines) table += line + "\n";
  EXPECT_NE(table.find("1 of 3 pass"), std::string::npos) << table;
  EXPECT_NE(table.find(":16:12: 'fit.lif.rheobase_ua' leads nowhere"), std::string::npos) << table;
}

TEST_F(FigureCommand, MarksAToleranceThatIsWiderThanThePaper) {
  const std::string value = "steps[current_ua=60].frequency_hz";
  const std::string file = write(check(value, "near: 20.2 Hz\n    within: 10 %\n    paper_error: 0.5 Hz") +
                                 check(value, "near: 20.2 Hz\n    within: 0.5 Hz\n    paper_error: 0.5 Hz"));
  const Finished done = measure({file}, {"--json"});
  EXPECT_EQ(done.code, 0) << done.errors;
  const json found = json::parse(done.lines.front())["figures"][0]["checks"];
  EXPECT_TRUE(found[0]["wider_than_paper"].get<bool>());
  EXPECT_DOUBLE_EQ(found[0]["paper_error"].get<double>(), 0.5);
  EXPECT_FALSE(found[1]["wider_than_paper"].get<bool>());
  std::string table;
  for (const std::string& line : measure({file}).lines) table += line + "\n";
  EXPECT_NE(table.find("published [+- 0.5 Hz]"), std::string::npos) << table;
  EXPECT_NE(table.find("pass *"), std::string::npos) << table;
  EXPECT_NE(table.find("* wanted less closely than the published value is known"), std::string::npos) << table;
}

TEST_F(FigureCommand, LeavesNoFolderWhereADeviceIsNotThere) {
  const std::string file = write(check("steps[current_ua=60].label", "equals: TS"));
  std::ifstream in{file};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  text.replace(text.find("sim:msn"), 7, "sim:nsm");
  std::ofstream{file} << text;
  const Finished done = measure({file});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.errors.find(file + ":6:18: run pair: there is no neuron 'nsm'"), std::string::npos) << done.errors;
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(FigureCommand, EndsInOrderAtAnInterrupt) {
  const fs::path file = folder_ / "long.yaml";
  std::ofstream(file) << "schema: thyrode.figure/1\nname: long\ntitle: Long\nshows: spikes\nruns:\n"
                      << "  first: {device: \"sim:msn\"}\n  second: {device: \"sim:msn\", experiment: first}\nchecks:\n"
                      << "  - {what: f, paper: f, of: first, value: \"steps[0].frequency_hz\", at_least: 1 Hz}\n"
                      << "---\nschema: thyrode.experiment/1\nname: first\nplan: list\ncurrent: [33 uA, 34 uA, 35 uA]\n"
                      << "dwell: {stop_when: {ci_rel_f: 0.01 %}, max: 10 h}\nrecord: {trace: 25 kS/s}\n";
  const fs::path out = folder_ / "out" / "long";
  fs::create_directories(out);
  std::ofstream(out / "figure.json") << "of an earlier one";
  Process process{{program, "figure", file.string(), "--out", (folder_ / "out").string()}};
  while (!fs::exists(out / "first.nwb.part")) std::this_thread::yield();
  process.signal(SIGINT);
  EXPECT_TRUE(process.lines().empty());
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(process.errors().find("stopped in run first (1 of 2): the current is zero"), std::string::npos)
      << process.errors();
  if (fs::exists(out)) {
    for (const auto& left : fs::directory_iterator(out)) EXPECT_EQ(left.path().filename(), "first.nwb");
    EXPECT_EQ(run({program, "show", (out / "first.nwb").string()}).code, 0);
  }
}

/// A figure of the gallery with other neurons.
TEST_F(FigureCommand, FailsForTwoNeuronsThatAreNotCoupled) {
  const auto read = [](const std::string& path) {
    std::ifstream in{path};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };
  std::string text = read("experiments/figures/fig8.yaml");
  for (const std::string name : {"two-msn-inhibitory", "two-msn-excitatory"}) {
    std::string neuron = read("experiments/neurons/" + name + ".yaml");
    const std::size_t at = neuron.find("  w: ");
    ASSERT_NE(at, std::string::npos);
    neuron.replace(at, neuron.find('#', at) - at, "  w: 0 uA  ");
    std::ofstream(folder_ / (name + ".yaml")) << neuron;
    const std::string device = "sim:" + name + "\"";
    ASSERT_NE(text.find(device), std::string::npos);
    text.replace(text.find(device), device.size(), "sim:" + name + ".yaml\"");
  }
  std::ofstream(folder_ / "fig8.yaml") << text;
  const Finished done = measure({(folder_ / "fig8.yaml").string()}, {"--json"});
  EXPECT_EQ(done.code, 1) << done.errors;
  ASSERT_EQ(done.lines.size(), 1U) << done.errors;
  for (const json& check : json::parse(done.lines.front())["figures"][0]["checks"]) {
    const std::string path = check["path"];
    const bool tells = path.find(".relation") != std::string::npos && path.find("relations[0]") == std::string::npos &&
                       check["what"].get<std::string>().find("first") == std::string::npos;
    if (tells) {
      EXPECT_FALSE(check["passed"].get<bool>()) << check.dump();
    }
  }
}

TEST_F(FigureCommand, TellsEverythingAsJson) {
  const std::string checks = check("steps[current_ua=60].label", "equals: TS") +
                             check("statistics.steps[current_ua=45.3].statistics.cv", "at_most: 0.02") +
                             check("steps[current_ua=60].frequency_hz", "at_least: 30 Hz");
  const Finished done = measure({write(checks)}, {"--json"});
  EXPECT_EQ(done.code, 1) << done.errors;
  ASSERT_EQ(done.lines.size(), 1U);
  const json document = json::parse(done.lines.front());
  EXPECT_EQ(document["schema"], "thyrode.gallery/1");
  EXPECT_FALSE(document["passed"].get<bool>());
  const json& found = document["figures"][0]["checks"];
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[0]["passed"].get<bool>());
  EXPECT_EQ(found[0]["measured"], "TS");
  EXPECT_TRUE(found[1]["passed"].get<bool>());
  EXPECT_FALSE(found[2]["passed"].get<bool>());
  EXPECT_NEAR(found[2]["value"].get<double>(), 19.9, 0.5);
  EXPECT_EQ(found[2]["unit"], "Hz");
  EXPECT_TRUE(fs::exists(folder_ / "out" / "two" / "pair.statistics.json"));
}

TEST_F(FigureCommand, GivesTheSameNumbersAgainAndReplacesItsOwnFiles) {
  const std::string file = write(check("steps[current_ua=60].frequency_hz", "at_least: 0 Hz"));
  const Finished first = measure({file}, {"--json"});
  const Finished again = measure({file}, {"--json"});
  EXPECT_EQ(again.code, 0) << again.errors;
  EXPECT_EQ(first.lines, again.lines);
}

TEST_F(FigureCommand, RefusesTwoFiguresOfOneName) {
  const std::string checks = check("steps[current_ua=60].label", "equals: TS");
  const std::string file = write(checks);
  fs::copy_file(file, folder_ / "copy.yaml");
  const Finished done = measure({file, (folder_ / "copy.yaml").string()});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.errors.find("'two' is the name of"), std::string::npos) << done.errors;
}

TEST_F(FigureCommand, ReadsAllFilesBeforeItMeasuresTheFirst) {
  const std::string good = write(check("steps[current_ua=60].label", "equals: TS"));
  const std::string bad = write(check("steps[current_ua=60].label", "equls: TS"), "bad");
  const Finished done = measure({good, bad});
  EXPECT_EQ(done.code, 2);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace thyrode::test
