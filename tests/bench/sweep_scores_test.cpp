// Short seeded forms of bench_sweep, which prints the long ones.
#include "tests/support/sweep_scores.hpp"

#include <gtest/gtest.h>

namespace thyrode::support {
namespace {

constexpr std::uint64_t first_seed = 50'000;
using Grid = Sampling::Grid;

void expect_honest(const Tally& tally) {
  EXPECT_TRUE(tally.honest()) << tally.of << ": " << tally.held << " of " << tally.total << ", first seed "
                              << first_seed;
}

TEST(SweepScores, IntervalsOfBetaHoldTheTruthNearTheOnsetAndElsewhere) {
  for (const Grid grid : {Grid::uniform, Grid::geometric}) {
    const auto score = beta_coverage(lif_curve(32.3, 0.0646, 0.002), {grid, 30, 0.05, 0.01, 0.0}, 100, first_seed);
    expect_honest(score.near);
    expect_honest(score.far);
    EXPECT_LT(score.flagged.share(), 0.03);
  }
}

TEST(SweepScores, IntervalsOfTheLifHoldItsParameters) {
  const auto score = lif_coverage(32.3, 0.0646, 0.008, {Grid::uniform, 20, 0.05, 0.01, 0.0}, 200, first_seed);
  for (const Tally& tally : {score.rheobase, score.tau, score.refractory, score.slope}) expect_honest(tally);
  EXPECT_GT(score.accepted.share(), 0.97);
}

TEST(SweepScores, BracketsHoldOnsetAndJump) {
  const auto score = bracket_coverage(0.4, {Grid::uniform, 30, 0.0, 0.0, 0.005}, 200, first_seed);
  EXPECT_EQ(score.onset.held, 200);
  EXPECT_EQ(score.jump_found.held, 200);
  EXPECT_GE(score.jump.share(), 0.99);
  EXPECT_GE(score.ratio.high(), 0.95);
}

TEST(SweepScores, SmoothSweepsHaveNoJumpsAndNoPrecursors) {
  const FalseAlarms alarms = false_alarms(100, first_seed);
  EXPECT_EQ(alarms.jumps, 0) << "first seed " << first_seed;
  EXPECT_EQ(alarms.precursors, 0) << (alarms.details.empty() ? "" : alarms.details[0]);
}

TEST(SweepScores, APeakOfTwiceBetaIsSeen) {
  EXPECT_GE(precursor_power(2.0, 0.15, {Grid::geometric, 30, 0.0, 0.0, 0.005}, 50, first_seed).share(), 0.94);
}

TEST(SweepScores, DriftIsNoHysteresisOfRates) {
  // A test at 1 %: of 100 sweeps at most 5 in 999 cases of 1000.
  EXPECT_LE(rates_differ(0.0, 0.05, true, 100, first_seed).share(), 0.05);
  EXPECT_GE(rates_differ(0.02, 0.05, true, 100, first_seed).share(), 0.97);
}

}  // namespace
}  // namespace thyrode::support
