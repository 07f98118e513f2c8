#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/thyrode_curve.hpp"

namespace thyrode::program {
namespace {

using analysis::Direction;
using analysis::StepResult;

StepResult step(double current_ua, std::optional<double> frequency_hz, Direction direction = Direction::up) {
  StepResult row;
  row.current_ua = current_ua;
  row.frequency_hz.value = frequency_hz;
  row.direction = direction;
  row.status = analysis::StepStatus::ok;
  return row;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

/// Lines of the picture that hold a mark, from above, and where in them.
std::vector<std::pair<std::size_t, std::size_t>> places(const std::string& text, char mark) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  const auto all = lines(text);
  for (std::size_t k = 1; k < all.size(); ++k) {
    for (std::size_t c = 9; c < all[k].size(); ++c) {
      if (all[k][c] == mark) found.emplace_back(k, c);
    }
  }
  return found;
}

TEST(CurveText, RisesWithTheRate) {
  analysis::RunResult result;
  for (int k = 0; k <= 10; ++k) result.steps.push_back(step(30.0 + 5.0 * k, 4.0 * k + 1.0));
  const std::string text = curve_text(result);
  auto marks = places(text, '^');
  ASSERT_EQ(marks.size(), 11U);
  std::sort(marks.begin(), marks.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_TRUE(std::is_sorted(marks.rbegin(), marks.rend()));
  EXPECT_EQ(marks.front().second, 9U);
  EXPECT_EQ(marks.back().second, 78U);
  EXPECT_NE(text.find("80 uA"), std::string::npos);
  EXPECT_NE(text.find("     41 |"), std::string::npos) << text;
}

TEST(CurveText, FitsIntoItsColumnsAndHasPlainCharacters) {
  analysis::RunResult result;
  for (int k = 0; k <= 10; ++k) result.steps.push_back(step(30.123 + 5.0 * k, 0.001 * std::exp(1.3 * k)));
  for (const int columns : {40, 79, 120}) {
    for (const std::string& line : lines(curve_text(result, columns))) {
      EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
      EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; })) << line;
    }
  }
}

TEST(CurveText, MarksWhereBothDirectionsMeetAndWhereTheyDoNot) {
  analysis::RunResult result;
  result.steps = {step(10, 5.0), step(20, 20.0), step(20, 20.0, Direction::down), step(10, 15.0, Direction::down)};
  const std::string text = curve_text(result);
  EXPECT_EQ(places(text, '*').size(), 1U);
  EXPECT_EQ(places(text, '^').size(), 1U);
  EXPECT_EQ(places(text, 'v').size(), 1U);
}

TEST(CurveText, DrawsAnIntervalThatIsTallerThanALine) {
  analysis::RunResult result;
  result.steps = {step(10, 20.0), step(20, 20.0), step(30, 40.0)};
  result.steps[0].frequency_hz.low = 10.0;
  result.steps[0].frequency_hz.high = 30.0;
  EXPECT_GE(places(curve_text(result), '|').size(), 6U);
}

TEST(CurveText, PutsStepsWithoutARateOnTheLowestLine) {
  analysis::RunResult result;
  result.steps = {step(10, std::nullopt), step(20, 1.0), step(30, 1000.0)};
  const std::string text = curve_text(result);
  EXPECT_NE(text.find("logarithmic"), std::string::npos);
  const auto silent = places(text, '_');
  ASSERT_EQ(silent.size(), 1U);
  EXPECT_EQ(silent[0].first, 16U);
}

TEST(CurveText, DrawsTheFitWhereItWasFitted) {
  analysis::RunResult result;
  for (int k = 0; k <= 10; ++k) result.steps.push_back(step(30.0 + 10.0 * k, k == 0 ? 1.0 : 200.0));
  analysis::LifFit lif;
  lif.rheobase_ua = 29.0;
  lif.tau_ms = 10.0;
  lif.range_low_ua = 40.0;
  lif.range_high_ua = 80.0;
  result.fit.lif = lif;
  const std::string text = curve_text(result);
  const auto points = places(text, '.');
  EXPECT_NE(text.find("LIF, not accepted"), std::string::npos);
  ASSERT_FALSE(points.empty());
  for (const auto& [line, column] : points) {
    if (line > 16) continue;  // the numbers of the axis
    const double current = 30.0 + 100.0 * static_cast<double>(column - 9) / 69.0;
    EXPECT_GE(current, 39.0);
    EXPECT_LE(current, 81.0);
  }
}

TEST(CurveText, IsEmptyWhereThereIsNoCurve) {
  analysis::RunResult result;
  EXPECT_EQ(curve_text(result), "");
  result.steps = {step(10, 5.0), step(10, 6.0), step(20, std::nullopt)};
  EXPECT_EQ(curve_text(result), "");
  result.steps = {step(10, 5.0), step(20, 6.0)};
  EXPECT_NE(curve_text(result), "");
  result.map.emplace();
  EXPECT_EQ(curve_text(result), "");
}

TEST(CurveText, LeavesOutOtherChannelsAndConditions) {
  analysis::RunResult result;
  result.steps = {step(10, 5.0), step(20, 6.0), step(15, 300.0), step(18, 400.0)};
  result.steps[2].channel = 1;
  result.steps[3].conditions = {{"tau_L", 1e-3}};
  EXPECT_EQ(places(curve_text(result), '^').size(), 2U);
}

}  // namespace
}  // namespace thyrode::program
