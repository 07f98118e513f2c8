// The f(I) tables of the reference vectors.
#include <gtest/gtest.h>

#include <vector>

#include "daemon/analysis/beta.hpp"
#include "daemon/analysis/lif_fit.hpp"
#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::analysis {
namespace {

using nlohmann::json;

std::vector<FiPoint> to_points(const json& c) {
  std::vector<FiPoint> points;
  for (std::size_t k = 0; k < c["I_uA"].size(); ++k) {
    points.push_back({c["I_uA"][k], c["f_hz"][k], c["sigma_lnf"][k]});
  }
  return points;
}

template <class F>
void for_each_table(F&& f) {
  const json vectors = test::read_vectors("fI.json");
  ASSERT_FALSE(vectors["cases"].empty());
  for (const json& c : vectors["cases"]) {
    if (!c.contains("f_hz")) continue;
    SCOPED_TRACE(c["name"].get<std::string>());
    f(c, to_points(c));
  }
}

/// beta_n of a LIF, 1/µA. Design page "Analysis", section 7.
double lif_beta(const LifFit& fit, double current_ua) {
  const double onset = fit.rheobase_ua;
  const double period = fit.refractory_ms + fit.tau_ms * std::log(current_ua / (current_ua - onset));
  return fit.tau_ms * onset / (current_ua * (current_ua - onset) * period);
}

TEST(FiVectors, LifFitFindsTheReferenceMinimum) {
  int checked = 0;
  for_each_table([&](const json& c, const std::vector<FiPoint>& points) {
    if (!c["expected"].contains("fit_T_weighted")) return;
    ++checked;
    const json& expected = c["expected"]["fit_T_weighted"];
    const auto fit = fit_lif(points, 0.0);
    ASSERT_TRUE(fit);
    const double tau_ms = expected["tau_s"].get<double>() * 1e3;
    test::expect_close(fit->rheobase_ua, expected["Ic_uA"].get<double>(), 1e-4);
    test::expect_close(fit->tau_ms, tau_ms, 1e-3);
    test::expect_close(fit->refractory_ms, expected["tref_s"].get<double>() * 1e3, 0.0, 1e-2 * tau_ms);
    EXPECT_TRUE(fit->accepted);
    // The least square of a noise-free table is rounding of its twelve digits, not a property of the minimum.
    if (points[0].sigma_ln_f > 1e-6) {
      const double dof = expected["dof"].get<double>();
      test::expect_close(fit->chi2_per_dof, expected["chi2"].get<double>() / dof, 1e-3);
    }
  });
  EXPECT_GE(checked, 1);
}

TEST(FiVectors, LifFitGivesTheTrueBetaOfANoiseFreeTable) {
  for_each_table([](const json& c, const std::vector<FiPoint>& points) {
    if (points[0].sigma_ln_f > 1e-8 || !c["expected"].contains("fit_T_weighted")) return;
    const auto fit = fit_lif(points, 0.0);
    ASSERT_TRUE(fit);
    for (std::size_t k = 0; k < points.size(); ++k) {
      const double truth = c["expected"]["beta_true_per_uA"][k];
      test::expect_close(lif_beta(*fit, points[k].current_ua), truth, 0.01);
    }
  });
}

TEST(FiVectors, LocalBetaIsWithinTheToleranceAtInteriorPoints) {
  for_each_table([](const json& c, const std::vector<FiPoint>& points) {
    const bool noisy = points[0].sigma_ln_f > 1e-4;
    const OnsetCoordinate coordinate{straightening_current(points, 0.0)};
    const auto jumps = find_jumps(points, coordinate);
    std::size_t first = 0;
    for (std::size_t part = 0; part <= jumps.size(); ++part) {
      const std::size_t end = part < jumps.size() ? jumps[part] + 1 : points.size();
      const auto beta = local_beta(std::span(points).subspan(first, end - first), coordinate);
      for (std::size_t k = 2; k + 2 < beta.size(); ++k) {
        SCOPED_TRACE(points[first + k].current_ua);
        ASSERT_EQ(beta[k].status, BetaStatus::ok);
        const double truth = c["expected"]["beta_true_per_uA"][first + k];
        test::expect_close(*beta[k].per_ua.value, truth, noisy ? 0.15 : 0.05);
      }
      first = end;
    }
  });
}

TEST(FiVectors, KappaIsTheCurrentTimesBeta) {
  for_each_table([](const json& c, const std::vector<FiPoint>& points) {
    for (std::size_t k = 0; k < points.size(); ++k) {
      const double beta = c["expected"]["beta_true_per_uA"][k];
      test::expect_close(points[k].current_ua * beta, c["expected"]["kappa_true"][k].get<double>(), 1e-9);
    }
  });
}

TEST(FiVectors, StraightLineOfAnIdealIntegratorHasItsSlope) {
  int checked = 0;
  for_each_table([&](const json& c, const std::vector<FiPoint>& points) {
    if (!c["expected"].contains("slope_hz_per_uA")) return;
    ++checked;
    const auto line = fit_line(points);
    ASSERT_TRUE(line);
    const double slope = c["expected"]["slope_hz_per_uA"];
    test::expect_close(*line->slope_hz_per_ua.value, slope, 1e-5);
    EXPECT_LE(*line->slope_hz_per_ua.low, slope);
    EXPECT_GE(*line->slope_hz_per_ua.high, slope);
    test::expect_close(line->intercept_ua, 0.0, 0.0, 1e-4);
  });
  EXPECT_EQ(checked, 1);
}

TEST(FiVectors, TheSizeOfAJumpLiesInItsInterval) {
  int checked = 0;
  for_each_table([&](const json& c, const std::vector<FiPoint>& points) {
    if (!c["expected"].contains("jump")) return;
    ++checked;
    const OnsetCoordinate coordinate{straightening_current(points, 0.0)};
    const auto jumps = find_jumps(points, coordinate);
    ASSERT_EQ(jumps.size(), 1u);
    const auto step =
        rate_step(std::span(points).first(jumps[0] + 1), std::span(points).subspan(jumps[0] + 1), coordinate);
    ASSERT_TRUE(step);
    const double truth = c["expected"]["jump"]["ln_ratio_true"];
    EXPECT_LE(std::abs(step->ln_ratio - truth), 1.96 * step->sigma) << step->ln_ratio;
    EXPECT_LT(step->sigma, 0.05);
  });
  EXPECT_EQ(checked, 1);
}

TEST(FiVectors, JumpsAreFoundInTheirBracketAndNowhereElse) {
  for_each_table([](const json& c, const std::vector<FiPoint>& points) {
    const auto jumps = find_jumps(points, {straightening_current(points, 0.0)});
    if (!c["expected"].contains("jump")) {
      EXPECT_TRUE(jumps.empty());
      return;
    }
    ASSERT_EQ(jumps.size(), 1u);
    const json& bracket = c["expected"]["jump"]["bracket_uA"];
    EXPECT_DOUBLE_EQ(points[jumps[0]].current_ua, bracket[0].get<double>());
    EXPECT_DOUBLE_EQ(points[jumps[0] + 1].current_ua, bracket[1].get<double>());
  });
}

}  // namespace
}  // namespace thyrode::analysis
