#include "daemon/analysis/precursor.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "daemon/analysis/sweep_analysis.hpp"
#include "tests/unit/analysis/msn_curve.hpp"
#include "tests/unit/analysis/sweep_rows.hpp"

namespace thyrode::analysis {
namespace {

/// f of the LIF with more compressibility around 70 µA, where `extra` is added to ln f on the way.
std::vector<StepResult> sweep_with_peak(double extra) {
  auto rows = test::lif_sweep(32.0, 110.0, 1.0);
  for (StepResult& row : rows) {
    const double rise = 0.5 * (1.0 + std::erf((row.current_ua - 70.0) / 4.0));
    row = test::firing(row.current_ua, *row.frequency_hz.value * std::exp(extra * rise), 0, 0.005);
  }
  return rows;
}

TEST(LifBeta, HasItsPublishedValues) {
  LifFit fit;
  fit.rheobase_ua = 30.0;
  fit.tau_ms = 10.0;
  EXPECT_NEAR(lif_beta(fit, 36.4), 0.074084, 1e-6);
  EXPECT_NEAR(lif_beta(fit, 45.3), 0.039877, 1e-6);
  EXPECT_NEAR(lif_beta(fit, 300.0), 0.003515, 1e-6);
  EXPECT_NEAR(lif_beta(fit, 3e6), 1.0 / 3e6, 1e-11);
}

TEST(Precursors, OfALifThereAreNone) {
  auto rows = test::lif_sweep(32.0, 110.0, 1.0);
  EXPECT_TRUE(analyze_sweep(rows).precursors.empty());
}

TEST(Precursors, OfTheTonicNeuronThereAreNoneUpToItsTurn) {
  for (const double offset : {0.0, 0.7, 1.3}) {
    std::vector<StepResult> rows;
    for (double current = 32.5 + offset; current < 128.0; current += 2.0) {
      if (const auto rate = test::msn_rate(current)) rows.push_back(test::firing(current, *rate, 0, 0.005));
    }
    EXPECT_TRUE(analyze_sweep(rows).precursors.empty()) << offset;
  }
}

TEST(Precursors, APeakOfBetaIsFoundWhereItIs) {
  auto rows = sweep_with_peak(0.15);
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.precursors.size(), 1u);
  const Precursor& precursor = fit.precursors[0];
  EXPECT_NEAR(precursor.current_ua, 70.0, 2.0);
  EXPECT_LE(precursor.range.low_ua, 69.0);
  EXPECT_GE(precursor.range.high_ua, 71.0);
  EXPECT_GT(precursor.beta_n_per_ua, 1.3 * precursor.reference_per_ua);
  EXPECT_GT(precursor.deviations, 4.0);
  EXPECT_EQ(precursor.reference, Precursor::Reference::neighbours) << "no LIF is accepted there";
  for (const Transition& transition : fit.transitions) EXPECT_FALSE(transition.jump);
}

TEST(Precursors, ASmallPeakIsNone) {
  auto rows = sweep_with_peak(0.02);
  EXPECT_TRUE(analyze_sweep(rows).precursors.empty());
}

TEST(Precursors, NextToAJumpStandsOutFromTheSideThatHasPoints) {
  auto rows = test::lif_sweep(32.0, 110.0, 1.0);
  for (StepResult& row : rows) {
    const double ahead = row.current_ua < 80.5 ? 0.3 * std::exp((row.current_ua - 80.5) / 3.0) : 1.5;
    row = test::firing(row.current_ua, *row.frequency_hz.value * std::exp(ahead), 0, 0.005);
  }
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.precursors.size(), 1u);
  EXPECT_EQ(fit.precursors[0].range.high_ua, 79.0) << "80 uA is next to the jump";
}

}  // namespace
}  // namespace thyrode::analysis
