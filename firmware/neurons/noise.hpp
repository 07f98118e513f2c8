// Noise current of a neuron: an Ornstein-Uhlenbeck process added to the current injected.
#pragma once

#include <cstdint>
#include <memory>

#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/random.hpp"

namespace thyrode::neurons {

/// A stationary Ornstein-Uhlenbeck process on a grid: mean 0, autocovariance deviation^2 exp(-|t|/correlation
/// time), exact at the grid points (Gillespie, Phys. Rev. E 54:2084 (1996)). The first value is drawn from the
/// stationary law.
class NoiseCurrent {
 public:
  static constexpr int steps_per_correlation_time = 20;

  NoiseCurrent(const NoiseParameters& parameters, std::uint64_t seed);
  /// The present value, amperes.
  double value() const { return value_; }
  /// Seconds between two values.
  double grid_step() const { return step_; }
  /// Moves on to the next grid point.
  void next();

 private:
  Random random_;
  double step_;
  double innovation_;  // A: deviation of what each step adds
  double value_;
};

/// A neuron of one channel whose current is the injected one plus noise held constant within each grid step. The
/// change at a grid point is an event `piece`.
class NoisyNeuron final : public Neuron {
 public:
  /// @param neuron  one channel
  NoisyNeuron(std::unique_ptr<Neuron> neuron, const NoiseParameters& noise, std::uint64_t seed);

  void inject(std::size_t channel, double current) override;
  Advance advance(double dt) override;
  double piece_time() const override { return neuron_->piece_time(); }
  Waveform membrane(std::size_t channel) const override { return neuron_->membrane(channel); }
  Waveform output(std::size_t channel) const override { return neuron_->output(channel); }
  std::uint64_t piece() const override { return neuron_->piece(); }
  std::string_view mode(std::size_t channel) const override { return neuron_->mode(channel); }
  /// Latched while the noise stays what it is.
  bool latched(std::size_t channel) const override { return neuron_->latched(channel); }
  std::string_view failed() const override { return neuron_->failed(); }

 private:
  std::unique_ptr<Neuron> neuron_;
  NoiseCurrent noise_;
  double injected_ = 0.0;    // A
  double spent_ = 0.0;       // s of the present grid step
  double correction_ = 0.0;  // s: what rounding lost of spent_
};

}  // namespace thyrode::neurons
