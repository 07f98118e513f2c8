// A neuron alone, without an instrument: the truth that measurements are compared with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

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

/// What happened in the time watched.
struct Simulation {
  std::vector<double> spike_times;  ///< shape (n_spikes), seconds from the start of the simulation, rising
  std::int64_t n_spikes = 0;
  /// (n - 1) / (last - first spike time); empty below two spikes.
  std::optional<double> frequency_hz;
  Trace trace;  ///< empty unless asked for
};

struct SimulationOptions {
  /// Samples of V_m and V_out a second; 0 Hz renders no trace.
  Frequency trace_rate;
};

/// What went wrong, with value and limit.
struct SimulationError {
  std::string message;
};

/// The longest trace that is rendered.
inline constexpr std::int64_t trace_samples_max = 100'000'000;

/// Injects a constant current from now on, lets the neuron settle, then watches it. A spike is the closing of
/// the switch; one at the very end of the settling time belongs to it, one at the very end counts.
/// @param neuron    one channel; it goes on from its present state and is left in its last one
/// @param current   finite
/// @param duration  time watched, after settling; > 0 s
/// @param settle    time before, whose spikes are left out; >= 0 s
/// Errors: an argument outside its range; a trace above trace_samples_max; a circuit that chatters.
tl::expected<Simulation, SimulationError> simulate(neurons::Neuron& neuron, Current current, Duration duration,
                                                   Duration settle, const SimulationOptions& options = {});

}  // namespace thyrode::simulation
