// The analog side of the emulated instrument: converters with hidden errors, seeded, that calibration must find.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "firmware/boards/native/noise.hpp"
#include "firmware/core/channel.hpp"
#include "firmware/core/stimulus.hpp"
#include "protocols/time.hpp"

namespace thyrode::native {

/// Nominal figures of the reference front end.
struct Nominal {
  static constexpr double sample_rate = 250e3;   // Hz
  static constexpr int block = 50;               // samples in a control period
  static constexpr int slow_every = 10;          // V_m and I_read: each tenth sample
  static constexpr double adc_full_scale = 3.3;  // V over 4096 codes
  static constexpr double v_out_gain = 4.0;
  static constexpr double volts_per_code_out = adc_full_scale / 4096.0 / v_out_gain;
  static constexpr double volts_per_code_m = adc_full_scale / 4096.0;
  static constexpr double adc_zero = 32.0;                       // code at 0 V: the offset error stays visible
  static constexpr double amps_per_dac_code = 400e-6 / 4096.0;   // bipolar, +-200 µA
  static constexpr double amps_per_read_code = 500e-6 / 4096.0;  // bipolar, +-250 µA
  static constexpr double bipolar_zero = 2048.0;
  static constexpr double filter_corner = 0.4 * sample_rate;  // Hz
};

/// Errors of one converter: code = nominal code * (1 + gain) + offset, plus a bend of at most one code.
class ConverterErrors {
 public:
  /// @param ideal  no error at all, only quantisation
  ConverterErrors(std::uint64_t seed, bool ideal);
  double gain() const { return gain_; }
  double offset() const { return offset_; }
  /// Deviation of a code from the straight line, codes; neighbours differ by at most one.
  float bend(std::size_t code) const { return bend_[code]; }
  std::span<const float> bends() const { return bend_; }

 private:
  double gain_ = 0.0;    // relative, within 1 %
  double offset_ = 0.0;  // codes, within 5
  std::vector<float> bend_;
};

/// One ADC input: volts or amperes to codes.
class AdcInput {
 public:
  /// @param per_code, zero  nominal scale
  AdcInput(double per_code, double zero, std::uint64_t seed, bool ideal, const GaussianTable& gaussian);
  /// Converts values in the order of time; noise depends on the count of conversions alone.
  void convert(std::span<const double> values, std::span<AdcCode> codes);

  // For conversions that nobody wants one by one. Lines are codes before noise, bend, rounding and limits.

  float line(double value) const { return gain_ * static_cast<float>(value) + offset_; }
  /// The code of a line value, noise included if there is any.
  AdcCode code(float line) const {
    const float x = std::clamp(line, 0.0F, 4095.0F);
    if (!noisy_) return static_cast<AdcCode>(x + 0.5F);
    const float bent = std::clamp(x + errors_.bends()[static_cast<std::size_t>(x)], 0.0F, 4095.0F);
    return static_cast<AdcCode>(bent + 0.5F);
  }
  /// How far a code can lie from its line.
  float reach() const { return reach_; }
  /// The mean code of many conversions of values evenly spread from one line value to another.
  float mean_code(float low, float high) const;
  bool noisy() const { return noisy_; }
  const GaussianTable& gaussian() const { return gaussian_; }
  std::uint64_t noise_seed() const { return noise_seed_; }
  /// How many conversions came before.
  std::uint64_t conversions() const { return conversions_; }
  /// Passes conversions over; the noise of later ones is what it would have been.
  void skip(std::uint64_t count) { conversions_ += count; }
  /// The code of one conversion, whenever it is asked for.
  AdcCode convert_at(std::uint64_t conversion, double value) const;

 private:
  ConverterErrors errors_;
  const GaussianTable& gaussian_;
  float gain_;    // codes per volt or ampere
  float offset_;  // codes
  std::uint64_t noise_seed_;
  bool noisy_;
  float reach_;  // codes
  std::uint64_t conversions_ = 0;
  std::vector<float> noise_;
  std::vector<float> mean_bend_;   // at each whole line value: the bend that noise leaves on average
  std::vector<double> bend_sums_;  // its integral from 0
};

/// A stretch of constant current within a block.
struct CurrentChange {
  int at = 0;            // sample within the block
  double current = 0.0;  // A, from here on
};

/// The DAC and its source. Between neighbouring codes the error feedback flickers each sample; the neuron is given
/// the mean of the flicker instead, and the charge it misses is bounded by two codes for one sample (0.8 pC).
class CurrentSource {
 public:
  CurrentSource(std::uint64_t seed, bool ideal);
  /// Turns the codes of one block into changes of current.
  /// @param closed  the output switch; open means no current, whatever the codes
  std::span<const CurrentChange> follow(std::span<const DacCode> codes, bool closed);
  /// The same for blocks of a command at rest, from the sums of their codes: current for current what follow() gives.
  /// @param command  as the first block begins to play; moved on to the end of the last
  /// @returns changes, samples from the beginning of the first block
  std::span<const CurrentChange> follow_resting(firmware::RestingCommand& command, std::size_t count,
                                                std::size_t blocks, bool closed);
  double current() const { return state_.current; }
  /// The current that a code gives while the switch is closed, A.
  double level(DacCode code) const { return levels_[code]; }

  /// All that a block changes: to take blocks back.
  struct State {
    double current = 0.0;
    DacCode base = 0;
    bool steady = false;
    bool closed = false;
    bool paying = false;   // this block makes good what was missed before
    double run_sum = 0.0;  // A samples since the flicker began
    double run_samples = 0.0;
    double missed = 0.0;  // A samples written but not given to the neuron
  };
  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  void emit(int at, double current);
  void follow_open();
  bool follow_on(const firmware::CodeSummary& block, std::size_t count);
  void follow_codes(const firmware::CodeSummary& block, std::span<const DacCode> codes);
  void follow_movement(std::span<const DacCode> codes);
  bool continues_flicker(double written, std::size_t count) const;
  bool lies_straight(std::span<const DacCode> codes) const;
  void begin_flicker(const firmware::CodeSummary& block, std::size_t count);
  void follow_flicker(double written, std::size_t count);
  double flicker_sum(std::uint32_t codes_sum, std::size_t count) const;

  std::vector<double> levels_;  // A for each code
  std::vector<CurrentChange> changes_;
  State state_;
};

}  // namespace thyrode::native
