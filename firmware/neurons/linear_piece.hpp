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
/// value(t) = constant + slope t + real modes + one oscillation + driven mode, see Modes.
struct Signal {
  double constant = 0.0;
  double slope = 0.0;                   // per second; only integrals have one
  std::array<double, 3> coefficient{};  // with a pair, [1] belongs to the cosine and [2] to the sine
  double amplitude = 0.0;               // of the pair, at the start of the piece
  double driven = 0.0;                  // coefficient of the driven mode
};

/// The rates of a piece: three real ones, or rate[0] real and the pair rate[1] +- i frequency. A current that decays
/// by itself, as that of a synapse, adds one mode of its rate.
struct Modes {
  std::array<double, 3> rate{};  // 1/s
  double frequency = 0.0;        // rad/s; 0 means three real modes
  double drive = 0.0;            // 1/s, rate of the decaying current, negative; 0 without one
  bool has_pair() const { return frequency != 0.0; }
};

/// How an affine function n.x - level of the state looks in the modes of one piece.
struct Row {
  double offset = 0.0;             // at the fixed point of zero current
  double per_ampere = 0.0;         // how that value moves with the current
  std::array<double, 3> weight{};  // of each mode; with a pair, [1] and [2] are real and imaginary part
  double driven = 0.0;             // of the driven mode, for each ampere of it
};

/// The currents into a piece: a constant one, and one that decays with the rate of the driven mode.
struct Drive {
  double current = 0.0;   // A
  double decaying = 0.0;  // A, at the start of the piece
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

  /// Adds a current that decays with this rate, 1/s, negative and not (nearly) a rate of the piece: see resonant().
  void add_drive(const LinearSystem& system, double rate);
  /// Whether a decaying current of this rate would move a mode of the same rate.
  bool resonant(double rate) const;

  /// False when two rates lie so close together that the eigenvectors lose their accuracy.
  bool well_separated() const;

  const Modes& modes() const { return modes_; }
  /// The function normal.x - level as a row of this piece.
  Row row(const State& normal, double level) const;
  /// Amplitudes of the modes for a state at the start of the piece.
  State amplitudes(const State& x, const Drive& drive) const {
    return project_ * (x - fixed_constant_ - fixed_per_ampere_ * drive.current - driven_ * drive.decaying);
  }
  /// The state t seconds into the piece.
  State state_at(const State& amplitudes, const Drive& drive, double t) const;
  /// The course of a row for the given amplitudes and currents.
  Signal signal(const Row& row, const State& amplitudes, const Drive& drive) const;
  /// The running integral of a row from the start of the piece. Every rate must differ from zero.
  Signal integral(const Row& row, const State& amplitudes, const Drive& drive) const;

 private:
  Modes modes_;
  Eigen::Matrix3d columns_ = Eigen::Matrix3d::Identity();  // eigenvectors; a pair as real and imaginary part
  Eigen::Matrix3d project_ = Eigen::Matrix3d::Identity();  // the inverse of columns_
  State fixed_constant_ = State::Zero();
  State fixed_per_ampere_ = State::Zero();
  State driven_ = State::Zero();  // the state that follows each ampere of the decaying current
};

/// The value of a signal t seconds into the piece.
double value(const Signal& signal, const Modes& modes, double t);

/// The signal as a closed form for the world outside.
Waveform to_waveform(const Signal& signal, const Modes& modes);

}  // namespace thyrode::neurons
