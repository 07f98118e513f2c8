#include "daemon/analysis/isi_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace thyrode::analysis {
namespace {

TEST(IsiHistogram, EdgesReachFromOneMicrosecondToAThousandSeconds) {
  EXPECT_DOUBLE_EQ(IsiHistogram::lower_edge_us(0), 1.0);
  EXPECT_GE(IsiHistogram::lower_edge_us(IsiHistogram::size), 1e9);
  EXPECT_LT(IsiHistogram::lower_edge_us(IsiHistogram::size - 1), 1e9);
}

TEST(IsiHistogram, IntervalLiesBetweenTheEdgesOfItsCounter) {
  for (double isi = 1.37; isi < 1e9; isi *= 1.7) {
    const int k = IsiHistogram::counter_of(isi);
    EXPECT_LT(IsiHistogram::lower_edge_us(k), isi);
    EXPECT_GE(IsiHistogram::lower_edge_us(k + 1), isi);
  }
}

TEST(IsiHistogram, CountsWhatIsOutsideInTheFirstAndLastCounter) {
  EXPECT_EQ(IsiHistogram::counter_of(0.0), 0);
  EXPECT_EQ(IsiHistogram::counter_of(0.3), 0);
  EXPECT_EQ(IsiHistogram::counter_of(1e15), IsiHistogram::size - 1);
  EXPECT_EQ(IsiHistogram::counter_of(std::nan("")), 0);
}

TEST(IsiHistogram, QuantilesAreWithinOnePercentOfTheSortedIntervals) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> isi(8.0, 2.0);
  IsiHistogram histogram;
  std::vector<double> sorted;
  for (int k = 0; k < 5000; ++k) {
    sorted.push_back(isi(random) + 1.0);
    histogram.add(sorted.back());
  }
  std::sort(sorted.begin(), sorted.end());
  for (const double p : {0.0, 0.01, 0.3, 0.5, 0.77, 0.99, 1.0}) {
    const double exact = sorted[static_cast<std::size_t>(std::floor(p * 4999.0))];
    EXPECT_NEAR(*histogram.quantile_us(p) / exact, 1.0, 0.01) << p;
  }
}

TEST(IsiHistogram, HasNoQuantileWithoutIntervalsOrOutsideZeroToOne) {
  IsiHistogram histogram;
  EXPECT_FALSE(histogram.quantile_us(0.5));
  histogram.add(10.0);
  EXPECT_FALSE(histogram.quantile_us(-0.1));
  EXPECT_FALSE(histogram.quantile_us(1.1));
}

}  // namespace
}  // namespace thyrode::analysis
