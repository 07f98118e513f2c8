// Two neurons of one network, both driven and both measured in one run.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "daemon/experiment/bench.hpp"
#include "drivers/simulated/simulated.hpp"
#include "tests/emulator/support/memory_store.hpp"
#include "tests/emulator/support/short_run.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;
using test::MemoryStore;
using test::short_plan;
using test::steady_seconds;

/// Two tonic neurons that inhibit each other: they come to alternate.
/// @param flows  the true currents, A: what they are at the end
Bench::Outcome run_pair(Threads threads, MemoryStore& store, std::optional<Current> holds,
                        std::array<double, 2>* flows = nullptr, experiment::RunPlan plan = short_plan()) {
  neurons::Parameters parameters = neurons::wu2023();
  parameters.erase("u_start");
  parameters.insert({{"w", -10e-6}, {"t_d", 20e-3}, {"u_start_A", 0.75}, {"u_start_B", 0.76}});
  auto device =
      open_simulated(neurons::must_make("thyristor-pair", parameters),
                     native::NativeOptions{7, true, false, 0,
                                           [flows](const native::Truth& truth) {
                                             if (flows != nullptr && truth.kind == native::Truth::Kind::current)
                                               (*flows)[truth.channel] = truth.value;
                                           }},
                     "sim:pair");
  EXPECT_TRUE(device);
  plan.companions = {{Channel{1}, holds, plan.limits}};
  Bench bench{**device, store, steady_seconds};
  return bench.run(plan, threads);
}

TEST(Companion, IsMeasuredInTheSameStepsAsTheChannelOfThePlan) {
  MemoryStore store;
  const auto outcome = run_pair(Threads::one, store, std::nullopt);
  ASSERT_EQ(outcome.error.message, "");
  const auto& rows = outcome.result.steps;
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(store.steps.size(), 8U);
  for (std::size_t k = 0; k < rows.size(); k += 2) {
    EXPECT_EQ(rows[k].channel, 0);
    EXPECT_EQ(rows[k + 1].channel, 1);
    EXPECT_EQ(rows[k].index, rows[k + 1].index);
    EXPECT_EQ(rows[k].start, rows[k + 1].start);
    EXPECT_EQ(rows[k].end, rows[k + 1].end);
    EXPECT_NEAR(rows[k].current_ua, rows[k + 1].current_ua, 0.05);
  }
  EXPECT_FALSE(rows[4].relation);
  EXPECT_TRUE(rows[5].relation);
  // Firing, they hold each other's rhythm.
  ASSERT_TRUE(rows[4].frequency_hz.value && rows[5].frequency_hz.value);
  EXPECT_NEAR(*rows[4].frequency_hz.value, *rows[5].frequency_hz.value, 0.02 * *rows[4].frequency_hz.value);
}

TEST(Companion, OfTwoThatInhibitEachOtherAlternates) {
  MemoryStore store;
  experiment::RunPlan plan = short_plan();
  plan.steps = {{45.3_uA, analysis::Direction::none, 0}};
  plan.rules.settle_spikes = 60;
  plan.rules.relative_precision = 0.001;
  plan.rules.longest_s = 20.0;
  const auto outcome = run_pair(Threads::one, store, std::nullopt, nullptr, plan);
  ASSERT_EQ(outcome.result.steps.size(), 2U);
  const auto& beside = outcome.result.steps[1];
  ASSERT_TRUE(beside.relation);
  EXPECT_EQ(*beside.relation, analysis::Relation::alternation);
  EXPECT_NEAR(*beside.features.relation_phase, 0.5, 0.02);
  EXPECT_GT(*beside.features.relation_order, 0.99);
}

TEST(Companion, MayHoldACurrentOfItsOwn) {
  MemoryStore store;
  std::array<double, 2> flows{1.0, 1.0};
  const auto outcome = run_pair(Threads::one, store, 50.0_uA, &flows);
  ASSERT_EQ(outcome.error.message, "");
  for (const auto& row : outcome.result.steps) {
    if (row.channel == 0) continue;
    EXPECT_NEAR(row.current_ua, 50.0, 0.1) << row.index;
  }
  EXPECT_EQ(flows[0], 0.0);
  EXPECT_EQ(flows[1], 0.0);
}

TEST(Companion, IsTheSameOnOneAndOnThreeThreads) {
  MemoryStore one;
  MemoryStore three;
  EXPECT_EQ(run_pair(Threads::one, one, std::nullopt).result, run_pair(Threads::three, three, std::nullopt).result);
}

}  // namespace
}  // namespace thyrode
