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

// Rounding of an edge itself is allowed for, nothing else.
constexpr double one_percent = IsiHistogram::accuracy * (1.0 + 1e-12);

TEST(IsiHistogram, QuantilesOfEqualIntervalsAreThatInterval) {
  for (int k = 0; k <= IsiHistogram::size; k += 7) {
    const double edge = IsiHistogram::lower_edge_us(k);
    for (const double isi : {edge, std::nextafter(edge, 0.0), std::nextafter(edge, 1e12), 0.3 * edge}) {
      IsiHistogram histogram;
      for (int n = 0; n < 5; ++n) histogram.add(isi);
      for (const double p : {0.0, 0.05, 0.5, 0.95, 1.0}) EXPECT_EQ(histogram.quantile_us(p), isi) << k << " " << p;
    }
  }
}

TEST(IsiHistogram, QuantilesOfValuesAtTheEdgesOfBucketsAreWithinOnePercentOfTheLowerRank) {
  IsiHistogram histogram;
  std::vector<double> sorted;
  for (int k = 0; k < IsiHistogram::size; ++k) {
    sorted.push_back(IsiHistogram::lower_edge_us(k));
    histogram.add(sorted.back());
  }
  // p (n - 1) is a whole number or lies just below one: the rank is never rounded up.
  const auto last = static_cast<double>(sorted.size() - 1);
  for (std::size_t rank = 0; rank < sorted.size(); ++rank) {
    const double p = static_cast<double>(rank) / last;
    const double below = p > 0.0 ? std::nextafter(p, 0.0) : 0.0;
    for (const double at : {p, below, (static_cast<double>(rank) + 0.999) / last}) {
      if (at > 1.0) continue;
      const double exact = sorted[static_cast<std::size_t>(std::floor(at * last))];
      EXPECT_LE(std::abs(*histogram.quantile_us(at) / exact - 1.0), one_percent) << rank;
    }
  }
  EXPECT_EQ(histogram.quantile_us(0.0), sorted.front());
  EXPECT_EQ(histogram.quantile_us(1.0), sorted.back());
}

TEST(IsiHistogram, QuantilesOfMergedHistogramsAreThoseOfAllIntervals) {
  IsiHistogram slow, fast, empty, all;
  for (const double isi : {1000.0, 1003.0}) slow.add(isi), all.add(isi);
  for (const double isi : {0.25, 700.0}) fast.add(isi), all.add(isi);
  slow.merge(empty);
  empty.merge(fast);
  slow.merge(empty);
  for (const double p : {0.0, 0.4, 0.7, 1.0}) EXPECT_EQ(slow.quantile_us(p), all.quantile_us(p)) << p;
  EXPECT_EQ(slow.quantile_us(0.0), 0.25);
  EXPECT_EQ(slow.quantile_us(1.0), 1003.0);
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
