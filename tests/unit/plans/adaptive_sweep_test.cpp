// The sweep that decides where to measure next.
#include "daemon/experiment/plans/adaptive_sweep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/plan_bench.hpp"
#include "tests/support/plan_comparison.hpp"
#include "tests/support/scan_score.hpp"
#include "tests/unit/plans/row.hpp"

namespace thyrode::experiment {
namespace {

using analysis::Label;
using analysis::StepResult;
using support::Firing;
using support::SyntheticBench;

const Duration lead = 0.75_s;
constexpr double precision = 0.02;
constexpr std::size_t too_many = 500;

load::AdaptivePlan textbook_plan() {
  load::AdaptivePlan plan;
  plan.start = 30.0_uA;
  plan.stop = 120.0_uA;
  plan.min_step = 20.0_nA;
  return plan;
}

AdaptiveSweep sweep(const load::AdaptivePlan& plan) {
  return {plan, lead, precision};
}

/// Width of the bracket around a transition; 1000 where none holds it.
double bracket(std::span<const StepResult> rows, double transition_ua) {
  for (const ScanInterval& interval : survey(rows, 0.005, false).intervals) {
    if ((interval.border || interval.jump) && interval.low_ua < transition_ua && transition_ua < interval.high_ua) {
      return interval.width();
    }
  }
  return 1000.0;
}

std::vector<double> textbook_transitions() {
  std::vector<double> all(std::begin(support::textbook_borders_ua), std::end(support::textbook_borders_ua));
  all.push_back(support::textbook_jump_ua);
  return all;
}

TEST(PlanComparison, ATransitionBesideItsBracketIsNotReached) {
  support::ScanCase scan = support::lif_case();
  support::Goal goal;
  goal.transition = 0.002;
  const auto good = support::compare(scan, goal, 1);
  EXPECT_TRUE(good.reached && good.uniform_reached);
  scan.truth.transitions_ua = {36.3};  // it is at 36.03 uA, the bracket 0.18 uA wide
  const auto bad = support::compare(scan, goal, 1);
  EXPECT_FALSE(bad.reached || bad.uniform_reached);
  scan.truth.doubt_ua = {0.3};
  EXPECT_TRUE(support::compare(scan, goal, 1).reached);
}

TEST(AdaptiveSweep, WithoutATransitionItsBracketsAreNotMet) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench([](double ua) { return Firing{Label::TS, ua, 0.05}; }, {.seed = 1});
  const auto target = plan.targets(support::carry_out(plan, bench, too_many)).front();
  EXPECT_EQ(target.reached, "no transition seen");
  EXPECT_FALSE(target.met);
}

TEST(AdaptiveSweep, BeginsWithUniformPointsFromTheApproachSide) {
  auto plan = textbook_plan();
  plan.first_points = 4;
  SyntheticBench up(support::textbook_firing, {});
  AdaptiveSweep rising = sweep(plan);
  const auto rows = support::carry_out(rising, up, 4);
  for (int k = 0; k < 4; ++k) EXPECT_NEAR(rows[static_cast<std::size_t>(k)].current_ua, 30.0 + 30.0 * k, 1e-9);
  plan.approach = load::Approach::from_above;
  AdaptiveSweep falling = sweep(plan);
  SyntheticBench down(support::textbook_firing, {});
  EXPECT_NEAR(support::carry_out(falling, down, 1).front().current_ua, 120.0, 1e-9);
}

TEST(AdaptiveSweep, BracketsEveryBorderAndJumpAsNarrowlyAsWanted) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    AdaptiveSweep plan = sweep(textbook_plan());
    SyntheticBench bench(support::textbook_firing, {.seed = seed});
    const auto rows = support::carry_out(plan, bench, too_many);
    for (const double transition : textbook_transitions()) EXPECT_LE(bracket(rows, transition), 0.18) << transition;
    for (const auto& target : plan.targets(rows)) EXPECT_TRUE(target.met) << target.target << ": " << target.reached;
    EXPECT_LT(rows.size(), 70U);
  }
}

TEST(AdaptiveSweep, TransitionsAreMetOnlyIfAllThatTheResultListsAre) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench(support::textbook_firing, {});
  const auto rows = support::carry_out(plan, bench, too_many);
  ASSERT_TRUE(plan.targets(rows).front().met);
  // A limit of fast spiking that the user sets is a transition where nobody has cut.
  std::vector<double> rates;
  for (const StepResult& row : rows) {
    if (row.label == analysis::Label::FS && row.frequency_hz.value) rates.push_back(*row.frequency_hz.value);
  }
  ASSERT_GT(rates.size(), 8U);
  std::sort(rates.begin(), rates.end());
  analysis::SweepRules rules;
  rules.fast_spiking_hz = rates[3 * rates.size() / 4];
  const auto target = AdaptiveSweep{textbook_plan(), lead, precision, rules}.targets(rows).front();
  EXPECT_FALSE(target.met) << target.reached;
}

TEST(AdaptiveSweep, NeverCutsAnIntervalBelowTheLeastStep) {
  auto settings = textbook_plan();
  settings.min_step = 1.0_uA;
  settings.transition = 0.0001;
  AdaptiveSweep plan = sweep(settings);
  SyntheticBench bench(support::textbook_firing, {});
  const auto rows = support::carry_out(plan, bench, too_many);
  ASSERT_LT(rows.size(), too_many);
  for (const auto& interval : survey(rows, 0.1, false).intervals) EXPECT_GE(interval.width(), 1.0 - 1e-6);
  EXPECT_FALSE(plan.targets(rows).front().met);
}

TEST(AdaptiveSweep, LeavesNoIntervalWiderThanTheLargestStep) {
  auto settings = textbook_plan();
  settings.max_step = 2.0_uA;
  AdaptiveSweep plan = sweep(settings);
  SyntheticBench bench(support::textbook_firing, {});
  const auto rows = support::carry_out(plan, bench, too_many);
  for (const auto& interval : survey(rows, 0.005, false).intervals) EXPECT_LE(interval.width(), 2.0 + 1e-6);
}

TEST(AdaptiveSweep, WrongLabelsCostAFewStepsAndMakeNoBorder) {
  int contained = 0;
  int borders = 0;
  double steps = 0.0;
  constexpr int runs = 40;
  for (int seed = 1; seed <= runs; ++seed) {
    AdaptiveSweep plan = sweep(textbook_plan());
    SyntheticBench bench(support::textbook_firing, {.wrong_labels = 0.02, .seed = static_cast<std::uint64_t>(seed)});
    const auto rows = support::carry_out(plan, bench, too_many);
    ASSERT_LT(rows.size(), 120U) << "seed " << seed;
    steps += static_cast<double>(rows.size()) / runs;
    for (const double border : support::textbook_borders_ua) contained += bracket(rows, border) <= 0.18 ? 1 : 0;
    for (const auto& interval : survey(rows, 0.005, false).intervals) borders += interval.border ? 1 : 0;
  }
  EXPECT_GE(contained, static_cast<int>(0.97 * 3 * runs));
  EXPECT_LE(borders, static_cast<int>(1.05 * 3 * runs));
  EXPECT_LT(steps, 60.0);
}

TEST(AdaptiveSweep, OnASmoothCurveBisectsNoNoise) {
  const auto smooth = [](double ua) { return Firing{Label::TS, 10.0 * ua, 0.3}; };
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    AdaptiveSweep plan = sweep(textbook_plan());
    SyntheticBench bench(smooth, {.seed = seed});
    EXPECT_LE(support::carry_out(plan, bench, too_many).size(), 16U) << "seed " << seed;
  }
}

TEST(AdaptiveSweep, MeasuresWhereTheCurveBends) {
  // A quick rise around 70 uA, too smooth for a jump.
  const auto sigmoid = [](double ua) {
    return Firing{Label::TS, 100.0 * std::exp(2.0 / (1.0 + std::exp(-(ua - 70.0) / 3.0))), 0.02};
  };
  support::TrueCurve truth;
  for (double ua = 31.0; ua < 119.0; ua += 0.5) {
    truth.currents_ua.push_back(ua);
    truth.frequency.emplace_back(sigmoid(ua).frequency_hz);
  }
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench(sigmoid, {});
  const auto rows = support::carry_out(plan, bench, too_many);
  const double adaptive = support::score(rows, truth, 0.005).rms;
  EXPECT_LT(adaptive, 0.03);
  std::vector<StepResult> uniform;
  for (const auto& step : support::uniform_steps(30.0_uA, 120.0_uA, static_cast<int>(rows.size()))) {
    uniform.push_back(bench.measure(step));
  }
  EXPECT_LT(adaptive, support::score(uniform, truth, 0.005).rms);
}

TEST(AdaptiveSweep, FromBelowEveryStepDownWaitsAtTheStartAndNoOtherDoes) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench(support::textbook_firing, {});
  std::vector<StepResult> rows;
  int leads = 0;
  while (const auto step = plan.next(rows)) {
    const bool down = !rows.empty() && step->current.in(1.0_uA) < rows.back().current_ua - 1e-4;
    ASSERT_EQ(step->lead.has_value(), down) << "step " << rows.size();
    if (step->lead) {
      EXPECT_NEAR(step->lead->current.in(1.0_uA), 30.0, 1e-9);
      ++leads;
    }
    rows.push_back(bench.measure(*step));
  }
  EXPECT_LT(leads, static_cast<int>(rows.size()) / 3);
}

TEST(AdaptiveSweep, LooksAtTheSentinelEveryTenStepsAndTellsOfADrift) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench steady(support::textbook_firing, {});
  const auto rows = support::carry_out(plan, steady, too_many);
  int since = 0;
  for (const StepResult& row : rows) {
    since = row.purpose == "sentinel" ? 0 : since + 1;
    EXPECT_LE(since, 10 + 9);
  }
  const auto is_sentinel = [](const TargetReport& target) { return target.target.starts_with("sentinel"); };
  auto targets = plan.targets(rows);
  const auto told = std::find_if(targets.begin(), targets.end(), is_sentinel);
  ASSERT_NE(told, targets.end());
  EXPECT_TRUE(told->met) << told->reached;

  SyntheticBench drifting(support::textbook_firing, {.drift_per_s = 4e-3});
  const auto drifted = support::carry_out(plan, drifting, too_many);
  EXPECT_TRUE(std::any_of(drifted.begin(), drifted.end(), [](const StepResult& r) { return r.purpose == "drift"; }));
  targets = plan.targets(drifted);
  const auto told_drift = std::find_if(targets.begin(), targets.end(), is_sentinel);
  ASSERT_NE(told_drift, targets.end());
  EXPECT_FALSE(told_drift->met);
}

/// Points whose beta_n is known to a tenth, of those that have one.
double share_of_sure_beta(std::span<const StepResult> rows) {
  int known = 0;
  int sure = 0;
  for (const auto& beta : survey(rows, 0.005, true).beta) {
    if (!beta.per_ua.value || !beta.per_ua.low) continue;
    ++known;
    sure += *beta.per_ua.value - *beta.per_ua.low <= 0.1 * *beta.per_ua.value ? 1 : 0;
  }
  return static_cast<double>(sure) / known;
}

TEST(AdaptiveSweep, MakesBetaAsSureAsWanted) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    auto settings = textbook_plan();
    AdaptiveSweep without = sweep(settings);
    SyntheticBench first(support::textbook_firing, {.seed = seed});
    EXPECT_LT(share_of_sure_beta(support::carry_out(without, first, too_many)), 0.8);
    settings.ci_rel_beta = 0.1;
    AdaptiveSweep with = sweep(settings);
    SyntheticBench second(support::textbook_firing, {.seed = seed});
    const auto rows = support::carry_out(with, second, too_many);
    EXPECT_LT(rows.size(), 150U);
    EXPECT_GE(share_of_sure_beta(rows), 0.85);
  }
}

TEST(AdaptiveSweep, EndsWithEachBudgetAndSaysWhichOne) {
  for (const int which : {0, 1, 2}) {
    auto settings = textbook_plan();
    if (which == 0) settings.budget.points = 20;
    if (which == 1) settings.budget.time = 30.0_s;
    if (which == 2) settings.budget.charge = Charge::from_si(1e-3);
    AdaptiveSweep plan = sweep(settings);
    SyntheticBench bench(support::textbook_firing, {});
    const auto rows = support::carry_out(plan, bench, too_many);
    const auto targets = plan.targets(rows);
    EXPECT_EQ(targets.back().target, "within the budget");
    EXPECT_FALSE(targets.front().met);
    EXPECT_LT(rows.size(), 40U);
    EXPECT_EQ(plan.next(rows), std::nullopt);
  }
}

TEST(AdaptiveSweep, OfASilentNeuronMeasuresTheFirstPointsOnly) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench([](double) { return Firing{}; }, {});
  EXPECT_EQ(support::carry_out(plan, bench, too_many).size(), 9U);
}

TEST(AdaptiveSweep, EndsWhenNothingIsEverToldForSure) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench(support::textbook_firing, {.wrong_labels = 0.5, .seed = 3});
  EXPECT_LT(support::carry_out(plan, bench, 20000).size(), 20000U);
}

TEST(AdaptiveSweep, TheSameRowsGiveTheSameStepToAnotherObject) {
  AdaptiveSweep plan = sweep(textbook_plan());
  SyntheticBench bench(support::textbook_firing, {.wrong_labels = 0.02, .seed = 9});
  const auto rows = support::carry_out(plan, bench, too_many);
  for (std::size_t n = 0; n <= rows.size(); ++n) {
    AdaptiveSweep resumed = sweep(textbook_plan());
    EXPECT_EQ(resumed.next(std::span(rows).first(n)), plan.next(std::span(rows).first(n))) << n;
  }
}

}  // namespace
}  // namespace thyrode::experiment
