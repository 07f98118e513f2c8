// A neuron alone, without an instrument: the truth that measurements are compared with.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "daemon/simulation/pattern.hpp"
#include "firmware/neurons/neuron.hpp"
#include "protocols/units.hpp"

namespace thyrode::simulation {

/// A moment since the start of a simulation: whole seconds and a fraction, so that the last digit of a spike time
/// is as good after a day as after a second.
class Moment {
 public:
  Moment() = default;
  explicit Moment(Duration since_start);
  Moment& operator+=(double seconds);
  /// Seconds from `earlier` to here.
  double since(const Moment& earlier) const {
    return double(whole_ - earlier.whole_) + (fraction_ - earlier.fraction_);
  }
  /// Seconds since the start.
  double seconds() const { return double(whole_) + fraction_; }

 private:
  void carry();
  std::int64_t whole_ = 0;  // s
  double fraction_ = 0.0;   // s, in [0, 1)
  double lost_ = 0.0;       // s: what rounding took from fraction_
};

/// V_m and V_out at equal distances in time. Sample k lies k / rate after the end of the settling time; there are
/// floor(duration * rate).
struct Trace {
  double rate_hz = 0.0;
  std::vector<double> membrane_v;  ///< shape (samples), volts
  std::vector<double> output_v;    ///< shape (samples), volts
};

/// The current into one channel: constant, or from `from` to `to` in a straight line over the time watched.
struct Drive {
  Current from;
  std::optional<Current> to;
};

/// A change of what the device does.
struct ModeChange {
  double time;       ///< s from the start of the simulation
  std::string mode;  ///< Neuron::mode from then on
};

/// What the neuron knows of itself and no instrument sees.
struct Truth {
  std::string mode;         ///< at the end
  bool conducting = false;  ///< the switch is closed at the end
  bool latched = false;     ///< and would stay so for ever at the last current
  /// Of every conduction that ended in the time watched, seconds.
  std::vector<double> conduction_times;
  double conducting_for = 0.0;  ///< s: of the conduction that goes on at the end
  /// The mode at the begin of the time watched and each change; empty unless asked for.
  std::vector<ModeChange> modes;
};

/// What one channel did in the time watched.
struct Simulation {
  std::vector<double> spike_times;  ///< shape (n_spikes), seconds from the start of the simulation, rising
  std::int64_t n_spikes = 0;
  /// (n - 1) / (last - first spike time); empty below two spikes.
  std::optional<double> frequency_hz;
  Pattern pattern;
  Truth truth;
  Trace trace;  ///< empty unless asked for
};

struct SimulationOptions {
  /// Samples of V_m and V_out a second; 0 Hz renders no trace.
  Frequency trace_rate;
  bool list_modes = false;  ///< fill Truth::modes
  CircuitFacts facts{};     ///< for the pattern
  /// Told now and then which share of the time is simulated, settling included: rising, 0 to 1. Empty: nobody.
  std::function<void(double share)> progress{};
};

/// What went wrong, with value and limit.
struct SimulationError {
  std::string message;
};

/// The longest trace that is rendered.
inline constexpr std::int64_t trace_samples_max = 100'000'000;

/// Injects the drives, lets the neuron settle (at the first current of a ramp), then watches it. A spike is the closing
/// of the switch; one at the very end of the settling time belongs to it, one at the very end counts.
/// A ramp is a staircase of equal steps whose middles lie on the straight line: see ramp_steps().
/// @param neuron    it goes on from its present state and is left in its last one
/// @param drives    shape (channels), finite currents
/// @param duration  time watched, after settling; > 0 s
/// @param settle    time before, whose spikes are left out; >= 0 s
/// @returns shape (channels)
/// Errors: an argument outside its range; a trace above trace_samples_max; a circuit that chatters.
tl::expected<std::vector<Simulation>, SimulationError> simulate(neurons::Neuron& neuron, std::span<const Drive> drives,
                                                                Duration duration, Duration settle,
                                                                const SimulationOptions& options = {});

/// The same for a neuron of one channel and a constant current.
tl::expected<Simulation, SimulationError> simulate(neurons::Neuron& neuron, Current current, Duration duration,
                                                   Duration settle, const SimulationOptions& options = {});

/// Steps of the staircase that stands for a ramp; 1 for a constant current.
/// Within each step the charge delivered strays from that of the straight line by at most |slope| h^2/8. The step h is
/// so short that this is what the largest current delivers in 1 ns: a capacitor reaches a voltage about 1 ns early or
/// late at most, which no converter here resolves.
std::int64_t ramp_steps(const Drive& drive, Duration duration);

/// Where a spike of one channel lies in the cycle of another.
struct PhasePoint {
  double time;   ///< s: the spike of the other channel
  double phase;  ///< in [0, 1): 0 and nearly 1 are unison, 0.5 is alternation
};
/// Phase of every spike of `other` that lies between two spikes of `cycle`. Both rising, seconds.
std::vector<PhasePoint> phase_series(std::span<const double> cycle, std::span<const double> other);

}  // namespace thyrode::simulation
