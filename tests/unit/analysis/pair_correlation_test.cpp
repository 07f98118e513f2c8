#include "daemon/analysis/pair_correlation.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace thyrode::analysis {
namespace {

std::vector<std::int64_t> poisson_times(std::uint64_t seed, double mean, std::int64_t end) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> interval(1.0 / mean);
  std::vector<std::int64_t> times;
  for (double at = interval(random); at < static_cast<double>(end); at += interval(random)) {
    times.push_back(static_cast<std::int64_t>(at));
  }
  return times;
}

PairCorrelation correlate(const std::vector<std::int64_t>& times, const LagWindow& window, std::int64_t end) {
  PairCounter pairs(window, Ticks{0});
  for (const std::int64_t at : times) pairs.add(Ticks{at});
  return pairs.result(Ticks{end});
}

std::vector<std::int64_t> all_pairs(const std::vector<std::int64_t>& times, std::int64_t bin, std::int64_t bins) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (std::size_t j = i + 1; j < times.size(); ++j) {
      const std::int64_t k = (times[j] - times[i]) / bin;
      if (k < bins) ++counts[static_cast<std::size_t>(k)];
    }
  }
  return counts;
}

TEST(PairCounter, CountsWhatComparingAllPairsDoes) {
  const auto times = poisson_times(1, 1000.0, 3'000'000);
  for (const std::int64_t bin : {1, 7, 64, 250}) {
    EXPECT_EQ(correlate(times, {bin, 100}, 3'000'000).counts, all_pairs(times, bin, 100)) << bin;
  }
}

TEST(PairCounter, LagsBeyondThirtyTwoBitsAreBinnedTheSame) {
  auto times = poisson_times(2, 1000.0, 500'000);
  for (std::int64_t& at : times) at *= 10'000'019;
  const std::int64_t bin = 10'000'019LL * 50;
  EXPECT_EQ(correlate(times, {bin, 100}, 1).counts, all_pairs(times, bin, 100));
}

TEST(PairCounter, MultiplesOfABinFallIntoTheBinTheyOpen) {
  std::vector<std::int64_t> times;
  for (std::int64_t k = 0; k < 1000; ++k) times.push_back(700 * k);
  const PairCorrelation pairs = correlate(times, {70, 100}, 700'000);
  for (std::size_t k = 0; k < 100; ++k) EXPECT_EQ(pairs.counts[k] > 0, k > 0 && k % 10 == 0) << k;
}

TEST(PairCounter, WindowIsTenMeanIntervalsOfTheBeginningAndNoPairIsLost) {
  const auto times = poisson_times(3, 1000.0, 2'000'000);
  const PairCorrelation pairs = correlate(times, {}, 2'000'000);
  const double mean = static_cast<double>(times[64] - times[0]) / 64.0;
  EXPECT_EQ(pairs.bin, std::llround(10.0 * mean / 200.0));
  EXPECT_EQ(pairs.counts, all_pairs(times, pairs.bin, 200));
  EXPECT_EQ(pairs.spikes, static_cast<std::int64_t>(times.size()));
  EXPECT_EQ(pairs.observed, 2'000'000);
}

TEST(PairCounter, AShortTrainHasAWindowOfItsOwnIntervals) {
  const PairCorrelation pairs = correlate({1000, 3000, 5000}, {}, 6000);
  EXPECT_EQ(pairs.bin, 100);
  EXPECT_EQ(pairs.counts[20], 2);
  EXPECT_EQ(pairs.counts[40], 1);
  EXPECT_EQ(correlate({1000}, {}, 6000).bins(), 0U);
}

TEST(PairCounter, NoPairBridgesAGap) {
  PairCounter pairs({100, 50}, Ticks{0});
  for (const std::int64_t at : {1000, 2000}) pairs.add(Ticks{at});
  pairs.gap(Ticks{2500}, Ticks{2900});
  for (const std::int64_t at : {3000, 4500}) pairs.add(Ticks{at});
  const PairCorrelation found = pairs.result(Ticks{5000});
  EXPECT_EQ(found.counts[10], 1);
  EXPECT_EQ(found.counts[15], 1);
  std::int64_t all = 0;
  for (const std::int64_t count : found.counts) all += count;
  EXPECT_EQ(all, 2);
  EXPECT_EQ(found.observed, 4600);
  // Both stretches lose their own border.
  EXPECT_DOUBLE_EQ(found.border[10], 2.0 * 1050.0);
  EXPECT_DOUBLE_EQ(found.border[30], 2100.0 + 2500.0);
  EXPECT_EQ(found.corrected(30), 0.0);
}

TEST(PairCounter, SaysWhenItsRingIsTooShortForTheWindow) {
  std::vector<std::int64_t> times;
  for (std::int64_t k = 0; k < 3000; ++k) times.push_back(10 * k);
  EXPECT_TRUE(correlate(times, {200, 200}, 30'000).clipped);
  EXPECT_FALSE(correlate(times, {51, 200}, 30'000).clipped);
}

TEST(PairCorrelation, BorderCorrectionRestoresTheLevelOfAShortRecord) {
  // A record of twice the window: without the correction the last bins hold half of the pairs.
  double raw = 0.0;
  double corrected = 0.0;
  double level = 0.0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const PairCorrelation pairs = correlate(poisson_times(seed, 1000.0, 400'000), {2000, 100}, 400'000);
    raw += pairs.g(99);
    corrected += pairs.corrected(99);
    level += pairs.level();
  }
  EXPECT_NEAR(raw / level, 0.5, 0.03);
  EXPECT_NEAR(corrected / level, 1.0, 0.03);
}

TEST(PairCorrelation, PointwiseBandHoldsNinetyFivePercentOfTheBins) {
  for (const double mean : {1000.0, 200.0}) {  // 50 pairs expected in a bin: normal; 2: exact Poisson limits
    int inside = 0;
    int bins = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      const std::int64_t end = mean == 1000.0 ? 5'000'000 : 40'000;
      const PairCorrelation pairs = correlate(poisson_times(seed, mean, end), {10, 100}, end);
      const PairCorrelation::Band band = pairs.band(false);
      for (std::size_t k = 0; k < pairs.bins(); ++k) {
        ++bins;
        if (band.low <= pairs.corrected(k) && pairs.corrected(k) <= band.high) ++inside;
      }
    }
    // Exact limits are at least as wide as asked for.
    EXPECT_GE(static_cast<double>(inside) / bins, 0.94) << mean;
    EXPECT_LE(static_cast<double>(inside) / bins, 0.985) << mean;
  }
}

TEST(PairCorrelation, SimultaneousBandLeavesPoissonFeaturelessAndNotACrystal) {
  int alarms = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const PairCorrelation pairs = correlate(poisson_times(seed, 1000.0, 2'000'000), {}, 2'000'000);
    if (!pairs.featureless().value()) ++alarms;
  }
  EXPECT_LE(alarms, 12);  // 5 expected
  std::vector<std::int64_t> crystal;
  for (std::int64_t k = 0; k < 300; ++k) crystal.push_back(1000 * k);
  EXPECT_FALSE(correlate(crystal, {}, 300'000).featureless().value());
  EXPECT_FALSE(correlate({}, {100, 10}, 1000).featureless());
}

// Observed from the first spike to the last, as a list is: the window reaches as far as the train.
TEST(PairCorrelation, ShortTrainsWithoutMemoryAreFeatureless) {
  for (const std::size_t spikes : {2, 3, 5, 8, 12, 20, 40, 80}) {
    int alarms = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      std::vector<std::int64_t> times = poisson_times(seed, 1000.0, 200'000);
      ASSERT_GE(times.size(), spikes);
      times.resize(spikes);
      PairCounter pairs({}, Ticks{times.front()});
      for (const std::int64_t at : times) pairs.add(Ticks{at});
      if (!pairs.result(Ticks{times.back()}).featureless().value()) ++alarms;
    }
    EXPECT_LE(alarms, 20) << spikes << " spikes";  // 10 expected at most: exact limits are wider than asked for
  }
  PairCounter crystal({}, Ticks{0});
  for (std::int64_t k = 0; k < 20; ++k) crystal.add(Ticks{1000 * k});
  EXPECT_FALSE(crystal.result(Ticks{19'000}).featureless().value());
}

TEST(PairCorrelation, PartsMergedAreTheSumOfTheirCountsAndTimes) {
  PairCorrelation first = correlate(poisson_times(1, 1000.0, 1'000'000), {100, 50}, 1'000'000);
  const PairCorrelation second = correlate(poisson_times(2, 1000.0, 500'000), {100, 50}, 500'000);
  const PairCorrelation before = first;
  first.merge(second);
  EXPECT_EQ(first.counts[7], before.counts[7] + second.counts[7]);
  EXPECT_EQ(first.spikes, before.spikes + second.spikes);
  EXPECT_EQ(first.observed, 1'500'000);
  EXPECT_DOUBLE_EQ(first.border[7], 2.0 * 750.0);
}

}  // namespace
}  // namespace thyrode::analysis
