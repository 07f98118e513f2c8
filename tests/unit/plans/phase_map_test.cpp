// Phase maps: how much is measured, and how much of the map is wrong.
#include "daemon/experiment/plans/phase_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "daemon/analysis/result.hpp"
#include "daemon/simulation/simulate.hpp"
#include "tests/support/map_bench.hpp"
#include "tests/support/random_bits.hpp"
#include "tests/unit/plans/row.hpp"

namespace thyrode::experiment {
namespace {

using analysis::Label;
using support::MapBench;
using support::TrueMap;

const Duration lead = 0.75_s;
constexpr double full_grid = 129.0 * 129.0;

int wrong_labels(const analysis::LabelMap& map, const TrueMap& truth) {
  int wrong = 0;
  for (std::size_t k = 0; k < truth.labels.size(); ++k) wrong += map.labels[k] != truth.labels[k] ? 1 : 0;
  return wrong;
}

void expect_few_measurements_and_few_errors(const TrueMap& truth, double wrong_share, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << 100.0 * wrong_share << " % wrong labels");
  PhaseMap plan(support::map_plan(truth), lead);
  MapBench bench(truth, wrong_share, seed);
  const auto rows = support::carry_out(plan, bench, truth.labels.size());
  EXPECT_LT(static_cast<double>(rows.size()), full_grid / 6.0);
  EXPECT_LT(wrong_labels(plan.map(rows), truth), 0.001 * full_grid);
  EXPECT_TRUE(plan.targets(rows).front().met);
}

TEST(PhaseMap, MeasuresOneSixthOfTheModelsMapAndGetsItRight) {
  const TrueMap truth = support::mbn_map();
  expect_few_measurements_and_few_errors(truth, 0.0, 1);
}

TEST(PhaseMap, DoesSoWithOneWrongLabelInFifty) {
  const TrueMap truth = support::mbn_map();
  for (const std::uint64_t seed : {1, 2, 3}) expect_few_measurements_and_few_errors(truth, 0.02, seed);
}

TEST(PhaseMap, MapsASyntheticPlaneAsWell) {
  const TrueMap truth = support::synthetic_map();
  expect_few_measurements_and_few_errors(truth, 0.0, 1);
  for (const std::uint64_t seed : {1, 2, 3}) expect_few_measurements_and_few_errors(truth, 0.02, seed);
}

TEST(PhaseMap, TheMapOfTheTestsIsThatOfTheSimulator) {
  const TrueMap truth = support::mbn_map();
  const auto plan = support::map_plan(truth);
  std::uint64_t state = 7;
  for (int k = 0; k < 60; ++k) {
    const int column = static_cast<int>(support::random_bits(state) % 129);
    const int row = static_cast<int>(support::random_bits(state) % 129);
    const double tau = plan.knob.start + row * plan.knob.resolution;
    const auto neuron = support::mbn(tau * 1e3, 0.0, 1);
    simulation::SimulationOptions options;
    options.facts.load_time = Duration::from_si(tau);
    const Current current = plan.start + static_cast<double>(column) * plan.resolution;
    const auto simulated = simulation::simulate(*neuron, current, 1.0_s, 0.5_s, options);
    ASSERT_TRUE(simulated);
    EXPECT_EQ(simulated->pattern.label, truth.at(column, row)) << "column " << column << ", row " << row;
  }
}

TEST(PhaseMap, TurnsTheKnobRarelyAndEntersEveryStepFromBelow) {
  const TrueMap truth = support::synthetic_map();
  PhaseMap plan(support::map_plan(truth), lead);
  MapBench bench(truth, 0.0, 1);
  std::vector<analysis::StepResult> rows;
  int turns = 0;
  while (const auto step = plan.next(rows)) {
    const bool turned = rows.empty() || rows.back().conditions != step->conditions;
    turns += turned ? 1 : 0;
    const bool downwards = !turned && step->current.in(1.0_uA) < rows.back().current_ua - 1e-9;
    ASSERT_EQ(step->lead.has_value(), downwards) << "step " << rows.size();
    rows.push_back(bench.measure(*step));
  }
  EXPECT_LT(turns, static_cast<int>(rows.size()) / 4);
}

TEST(PhaseMap, AsksTheOperatorForEveryValueOfAKnobThatNoDeviceTurns) {
  auto settings = support::map_plan(support::synthetic_map());
  settings.knob.operator_sets = true;
  PhaseMap plan(settings, lead);
  const auto first = plan.next({});
  ASSERT_TRUE(first && first->question);
  EXPECT_EQ(first->question->quantity, "tau_L");
  EXPECT_NE(first->question->text.find("tau_L to 0.02 ms"), std::string::npos) << first->question->text;
  auto row = row_at(first->current.in(1.0_uA), Label::QH);
  row.conditions["tau_L"] = 0.0201e-3;  // what the operator answered
  const auto second = plan.next(std::vector{row});
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->question);
  EXPECT_GT(second->current, first->current);
}

/// Two currents times 0.5, 0.55 and 0.6 ms, set by an operator.
load::PhaseMapPlan small_plan() {
  load::PhaseMapPlan plan;
  plan.start = 40.0_uA;
  plan.stop = 50.0_uA;
  plan.resolution = 10.0_uA;
  plan.knob = {"tau_L", true, 0.5e-3, 0.6e-3, 0.05e-3, "ms", 1e-3};
  plan.coarse = 3;
  plan.remeasure = false;
  return plan;
}

struct OperatorRun {
  std::vector<analysis::StepResult> rows;
  int questions = 0;
};

/// @param can_set  what becomes of a wanted value
OperatorRun carry_out_by_hand(PhaseMap& plan, double (*can_set)(double)) {
  OperatorRun run;
  double told = 0.0;
  while (const auto step = plan.next(run.rows)) {
    if (step->question) ++run.questions, told = can_set(step->conditions.at("tau_L"));
    auto row = row_at(step->current.in(1.0_uA), Label::TS, 100.0);
    row.leg = step->leg;
    row.conditions["tau_L"] = told;
    run.rows.push_back(row);
    if (run.rows.size() > 100) break;
  }
  return run;
}

TEST(PhaseMap, AKnobThatEndsBeforeItsRangeIsAskedOnceMoreAndThenStands) {
  PhaseMap plan(small_plan(), lead);
  // 0.58 ms is as good as 0.6 on this grid, 0.55 ms is not.
  for (const auto& [can_set, questions, size] : {std::tuple(
                                                     +[](double v) { return std::min(v, 0.58e-3); }, 3, 6U),
                                                 std::tuple(
                                                     +[](double v) { return std::min(v, 0.55e-3); }, 4, 7U)}) {
    const OperatorRun run = carry_out_by_hand(plan, can_set);
    EXPECT_EQ(run.questions, questions);
    ASSERT_EQ(run.rows.size(), size);
    EXPECT_EQ(plan.map(run.rows).measured_points, 6);
    const auto target = plan.targets(run.rows).front();
    EXPECT_EQ(target.met, size == 6U) << "what stands for another value is no measurement of it";
    EXPECT_EQ(
        target.reached.find("2 measurements stand for values of tau_L that could not be set") != std::string::npos,
        size == 7U)
        << target.reached;
  }
}

TEST(PhaseMap, ValuesOutsideItsAxisEndItToo) {
  PhaseMap plan(small_plan(), lead);
  const OperatorRun run = carry_out_by_hand(plan, [](double v) { return v + 1e-3; });
  EXPECT_EQ(run.questions, 6);
  EXPECT_EQ(run.rows.size(), 9U);
  EXPECT_EQ(plan.map(run.rows).measured_points, 6);
}

TEST(PhaseMap, ATrainThatStoppedIsSilenceOfItsSide) {
  const TrueMap truth = support::synthetic_map();
  PhaseMap plan(support::map_plan(truth), lead);
  std::vector<analysis::StepResult> rows;
  for (const auto& [current, label] :
       {std::pair(30.0, Label::transient), {80.0, Label::TS}, {130.0, Label::transient}}) {
    rows.push_back(row_at(current, label));
    rows.back().conditions["tau_L"] = 0.02e-3;
  }
  const auto map = plan.map(rows);
  EXPECT_EQ(map.labels[0], Label::QH);
  EXPECT_EQ(map.labels[128], Label::QD);
}

TEST(PhaseMap, StopsWhenItsBudgetIsSpentAndSaysSo) {
  auto settings = support::map_plan(support::synthetic_map());
  settings.budget.points = 200;
  const TrueMap truth = support::synthetic_map();
  PhaseMap plan(settings, lead);
  MapBench bench(truth, 0.0, 1);
  const auto rows = support::carry_out(plan, bench, 5000);
  EXPECT_EQ(rows.size(), 200U);
  const auto targets = plan.targets(rows);
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_FALSE(targets[0].met);
  EXPECT_EQ(targets[1].target, "within the budget");
  EXPECT_EQ(plan.most_steps(), 200U);
}

TEST(PhaseMap, TheSameRowsGiveTheSameStepToAnotherObject) {
  const TrueMap truth = support::synthetic_map();
  PhaseMap plan(support::map_plan(truth), lead);
  MapBench bench(truth, 0.02, 5);
  const auto rows = support::carry_out(plan, bench, 700);
  for (const std::size_t n : {1U, 80U, 81U, 300U, 699U}) {
    PhaseMap resumed(support::map_plan(truth), lead);
    EXPECT_EQ(resumed.next(std::span(rows).first(n)), plan.next(std::span(rows).first(n))) << n;
  }
}

TEST(PhaseMap, WritesItsMapIntoTheResult) {
  const TrueMap truth = support::synthetic_map();
  PhaseMap plan(support::map_plan(truth), lead);
  MapBench bench(truth, 0.0, 1);
  const auto rows = support::carry_out(plan, bench, 5000);
  analysis::RunResult result;
  plan.complete(rows, result);
  ASSERT_TRUE(result.map);
  EXPECT_EQ(result.map->labels.size(), truth.labels.size());
  EXPECT_EQ(result.map->measurements, static_cast<std::int64_t>(rows.size()));
  EXPECT_EQ(result.map->parameter, "tau_L");
  EXPECT_NEAR(result.map->coarse_current_ua, 12.5, 1e-9);
}

}  // namespace
}  // namespace thyrode::experiment
