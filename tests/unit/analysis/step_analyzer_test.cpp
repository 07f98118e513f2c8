#include "daemon/analysis/step_analyzer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace thyrode::analysis {
namespace {

constexpr double tick_s = 1.0 / (250'000.0 * 256.0);
constexpr std::int64_t second = 64'000'000;
constexpr std::int64_t grid = second / 100;  // 10 ms

/// A step whose intervals come from `next`, in ticks (0 ends the firing), evaluated on the grid until it is done.
struct WholeStep {
  StepAnalyzer step;
  Verdict verdict;
  Ticks now{0};

  WholeStep(const StepRules& rules, const std::function<std::int64_t()>& next) : step(rules, tick_s, Ticks{0}) {
    std::int64_t at = next();
    while (!verdict.done && now.count < 300 * second) {
      now = now + grid;
      while (at > 0 && at < now.count) {
        step.spike(Ticks{at});
        const std::int64_t interval = next();
        at = interval > 0 ? at + interval : 0;
      }
      verdict = step.evaluate(now);
    }
  }
  StepResult row() const { return step.result(now); }
  double seconds() const { return static_cast<double>(now.count) * tick_s; }
};

std::function<std::int64_t()> regular(double f_hz) {
  return [f_hz] { return std::llround(second / f_hz); };
}

StepAnalyzer with_spikes(std::initializer_list<std::int64_t> milliseconds, const StepRules& rules = {}) {
  StepAnalyzer step(rules, tick_s, Ticks{0});
  for (const std::int64_t ms : milliseconds) step.spike(Ticks{ms * second / 1000});
  return step;
}

TEST(StepAnalyzer, NoSpikeIsQuiescentWithUpperBounds) {
  const WholeStep run({}, [] { return std::int64_t{0}; });
  EXPECT_EQ(run.verdict, (Verdict{true, StepStatus::upper_bound}));
  EXPECT_NEAR(run.seconds(), 3.0, 0.011);
  const StepResult row = run.row();
  EXPECT_EQ(row.label, Label::QH);
  EXPECT_EQ(row.n_spikes, 0);
  EXPECT_FALSE(row.frequency_hz.value);
  EXPECT_EQ(row.frequency_hz.low, 0.0);
  EXPECT_NEAR(*row.frequency_hz.high, -std::log(0.05) / run.seconds(), 1e-9);
  EXPECT_FALSE(row.cv);
  EXPECT_EQ(row.spike_rate_hz, row.frequency_hz);
}

TEST(StepAnalyzer, SilenceMustLastTwentyMembraneTimesAndThreeOverTheLowestRate) {
  StepRules rules;
  rules.f_min_hz = 10.0;
  EXPECT_NEAR(WholeStep(rules, [] { return std::int64_t{0}; }).seconds(), 0.3, 0.011);
  rules.membrane_tau_s = 0.1;
  EXPECT_NEAR(WholeStep(rules, [] { return std::int64_t{0}; }).seconds(), 2.0, 0.011);
}

TEST(StepAnalyzer, SilentStepShorterThanQuiescenceIsAnUpperBoundToo) {
  StepRules rules;
  rules.longest_s = 1.0;
  const WholeStep run(rules, [] { return std::int64_t{0}; });
  EXPECT_EQ(run.verdict, (Verdict{true, StepStatus::upper_bound}));
  EXPECT_NEAR(*run.row().frequency_hz.high, 2.9957, 0.001);
}

TEST(StepAnalyzer, OneSpikeHasACountIntervalAndNoRate) {
  const StepResult row = with_spikes({100}).result(Ticks{2 * second});
  EXPECT_EQ(row.status, StepStatus::undetermined);
  EXPECT_EQ(row.label, Label::undetermined);
  EXPECT_FALSE(row.frequency_hz.value);
  EXPECT_NEAR(*row.frequency_hz.low, 0.0253178 / 2.0, 1e-6);
  EXPECT_NEAR(*row.frequency_hz.high, 5.57164 / 2.0, 1e-4);
}

TEST(StepAnalyzer, TwoSpikesHaveARateFromOneIntervalAndNoVariation) {
  const StepResult row = with_spikes({100, 600}).result(Ticks{second});
  EXPECT_EQ(row.status, StepStatus::undetermined);
  EXPECT_DOUBLE_EQ(*row.frequency_hz.value, 2.0);
  EXPECT_FALSE(row.cv);
}

TEST(StepAnalyzer, ThreeSpikesHaveVariation) {
  const StepResult row = with_spikes({2, 4, 10}).result(Ticks{second / 100});
  EXPECT_EQ(row.status, StepStatus::undetermined);
  EXPECT_DOUBLE_EQ(*row.frequency_hz.value, 250.0);
  EXPECT_DOUBLE_EQ(*row.cv, 0.5);
}

TEST(StepAnalyzer, RateHasNoIntervalBelowTenBatches) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  for (int k = 1; k <= 10; ++k) step.spike(Ticks{k * second / 10});
  const StepResult nine = step.result(Ticks{second + 1});
  EXPECT_EQ(nine.status, StepStatus::undetermined);
  EXPECT_DOUBLE_EQ(*nine.frequency_hz.value, 10.0);
  EXPECT_FALSE(nine.frequency_hz.low);
  step.spike(Ticks{11 * second / 10});
  EXPECT_TRUE(step.result(Ticks{12 * second / 10}).frequency_hz.low);
}

TEST(StepAnalyzer, EqualIntervalsKeepTheTimerFloor) {
  StepRules rules;
  rules.timer_floor_s = 1e-6;
  const WholeStep run(rules, regular(50.0));
  EXPECT_EQ(run.verdict, (Verdict{true, StepStatus::ok}));
  const StepResult row = run.row();
  EXPECT_EQ(row.cv, 0.0);
  EXPECT_EQ(row.label, Label::TS);
  EXPECT_DOUBLE_EQ(*row.frequency_hz.value, 50.0);
  const double span = static_cast<double>(row.n_spikes - 1) / 50.0;
  EXPECT_NEAR((*row.frequency_hz.high - 50.0) / 50.0, 1e-6 * std::sqrt(2.0) / span, 1e-11);
}

TEST(StepAnalyzer, WithoutAKnownJitterTheFloorIsOneTick) {
  const StepResult row = WholeStep({}, regular(50.0)).row();
  EXPECT_GT(*row.frequency_hz.high, *row.frequency_hz.value);
  EXPECT_LT(*row.frequency_hz.low, *row.frequency_hz.value);
}

TEST(StepAnalyzer, RegularTrainIsDoneAtTheSecondLook) {
  // 64 spikes, then 10 % more.
  EXPECT_NEAR(static_cast<double>(WholeStep({}, regular(50.0)).row().n_spikes), 71.0, 1.0);
}

TEST(StepAnalyzer, SlowTrainIsDoneFromTwentySpikesOn) {
  const WholeStep run({}, regular(1.5));
  EXPECT_EQ(run.verdict.status, StepStatus::ok);
  EXPECT_NEAR(static_cast<double>(run.row().n_spikes), 22.0, 1.0);
}

TEST(StepAnalyzer, DuplicateAndDecreasingTimesAreRejectedAndCounted) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  for (const std::int64_t at : {1000, 2000, 2000, 1500, 3000}) step.spike(Ticks{at});
  step.spike(Ticks{-5});
  EXPECT_EQ(step.rejected(), 3);
  EXPECT_EQ(step.spikes(), 3);
  EXPECT_EQ(step.train().intervals().longest(), 1000);
}

TEST(StepAnalyzer, NoIntervalReachesOverAGap) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  for (int k = 1; k <= 40; ++k) step.spike(Ticks{k * second / 20});
  step.gap(Ticks{2 * second + 1000}, Ticks{5 * second});
  for (int k = 1; k <= 40; ++k) step.spike(Ticks{5 * second + k * second / 20 + 777});
  const StepResult row = step.result(Ticks{7 * second + 1000});
  EXPECT_EQ(row.n_gaps, 1);
  EXPECT_EQ(row.n_spikes, 80);
  EXPECT_EQ(row.cv, 0.0);
  EXPECT_DOUBLE_EQ(*row.frequency_hz.value, 20.0);
}

TEST(StepAnalyzer, MissingTimeIsNoSilence) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  step.gap(Ticks{second}, Ticks{5 * second});
  EXPECT_FALSE(step.evaluate(Ticks{6 * second}).done);
  EXPECT_NEAR(*step.result(Ticks{6 * second}).frequency_hz.high, 2.9957 / 2.0, 1e-3);
  EXPECT_TRUE(step.evaluate(Ticks{7 * second}).done);
}

TEST(StepAnalyzer, SpikesOnlyAtTheStartAreATransientAndNoRate) {
  int left = 12;
  const WholeStep run({}, [&]() -> std::int64_t { return left-- > 0 ? second / 50 : 0; });
  EXPECT_EQ(run.verdict, (Verdict{true, StepStatus::upper_bound}));
  const StepResult row = run.row();
  EXPECT_EQ(row.label, Label::transient);
  EXPECT_EQ(row.n_spikes, 12);
  EXPECT_FALSE(row.frequency_hz.value);
  EXPECT_EQ(row.frequency_hz.low, 0.0);
  EXPECT_NEAR(*row.frequency_hz.high, 1.0, 0.01);
}

TEST(StepAnalyzer, SpikesThatAreLeftOutAsSettlingAreNoSilence) {
  StepRules rules;
  rules.settle_spikes = 60;
  const WholeStep run(rules, regular(10.0));  // 6 s of settling, twice the time of silence
  EXPECT_EQ(run.verdict.status, StepStatus::ok);
  EXPECT_NEAR(*run.row().frequency_hz.value, 10.0, 1e-3);
  EXPECT_GT(run.seconds(), 6.0);

  StepAnalyzer settling(rules, tick_s, Ticks{0});
  for (int k = 1; k <= 40; ++k) settling.spike(Ticks{k * second / 10});
  EXPECT_EQ(settling.evaluate(Ticks{4 * second + grid}), (Verdict{false, StepStatus::undetermined}));
  const StepResult row = settling.result(Ticks{4 * second + grid});
  EXPECT_EQ(row.status, StepStatus::undetermined);
  EXPECT_EQ(row.label, Label::undetermined);
  EXPECT_FALSE(row.frequency_hz.high);
  // Then it falls silent.
  EXPECT_EQ(settling.evaluate(Ticks{8 * second}), (Verdict{true, StepStatus::upper_bound}));
  EXPECT_EQ(settling.result(Ticks{8 * second}).label, Label::transient);
}

TEST(StepAnalyzer, SilenceMustExceedTenOfTheLongestInterval) {
  StepAnalyzer step = with_spikes({500, 1500});
  EXPECT_FALSE(step.evaluate(Ticks{11 * second}).done);
  EXPECT_TRUE(step.evaluate(Ticks{12 * second}).done);
}

TEST(StepAnalyzer, SilenceAfterTheDecisionIsSeenAtTheEnd) {
  WholeStep run({}, regular(50.0));
  ASSERT_EQ(run.verdict.status, StepStatus::ok);
  const StepResult row = run.step.result(run.now + 4 * second);
  EXPECT_EQ(row.label, Label::transient);
  EXPECT_FALSE(row.frequency_hz.value);
}

TEST(StepAnalyzer, OutputThatStaysHighAfterTheLastSpikeIsLatched) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  step.level(10.0, false);
  step.spike(Ticks{second / 2}, {800.0, 10.0, 1000});
  for (int k = 0; k < 400; ++k) step.level(500.0, false);
  EXPECT_EQ(step.result(Ticks{5 * second}).label, Label::QD);
  StepAnalyzer low({}, tick_s, Ticks{0});
  low.spike(Ticks{second / 2}, {800.0, 10.0, 1000});
  for (int k = 0; k < 400; ++k) low.level(40.0, false);
  EXPECT_EQ(low.result(Ticks{5 * second}).label, Label::transient);
}

TEST(StepAnalyzer, SpikeThatNeverEndsIsLatched) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  for (int k = 0; k < 400; ++k) step.level(500.0, true);
  EXPECT_EQ(step.result(Ticks{4 * second}).label, Label::QD);
}

TEST(StepAnalyzer, DriftDoublesTheStepThreeTimesAndIsThenReported) {
  double f = 20.0;
  StepRules rules;
  rules.longest_s = 1000.0;
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise(1.0, 0.005);
  const WholeStep run(rules, [&] { return std::llround(second / ((f *= 1.0005)) * noise(random)); });
  EXPECT_EQ(run.verdict, (Verdict{true, StepStatus::drifting}));
  const StepResult row = run.row();
  EXPECT_EQ(row.status, StepStatus::drifting);
  // The rate of the last half: nearer to the last one than the mean of all.
  const double mean = static_cast<double>(row.n_spikes) / run.seconds();
  EXPECT_GT(*row.frequency_hz.value, mean);
  EXPECT_LT(*row.frequency_hz.value, f);
  // First decision near 71 spikes, then 2, 4 and 8 times its time and the looks that follow.
  EXPECT_GT(run.seconds(), 8.0 * 71.0 / 21.0);
}

TEST(StepAnalyzer, DriftThatEndsIsOutlived) {
  int n = 0;
  std::mt19937_64 random(2);
  std::normal_distribution<double> noise(1.0, 0.01);
  const WholeStep run(
      {}, [&] { return std::llround(second / 50.0 * noise(random) * (1.0 + 0.3 * std::exp(-(n++) / 40.0))); });
  EXPECT_EQ(run.verdict.status, StepStatus::ok);
  EXPECT_GT(run.row().n_spikes, 100);
  EXPECT_NEAR(*run.row().frequency_hz.value, 50.0, 1.0);
}

TEST(StepAnalyzer, DriftTooSmallToMatterIsNone) {
  int n = 0;
  const WholeStep run({}, [&] { return std::llround(second / 50.0) + 10 * n++; });
  EXPECT_EQ(run.verdict.status, StepStatus::ok);
  EXPECT_LT(run.row().n_spikes, 100);
}

TEST(StepAnalyzer, ChangeAfterTheDecisionMakesTheStepDrift) {
  WholeStep run({}, regular(50.0));
  ASSERT_EQ(run.verdict.status, StepStatus::ok);
  std::int64_t at = run.now.count;
  for (int k = 0; k < 70; ++k) run.step.spike(Ticks{at += second / 50 + k * second / 5000});
  EXPECT_EQ(run.step.result(Ticks{at + 1}).status, StepStatus::drifting);
}

TEST(StepAnalyzer, APauseAfterTheDecisionThatCostsThePrecisionLeavesTheRateUndetermined) {
  WholeStep run({}, regular(50.0));
  ASSERT_EQ(run.verdict.status, StepStatus::ok);
  std::int64_t at = run.now.count;
  const auto fire = [&](int count, std::int64_t interval) {
    for (int k = 0; k < count; ++k) run.step.spike(Ticks{at += interval});
  };
  fire(5, second / 50);
  ASSERT_EQ(run.step.result(Ticks{at + 1}).status, StepStatus::ok);
  fire(1, second / 2);
  fire(5, second / 50);
  const StepResult row = run.step.result(Ticks{at + 1});
  EXPECT_EQ(row.status, StepStatus::undetermined);
  EXPECT_GT(*row.frequency_hz.high - *row.frequency_hz.low, 0.08 * *row.frequency_hz.value) << "twice 2 % each way";
}

TEST(StepAnalyzer, CeilingsGiveTimeoutWithTheIntervalReached) {
  std::mt19937_64 random(6);
  std::exponential_distribution<double> interval(40.0);
  const auto poisson = [&] { return std::llround(second * interval(random)) + 1; };
  StepRules rules;
  rules.longest_s = 10.0;
  const WholeStep by_time(rules, poisson);
  EXPECT_EQ(by_time.verdict, (Verdict{true, StepStatus::timeout}));
  EXPECT_NEAR(by_time.seconds(), 10.0, 0.011);
  EXPECT_EQ(by_time.row().status, StepStatus::timeout);
  EXPECT_GT(*by_time.row().frequency_hz.high / *by_time.row().frequency_hz.value, 1.02);
  rules.longest_s = 1000.0;
  rules.most_spikes = 200;
  EXPECT_NEAR(static_cast<double>(WholeStep(rules, poisson).row().n_spikes), 200.0, 5.0);
}

TEST(StepAnalyzer, FewSpikesAtTheCeilingAreUndetermined) {
  StepRules rules;
  rules.longest_s = 2.0;
  const WholeStep run(rules, regular(2.0));
  EXPECT_EQ(run.verdict, (Verdict{true, StepStatus::undetermined}));
  EXPECT_EQ(run.row().status, StepStatus::undetermined);
}

TEST(StepAnalyzer, StepOfAFixedLengthReachesItsCeilingWhateverItsLengthRoundsTo) {
  constexpr double sample_rate_hz = 250e3;
  constexpr std::int64_t ticks_per_sample = 256;
  for (const double length_s : {0.05, 0.1, 0.4, 0.9, 2.0, 4.0, 10.0}) {
    for (std::int64_t settling = 0; settling <= 1000; settling += 125) {
      const std::int64_t samples = std::llround(length_s * sample_rate_hz) - settling;
      StepRules rules;
      rules.longest_s = static_cast<double>(samples) / sample_rate_hz;
      rules.most_spikes = 1'000'000;
      rules.relative_precision = 1e-4;
      rules.drift_p = 1e-9;
      StepAnalyzer step(rules, tick_s, Ticks{settling * ticks_per_sample});
      const Ticks end{(settling + samples) * ticks_per_sample};
      std::mt19937_64 random(11);
      std::uniform_real_distribution<double> interval(0.5, 1.5);
      for (Ticks at{settling * ticks_per_sample + 1}; at < end;) {
        step.spike(at);
        at = at + std::llround(second / 1000.0 * interval(random));
      }
      EXPECT_EQ(step.result(end).status, StepStatus::timeout) << length_s << " s less " << settling << " samples";
      EXPECT_EQ(step.result(end + -1).status, StepStatus::undetermined) << length_s << " s and a tick early";
    }
  }
}

TEST(StepAnalyzer, TimeOfSpikesThatAreLeftOutIsNotObserved) {
  StepRules rules;
  rules.settle_spikes = 10;
  for (const std::int64_t bin : {std::int64_t{0}, second / 10}) {
    rules.window.bin = bin;
    StepAnalyzer step(rules, tick_s, Ticks{0});
    for (int k = 1; k <= 13; ++k) {
      step.spike(Ticks{k * second});
      if (k == 4) step.gap(Ticks{4 * second + 100}, Ticks{4 * second + second / 2});
    }
    const Ticks end{13 * second + 1};
    const Estimate f = step.result(end).frequency_hz;
    EXPECT_DOUBLE_EQ(*f.value, 1.0);
    // Three spikes in 3 s, as Garwood has it.
    EXPECT_NEAR(*f.low, 0.61867 / 3.0, 1e-4);
    EXPECT_NEAR(*f.high, 8.76727 / 3.0, 1e-4);
    EXPECT_EQ(step.train().observed(end), 3 * second + 1);
    EXPECT_EQ(step.train().correlation(end).observed, 3 * second + 1);
  }
}

TEST(StepAnalyzer, GapThatReachesOverTheLastSettlingSpikeIsMissingFromThereOn) {
  TrainStatistics train(tick_s, Ticks{0});
  train.gap(Ticks{100}, Ticks{1000});
  train.begin_at(Ticks{400});
  EXPECT_EQ(train.observed(Ticks{1500}), 500);
  train.begin_at(Ticks{1200});
  EXPECT_EQ(train.observed(Ticks{1500}), 300);
}

TEST(StepAnalyzer, SpreadThatTheJitterExplainsIsAtTheFloorOfTheInstrument) {
  std::mt19937_64 random(12);
  StepRules rules;
  rules.timer_floor_s = 1e-5;
  // CV of intervals between spikes of this jitter is sqrt(2) 1e-5 s/20 ms = 7.1e-4.
  const auto jittered = [&](double jitter_s) {
    std::normal_distribution<double> shift(0.0, jitter_s);
    double before = 0.0;
    return WholeStep(rules,
                     [&, before]() mutable {
                       const double now = shift(random);
                       const auto interval = std::llround((0.02 + now - before) * second);
                       before = now;
                       return interval;
                     })
        .row()
        .features;
  };
  EXPECT_EQ(jittered(1e-5).at_instrument_floor, 1.0);
  EXPECT_EQ(jittered(1e-5).basis, 1.0);
  EXPECT_EQ(jittered(1e-4).at_instrument_floor, 0.0);
  EXPECT_EQ(WholeStep(rules, regular(50.0)).row().features.at_instrument_floor, 1.0);
  EXPECT_FALSE(with_spikes({100, 600}, rules).result(Ticks{second}).features.at_instrument_floor);
}

TEST(StepAnalyzer, TrainWhoseIntervalsAlternateRepeatsAfterTwo) {
  int n = 0;
  std::mt19937_64 random(13);
  std::normal_distribution<double> noise(1.0, 0.02);
  const auto alternating = [&](double share) {
    return WholeStep(
               {},
               [&, share] { return std::llround(second / 50.0 * (n++ % 2 ? 1 + share : 1 - share) * noise(random)); })
        .row();
  };
  const StepResult wide = alternating(0.25);
  EXPECT_EQ(wide.label, Label::TS);
  EXPECT_EQ(wide.features.basis, 2.0);
  EXPECT_EQ(alternating(0.1).features.basis, 2.0);
  EXPECT_EQ(alternating(0.0).features.basis, 1.0);
  // Of a train without order nothing repeats; nor is alternation within the jitter told.
  std::exponential_distribution<double> interval(40.0);
  EXPECT_FALSE(WholeStep({}, [&] { return std::llround(second * interval(random)) + 1; }).row().features.basis);
  EXPECT_EQ(WholeStep({}, [&] { return second / 50 + n++ % 2; }).row().features.basis, 1.0);
}

TEST(StepAnalyzer, SettlingIsLeftOutOfTheStatisticsButNotOfTheCount) {
  StepRules rules;
  rules.settle_drop_s = 1.0;
  StepAnalyzer step(rules, tick_s, Ticks{0});
  for (int k = 1; k <= 10; ++k) step.spike(Ticks{k * second / 11});
  for (int k = 1; k <= 30; ++k) step.spike(Ticks{second + k * second / 20});
  const StepResult row = step.result(Ticks{3 * second});
  EXPECT_EQ(row.n_spikes, 40);
  EXPECT_EQ(row.cv, 0.0);
  EXPECT_DOUBLE_EQ(*row.frequency_hz.value, 20.0);

  rules = {};
  rules.settle_spikes = 10;
  StepAnalyzer by_count(rules, tick_s, Ticks{0});
  for (int k = 1; k <= 10; ++k) by_count.spike(Ticks{k * second / 11});
  for (int k = 1; k <= 30; ++k) by_count.spike(Ticks{second + k * second / 20});
  EXPECT_DOUBLE_EQ(*by_count.result(Ticks{3 * second}).frequency_hz.value, 20.0);
}

TEST(StepAnalyzer, ClippedAndLostPeaksAreTold) {
  StepRules rules;
  rules.least_peak = 100.0;
  StepAnalyzer step(rules, tick_s, Ticks{0});
  for (int k = 1; k <= 100; ++k) step.spike(Ticks{k * second / 50}, {k % 3 == 0 ? 150.0 : 50.0, 0.0, 10});
  EXPECT_EQ(step.result(Ticks{2 * second + 1}).status, StepStatus::aliased);
  step.saturated();
  EXPECT_EQ(step.result(Ticks{2 * second + 1}).status, StepStatus::saturated);
}

TEST(StepAnalyzer, RunningStepPublishesNumbers) {
  StepAnalyzer step({}, tick_s, Ticks{0});
  for (int k = 1; k <= 30; ++k) step.spike(Ticks{k * second / 20});
  EXPECT_FALSE(step.evaluate(Ticks{31 * second / 20}).done);
  const StepResult row = step.result(Ticks{31 * second / 20});
  EXPECT_TRUE(row.frequency_hz.value && row.frequency_hz.low && row.frequency_hz.high && row.cv);
  EXPECT_EQ(step.histogram().total(), 29);
}

}  // namespace
}  // namespace thyrode::analysis
