// Bad links: what is lost is told, once, where it was lost, and everything else is whole.
#include <gtest/gtest.h>

#include <string>

#include "drivers/current_clamp/current_clamp.hpp"
#include "tests/emulator/support/faulty_link.hpp"
#include "tests/emulator/support/faulty_link_frames.hpp"
#include "tests/emulator/support/short_run.hpp"
#include "tests/emulator/support/stream_oracle.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;
using test::Emulated;
using test::MemoryStore;
using test::noise;
using test::run_clean;
using test::short_plan;
using test::steady_seconds;

class BadLink : public testing::TestWithParam<std::uint64_t> {
 protected:
  static const analysis::RunResult& clean() {
    static const analysis::RunResult result = run_clean(Threads::one).result;
    return result;
  }
};

TEST_P(BadLink, CostsDataButNoTruth) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  test::LinkFaults faults;
  faults.up_byte_lost = 2e-5;
  faults.up_bit_flipped = 4e-5;
  faults.up_read_late = 5e-3;
  faults.down_write_lost = 0.05;
  // Five settings, arm, start, four steps and the stop: each is lost in turn.
  faults.lost_command = static_cast<int>(GetParam() % 12);
  faults.down_write_flipped = 0.05;
  faults.down_write_late = 0.02;
  Emulated emulated;
  auto instrument = std::make_unique<native::NativeInstrument>(test::tonic_neuron(5, noise), emulated.options());
  std::vector<DeviceMessage> stream;
  auto witnessed = std::make_unique<test::WitnessedLink>(memory_link(std::move(instrument)), stream);
  auto link = std::make_unique<test::FaultyLink>(std::move(witnessed), faults, GetParam());
  auto device = CurrentClamp::open(std::move(link), "sim:tonic");
  ASSERT_TRUE(device) << device.error().message;
  MemoryStore store;
  Bench bench{**device, store, steady_seconds};
  const auto outcome = bench.run(short_plan(), Threads::one);
  ASSERT_EQ(outcome.error.message, "");
  EXPECT_EQ(outcome.exit_status, "success");
  emulated.expect_current_flowed_and_is_zero();

  const test::StreamOracle oracle{stream, store.messages};
  oracle.expect_every_loss_told();
  EXPECT_GT(oracle.lost(), 0);
  EXPECT_EQ(store.link.lost_frames, static_cast<std::uint64_t>(oracle.lost()));
  EXPECT_EQ(outcome.result.integrity.gaps, static_cast<std::int64_t>(store.all<Gap>().size()));
  EXPECT_EQ(outcome.result.integrity.samples + oracle.trace_samples_told(), oracle.trace_samples_sent());

  EXPECT_GT(outcome.result.integrity.retransmits, 0);
  EXPECT_EQ(outcome.result.integrity.late_decisions, 0);
  ASSERT_EQ(outcome.result.steps.size(), clean().steps.size());
  for (std::size_t k = 0; k < clean().steps.size(); ++k) {
    const auto& step = outcome.result.steps[k];
    const auto& reference = clean().steps[k];
    EXPECT_NEAR(step.current_ua, reference.current_ua, 0.01) << "a step that never began, or one mixed with the next";
    EXPECT_EQ(step.frequency_hz.value.has_value(), reference.frequency_hz.value.has_value()) << k;
    if (!step.frequency_hz.value || !reference.frequency_hz.value) continue;
    // One interval of twice the length among the some 70 of a step would give 0.12.
    EXPECT_LT(step.cv.value_or(1.0), 0.07) << "an interval crosses a lost spike in step " << k;
    EXPECT_LE(*step.frequency_hz.low, *reference.frequency_hz.high) << k;
    EXPECT_GE(*step.frequency_hz.high, *reference.frequency_hz.low) << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BadLink, testing::Range<std::uint64_t>(1, 21));

// ---------------------------------------------------------------- whole frames

/// One run through a link that spoils frames of the stream.
struct SpoiltRun {
  test::FrameFate fate;
  MemoryStore store;
  Bench::Outcome outcome;

  SpoiltRun(const experiment::RunPlan& plan, const test::FrameFaults& faults, std::uint64_t seed, Threads threads) {
    Emulated emulated;
    auto instrument = std::make_unique<native::NativeInstrument>(test::tonic_neuron(5, noise), emulated.options());
    auto link = std::make_unique<test::FaultyLinkFrames>(memory_link(std::move(instrument)), faults, seed, fate);
    auto device = CurrentClamp::open(std::move(link), "sim:tonic");
    if (!device) {
      outcome.error = device.error();
      return;
    }
    Bench bench{**device, store, steady_seconds};
    outcome = bench.run(plan, threads);
    repeated = (*device)->counters().repeated_frames;
    emulated.expect_current_flowed_and_is_zero();
  }
  std::uint64_t repeated = 0;

  void expect_the_truth() const {
    ASSERT_EQ(outcome.error.message, "");
    const test::StreamOracle oracle{fate.stream, store.messages};
    oracle.expect_every_loss_told();
    const std::size_t heard = oracle.frames().size();
    std::int64_t lost = 0;
    std::int64_t lost_in_run = 0;
    for (std::size_t k = 0; k < heard; ++k) {
      lost += fate.lost[k] ? 1 : 0;
      lost_in_run += fate.lost[k] && !oracle.frames()[k].after_run ? 1 : 0;
      EXPECT_EQ(fate.lost[k], !oracle.frames()[k].recorded) << "frame " << k;
    }
    const auto& integrity = outcome.result.integrity;
    EXPECT_EQ(integrity.lost_frames, lost);
    EXPECT_EQ(store.link.lost_frames, static_cast<std::uint64_t>(lost));
    EXPECT_EQ(integrity.gaps, static_cast<std::int64_t>(store.all<Gap>().size()));
    EXPECT_EQ(integrity.gaps > 0, lost_in_run > 0);
    EXPECT_EQ(integrity.samples + oracle.trace_samples_told(), oracle.trace_samples_sent());
    expect_gaps_of_steps();
  }
  /// No step counts a gap twice: those that reach over the beginning of a step belong to both.
  void expect_gaps_of_steps() const {
    std::int64_t counted = 0;
    std::int64_t shared = 0;
    for (const auto& step : outcome.result.steps) counted += step.n_gaps;
    for (const Gap& gap : store.all<Gap>()) {
      for (const auto& step : outcome.result.steps) {
        const Sample begin = to_sample(step.start);
        shared += gap.first < begin && begin < gap.last ? 1 : 0;
      }
    }
    EXPECT_LE(counted, outcome.result.integrity.gaps + shared);
  }
};

class SpoiltFrames : public testing::TestWithParam<std::uint64_t> {
 protected:
  experiment::RunPlan plan() const {
    auto plan = short_plan();
    constexpr int rates[] = {0, 10, 1, 5};
    plan.telemetry.decimation = rates[GetParam() % 4];
    plan.rules.longest_s = 3.0;  // few intervals are whole, so no step becomes precise
    plan.snippets = {GetParam() % 3 == 0, 1.0_ms, 2.0_ms, 50};
    return plan;
  }
};

TEST_P(SpoiltFrames, AreToldAndCountedAndNothingElseIs) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  test::FrameFaults faults;
  faults.dropped = 0.01;
  faults.repeated = 0.03;
  faults.corrupted = 0.01;
  faults.cut = 0.01;
  const SpoiltRun run{plan(), faults, GetParam(), GetParam() % 8 == 1 ? Threads::three : Threads::one};
  run.expect_the_truth();
  EXPECT_GT(run.repeated, 0U);
}

TEST_P(SpoiltFrames, ThatComeTwiceCostNothing) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  test::FrameFaults faults;
  faults.repeated = 0.5;
  const SpoiltRun run{plan(), faults, GetParam(), Threads::one};
  ASSERT_EQ(run.outcome.error.message, "");
  run.expect_the_truth();
  EXPECT_EQ(run.store.link.lost_frames, 0U);
  EXPECT_GT(run.repeated, 100U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SpoiltFrames, testing::Range<std::uint64_t>(1, 25));

/// Every frame of the first second of a run, lost alone.
TEST(LostFrame, IsOneGapWhicheverItIs) {
  auto plan = short_plan();
  plan.steps.resize(1);
  plan.steps[0].current = 60.0_uA;
  plan.rules.longest_s = 0.5;
  plan.snippets = {true, 1.0_ms, 2.0_ms, 50};
  for (const int decimation : {0, 10}) {
    plan.telemetry.decimation = decimation;
    const SpoiltRun whole{plan, {}, 1, Threads::one};
    ASSERT_EQ(whole.outcome.error.message, "");
    const auto frames =
        static_cast<std::int64_t>(test::StreamOracle{whole.fate.stream, whole.store.messages}.frames().size());
    ASSERT_GT(frames, 100);
    for (std::int64_t k = 0; k < frames; k += decimation == 0 ? 1 : 3) {
      SCOPED_TRACE("frame " + std::to_string(k) + " of " + std::to_string(frames));
      test::FrameFaults faults;
      faults.burst_at = k;
      faults.burst = 1;
      const SpoiltRun run{plan, faults, 1, Threads::one};
      run.expect_the_truth();
      EXPECT_EQ(run.outcome.result.integrity.gaps, 1);
      EXPECT_EQ(run.store.link.lost_frames, 1U);
      if (testing::Test::HasFailure()) return;
    }
  }
}

/// As many frames as there are sequence numbers, and some more or less, one after the other.
class LongBurst : public testing::TestWithParam<int> {};

TEST_P(LongBurst, IsCountedToTheFrame) {
  auto plan = short_plan();
  plan.lease = 1.0_s;
  plan.decision_latency = 1.0_s;
  for (const int decimation : {0, 10, 1}) {
    SCOPED_TRACE(decimation);
    plan.telemetry.decimation = decimation;
    test::FrameFaults faults;
    faults.burst_at = 1500;
    faults.burst = GetParam();
    if (decimation == 0 && faults.burst > 170) faults.burst = 170;  // six tenths of the lease: nothing more is sent
    const SpoiltRun run{plan, faults, 1, Threads::one};
    run.expect_the_truth();
  }
}

INSTANTIATE_TEST_SUITE_P(Frames, LongBurst, testing::Values(100, 255, 256, 257, 300));

}  // namespace
}  // namespace thyrode
