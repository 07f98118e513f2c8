// The circuits under test, as mathematics: what every neuron obeys.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace thyrode::neurons {

/// A signal between two events, in closed form: a cubic plus decaying (or growing) oscillations.
/// x(t) = sum_k polynomial[k] t^k + sum_j exp(rate_j t) (cosine_j cos(frequency_j t) + sine_j sin(frequency_j t)),
/// t in seconds from the start of the piece. Linear circuits give the modes, integrators the cubic.
struct Waveform {
  struct Mode {
    double rate = 0.0;       // 1/s
    double frequency = 0.0;  // rad/s, 0 for a real eigenvalue
    double cosine = 0.0;     // V or A
    double sine = 0.0;       // V or A
  };
  static constexpr std::size_t max_modes = 4;
  std::array<double, 4> polynomial{};  // V s^-k
  std::array<Mode, max_modes> modes{};
  std::size_t mode_count = 0;

  /// @param t  seconds from the start of the piece
  double at(double t) const {
    double x = ((polynomial[3] * t + polynomial[2]) * t + polynomial[1]) * t + polynomial[0];
    for (std::size_t j = 0; j < mode_count; ++j) {
      const Mode& m = modes[j];
      const double e = std::exp(m.rate * t);
      x += m.frequency == 0.0 ? e * m.cosine
                              : e * (m.cosine * std::cos(m.frequency * t) + m.sine * std::sin(m.frequency * t));
    }
    return x;
  }
};

enum class Event : std::uint8_t {
  none,   ///< the time asked for was reached, nothing happened
  fire,   ///< a spike begins: the switch closes
  open,   ///< the switch opens
  piece,  ///< a boundary between two linear pieces, or a change of the noise: no event for the user
};

struct Advance {
  double elapsed = 0.0;  ///< seconds actually advanced, at most what was asked
  Event event = Event::none;
  std::size_t channel = 0;  ///< where the event happened
};

/// A circuit under test. Time is relative: advance() moves on by at most dt and stops at the next event, where
/// a new piece begins. Between events membrane() and output() are exact closed forms.
/// Plain doubles in SI units; the one clock is the caller's.
class Neuron {
 public:
  virtual ~Neuron() = default;
  virtual std::size_t channels() const { return 1; }

  /// Sets the current into a channel from now on, amperes. Begins a new piece unless it is unchanged.
  virtual void inject(std::size_t channel, double current) = 0;

  /// Moves on by dt seconds or to the next event, whichever comes first.
  /// @param dt  seconds, >= 0
  /// A circuit that chatters (see Chatter) sets failed() and stays where it is.
  virtual Advance advance(double dt) = 0;

  /// Seconds since the start of the present piece: the argument of the waveforms "now".
  virtual double piece_time() const = 0;
  /// V_m, volts, over the present piece.
  virtual Waveform membrane(std::size_t channel) const = 0;
  /// V_out, volts, over the present piece.
  virtual Waveform output(std::size_t channel) const = 0;
  /// Counts pieces begun so far: changes exactly when the waveforms do.
  virtual std::uint64_t piece() const = 0;

  /// What the device of a channel does now, in a word of its model: "open", "fresh", "settled" ... The truth that no
  /// instrument sees. "open" or "silent": it does not conduct. Empty for a neuron that has no such states.
  virtual std::string_view mode(std::size_t /*channel*/) const { return {}; }
  /// Whether the switch of a channel is closed and stays so for ever unless the current changes.
  virtual bool latched(std::size_t /*channel*/) const { return false; }

  /// The load across which V_out is taken.
  struct Load {
    double resistance = 0.0;   ///< R_L, Ohm
    double capacitance = 0.0;  ///< C_L, F
  };
  /// The load of a channel, where its resistor can be exchanged.
  virtual std::optional<Load> load(std::size_t /*channel*/) const { return std::nullopt; }
  /// Exchanges the load resistor from now on; the capacitors keep their charge. Begins a new piece.
  /// @param resistance  Ohm, > 0; only where load() is there
  virtual void set_load(std::size_t /*channel*/, double /*resistance*/) {}

  /// Why the circuit cannot go on, or empty.
  virtual std::string_view failed() const { return {}; }
};

/// What is wrong with a parameter of a neuron file, for the reader of the file to place.
struct ParameterError {
  std::string parameter;  ///< its name; empty when the model itself is unknown
  std::string reason;     ///< value, limit, physical reason
};

/// Parameters of a model by their names in the neuron file, SI units.
using Parameters = std::map<std::string, double, std::less<>>;

/// Noise current added to the injected one: an Ornstein-Uhlenbeck process, white noise, or both. Channels are
/// independent of each other.
struct NoiseParameters {
  double deviation = 0.0;         ///< A: stationary deviation of the Ornstein-Uhlenbeck process; 0 is none
  double correlation_time = 0.0;  ///< s
  /// One-sided amplitude density, A/sqrt(Hz); 0 is none. Held constant over each white_step, so its power density is
  /// density^2 sinc^2(f white_step): 3 dB down at 0.44 / white_step, variance density^2 / (2 white_step).
  double white_density = 0.0;
  double white_step = 0.0;  ///< s
};

/// The values a parameter may take.
enum class ParameterLimit : std::uint8_t { positive, not_negative, not_zero, any };

/// One parameter of a model: what a neuron file must give.
struct ParameterRule {
  std::string_view name;
  std::string_view unit;  ///< its SI symbol: "F", "V", "A", "Ohm", "S", "s", "C"; "" for none
  ParameterLimit limit = ParameterLimit::any;
  std::string_view reason;  ///< the physics behind the limit
  /// A parameter that this one may be given for, such as R_L for tau_L: one of the two is given, not both. Its value is
  /// this one divided by `over` and multiplied by `times`, where these are named: R_L = tau_L / C_L.
  std::string_view instead_of = {};
  std::string_view over = {};
  std::string_view times = {};
};

/// The parameters a model needs, all of them, in the order of its description; empty for an unknown model.
/// Parameters with `instead_of` come last.
std::span<const ParameterRule> model_parameters(std::string_view model);

/// Sets a parameter and removes the one it stands for, or that stands for it: tau_L takes the place of R_L.
/// @param value  SI units; checked by make_neuron
/// Errors: none; an unknown name is set as it is and refused by make_neuron.
void set_parameter(std::string_view model, Parameters& parameters, std::string_view name, double value);

/// Works out what is given in another form, R_L from tau_L, so that the model's own parameters remain.
/// Errors: unknown model; missing, unknown or impossible parameter, two of which each follows from the other.
tl::expected<Parameters, ParameterError> resolve_parameters(std::string_view model, const Parameters& parameters);

/// Builds a neuron: `model` is "thyristor" (the two-terminal thyristor of Wu et al., Neuromorph. Comput. Eng. 3
/// (2023) 044008, with C_m, C_L, R_L or tau_L, ...) or "thyristor-fast" (a plain switch with a recovering threshold);
/// "pinsky-rinzel" and "butera" are neurons of membrane currents.
/// The Ornstein-Uhlenbeck current is exact in distribution on a grid of correlation_time/20 and held constant within a
/// grid step. The current injected at first is 0.
/// Errors: unknown model, missing, unknown or impossible parameter.
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_neuron(std::string_view model, const Parameters& parameters,
                                                                  const NoiseParameters& noise, std::uint64_t seed);

}  // namespace thyrode::neurons
