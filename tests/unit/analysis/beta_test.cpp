#include "daemon/analysis/beta.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "tests/unit/analysis/msn_curve.hpp"

namespace thyrode::analysis {
namespace {

/// Points of the tonic neuron from `first` to 128 µA, with noise of ln f.
std::vector<FiPoint> msn_points(double first, double spacing, double sigma, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0.0, sigma);
  std::vector<FiPoint> points;
  for (double current = first; current <= 128.0 + 1e-9; current += spacing) {
    if (const auto rate = test::msn_rate(current)) points.push_back({current, *rate * std::exp(noise(random)), sigma});
  }
  return points;
}

OnsetCoordinate coordinate_of(const std::vector<FiPoint>& points) {
  return {straightening_current(points, 0.0)};
}

std::vector<FiPoint> power_law(std::size_t n, double exponent, double sigma, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0.0, sigma);
  std::vector<FiPoint> points;
  for (std::size_t k = 0; k < n; ++k) {
    const double current = 10.0 + 2.0 * static_cast<double>(k);
    points.push_back({current, 3.0 * std::pow(current, exponent) * std::exp(noise(random)), sigma});
  }
  return points;
}

TEST(OnsetCoordinate, SlopeIsItsDerivative) {
  const OnsetCoordinate coordinate{32.0};
  EXPECT_NEAR(coordinate.slope(40.0), (coordinate.at(40.001) - coordinate.at(39.999)) / 0.002, 1e-6);
}

TEST(LocalBeta, NeedsFivePoints) {
  const auto points = power_law(4, 1.0, 1e-4, 1);
  for (const BetaPoint& p : local_beta(points, {5.0})) {
    EXPECT_EQ(p.status, BetaStatus::few_points);
    EXPECT_FALSE(p.per_ua.value);
  }
  const auto five = local_beta(power_law(5, 1.0, 1e-4, 1), {5.0});
  EXPECT_EQ(five[2].status, BetaStatus::ok);
}

TEST(LocalBeta, EndPointsAreEdgesWithoutAValue) {
  const auto beta = local_beta(power_law(9, 1.0, 1e-4, 1), {5.0});
  for (const std::size_t k : {std::size_t{0}, std::size_t{8}}) {
    EXPECT_EQ(beta[k].status, BetaStatus::edge);
    EXPECT_FALSE(beta[k].per_ua.value || beta[k].per_ua.low || beta[k].per_ua.high);
  }
}

TEST(LocalBeta, IdealIntegratorHasKappaOne) {
  const auto points = power_law(12, 1.0, 1e-9, 1);
  const auto beta = local_beta(points, coordinate_of(points));
  for (std::size_t k = 1; k + 1 < points.size(); ++k) {
    ASSERT_TRUE(beta[k].per_ua.value);
    EXPECT_NEAR(*beta[k].per_ua.value * points[k].current_ua, 1.0, 1e-3);
  }
}

TEST(LocalBeta, EqualRatesHaveNone) {
  const auto points = power_law(12, 0.0, 1e-6, 1);
  const auto beta = local_beta(points, {5.0});
  for (std::size_t k = 1; k + 1 < points.size(); ++k) {
    ASSERT_TRUE(beta[k].per_ua.value);
    EXPECT_NEAR(*beta[k].per_ua.value, 0.0, 1e-5);
  }
}

// Tolerances of the demand: 3 % from 36 to 108 µA, elsewhere 5 % or 0.001/µA, or flagged as edge.
TEST(LocalBeta, FollowsTheTonicNeuronOnEveryGrid) {
  int checked = 0;
  for (const double spacing : {1.0, 2.0, 3.0}) {
    for (const double offset : {0.0, 0.35, 0.8, 1.45, 2.0}) {
      const auto points = msn_points(32.0 + offset, spacing, 1e-5, 11);
      const auto beta = local_beta(points, coordinate_of(points));
      for (std::size_t k = 1; k + 1 < points.size(); ++k) {
        const double current = points[k].current_ua;
        const auto truth = test::msn_beta(current);
        SCOPED_TRACE(testing::Message() << current << " uA, every " << spacing << " uA");
        ASSERT_TRUE(truth);
        const bool inner = current >= 36.0 && current <= 108.0;
        if (beta[k].status == BetaStatus::edge && !inner) continue;
        ASSERT_EQ(beta[k].status, BetaStatus::ok);
        const double tolerance = inner ? 0.03 * std::abs(*truth) : std::max(0.05 * std::abs(*truth), 0.001);
        EXPECT_NEAR(*beta[k].per_ua.value, *truth, tolerance);
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 500);
}

TEST(LocalBeta, OnlyTheSecondPointFromAnEndIsFlaggedForItsUncertainty) {
  const auto points = msn_points(33.0, 2.0, 1e-5, 11);
  const auto beta = local_beta(points, coordinate_of(points));
  for (std::size_t k = 2; k + 2 < points.size(); ++k) EXPECT_EQ(beta[k].status, BetaStatus::ok);
}

/// Share of the intervals that hold the truth. @param claim  stated over true standard deviation
double coverage(double spacing, double sigma, double claim, double first_ua = 34.0, double last_ua = 128.0) {
  int hits = 0;
  int all = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    auto points = msn_points(first_ua, spacing, sigma, 500 + seed);
    for (FiPoint& p : points) p.sigma_ln_f *= claim;
    const auto beta = local_beta(points, coordinate_of(points));
    for (std::size_t k = 1; k + 1 < points.size(); ++k) {
      const auto truth = test::msn_beta(points[k].current_ua);
      if (!truth || !beta[k].per_ua.value || points[k].current_ua > last_ua) continue;
      ++all;
      if (*beta[k].per_ua.low <= *truth && *truth <= *beta[k].per_ua.high) ++hits;
    }
  }
  return static_cast<double>(hits) / all;
}

TEST(LocalBeta, IntervalsHoldTheTruthNineteenTimesInTwenty) {
  for (const double spacing : {1.0, 2.0, 3.0}) {
    for (const double sigma : {0.005, 0.01, 0.02}) {
      const double share = coverage(spacing, sigma, 1.0);
      EXPECT_GE(share, 0.93) << spacing << " uA, noise " << sigma;
      EXPECT_LE(share, 0.985) << spacing << " uA, noise " << sigma;
    }
  }
}

TEST(LocalBeta, IntervalsHoldTheTruthWithinTenMicroamperesOfTheOnsetToo) {
  for (const double spacing : {2.0, 3.0, 4.0}) {
    for (const double sigma : {0.0001, 0.001, 0.002}) {
      double share = 0.0;
      constexpr std::array<double, 4> offsets{32.25, 33.0, 33.5, 34.25};
      for (const double first_ua : offsets) share += coverage(spacing, sigma, 1.0, first_ua, 42.0) / offsets.size();
      EXPECT_GE(share, 0.9) << spacing << " uA, noise " << sigma;
    }
  }
}

TEST(LocalBeta, ScatterThatTheErrorsDoNotKnowOfWidensTheIntervals) {
  EXPECT_GE(coverage(2.0, 0.01, 0.01), 0.93);
}

TEST(FindJumps, FindsNoneInTheTonicNeuron) {
  for (const double spacing : {1.0, 2.0, 3.0}) {
    for (const double offset : {0.0, 0.35, 0.8, 1.45, 2.0}) {
      for (const double sigma : {1e-6, 1e-3, 0.01}) {
        const auto points = msn_points(32.0 + offset, spacing, sigma, 9);
        EXPECT_TRUE(find_jumps(points, coordinate_of(points)).empty()) << offset << " " << spacing << " " << sigma;
      }
    }
  }
}

TEST(FindJumps, FindsTheIntervalOfAStep) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    auto points = power_law(20, 1.0, 0.005, seed);
    for (std::size_t k = 11; k < points.size(); ++k) points[k].frequency_hz *= std::exp(0.2);
    const auto jumps = find_jumps(points, {5.0});
    ASSERT_EQ(jumps.size(), 1u) << "seed " << seed;
    EXPECT_EQ(jumps[0], 10u) << "seed " << seed;
  }
}

TEST(FindJumps, GivesNoFalseAlarmAndNeedsThreePointsOnEachSide) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    EXPECT_TRUE(find_jumps(power_law(24, 1.0, 0.037, seed), {5.0}).empty()) << "seed " << seed;
  }
  EXPECT_TRUE(find_jumps(power_law(5, 1.0, 1e-6, 1), {5.0}).empty());
}

}  // namespace
}  // namespace thyrode::analysis
