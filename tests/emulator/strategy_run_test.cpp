// Plans that decide, leads, pieces of the command, conditions and questions, on the emulated instrument.
#include <gtest/gtest.h>

#include <cmath>

#include "daemon/experiment/plans/free_steps.hpp"
#include "tests/emulator/support/short_run.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::PlannedStep;
using experiment::RunPlan;
using experiment::Threads;
using test::Emulated;
using test::MemoryStore;
using test::steady_seconds;

/// Halves the range in which firing begins; every step is entered from below.
class Bisection final : public experiment::Strategy {
 public:
  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override {
    double silent = 20.0, fires = 60.0;
    for (const auto& row : rows) (row.n_spikes > 10 ? fires : silent) = std::round(row.current_ua * 100.0) / 100.0;
    if (rows.size() == 6) return std::nullopt;
    PlannedStep step;
    step.current = Current::from_si(0.5e-6 * (silent + fires));
    step.lead = experiment::Lead{15.0_uA, 150.0_ms};
    step.purpose = "bracket";
    return step;
  }
};

RunPlan deciding_plan() {
  RunPlan plan = test::short_plan();
  plan.steps.clear();
  plan.strategy = [] { return std::make_unique<Bisection>(); };
  return plan;
}

RunPlan plan_of_pieces() {
  RunPlan plan = test::short_plan();
  load::StepsPlan list;
  auto& noise = list.segments.emplace_back();
  noise.kind = load::SegmentPlan::Kind::noise;
  noise.current = 60.0_uA;
  noise.sd = 5.0_uA;
  noise.tau = 100.0_ms;
  noise.length = 3.0_s;
  noise.seed = 4;
  auto& pulse = list.segments.emplace_back();
  pulse.kind = load::SegmentPlan::Kind::pulse;
  pulse.current = 90.0_uA;
  pulse.base = 20.0_uA;
  pulse.width = 50.0_ms;
  pulse.period = 200.0_ms;
  pulse.length = 2.0_s;
  plan.steps = experiment::free_steps(list, 15.0_ms);
  return plan;
}

Bench::Outcome run(const RunPlan& plan, Threads threads, MemoryStore& store,
                   const std::function<void(Bench&, const experiment::Event&)>& act = {}) {
  Emulated emulated;
  const auto device = emulated.open();
  Bench bench{*device, store, steady_seconds};
  if (act) bench.subscribe([&](const experiment::Event& event) { act(bench, event); });
  auto outcome = bench.run(plan, threads);
  emulated.expect_current_flowed_and_is_zero();
  return outcome;
}

TEST(StrategyRun, ABisectionFindsTheOnsetOnOneThreadAsOnThree) {
  MemoryStore store;
  const auto one = run(deciding_plan(), Threads::one, store).result;
  ASSERT_EQ(one.steps.size(), 6U);
  EXPECT_EQ(one.integrity.late_decisions, 0);
  // 40 uA halved six times; the onset of the tonic neuron lies near 33 uA.
  EXPECT_LT(*one.fit.onset_high_ua - *one.fit.onset_low_ua, 40.0 / 64.0 + 0.05);
  EXPECT_NEAR(*one.fit.onset_high_ua, 33.0, 3.0);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_GE(one.steps[k].lead_s, 0.15) << k;
    EXPECT_EQ(one.steps[k].purpose, "bracket");
  }
  MemoryStore second;
  EXPECT_EQ(run(deciding_plan(), Threads::three, second).result, one);
}

TEST(StrategyRun, AnInterruptedPlanThatDecidesGoesOnFromItsRows) {
  MemoryStore store;
  const auto first = run(deciding_plan(), Threads::one, store, [](Bench& bench, const experiment::Event& event) {
    const auto* row = std::get_if<experiment::StepFinished>(&event);
    if (row != nullptr && row->row.index == 3) bench.stop();
  });
  EXPECT_EQ(first.exit_status, "stopped");
  RunPlan plan = deciding_plan();
  for (auto row : first.result.steps) {
    if (row.status == analysis::StepStatus::interrupted) continue;
    row.resumed_from = "first.nwb";
    plan.before.push_back({row, {}});
  }
  ASSERT_EQ(plan.before.size(), 4U);
  MemoryStore second_store;
  const auto second = run(plan, Threads::one, second_store).result;
  ASSERT_EQ(second.steps.size(), 6U);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(second.steps[k].index, static_cast<int>(k));
    EXPECT_EQ(second.steps[k].resumed_from.empty(), k >= 4);
    for (std::size_t n = 0; n < k; ++n) {
      EXPECT_GT(std::abs(second.steps[k].current_ua - second.steps[n].current_ua), 0.05) << "measured twice";
    }
  }
  EXPECT_LT(*second.fit.onset_high_ua - *second.fit.onset_low_ua, 40.0 / 64.0 + 0.05) << "over all rows";
}

TEST(StrategyRun, PiecesReachTheCircuitWhenTheyShould) {
  MemoryStore store;
  const RunPlan plan = plan_of_pieces();
  const auto one = run(plan, Threads::one, store).result;
  ASSERT_EQ(one.steps.size(), 2U);
  EXPECT_EQ(one.integrity.late_decisions, 0);
  std::size_t pieces = 0;
  for (const PlannedStep& step : plan.steps) {
    pieces += step.pieces.size();
    const auto& row = one.steps[static_cast<std::size_t>(&step - plan.steps.data())];
    EXPECT_NEAR(row.current_ua, step.current.in(1.0_uA), 0.3) << "mean of what was written";
    EXPECT_NEAR(row.duration_s, step.lasts->si(), 0.03);
  }
  EXPECT_GE(store.all<protocol::StepApplied>().size(), pieces) << "and the way back to zero";
  EXPECT_TRUE(store.all<Rejected>().empty());
  EXPECT_GT(one.steps[0].n_spikes, 20);
  MemoryStore second;
  EXPECT_EQ(run(plan, Threads::three, second).result, one);
}

TEST(StrategyRun, AQuestionIsAnsweredWithTheCurrentAtZeroAndTheAnswerIsInTheRow) {
  RunPlan plan = test::short_plan();
  plan.knobs = {{"tau_L", true, "ms", 1e-3}};
  for (PlannedStep& step : plan.steps) step.conditions["tau_L"] = step.current > 50.0_uA ? 0.3e-3 : 0.1e-3;
  const auto answered = [&](Threads threads) {
    MemoryStore store;
    int asked = 0;
    auto outcome = run(plan, threads, store, [&](Bench& bench, const experiment::Event& event) {
      if (!std::holds_alternative<experiment::Asked>(event)) return;
      ++asked;
      bench.answer(true, asked == 2 ? std::optional(0.31e-3) : std::nullopt);
    });
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(outcome.error.message, "");
    return outcome.result;
  };
  const auto one = answered(Threads::one);
  ASSERT_EQ(one.steps.size(), 4U);
  EXPECT_EQ(one.steps[1].conditions.at("tau_L"), 0.1e-3);
  EXPECT_EQ(one.steps[3].conditions.at("tau_L"), 0.31e-3);
  EXPECT_EQ(answered(Threads::three), one);
}

TEST(StrategyRun, TheDeviceTurnsItsPartBetweenSteps) {
  RunPlan plan = test::short_plan();
  plan.steps.resize(1);
  plan.steps[0].current = 60.0_uA;
  for (const double tau : {0.1e-3, 0.6e-3}) {
    plan.steps.push_back(plan.steps[0]);
    plan.steps.back().conditions["tau_L"] = tau;
  }
  MemoryStore store;
  const auto outcome = run(plan, Threads::one, store);
  EXPECT_EQ(outcome.error.message, "");
  const auto& steps = outcome.result.steps;
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_TRUE(steps[0].conditions.empty());
  EXPECT_EQ(steps[2].conditions.at("tau_L"), 0.6e-3);
  EXPECT_NEAR(steps[2].current_ua, 60.0, 0.5);
  EXPECT_GT(std::abs(*steps[2].spike_rate_hz.value / *steps[1].spike_rate_hz.value - 1.0), 0.2) << "another neuron";
  MemoryStore second;
  EXPECT_EQ(run(plan, Threads::three, second).result, outcome.result);
}

TEST(StrategyRun, WhoSaysNoStopsTheRun) {
  RunPlan plan = test::short_plan();
  plan.steps[2].question = experiment::Question{"is the probe in place?", ""};
  for (const Threads threads : {Threads::one, Threads::three}) {
    MemoryStore store;
    const auto outcome = run(plan, threads, store, [](Bench& bench, const experiment::Event& event) {
      if (std::holds_alternative<experiment::Asked>(event)) bench.answer(false);
    });
    EXPECT_EQ(outcome.exit_status, "stopped");
    EXPECT_EQ(outcome.result.steps.size(), 2U);
  }
}

TEST(StrategyRun, AStopAndAnEmergencyStopEndAQuestion) {
  RunPlan plan = test::short_plan();
  plan.steps[1].question = experiment::Question{"is the probe in place?", ""};
  for (const Threads threads : {Threads::one, Threads::three}) {
    for (const bool emergency : {false, true}) {
      MemoryStore store;
      const auto outcome = run(plan, threads, store, [&](Bench& bench, const experiment::Event& event) {
        if (std::holds_alternative<experiment::Asked>(event)) emergency ? bench.estop() : bench.stop();
      });
      EXPECT_EQ(outcome.exit_status, emergency ? "safety_trip" : "stopped");
    }
  }
}

}  // namespace
}  // namespace thyrode
