#include "protocols/time.hpp"

#include <gtest/gtest.h>

namespace thyrode {
namespace {

TEST(Time, ATickBelongsToTheSampleThatContainsIt) {
  EXPECT_EQ(to_sample(Ticks{0}), Sample{0});
  EXPECT_EQ(to_sample(Ticks{255}), Sample{0});
  EXPECT_EQ(to_sample(Ticks{256}), Sample{1});
  EXPECT_EQ(to_sample(Ticks{-1}), Sample{-1});
  EXPECT_EQ(to_sample(Ticks{-256}), Sample{-1});
  EXPECT_EQ(to_sample(Ticks{-257}), Sample{-2});
}

TEST(Time, SamplesBecomeTicksAndComeBack) {
  for (const std::int64_t index : {std::int64_t{-3}, std::int64_t{0}, std::int64_t{7}, std::int64_t{1} << 50}) {
    EXPECT_EQ(to_sample(to_ticks(Sample{index})), Sample{index});
  }
}

TEST(Time, DifferencesAreCounts) {
  EXPECT_EQ(Sample{10} - Sample{4}, 6);
  EXPECT_EQ(Ticks{10} + 5, Ticks{15});
  EXPECT_LT(Sample{4} - 1, Sample{4});
}

}  // namespace
}  // namespace thyrode
