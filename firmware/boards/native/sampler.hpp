// Closed-form signals, filtered and sampled without evaluating an exponential at each sample.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::native {

/// A waveform with room for the two poles of a filter.
struct Signal {
  static constexpr std::size_t max_modes = neurons::Waveform::max_modes + 1;
  std::array<double, 4> polynomial{};
  std::array<neurons::Waveform::Mode, max_modes> modes{};
  std::size_t mode_count = 0;
  /// Beyond this exponent a mode is 1e-20 of what it was and reaches no code.
  static constexpr double gone_exponent = -46.0;
  /// Value and slope at t seconds from the start of the piece.
  std::array<double, 2> at(double t) const;
  /// The same at the start itself, which needs no exponential.
  std::array<double, 2> at_start() const;
};

Signal to_signal(const neurons::Waveform& waveform);

/// Two-pole Butterworth low-pass, y''/w0^2 + sqrt(2) y'/w0 + y = x, solved exactly over each piece: the response to
/// a mode exp(s t) is H(s) exp(s t), to a cubic a cubic, and the filter's own mode joins the pieces in value and slope.
class AntiAliasFilter {
 public:
  explicit AntiAliasFilter(double corner_hz);
  /// Begins a piece; the output continues from where the last piece was left.
  /// @param input    the new piece
  /// @param elapsed  seconds spent in the piece before it
  const Signal& begin(const Signal& input, double elapsed);
  const Signal& output() const { return output_; }

 private:
  /// H at one rate. Pieces of one kind have the same rates, so that it is mostly known already.
  struct Response {
    double rate = 0.0, frequency = 0.0;
    double real = 1.0, imaginary = 0.0;
  };
  const Response& response(const neurons::Waveform::Mode& mode);

  double w0_;
  bool started_ = false;
  Signal output_;
  std::array<Response, 16> responses_{};
  std::size_t oldest_ = 0;
};

/// Evaluates a signal on equally spaced times by multiplying each mode by a constant: exact to rounding.
class Sampler {
 public:
  /// @param first  seconds from the start of the piece to the first value
  /// @param step   seconds between values
  void begin(const Signal& signal, double first, double step);
  /// Writes the next values.
  void read(std::span<double> out);
  /// A mode at the next value: itself, and for an oscillation a quarter turn behind.
  double part(std::size_t mode) const { return rotors_[mode].cosine; }
  double quadrature(std::size_t mode) const { return rotors_[mode].sine; }

 private:
  struct Rotor {
    double cosine = 0.0, sine = 0.0;  // present amplitudes of the mode
    double keep = 0.0, turn = 0.0;    // exp(rate step) times cos and sin of frequency step
    double origin = 0.0;              // largest amplitude, to see when it has died away
  };
  void add_real(std::span<double> out, Rotor& rotor);
  void add_complex(std::span<double> out, Rotor& rotor);
  std::array<Rotor, Signal::max_modes> rotors_{};
  std::array<bool, Signal::max_modes> complex_{};
  std::size_t count_ = 0;
  std::array<double, 4> polynomial_{};
  bool constant_ = true;
  double time_ = 0.0;
  double step_ = 0.0;
};

}  // namespace thyrode::native
