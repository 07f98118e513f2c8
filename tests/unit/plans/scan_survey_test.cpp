// Rows of a scan joined to points, borders, jumps and losses.
#include "daemon/experiment/plans/scan_survey.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/plans/row.hpp"

namespace thyrode::experiment {
namespace {

using analysis::Label;
using analysis::StepResult;

TEST(JoinRows, TheLabelOfMostRowsHoldsAndItsRowsGiveTheRate) {
  const std::vector<StepResult> rows{row_at(50.0, Label::IB1, 20.0), row_at(50.001, Label::FS, 1000.0, 0.02),
                                     row_at(50.002, Label::FS, 1010.0, 0.02)};
  const auto points = join_rows(rows, 0.01);
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].label, Label::FS);
  EXPECT_EQ(points[0].votes, 2);
  EXPECT_EQ(points[0].rows, 3);
  ASSERT_TRUE(points[0].fi);
  EXPECT_NEAR(points[0].fi->frequency_hz, std::sqrt(1000.0 * 1010.0), 0.01);
  EXPECT_NEAR(points[0].fi->sigma_ln_f, 0.02 / 1.96 / std::sqrt(2.0), 1e-9);
  EXPECT_TRUE(points[0].settled());
}

TEST(JoinRows, OfEqualVotesTheFirstMeasuredHoldsAndIsNotSettled) {
  const std::vector<StepResult> rows{row_at(50.0, Label::FS, 1000.0), row_at(49.999, Label::IB1, 20.0)};
  const auto points = join_rows(rows, 0.01);
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].label, Label::FS);
  EXPECT_FALSE(points[0].settled());
}

TEST(JoinRows, ATrainThatStoppedIsSilenceOfItsSide) {
  const std::vector<StepResult> rows{row_at(35.0, Label::transient), row_at(50.0, Label::FS, 1000.0),
                                     row_at(120.0, Label::transient)};
  const auto points = join_rows(rows, 0.01);
  EXPECT_EQ(points[0].label, Label::QH);
  EXPECT_EQ(points[2].label, Label::QD);
  EXPECT_FALSE(points[0].fi);
}

TEST(JoinRows, SilenceIsNamedByItsSideOfTheFiringRange) {
  auto stayed_high = row_at(31.0, Label::QD);
  stayed_high.n_spikes = 3;
  const std::vector<StepResult> rows{row_at(30.0, Label::QD),         stayed_high,
                                     row_at(50.0, Label::FS, 1000.0), row_at(60.0, Label::QH),
                                     row_at(70.0, Label::FS, 1000.0), row_at(120.0, Label::QH)};
  std::vector<Label> labels;
  for (const MeasuredPoint& point : join_rows(rows, 0.01)) labels.push_back(point.label);
  EXPECT_EQ(labels, (std::vector{Label::QH, Label::QD, Label::FS, Label::QH, Label::FS, Label::QD}));
}

TEST(JoinRows, TheStepsOwnLabelCountsNotWhatASweepMadeOfIt) {
  auto row = row_at(50.0, Label::FS, 1000.0);
  row.label_of_step = Label::TS;
  EXPECT_EQ(join_rows(std::vector{row}, 0.01).front().label, Label::TS);
}

TEST(Survey, MarksTheIntervalsBetweenDifferentLabels) {
  const std::vector<StepResult> rows{row_at(30.0, Label::QH), row_at(40.0, Label::IB1, 20.0),
                                     row_at(50.0, Label::FS, 800.0), row_at(60.0, Label::FS, 900.0)};
  const ScanSurvey s = survey(rows, 0.01, false);
  ASSERT_EQ(s.intervals.size(), 3U);
  EXPECT_TRUE(s.intervals[0].border);
  EXPECT_TRUE(s.intervals[1].border);
  EXPECT_FALSE(s.intervals[2].border);
  EXPECT_FALSE(s.intervals[1].loss);
  EXPECT_TRUE(s.intervals[2].loss);
}

TEST(Survey, ALoneLabelBetweenTwoThatAgreeIsLonely) {
  const std::vector<StepResult> rows{row_at(40.0, Label::FS, 700.0), row_at(50.0, Label::IB1, 20.0),
                                     row_at(60.0, Label::FS, 900.0), row_at(70.0, Label::QD)};
  const ScanSurvey s = survey(rows, 0.01, false);
  EXPECT_FALSE(s.lonely(0));
  EXPECT_TRUE(s.lonely(1));
  EXPECT_FALSE(s.lonely(2));
  EXPECT_FALSE(s.lonely(3));
}

TEST(Survey, TheLossIsTheBendOfTheLogarithmLessItsNoise) {
  // ln f = (I - 50)^2/1000: the second derivative is 2e-3, so 10 uA lose 0.025.
  std::vector<StepResult> rows;
  for (double i = 50.0; i < 100.0; i += 10.0) {
    rows.push_back(row_at(i, Label::FS, 1000.0 * std::exp(std::pow(i - 50.0, 2.0) / 1000.0), 1e-6));
  }
  for (const auto& interval : survey(rows, 0.01, false).intervals) EXPECT_NEAR(*interval.loss, 0.025, 1e-4);
  // With an interval of 3 % the second difference is sure to sqrt(6) sigma.
  for (StepResult& row : rows) {
    const double f = *row.frequency_hz.value;
    row.frequency_hz = {f, 0.97 * f, 1.03 * f};
  }
  const double noise = std::sqrt(6.0) * 0.03 / 1.96 / 8.0;
  for (const auto& interval : survey(rows, 0.01, false).intervals) EXPECT_NEAR(*interval.loss, 0.025 - noise, 1e-4);
}

TEST(Survey, PointsCloseTogetherLoseNothingToTheirNoise) {
  std::vector<StepResult> rows{row_at(50.0, Label::FS, 1000.0), row_at(50.05, Label::FS, 1010.0),
                               row_at(60.0, Label::FS, 1100.0), row_at(70.0, Label::FS, 1205.0)};
  for (const auto& interval : survey(rows, 0.01, false).intervals) EXPECT_LT(*interval.loss, 0.01);
}

TEST(Survey, ABranchOfTwoPointsMayBendAsMuchAsItRises) {
  const std::vector<StepResult> rows{row_at(50.0, Label::FS, 1000.0, 1e-6), row_at(60.0, Label::FS, 2000.0, 1e-6)};
  EXPECT_NEAR(*survey(rows, 0.01, false).intervals[0].loss, std::log(2.0) / 8.0, 1e-4);
}

TEST(Survey, CutsABranchWhereTheRateJumps) {
  std::vector<StepResult> rows;
  for (double i = 50.0; i < 111.0; i += 5.0) {
    rows.push_back(row_at(i, Label::FS, (i < 77.0 ? 1000.0 : 1800.0) * (1.0 + (i - 50.0) / 200.0), 0.005));
  }
  const ScanSurvey s = survey(rows, 0.01, false);
  for (const auto& interval : s.intervals) EXPECT_EQ(interval.jump, interval.low_ua == 75.0) << interval.low_ua;
  EXPECT_FALSE(s.intervals[5].loss);
  EXPECT_LT(*s.intervals[4].loss, 0.01);
}

}  // namespace
}  // namespace thyrode::experiment
