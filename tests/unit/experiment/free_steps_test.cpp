#include "daemon/experiment/plans/free_steps.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace thyrode::experiment {
namespace {

using Kind = load::SegmentPlan::Kind;

load::SegmentPlan segment(Kind kind, Current current, Duration length) {
  load::SegmentPlan s;
  s.kind = kind;
  s.current = current;
  s.length = length;
  return s;
}
double length_of(const PlannedStep& step) {
  double sum = 0.0;
  for (const Piece& piece : step.pieces) sum += piece.length.si();
  return sum;
}

TEST(RampSteps, ContiguousRowsHaveTheSlopeAndBothEnds) {
  load::RampPlan plan;
  plan.start = 20.0_uA;
  plan.stop = 60.0_uA;
  plan.slope = Slew::from_si(10e-6);
  plan.rows = 7;
  const auto rows = ramp_steps(plan);
  ASSERT_EQ(rows.size(), 8U) << "seven rows of 0.57 s and what is left of 4 s";
  EXPECT_EQ(rows.front().pieces.at(0).from, 20.0_uA);
  EXPECT_NEAR(rows.back().pieces.at(0).to.si(), 60e-6, 1e-18);
  ASSERT_TRUE(rows.front().lead);
  EXPECT_EQ(rows.front().lead->current, 20.0_uA) << "it begins where the ramp does";
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const Piece& piece = rows[k].pieces.at(0);
    EXPECT_NEAR((piece.to - piece.from).si() / piece.length.si(), 10e-6, 1e-12) << k;
    EXPECT_NEAR(std::remainder(rows[k].lasts.value().si(), 0.01), 0.0, 1e-12) << k;
    const Current before = k == 0 ? plan.start : rows[k - 1].pieces.at(0).to;
    EXPECT_EQ(piece.from, before) << k;
    EXPECT_EQ(rows[k].direction, analysis::Direction::up);
  }
}

TEST(RampSteps, ThereAndBackIsALegEachWay) {
  load::RampPlan plan;
  plan.start = 20.0_uA;
  plan.stop = 60.0_uA;
  plan.slope = Slew::from_si(40e-6);
  plan.rows = 10;
  plan.there_and_back = true;
  const auto rows = ramp_steps(plan);
  ASSERT_EQ(rows.size(), 20U);
  EXPECT_EQ(rows[10].leg, 1);
  EXPECT_EQ(rows[10].direction, analysis::Direction::down);
  EXPECT_NEAR(rows[10].pieces.at(0).from.si(), 60e-6, 1e-18);
  EXPECT_NEAR(rows[19].pieces.at(0).to.si(), 20e-6, 1e-18);
}

TEST(FreeSteps, AStepWithoutALengthLastsAsItsDataWant) {
  const auto steps = free_steps({{segment(Kind::step, 40.0_uA, {}), segment(Kind::hold, 50.0_uA, 2.0_s)}}, 15.0_ms);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_FALSE(steps[0].lasts);
  EXPECT_TRUE(steps[0].pieces.empty());
  EXPECT_EQ(steps[1].lasts, 2.0_s);
  EXPECT_EQ(steps[1].purpose, "hold");
}

TEST(FreeSteps, ARampBeginsWhereTheSegmentBeforeItHasEnded) {
  auto wave = segment(Kind::waveform, {}, 100.0_ms);
  wave.samples = {{Duration{}, 10.0_uA}, {40.0_ms, 30.0_uA}, {100.0_ms, 20.0_uA}};
  const auto steps = free_steps({{wave, segment(Kind::ramp, 60.0_uA, 1.0_s)}}, 15.0_ms);
  ASSERT_EQ(steps[0].pieces.size(), 2U);
  EXPECT_EQ(steps[0].pieces[1], (Piece{100.0_ms - 40.0_ms, 30.0_uA, 20.0_uA}));
  EXPECT_NEAR(steps[0].current.si(), 23e-6, 1e-15) << "its mean: 20 uA for 40 ms, 25 uA for 60 ms";
  EXPECT_EQ(steps[1].pieces.at(0), (Piece{1.0_s, 20.0_uA, 60.0_uA}));
}

TEST(FreeSteps, PulsesEndWithTheSegment) {
  auto pulse = segment(Kind::pulse, 50.0_uA, 250.0_ms);
  pulse.base = 20.0_uA;
  pulse.width = 10.0_ms;
  pulse.period = 100.0_ms;
  const auto steps = free_steps({{pulse}}, 15.0_ms);
  ASSERT_EQ(steps[0].pieces.size(), 6U);
  EXPECT_EQ(steps[0].pieces[2], (Piece{10.0_ms, 50.0_uA, 50.0_uA}));
  EXPECT_NEAR(steps[0].pieces[5].length.si(), 40e-3, 1e-12);
  EXPECT_NEAR(length_of(steps[0]), 0.25, 1e-12);
}

TEST(FreeSteps, NoiseHasItsMeanDeviationAndCorrelationAndIsTheSameForASeed) {
  auto noise = segment(Kind::noise, 50.0_uA, 4'000.0_s);
  noise.sd = 3.0_uA;
  noise.tau = 100.0_ms;
  noise.seed = 11;
  const auto steps = free_steps({{noise}}, 15.0_ms);
  const auto& pieces = steps[0].pieces;
  ASSERT_EQ(pieces.size(), 200'000U) << "a fifth of the correlation time each";
  double sum = 0.0, squares = 0.0, products = 0.0;
  for (std::size_t k = 0; k + 5 < pieces.size(); ++k) {
    const double x = pieces[k].from.si() * 1e6 - 50.0;
    sum += x;
    squares += x * x;
    products += x * (pieces[k + 5].from.si() * 1e6 - 50.0);
    ASSERT_EQ(pieces[k].to, pieces[k + 1].from);
  }
  // 4000 s hold 20 000 independent stretches of 2 tau: the mean is known to 0.02, the variance to 1 %.
  const auto n = static_cast<double>(pieces.size() - 5);
  EXPECT_NEAR(sum / n, 0.0, 0.1);
  EXPECT_NEAR(std::sqrt(squares / n), 3.0, 0.1);
  EXPECT_NEAR(products / squares, std::exp(-1.0), 0.03) << "one correlation time apart";
  EXPECT_EQ(free_steps({{noise}}, 15.0_ms)[0].pieces, pieces);
  noise.seed = 12;
  EXPECT_NE(free_steps({{noise}}, 15.0_ms)[0].pieces, pieces);
}

TEST(FreeSteps, NoiseIsNoFinerThanTheDeviceTakesIt) {
  auto noise = segment(Kind::noise, 50.0_uA, 1.0_s);
  noise.sd = 3.0_uA;
  noise.tau = 20.0_ms;
  const auto steps = free_steps({{noise}}, 15.0_ms);
  EXPECT_EQ(steps[0].pieces.size(), 67U);
  EXPECT_NEAR(length_of(steps[0]), 1.0, 1e-9);
}

}  // namespace
}  // namespace thyrode::experiment
