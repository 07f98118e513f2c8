#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemon/thyrode_summary.hpp"
#include "daemon/thyrode_view.hpp"
#include "tests/unit/program/rows.hpp"

namespace thyrode::program {
namespace {

using test::firing;
using test::says;

std::string content(std::FILE* file) {
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text.push_back(static_cast<char>(c));
  return text;
}

/// What a terminal shows in the end: cursor up and clear below are all that is used of it.
std::string shown_at_last(const std::string& text) {
  std::vector<std::string> lines{""};
  for (std::size_t k = 0; k < text.size(); ++k) {
    if (text[k] == '\n') {
      lines.emplace_back();
    } else if (text[k] == '\x1b') {
      const std::size_t end = text.find_first_of("AJm", k);
      if (text[end] == 'A') lines.resize(lines.size() - std::stoul(text.substr(k + 2)));
      if (text[end] == 'A') lines.back().clear();
      k = end;
    } else if (text[k] != '\r') {
      lines.back().push_back(text[k]);
    }
  }
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

class LiveViewTest : public ::testing::Test {
 protected:
  void TearDown() override {
    std::fclose(out_);
    if (moving_ != out_) std::fclose(moving_);
  }

  /// Three steps; β_n of the first is told, and told otherwise when the last has ended.
  void run(const Screen& screen, bool json = false) {
    LiveView view{json, [this] { return now_ += 1.0; }, screen};
    view.show(experiment::RunStarted{"test", 3});
    std::vector<analysis::StepResult> rows;
    for (int k = 0; k < 3; ++k) {
      view.show(experiment::StepProgress{firing(k, 40.0 + k, 10.0 + k), 1.0 * k});
      rows.push_back(firing(k, 40.0 + k, 10.0 + k));
      rows[0].beta_n_per_ua.value = k < 2 ? 0.11111 : 0.22222;
      view.show(experiment::StepFinished{rows.back(), {}});
      view.show(experiment::ResultsUpdated{rows, {}});
    }
    view.show(experiment::StepProgress{firing(2, 42.0, 12.0), 3.0});
    analysis::RunResult result;
    result.steps = rows;
    view.show(experiment::RunFinished{result, "success", {}});
  }

  double now_ = 0.0;
  std::FILE* out_ = std::tmpfile();
  std::FILE* moving_ = std::tmpfile();
};

TEST_F(LiveViewTest, PlainLinesTellBetaOnceAndAsItIsInTheEnd) {
  run({out_, moving_, false, false});
  const std::string text = content(out_);
  EXPECT_FALSE(says(text, "0.11111")) << text;
  EXPECT_EQ(text.find("0.22222"), text.rfind("0.22222")) << text;
  EXPECT_TRUE(says(text, "...")) << "a row comes when its step ends";
  EXPECT_EQ(text.find("\x1b"), std::string::npos);
  EXPECT_EQ(content(moving_), "");
}

TEST_F(LiveViewTest, ATerminalEndsInTheFinalTableAlone) {
  std::fclose(moving_);
  moving_ = out_;
  run({out_, out_, true, true});
  const std::string text = content(out_);
  EXPECT_TRUE(says(text, "0.11111?")) << "provisional while the run goes on";
  const std::string last = shown_at_last(text);
  EXPECT_FALSE(says(last, "0.11111")) << last;
  EXPECT_TRUE(says(last, "0.22222\n")) << last;
  EXPECT_FALSE(says(last, "...")) << last;
  EXPECT_FALSE(says(last, "on the bench")) << last;
  EXPECT_EQ(last.find(table_head()), last.rfind(table_head())) << last;
}

TEST_F(LiveViewTest, TheBarCallsAStepByItsNumberInTheTable) {
  run({out_, moving_, true, false});
  const std::string moving = content(moving_);
  EXPECT_TRUE(says(moving, "step 0 of 0-2")) << moving;
  EXPECT_TRUE(says(moving, "step 2 of 0-2")) << moving;
  EXPECT_FALSE(says(moving, "step 3")) << moving;
}

TEST_F(LiveViewTest, TheBarOfAPlanThatDecidesSaysWhatItsBudgetAllows) {
  LiveView view{false, [this] { return now_ += 1.0; }, {out_, moving_, true, false}};
  view.show(experiment::RunStarted{"test", 0, 120});
  view.show(experiment::StepProgress{firing(7, 40.0, 10.0), 1.0});
  view.show(experiment::RunStarted{"test", 0, 0});
  view.show(experiment::StepProgress{firing(8, 40.0, 10.0), 1.0});
  const std::string moving = content(moving_);
  EXPECT_TRUE(says(moving, "step 7, at most 119, 1.0 s")) << moving;
  EXPECT_TRUE(says(moving, "step 8, 1.0 s")) << moving;
}

TEST_F(LiveViewTest, JsonLinesAreTheRowsAlone) {
  run({out_, moving_, false, false}, true);
  std::stringstream text{content(out_)};
  int rows = 0;
  for (std::string line; std::getline(text, line); ++rows) {
    EXPECT_EQ(nlohmann::json::parse(line).at("index"), rows);
  }
  EXPECT_EQ(rows, 3);
}

}  // namespace
}  // namespace thyrode::program
