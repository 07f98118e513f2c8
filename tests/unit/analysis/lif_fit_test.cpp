#include "daemon/analysis/lif_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace thyrode::analysis {
namespace {

constexpr double onset_ua = 32.0;
constexpr double tau_s = 0.012;
constexpr double refractory_s = 0.0004;

double lif_rate(double current_ua) {
  return 1.0 / (refractory_s + tau_s * std::log(current_ua / (current_ua - onset_ua)));
}

/// Points at geometric distances from the onset, with noise of ln f.
std::vector<FiPoint> lif_points(std::size_t n, double sigma, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0.0, sigma);
  std::vector<FiPoint> points;
  for (std::size_t k = 0; k < n; ++k) {
    const double current =
        onset_ua * (1.0 + 0.03 * std::pow(30.0, static_cast<double>(k) / static_cast<double>(n - 1)));
    points.push_back({current, lif_rate(current) * std::exp(noise(random)), sigma});
  }
  return points;
}

TEST(LifFit, NeedsFourFiringPoints) {
  EXPECT_FALSE(fit_lif(lif_points(3, 0.005, 1), 30.0));
  EXPECT_TRUE(fit_lif(lif_points(4, 0.005, 1), 30.0));
}

TEST(LifFit, NeedsFourDifferentCurrents) {
  auto points = lif_points(3, 0.005, 1);
  for (const FiPoint& p : lif_points(3, 0.005, 2)) points.push_back(p);
  EXPECT_FALSE(fit_lif(points, 30.0));
  points.push_back(lif_points(4, 0.005, 1)[1]);
  EXPECT_TRUE(fit_lif(points, 30.0));
}

TEST(LifFit, ANeuronWithoutLeakHasATauWithoutEndAndIsNotAccepted) {
  std::vector<FiPoint> points;
  for (int k = 0; k < 8; ++k) {
    const double current = 30.0 + 4.0 * k;
    points.push_back({current, 0.5 * current, 1e-3});
  }
  const auto exact = fit_lif(points, 0.0);
  ASSERT_TRUE(exact);
  EXPECT_FALSE(exact->accepted);
  EXPECT_LT(exact->chi2_per_dof, 2.0);
  EXPECT_TRUE(std::isinf(exact->tau_ms));
  EXPECT_TRUE(std::isinf(exact->tau_high_ms));
  EXPECT_TRUE(std::isfinite(exact->tau_low_ms));
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> noise(0.0, 1e-3);
    for (FiPoint& p : points) p.frequency_hz = 0.5 * p.current_ua * std::exp(noise(random));
    const auto fit = fit_lif(points, 0.0);
    ASSERT_TRUE(fit) << seed;
    if (fit->rheobase_low_ua > 1e-3) continue;  // chance has shown a leak
    EXPECT_TRUE(std::isinf(fit->tau_high_ms)) << seed;
    EXPECT_FALSE(fit->accepted) << seed;
  }
}

TEST(LifFit, NeedsRoomBetweenSilentAndFiring) {
  const auto points = lif_points(8, 0.005, 1);
  EXPECT_FALSE(fit_lif(points, points[0].current_ua));
  EXPECT_FALSE(fit_lif(std::vector<FiPoint>(5, points[0]), 0.0));
}

TEST(LifFit, RecoversANeuronWithoutNoise) {
  auto points = lif_points(12, 0.0, 1);
  for (FiPoint& p : points) p.sigma_ln_f = 1e-7;
  const auto fit = fit_lif(points, 30.0);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->rheobase_ua, onset_ua, 1e-5);
  EXPECT_NEAR(fit->tau_ms, tau_s * 1e3, 1e-4);
  EXPECT_NEAR(fit->refractory_ms, refractory_s * 1e3, 1e-4);
  EXPECT_TRUE(fit->accepted);
  EXPECT_LE(fit->rheobase_low_ua, onset_ua);
  EXPECT_GE(fit->rheobase_high_ua, onset_ua);
  EXPECT_DOUBLE_EQ(fit->range_low_ua, points.front().current_ua);
  EXPECT_DOUBLE_EQ(fit->range_high_ua, points.back().current_ua);
}

TEST(LifFit, StaysBetweenTheHighestSilentAndTheLowestFiringCurrent) {
  const auto points = lif_points(12, 0.02, 4);
  const auto fit = fit_lif(points, 32.3);
  ASSERT_TRUE(fit);
  EXPECT_GT(fit->rheobase_low_ua, 32.3 - 1e-9);
  EXPECT_LT(fit->rheobase_high_ua, points[0].current_ua);
}

TEST(LifFit, RefractoryPeriodIsNeverNegative) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const auto fit = fit_lif(lif_points(8, 0.03, seed), 0.0);
    ASSERT_TRUE(fit);
    EXPECT_GE(fit->refractory_ms, 0.0);
    EXPECT_GE(fit->refractory_low_ms, 0.0);
    EXPECT_GT(fit->tau_ms, 0.0);
    EXPECT_LE(fit->tau_low_ms, fit->tau_ms);
    EXPECT_GE(fit->tau_high_ms, fit->tau_ms);
  }
}

TEST(LifFit, ProfileIntervalsHoldTheTruthNineteenTimesInTwenty) {
  constexpr int runs = 300;
  int rheobase = 0;
  int tau = 0;
  int refractory = 0;
  for (unsigned seed = 0; seed < runs; ++seed) {
    const auto fit = fit_lif(lif_points(12, 0.005, 100 + seed), 30.0);
    ASSERT_TRUE(fit);
    if (fit->rheobase_low_ua <= onset_ua && onset_ua <= fit->rheobase_high_ua) ++rheobase;
    if (fit->tau_low_ms <= tau_s * 1e3 && tau_s * 1e3 <= fit->tau_high_ms) ++tau;
    if (fit->refractory_low_ms <= refractory_s * 1e3 && refractory_s * 1e3 <= fit->refractory_high_ms) ++refractory;
  }
  for (const int hits : {rheobase, tau, refractory}) EXPECT_GE(hits, 0.93 * runs);
}

TEST(LifFit, ANeuronThatIsNoLifIsNotAccepted) {
  auto points = lif_points(20, 0.005, 3);
  for (FiPoint& p : points) p.frequency_hz *= 1.0 + 0.1 * std::sin(p.current_ua / 4.0);
  const auto fit = fit_lif(points, 30.0);
  ASSERT_TRUE(fit);
  EXPECT_FALSE(fit->accepted);
  EXPECT_GT(fit->chi2_per_dof, 2.0);
}

TEST(LifFit, StraighteningCurrentOfALifIsItsRheobase) {
  auto points = lif_points(12, 0.0, 1);
  for (FiPoint& p : points) p.sigma_ln_f = 1e-6;
  EXPECT_NEAR(straightening_current(points, 0.0), onset_ua, 1e-4);
}

}  // namespace
}  // namespace thyrode::analysis
