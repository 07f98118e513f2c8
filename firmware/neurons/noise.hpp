// Noise currents of a neuron, added to the current injected.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"
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

/// White noise held constant over each step: independent normal values of variance density^2 / (2 step), which gives
/// the one-sided power density density^2 sinc^2(f step): flat to 1 % up to 0.055 / step, 3 dB down at 0.44 / step.
class WhiteCurrent {
 public:
  WhiteCurrent(const NoiseParameters& parameters, std::uint64_t seed);
  /// The present value, amperes.
  double value() const { return value_; }
  /// Seconds between two values.
  double grid_step() const { return step_; }
  /// Moves on to the next value.
  void next() { value_ = deviation_ * random_.normal(); }

 private:
  Random random_;
  double step_;
  double deviation_;  // A
  double value_;
};

/// The seed of the k-th source of noise of an experiment's seed; that of the first is the seed itself.
std::uint64_t stream_seed(std::uint64_t seed, std::uint64_t k);

/// A neuron whose currents are the injected ones plus noise held constant within each grid step, independent in each
/// channel. The change at a grid point is an event `piece`.
class NoisyNeuron final : public Neuron {
 public:
  NoisyNeuron(std::unique_ptr<Neuron> neuron, const NoiseParameters& noise, std::uint64_t seed);

  std::size_t channels() const override { return neuron_->channels(); }
  void inject(std::size_t channel, double current) override;
  Advance advance(double dt) override;
  double piece_time() const override { return neuron_->piece_time(); }
  Waveform membrane(std::size_t channel) const override { return neuron_->membrane(channel); }
  Waveform output(std::size_t channel) const override { return neuron_->output(channel); }
  std::uint64_t piece() const override { return neuron_->piece(); }
  std::string_view mode(std::size_t channel) const override { return neuron_->mode(channel); }
  /// Latched while the noise stays what it is.
  bool latched(std::size_t channel) const override { return neuron_->latched(channel); }
  std::optional<Load> load(std::size_t channel) const override { return neuron_->load(channel); }
  void set_load(std::size_t channel, double resistance) override { neuron_->set_load(channel, resistance); }
  std::string_view failed() const override { return neuron_->failed(); }

 private:
  struct Channel {
    double injected = 0.0;  // A
    std::optional<NoiseCurrent> slow;
    std::optional<WhiteCurrent> white;
    double current() const { return injected + (slow ? slow->value() : 0.0) + (white ? white->value() : 0.0); }
  };
  // Time within a grid step.
  class Grid {
   public:
    Grid() = default;
    explicit Grid(double step) : step_{step} {}
    double left() const { return std::max(clock_.until(step_), 0.0); }
    void pass(double time) { clock_.pass(time); }
    void restart() { clock_.restart(); }

   private:
    double step_ = std::numeric_limits<double>::infinity();  // s; of noise that is not there
    PieceClock clock_;
  };

  void renew(bool slow, bool white);

  std::unique_ptr<Neuron> neuron_;
  std::vector<Channel> channels_;
  Grid slow_grid_, white_grid_;
};

}  // namespace thyrode::neurons
