#include "firmware/neurons/linear_piece.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace thyrode::neurons {
namespace {

// Residual of x' = A x + b + d I, by a central difference of the closed form.
double residual(const LinearPiece& piece, const LinearSystem& system, const State& start, const Drive& drive, double t,
                double h) {
  const State a = piece.amplitudes(start, drive);
  const State slope = (piece.state_at(a, drive, t + h) - piece.state_at(a, drive, t - h)) / (2.0 * h);
  const State x = piece.state_at(a, drive, t);
  const double current = drive.current + drive.decaying * std::exp(piece.modes().drive * t);
  return (slope - (system.matrix * x + system.constant + system.per_ampere * current)).norm();
}

LinearSystem oscillating() {
  LinearSystem s;
  s.matrix << -1.0, 2.0, 0.5, -3.0, -0.5, 1.0, 0.2, -0.1, -2.0;
  s.constant = State(0.1, -0.2, 0.3);
  s.per_ampere = State(1.0, 0.0, 0.0);
  return s;
}

TEST(LinearPiece, SolvesAnOscillatingSystem) {
  const LinearSystem system = oscillating();
  const LinearPiece piece = LinearPiece::coupled(system);
  ASSERT_TRUE(piece.modes().has_pair());
  const State start(0.4, -0.7, 1.1);
  EXPECT_NEAR((piece.state_at(piece.amplitudes(start, {2.0}), {2.0}, 0.0) - start).norm(), 0.0, 1e-14);
  for (const double t : {0.1, 0.5, 2.0}) EXPECT_LT(residual(piece, system, start, {2.0}, t, 1e-4), 1e-7) << t;
}

TEST(LinearPiece, SolvesTwoCapacitorsOneOfWhichDischargesAlone) {
  LinearSystem s;
  s.matrix << -1e-3, 1e-3, 0.0, 0.1, -1000.1, 0.0, 0.0, 0.0, -1000.1;
  s.per_ampere = State(1.0, 0.0, 0.0);
  const LinearPiece piece = LinearPiece::decoupled(s);
  const State start(1.0, 0.5, 0.25);
  EXPECT_NEAR((piece.state_at(piece.amplitudes(start, {0.3}), {0.3}, 0.0) - start).norm(), 0.0, 1e-13);
  EXPECT_LT(residual(piece, s, start, {0.3}, 2e-3, 1e-6), 1e-4);
  EXPECT_NEAR(piece.state_at(piece.amplitudes(start, {0.3}), {0.3}, 1e-3)[2], 0.25 * std::exp(-1.0001), 1e-15);
}

TEST(LinearPiece, FollowsACurrentThatDecays) {
  const Drive drive{2.0, -1.5};
  LinearSystem real;
  real.matrix << -1e-1, 1e-1, 0.0, 0.1, -10.1, 0.0, 0.0, 0.0, -7.0;
  real.per_ampere = State(1.0, 0.0, 0.0);
  const State start(0.4, -0.7, 1.1);
  for (const auto& [system, piece] :
       {std::pair{oscillating(), LinearPiece::coupled(oscillating())}, std::pair{real, LinearPiece::decoupled(real)}}) {
    LinearPiece driven = piece;
    driven.add_drive(system, -3.0);
    EXPECT_NEAR((driven.state_at(driven.amplitudes(start, drive), drive, 0.0) - start).norm(), 0.0, 1e-13);
    for (const double t : {0.1, 0.5, 2.0}) EXPECT_LT(residual(driven, system, start, drive, t, 1e-4), 1e-6) << t;
  }
}

TEST(LinearPiece, TellsADecayThatIsOneOfItsOwn) {
  LinearSystem s;
  s.matrix << -1.0, 0.0, 0.0, 0.0, -3.0, 0.0, 0.0, 1.0, -5.0;
  const LinearPiece piece = LinearPiece::coupled(s);
  EXPECT_TRUE(piece.resonant(-3.0));
  EXPECT_TRUE(piece.resonant(-3.0 * (1.0 + 1e-9)));
  EXPECT_FALSE(piece.resonant(-3.0 * (1.0 + 1e-6)));
}

TEST(LinearPiece, FollowsARowAndItsIntegral) {
  LinearPiece piece = LinearPiece::coupled(oscillating());
  piece.add_drive(oscillating(), -2.5);
  const State start(0.4, -0.7, 1.1);
  const Drive drive{-1.0, 0.7};
  const State a = piece.amplitudes(start, drive);
  const State normal(0.3, -1.0, 2.0);
  const Row row = piece.row(normal, 0.25);
  const Signal signal = piece.signal(row, a, drive);
  const Signal integral = piece.integral(row, a, drive);
  double sum = 0.0;
  const int steps = 2000;
  const double h = 1.5 / steps;
  for (int k = 0; k < steps; ++k) {  // Simpson
    const double t = k * h;
    const auto g = [&](double s) { return value(signal, piece.modes(), s); };
    EXPECT_NEAR(g(t), normal.dot(piece.state_at(a, drive, t)) - 0.25, 1e-13);
    sum += h / 6.0 * (g(t) + 4.0 * g(t + h / 2.0) + g(t + h));
  }
  EXPECT_NEAR(value(integral, piece.modes(), 1.5), sum, 1e-12);
  EXPECT_NEAR(to_waveform(signal, piece.modes()).at(0.7), value(signal, piece.modes(), 0.7), 1e-15);
}

TEST(LinearPiece, TellsWhenRatesCoincide) {
  LinearSystem s;
  s.matrix << -1.0, 0.0, 0.0, 0.0, -3.0, 0.0, 0.0, 1.0, -3.0;
  EXPECT_FALSE(LinearPiece::coupled(s).well_separated());
  s.matrix(2, 2) = -3.001;
  EXPECT_TRUE(LinearPiece::coupled(s).well_separated());
}

}  // namespace
}  // namespace thyrode::neurons
