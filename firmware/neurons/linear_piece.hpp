// One linear piece of a circuit's motion: x' = A x + b + d I, with its modes worked out once.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cmath>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

using State = Eigen::Vector3d;

/// x' = matrix x + constant + per_ampere I. Three states; a circuit with fewer leaves one at rest.
struct LinearSystem {
  Eigen::Matrix3d matrix = Eigen::Matrix3d::Zero();
  State constant = State::Zero();
  State per_ampere = State::Zero();
};

/// An affine function of the state along one piece, in the piece's modes.
/// value(t) = constant + slope t + real modes + one oscillation, see Modes.
struct Signal {
  double constant = 0.0;
  double slope = 0.0;                   // per second; only integrals have one
  std::array<double, 3> coefficient{};  // with a pair, [1] belongs to the cosine and [2] to the sine
  double amplitude = 0.0;               // of the pair, at the start of the piece
};

/// The rates of a piece: three real ones, or rate[0] real and the pair rate[1] +- i frequency.
struct Modes {
  std::array<double, 3> rate{};  // 1/s
  double frequency = 0.0;        // rad/s; 0 means three real modes
  bool has_pair() const { return frequency != 0.0; }
};

/// How an affine function n.x - level of the state looks in the modes of one piece.
struct Row {
  double offset = 0.0;             // at the fixed point of zero current
  double per_ampere = 0.0;         // how that value moves with the current
  std::array<double, 3> weight{};  // of each mode; with a pair, [1] and [2] are real and imaginary part
};

/// Solves a linear piece exactly for constant current. Everything that depends on the parameters alone is
/// done in the constructors; following a state costs a few multiplications.
class LinearPiece {
 public:
  LinearPiece() = default;
  /// A general system, by its eigenvectors. A complex pair may occur.
  /// Errors: none; a (nearly) defective matrix is not accepted: see well_separated().
  static LinearPiece coupled(const LinearSystem& system);
  /// A system whose first two states form a passive network (real eigenvalues) and whose third decays alone.
  /// Solved block by block, so that equal rates in the two blocks do no harm. A matrix with
  /// matrix(0,1) == matrix(1,0) == 0 is three separate states.
  static LinearPiece decoupled(const LinearSystem& system);

  /// False when two rates lie so close together that the eigenvectors lose their accuracy.
  bool well_separated() const;

  const Modes& modes() const { return modes_; }
  /// The function normal.x - level as a row of this piece.
  Row row(const State& normal, double level) const;
  /// Amplitudes of the modes for a state at the start of the piece.
  State amplitudes(const State& x, double current) const {
    return project_ * (x - fixed_constant_ - fixed_per_ampere_ * current);
  }
  /// The state t seconds into the piece.
  State state_at(const State& amplitudes, double current, double t) const;
  /// The course of a row for the given amplitudes and current.
  Signal signal(const Row& row, const State& amplitudes, double current) const;
  /// The running integral of a row from the start of the piece. Every rate must differ from zero.
  Signal integral(const Row& row, const State& amplitudes, double current) const;

 private:
  void solve_fixed_point(const LinearSystem& system);

  Modes modes_;
  Eigen::Matrix3d columns_ = Eigen::Matrix3d::Identity();  // eigenvectors; a pair as real and imaginary part
  Eigen::Matrix3d project_ = Eigen::Matrix3d::Identity();  // the inverse of columns_
  State fixed_constant_ = State::Zero();
  State fixed_per_ampere_ = State::Zero();
};

/// The value of a signal t seconds into the piece.
double value(const Signal& signal, const Modes& modes, double t);

/// The signal as a closed form for the world outside.
Waveform to_waveform(const Signal& signal, const Modes& modes);

}  // namespace thyrode::neurons
