#include "daemon/analysis/interval_statistics.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace thyrode::analysis {
namespace {

IntervalStatistics of(std::initializer_list<std::int64_t> intervals) {
  IntervalStatistics s;
  for (const std::int64_t interval : intervals) s.add(interval);
  return s;
}

TEST(IntervalStatistics, IsEmptyWithoutIntervals) {
  const IntervalStatistics s;
  EXPECT_FALSE(s.mean());
  EXPECT_FALSE(s.cv());
  EXPECT_FALSE(s.cv2());
  EXPECT_FALSE(s.lv());
  EXPECT_FALSE(s.serial_correlation());
}

TEST(IntervalStatistics, OneIntervalHasAMeanAndNoVariation) {
  const IntervalStatistics s = of({40});
  EXPECT_EQ(s.mean(), 40.0);
  EXPECT_FALSE(s.cv());
  EXPECT_FALSE(s.cv2());
  EXPECT_FALSE(s.lv());
}

TEST(IntervalStatistics, EqualIntervalsHaveExactlyNoVariation) {
  IntervalStatistics s;
  for (int k = 0; k < 100'000; ++k) s.add(123'456'789);
  EXPECT_EQ(s.cv(), 0.0);
  EXPECT_EQ(s.cv2(), 0.0);
  EXPECT_FALSE(s.serial_correlation());
}

// Four intervals whose CV2 and LV are published (Elephant, test_statistics): the sums run over the N - 1 pairs.
TEST(IntervalStatistics, GivesThePublishedCv2AndLv) {
  const IntervalStatistics s = of({300, 4500, 6700, 9300});
  EXPECT_NEAR(*s.cv2(), 0.8226190476190478, 1e-12);
  EXPECT_NEAR(*s.lv(), 0.8306154336734695, 1e-12);
}

TEST(IntervalStatistics, RefractoryTermVanishesWithTheRefractoryPeriod) {
  const IntervalStatistics s = of({300, 4500, 6700, 9300});
  EXPECT_EQ(s.lvr(0.0), s.lv());
  EXPECT_GT(*s.lvr(100.0), *s.lv());
}

TEST(IntervalStatistics, SkipsPairsOfSumZero) {
  EXPECT_FALSE(of({0, 0, 0}).cv2());
  EXPECT_FALSE(of({0, 0, 0}).cv());
  EXPECT_DOUBLE_EQ(*of({0, 0, 100}).cv2(), 2.0);
}

TEST(IntervalStatistics, IntervalsOnTwoSidesOfAGapAreNoPair) {
  IntervalStatistics s = of({100, 100});
  s.interrupt();
  s.add(300);
  s.add(300);
  EXPECT_EQ(s.cv2(), 0.0);
  EXPECT_DOUBLE_EQ(*s.cv(), 0.5);
  EXPECT_EQ(s.longest(), 300);
}

TEST(IntervalStatistics, AlternatingIntervalsAreAnticorrelated) {
  IntervalStatistics s;
  for (int k = 0; k < 1000; ++k) s.add(k % 2 == 0 ? 3000 : 5000);
  EXPECT_NEAR(*s.serial_correlation(), -1.0, 0.002);
}

}  // namespace
}  // namespace thyrode::analysis
