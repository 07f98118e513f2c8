// figure, as users of the command line meet it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

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
