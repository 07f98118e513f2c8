#include "firmware/neurons/linear_piece.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <complex>

namespace thyrode::neurons {

namespace {

// Two rates nearer than this (relative) give eigenvectors so parallel that amplitudes lose nine digits.
constexpr double separation = 0.9e-7;

// The eigenvector of the upper left block, from the row in which less cancels.
State network_vector(const Eigen::Matrix3d& a, double rate) {
  const double first = a(0, 0) - rate;
  const double second = a(1, 1) - rate;
  if (std::abs(second) >= std::abs(first)) return {1.0, -a(1, 0) / second, 0.0};
  return {-a(0, 1) / first, 1.0, 0.0};
}

}  // namespace

LinearPiece LinearPiece::coupled(const LinearSystem& system) {
  LinearPiece piece;
  const Eigen::EigenSolver<Eigen::Matrix3d> solver(system.matrix);
  const auto& values = solver.eigenvalues();
  const auto vectors = solver.eigenvectors();
  int pair = -1;
  for (int j = 0; j < 3; ++j) {
    if (values[j].imag() > 0.0) pair = j;
  }
  if (pair < 0) {
    std::array<int, 3> order{0, 1, 2};
    std::sort(order.begin(), order.end(), [&](int a, int b) { return values[a].real() > values[b].real(); });
    for (int j = 0; j < 3; ++j) {
      piece.modes_.rate[std::size_t(j)] = values[order[std::size_t(j)]].real();
      piece.columns_.col(j) = vectors.col(order[std::size_t(j)]).real();
    }
  } else {
    int real = 0;
    while (values[real].imag() != 0.0) ++real;
    piece.modes_.rate = {values[real].real(), values[pair].real(), values[pair].real()};
    piece.modes_.frequency = values[pair].imag();
    piece.columns_.col(0) = vectors.col(real).real();
    piece.columns_.col(1) = vectors.col(pair).real();
    piece.columns_.col(2) = vectors.col(pair).imag();
  }
  piece.project_ = piece.columns_.inverse();
  const Eigen::PartialPivLU<Eigen::Matrix3d> lu(system.matrix);
  piece.fixed_constant_ = lu.solve(-system.constant);
  piece.fixed_per_ampere_ = lu.solve(-system.per_ampere);
  return piece;
}

LinearPiece LinearPiece::decoupled(const LinearSystem& system) {
  LinearPiece piece;
  const Eigen::Matrix3d& a = system.matrix;
  piece.modes_.rate = {a(0, 0), a(1, 1), a(2, 2)};
  const double determinant = a(0, 0) * a(1, 1) - a(0, 1) * a(1, 0);
  if (a(0, 1) != 0.0) {
    // The slow rate as determinant over fast rate: the difference of two nearly equal numbers would lose digits.
    const double trace = a(0, 0) + a(1, 1);
    const double fast = 0.5 * (trace - std::hypot(a(0, 0) - a(1, 1), 2.0 * std::sqrt(a(0, 1) * a(1, 0))));
    const double slow = determinant / fast;
    piece.modes_.rate = {slow, fast, a(2, 2)};
    piece.columns_.col(0) = network_vector(a, slow);
    piece.columns_.col(1) = network_vector(a, fast);
    piece.columns_.col(2) = State::UnitZ();
    piece.project_ = piece.columns_.inverse();
  }
  const auto solve = [&](const State& b) {
    return State((-b[0] * a(1, 1) + b[1] * a(0, 1)) / determinant, (-b[1] * a(0, 0) + b[0] * a(1, 0)) / determinant,
                 a(2, 2) != 0.0 ? -b[2] / a(2, 2) : 0.0);
  };
  piece.fixed_constant_ = solve(system.constant);
  piece.fixed_per_ampere_ = solve(system.per_ampere);
  return piece;
}

// x = driven e^(rate t) solves x' = A x + per_ampere e^(rate t).
void LinearPiece::add_drive(const LinearSystem& system, double rate) {
  modes_.drive = rate;
  const Eigen::Matrix3d shifted = rate * Eigen::Matrix3d::Identity() - system.matrix;
  driven_ = shifted.partialPivLu().solve(system.per_ampere);
}

bool LinearPiece::resonant(double rate) const {
  const auto near = [&](double mode) { return std::abs(mode - rate) <= separation * std::abs(rate); };
  if (modes_.has_pair()) {
    return near(modes_.rate[0]) || std::hypot(modes_.rate[1] - rate, modes_.frequency) <= separation * std::abs(rate);
  }
  return near(modes_.rate[0]) || near(modes_.rate[1]) || near(modes_.rate[2]);
}

bool LinearPiece::well_separated() const {
  const auto& rate = modes_.rate;
  const auto apart = [](double gap, double size) { return gap > separation * size; };
  if (modes_.has_pair()) return apart(modes_.frequency, std::abs(rate[1]));
  return apart(rate[0] - rate[1], std::abs(rate[0])) && apart(rate[1] - rate[2], std::abs(rate[1]));
}

Row LinearPiece::row(const State& normal, double level) const {
  const State weight = columns_.transpose() * normal;
  return {normal.dot(fixed_constant_) - level,
          normal.dot(fixed_per_ampere_),
          {weight[0], weight[1], weight[2]},
          normal.dot(driven_)};
}

State LinearPiece::state_at(const State& amplitudes, const Drive& drive, double t) const {
  State grown(amplitudes[0] * std::exp(modes_.rate[0] * t), 0.0, 0.0);
  const double envelope = std::exp(modes_.rate[1] * t);
  if (modes_.has_pair()) {
    const double cosine = envelope * std::cos(modes_.frequency * t);
    const double sine = envelope * std::sin(modes_.frequency * t);
    grown[1] = amplitudes[1] * cosine + amplitudes[2] * sine;
    grown[2] = amplitudes[2] * cosine - amplitudes[1] * sine;
  } else {
    grown[1] = amplitudes[1] * envelope;
    grown[2] = amplitudes[2] * std::exp(modes_.rate[2] * t);
  }
  State x = fixed_constant_ + fixed_per_ampere_ * drive.current + columns_ * grown;
  if (drive.decaying != 0.0) x += driven_ * (drive.decaying * std::exp(modes_.drive * t));
  return x;
}

Signal LinearPiece::signal(const Row& row, const State& amplitudes, const Drive& drive) const {
  Signal s;
  s.constant = row.offset + row.per_ampere * drive.current;
  s.driven = row.driven * drive.decaying;
  s.coefficient[0] = row.weight[0] * amplitudes[0];
  if (modes_.has_pair()) {
    s.coefficient[1] = row.weight[1] * amplitudes[1] + row.weight[2] * amplitudes[2];
    s.coefficient[2] = row.weight[1] * amplitudes[2] - row.weight[2] * amplitudes[1];
    s.amplitude = std::sqrt(s.coefficient[1] * s.coefficient[1] + s.coefficient[2] * s.coefficient[2]);
  } else {
    s.coefficient[1] = row.weight[1] * amplitudes[1];
    s.coefficient[2] = row.weight[2] * amplitudes[2];
  }
  return s;
}

Signal LinearPiece::integral(const Row& row, const State& amplitudes, const Drive& drive) const {
  const Signal s = signal(row, amplitudes, drive);
  Signal z;
  z.slope = s.constant;
  z.coefficient[0] = s.coefficient[0] / modes_.rate[0];
  if (modes_.has_pair()) {
    const double sigma = modes_.rate[1];
    const double omega = modes_.frequency;
    const double square = sigma * sigma + omega * omega;
    z.coefficient[1] = (sigma * s.coefficient[1] - omega * s.coefficient[2]) / square;
    z.coefficient[2] = (omega * s.coefficient[1] + sigma * s.coefficient[2]) / square;
    z.amplitude = s.amplitude / std::sqrt(square);
    z.constant = -z.coefficient[0] - z.coefficient[1];
  } else {
    z.coefficient[1] = s.coefficient[1] / modes_.rate[1];
    z.coefficient[2] = s.coefficient[2] / modes_.rate[2];
    z.constant = -z.coefficient[0] - z.coefficient[1] - z.coefficient[2];
  }
  if (s.driven != 0.0) {
    z.driven = s.driven / modes_.drive;
    z.constant -= z.driven;
  }
  return z;
}

double value(const Signal& signal, const Modes& modes, double t) {
  const auto& c = signal.coefficient;
  double x = signal.constant + signal.slope * t;
  if (c[0] != 0.0) x += c[0] * std::exp(modes.rate[0] * t);
  if (signal.driven != 0.0) x += signal.driven * std::exp(modes.drive * t);
  if (modes.has_pair()) {
    const double phase = modes.frequency * t;
    return x + std::exp(modes.rate[1] * t) * (c[1] * std::cos(phase) + c[2] * std::sin(phase));
  }
  if (c[1] != 0.0) x += c[1] * std::exp(modes.rate[1] * t);
  if (c[2] != 0.0) x += c[2] * std::exp(modes.rate[2] * t);
  return x;
}

Waveform to_waveform(const Signal& signal, const Modes& modes) {
  Waveform wave;
  wave.polynomial = {signal.constant, signal.slope, 0.0, 0.0};
  const auto add = [&](double rate, double frequency, double cosine, double sine) {
    if (cosine == 0.0 && sine == 0.0) return;
    wave.modes[wave.mode_count++] = {rate, frequency, cosine, sine};
  };
  const auto& c = signal.coefficient;
  add(modes.rate[0], 0.0, c[0], 0.0);
  add(modes.drive, 0.0, signal.driven, 0.0);
  if (modes.has_pair()) {
    add(modes.rate[1], modes.frequency, c[1], c[2]);
  } else {
    add(modes.rate[1], 0.0, c[1], 0.0);
    add(modes.rate[2], 0.0, c[2], 0.0);
  }
  return wave;
}

}  // namespace thyrode::neurons
