#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "daemon/thyrode_summary.hpp"
#include "tests/unit/program/rows.hpp"

namespace thyrode::program {
namespace {

using analysis::BetaStatus;
using analysis::Label;
using analysis::RunResult;
using analysis::StepResult;
using analysis::StepStatus;
using test::firing;
using test::says;
using test::silent;

constexpr std::size_t columns = 80;

TEST(StepTable, FitsATerminalOfEightyColumns) {
  EXPECT_LT(table_head().size(), columns);
  for (const double f : {0.0123, 5.663, 43.21, 489.989, 1666.25, 12345.6}) {
    for (const StepStatus status : {StepStatus::ok, StepStatus::undetermined, StepStatus::interrupted}) {
      StepResult row = firing(999, 134.0, f);
      row.status = status;
      row.label = Label::irregular;
      row.n_spikes = 20000;
      EXPECT_LT(table_row(row).size(), columns) << table_row(row);
      row.beta_n_per_ua = {-0.10023, -0.2, 0.1};
      EXPECT_LT(table_row(row, BetaShown::provisional).size(), columns) << table_row(row);
    }
  }
  EXPECT_LT(table_row(silent(999, 134.0, Label::transient, 40)).size(), columns);
}

TEST(StepTable, HasEachValueBelowTheEndOfItsHead) {
  const std::string row = table_row(firing(7, 45.3, 12.546));
  const auto ends_below = [&](const std::string& head, const std::string& value) {
    EXPECT_EQ(table_head().find(head) + head.size(), row.find(value) + value.size()) << head << '\n' << row;
  };
  ends_below("I [uA]", "45.300");
  ends_below("f [Hz]", "12.546");
  ends_below("95 % [Hz]", "12.42-12.67");
  ends_below("spikes", " 75");
}

TEST(StepTable, AnIntervalTooNarrowForItsDigitsIsTold) {
  StepResult row = firing(3, 40.0, 3.6807);
  row.frequency_hz = {3.6807, 3.68066, 3.68074};
  EXPECT_TRUE(says(table_row(row), " +-4.0e-05 ")) << table_row(row);
  row.frequency_hz = {3.6807, 3.67, 3.69};
  EXPECT_TRUE(says(table_row(row), " 3.670-3.690 ")) << table_row(row);
}

TEST(StepTable, SaysBetaOrWhyThereIsNone) {
  StepResult row = firing(3, 40.0, 9.0);
  row.beta_status = BetaStatus::jump;
  EXPECT_TRUE(table_row(row).ends_with(" jump"));
  row.beta_status = BetaStatus::ok;
  row.beta_n_per_ua = {0.0728, 0.0696, 0.0759};
  EXPECT_TRUE(table_row(row).ends_with(" 0.07280"));
  EXPECT_TRUE(table_row(row, BetaShown::provisional).ends_with(" 0.07280?"));
  EXPECT_TRUE(table_row(row, BetaShown::later).ends_with(" ..."));
}

TEST(Summary, OfASweepInWhichNothingFiresSaysSo) {
  RunResult result;
  for (int k = 0; k < 4; ++k) result.steps.push_back(silent(k, 30.0 + 10.0 * k, k < 2 ? Label::QH : Label::QD));
  const std::string text = summary(result);
  EXPECT_TRUE(says(text, "no step fired; 4 steps from 30.000 to 60.000 uA")) << text;
  EXPECT_TRUE(says(text, "the output stayed high (QD) in 2 of them, from 50.000 to 60.000 uA")) << text;
  EXPECT_FALSE(says(text, "?")) << text;
  EXPECT_FALSE(says(text, "firing begins")) << text;
  EXPECT_FALSE(says(text, "LIF")) << text;
  EXPECT_FALSE(says(text, "fell silent")) << text;
}

TEST(Summary, NamesTheSideOfAnOpenBracket) {
  RunResult result;
  result.steps = {firing(0, 60.0, 20.0), firing(1, 90.0, 30.0)};
  result.fit.onset_high_ua = 60.0;
  result.fit.end_low_ua = 90.0;
  std::string text = summary(result);
  EXPECT_TRUE(says(text, "firing begins  at or below 60.000 uA: no step below it was silent")) << text;
  EXPECT_TRUE(says(text, "firing ends    at or above 90.000 uA: no step above it was silent")) << text;
  result.fit.onset_low_ua = 55.0;
  result.fit.end_high_ua = 95.0;
  text = summary(result);
  EXPECT_TRUE(says(text, "firing begins  between 55.000 and 60.000 uA")) << text;
  EXPECT_TRUE(says(text, "firing ends    between 90.000 and 95.000 uA")) << text;
}

TEST(Summary, SaysThatAStepWhichFellSilentMayBurstSlowly) {
  RunResult result;
  result.steps = {silent(0, 42.0, Label::transient, 30), silent(1, 60.0, Label::QD, 5)};
  std::string text = summary(result);
  EXPECT_TRUE(says(text, "fell silent    2 steps from 42.000 to 60.000 uA")) << text;
  EXPECT_TRUE(says(text, "dwell.f_min")) << text;
  EXPECT_TRUE(says(text, "no step kept firing")) << text;
  result.steps = {silent(0, 42.0, Label::transient, 4), silent(1, 60.0, Label::QD, 0)};
  EXPECT_FALSE(says(summary(result), "fell silent"));
  result.steps = {silent(0, 42.0, Label::transient, 30)};
  result.steps[0].status = StepStatus::interrupted;
  text = summary(result);
  EXPECT_FALSE(says(text, "fell silent")) << text;
  EXPECT_TRUE(says(text, "no step was measured to its end")) << text;
}

TEST(Summary, TakesForTheLargestBetaOnlyOneWhoseSignIsKnown) {
  RunResult result;
  result.steps = {firing(0, 40.0, 9.0), firing(1, 45.0, 12.0)};
  result.fit.onset_high_ua = 40.0;
  result.fit.end_low_ua = 45.0;
  result.steps[0].beta_n_per_ua = {1.5, -10.4, 13.3};
  EXPECT_TRUE(says(summary(result), "largest beta_n none above zero")) << summary(result);
  result.steps[1].beta_n_per_ua = {0.04, 0.03, 0.05};
  EXPECT_TRUE(says(summary(result), "largest beta_n 0.04000 [0.03000, 0.05000] /uA at 45.000 uA\n"));
  result.direct_beta.push_back({36.4, 0.5, {0.09, 0.08, 0.1}, 8, 0, {}, BetaStatus::ok});
  EXPECT_TRUE(says(summary(result), "largest beta_n 0.09000 [0.08000, 0.10000] /uA at 36.400 uA, measured directly\n"))
      << summary(result);
}

TEST(Summary, OfAMapIsItsPicture) {
  RunResult result;
  result.steps = {firing(0, 40.0, 9.0), silent(1, 20.0, Label::QH)};
  result.fit.onset_high_ua = result.fit.end_low_ua = 40.0;
  result.fit.transitions.push_back({{}, 0, {20.0, 40.0}, Label::QH, Label::TS, false, {}, {}});
  analysis::LabelMap map;
  map.currents_ua = {20.0, 30.0, 40.0};
  map.parameter = "tau_L";
  map.values = {1e-4, 2e-4};
  map.labels = {Label::QH, Label::TS, Label::TS, Label::QH, Label::QH, std::nullopt};
  result.map = map;
  const std::string text = summary(result);
  EXPECT_TRUE(says(text, "+ ..TT\n") || says(text, ". T T") || says(text, "..TTTT")) << text;
  EXPECT_TRUE(says(text, "tau_L [ms]")) << text;
  EXPECT_TRUE(says(text, "I [uA]")) << text;
  EXPECT_FALSE(says(text, "firing begins")) << "pooled over the map it would mean nothing";
  EXPECT_FALSE(says(text, "transition ")) << text;
}

TEST(Summary, OfFreeSegmentsNamesNoFiringRange) {
  RunResult result;
  result.steps = {firing(0, 45.0, 12.0), silent(1, 0.0, Label::QH)};
  const std::string text = summary(result);
  EXPECT_FALSE(says(text, "firing")) << text;
  EXPECT_FALSE(says(text, "fired")) << text;
}

TEST(Summary, SaysWhoseFiringRangeItIsWhereConditionsVary) {
  RunResult result;
  result.steps = {firing(0, 40.0, 9.0), firing(1, 45.0, 12.0)};
  result.fit.onset_high_ua = 40.0;
  result.fit.end_low_ua = 45.0;
  result.steps[0].conditions = {{"tau_L", 3e-4}};
  result.steps[1].conditions = {{"tau_L", 5e-4}};
  EXPECT_TRUE(says(summary(result), "these          of tau_L 300 us alone")) << summary(result);
  StepTable table;
  EXPECT_TRUE(table.row(result.steps[0]).starts_with("-- tau_L 300 us\n"));
  EXPECT_EQ(table.row(result.steps[0]), table_row(result.steps[0]));
  EXPECT_TRUE(table.row(result.steps[1]).starts_with("-- tau_L 500 us\n"));
  EXPECT_EQ(StepTable{}.row(firing(0, 1.0, 1.0)), table_row(firing(0, 1.0, 1.0)));
}

TEST(Summary, CallsABoundOfTheLifUnboundedWhereItIs) {
  RunResult result;
  result.steps = {firing(0, 60.0, 20.0)};
  result.fit.onset_high_ua = result.fit.end_low_ua = 60.0;
  EXPECT_TRUE(says(summary(result), "LIF fit        none: it needs regular steps (TS, FS) at four currents"));
  analysis::LifFit lif;
  lif.tau_ms = 20.0;
  lif.tau_high_ms = std::numeric_limits<double>::infinity();
  result.fit.lif = lif;
  const std::string text = summary(result);
  EXPECT_TRUE(says(text, "not accepted (the rates leave an upper bound open)")) << text;
  EXPECT_TRUE(says(text, "tau 20.00 [0.00, unbounded] ms")) << text;
  EXPECT_FALSE(says(text, "inf")) << text;
}

TEST(Summary, TellsEachTargetOfThePlanAndWhetherItWasMet) {
  RunResult result;
  result.targets = {{"transitions to 0.2 %", true, "widest bracket 0.14 uA of 0.18 uA"}, {"curve to 3 %", false, ""}};
  const std::string text = summary(result);
  EXPECT_TRUE(says(text, "target         met transitions to 0.2 %: widest bracket 0.14 uA of 0.18 uA\n")) << text;
  EXPECT_TRUE(says(text, "target         NOT met curve to 3 %\n")) << text;
  EXPECT_FALSE(says(summary(RunResult{}), "target"));
}

TEST(Summary, TellsBordersLoopsPrecursorsAndDirectMeasurements) {
  RunResult result;
  result.steps = {firing(0, 40.0, 9.0), firing(1, 45.0, 12.0)};
  result.fit.onset_high_ua = 40.0;
  result.fit.end_low_ua = 45.0;
  result.fit.transitions.push_back({{}, 0, {47.0, 47.5}, Label::IB1, Label::FS, true, {std::log(5.0), {}, {}}, {}});
  result.fit.transitions.push_back({{}, 1, {60.0, 61.0}, Label::FS, Label::QD, false, {}, {}});
  analysis::HysteresisLoop loop;
  loop.below = Label::IB1;
  loop.above = Label::FS;
  loop.width_ua = 1.25;
  loop.half_range_ua = 0.5;
  loop.hysteretic = loop.drift_separated = true;
  result.fit.loops.push_back(loop);
  result.fit.precursors.push_back({{}, 0, {50.0, 51.0}, 50.5, 0.08, 0.04, 6.0});
  result.direct_beta.push_back({36.4, 0.5, {0.09, 0.08, 0.1}, 8, 0, {}, BetaStatus::ok});
  analysis::HysteresisLoop none = loop;
  none.width_ua = -1e-9;
  result.fit.loops.push_back(none);
  const std::string text = summary(result);
  EXPECT_TRUE(says(text, " 0.000 +- 0.500 uA wide")) << text;
  EXPECT_TRUE(says(text, "IB1 to FS between 47.000 and 47.500 uA, f jumps by a factor 5\n")) << text;
  EXPECT_TRUE(says(text, "FS to QD between 60.000 and 61.000 uA, leg 2\n")) << text;
  EXPECT_TRUE(says(text, "IB1 to FS: 1.250 +- 0.500 uA wide, more than the brackets allow without\n")) << text;
  EXPECT_TRUE(says(text, "beta_n 0.08000 /uA at 50.500 uA, 6.0 deviations above the 0.04000 of the LIF\n")) << text;
  EXPECT_TRUE(says(text, "0.09000 [0.08000, 0.10000] /uA at 36.400 uA, from 8 pairs\n")) << text;
}

}  // namespace
}  // namespace thyrode::program
