// Whole runs with the trace off: the instrument by events against the same instrument by samples.
#include <gtest/gtest.h>

#include "tests/emulator/support/short_run.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;
using test::Emulated;
using test::MemoryStore;

Bench::Outcome run(bool every_sample, double noise, Threads threads = Threads::one) {
  Emulated emulated;
  auto options = emulated.options();
  options.every_sample = every_sample;
  options.ideal_front_end = noise == 0.0;
  const auto device = open_simulated(test::tonic_neuron(5, noise), options, "sim:tonic");
  EXPECT_TRUE(device) << device.error().message;
  experiment::RunPlan plan = test::short_plan();
  plan.telemetry.decimation = 0;
  MemoryStore store;
  Bench bench{**device, store, test::steady_seconds};
  const auto outcome = bench.run(plan, threads);
  EXPECT_EQ(outcome.error.message, "");
  EXPECT_TRUE(store.all<protocol::SampleBlock>().empty());
  emulated.expect_current_flowed_and_is_zero();
  return outcome;
}

void expect_same_steps(const Bench::Outcome& samples, const Bench::Outcome& events, double noise) {
  SCOPED_TRACE(testing::Message() << "seed 5, noise " << noise << " A");
  ASSERT_EQ(samples.result.steps.size(), 4U);
  ASSERT_EQ(events.result.steps.size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) {
    const analysis::StepResult& a = samples.result.steps[k];
    const analysis::StepResult& b = events.result.steps[k];
    SCOPED_TRACE(testing::Message() << "step " << k);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.label, b.label);
    EXPECT_EQ(a.start, b.start);
    EXPECT_EQ(a.end, b.end);
    EXPECT_EQ(a.n_spikes, b.n_spikes);
    EXPECT_EQ(a.current_ua, b.current_ua);
    ASSERT_EQ(a.frequency_hz.value.has_value(), b.frequency_hz.value.has_value());
    if (!a.frequency_hz.value) continue;
    // A sample at either end of a step of some seconds.
    EXPECT_NEAR(*a.frequency_hz.value, *b.frequency_hz.value, 1e-5 * *a.frequency_hz.value);
    EXPECT_NEAR(a.cv.value_or(-1.0), b.cv.value_or(-1.0), 1e-3);
  }
}

TEST(EventModeRun, HasTheStepTableOfTheSamples) {
  for (const double noise : {0.0, test::noise}) expect_same_steps(run(true, noise), run(false, noise), noise);
}

TEST(EventModeRun, IsTheSameEachTimeAndOnThreeThreads) {
  const auto one = run(false, test::noise);
  EXPECT_EQ(one.result, run(false, test::noise).result);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(one.result, run(false, test::noise, Threads::three).result);
}

}  // namespace
}  // namespace thyrode
