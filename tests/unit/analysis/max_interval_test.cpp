#include "daemon/analysis/max_interval.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace thyrode::analysis {
namespace {

constexpr MaxIntervalRules rules{40, 50, 60, 20, 3};

MaxIntervalBursts of(std::initializer_list<std::int64_t> intervals, const MaxIntervalRules& r = rules) {
  MaxInterval found(r);
  Ticks at{1000};
  found.spike(at);
  for (const std::int64_t interval : intervals) found.spike(at = at + interval);
  return found.result();
}

TEST(MaxInterval, FindsNothingInATrainWithoutShortIntervals) {
  const auto found = of({100, 100, 100, 51});
  EXPECT_EQ(found.bursts, 0);
  EXPECT_FALSE(found.spikes_per_burst);
  EXPECT_FALSE(found.period);
}

TEST(MaxInterval, ABurstBeginsAtStartAndGoesOnToGoOn) {
  EXPECT_EQ(of({50, 50, 50, 200}).bursts, 0) << "no interval of 40 or less";
  const auto found = of({40, 50, 50, 51, 200});
  EXPECT_EQ(found.bursts, 1);
  EXPECT_EQ(found.spikes_in_bursts, 4);
  EXPECT_EQ(found.duration, 140.0);
  EXPECT_FALSE(found.period) << "of one burst";
}

TEST(MaxInterval, JoinsBurstsAcrossLessThanTheGapWithTheSpikesInBetween) {
  const auto joined = of({30, 30, 59, 30, 30, 500, 30, 30});
  EXPECT_EQ(joined.bursts, 2);
  EXPECT_EQ(joined.spikes_in_bursts, 9);
  EXPECT_EQ(joined.period, 679.0);
  EXPECT_EQ(of({30, 30, 60, 30, 30, 500, 30, 30}).bursts, 3);
  EXPECT_EQ(of({30, 30, 51, 8, 30}).spikes_in_bursts, 6) << "51 ends a run, and is less than the gap";
}

TEST(MaxInterval, DropsWhatIsTooShortOrTooSmall) {
  EXPECT_EQ(of({30, 200, 30, 30, 200}).bursts, 1) << "a pair is below 3 spikes";
  EXPECT_EQ(of({9, 9, 200, 10, 10}).bursts, 1) << "18 ticks are below 20";
  EXPECT_EQ(of({30, 200, 10, 10}, {40, 50, 0, 0, 2}).bursts, 2);
}

TEST(MaxInterval, TheLastBurstCountsBeforeItHasEnded) {
  MaxInterval found(rules);
  for (const std::int64_t at : {0, 30, 60}) found.spike(Ticks{at});
  EXPECT_EQ(found.result().bursts, 1);
  EXPECT_EQ(found.result().bursts, 1) << "asking changes nothing";
  found.spike(Ticks{90});
  EXPECT_EQ(found.result().spikes_in_bursts, 4);
}

}  // namespace
}  // namespace thyrode::analysis
