#include "firmware/boards/native/front_end.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::native {

ConverterErrors::ConverterErrors(std::uint64_t seed, bool ideal) : bend_(4096, 0.0F) {
  if (ideal) return;
  gain_ = 0.01 * (2.0 * uniform(seed, 0) - 1.0);
  offset_ = 5.0 * (2.0 * uniform(seed, 1) - 1.0);
  // A bounded random walk: each step is the differential non-linearity of one code, the sum stays within a code.
  double walk = 0.0;
  for (std::size_t code = 0; code < bend_.size(); ++code) {
    walk = std::clamp(walk + 0.5 * (2.0 * uniform(seed, 2 + code) - 1.0), -1.0, 1.0);
    bend_[code] = static_cast<float>(walk);
  }
}

AdcInput::AdcInput(double per_code, double zero, std::uint64_t seed, bool ideal, const GaussianTable& gaussian)
    : errors_{seed, ideal},
      gaussian_{gaussian},
      gain_{static_cast<float>((1.0 + errors_.gain()) / per_code)},
      offset_{static_cast<float>(zero + errors_.offset())},
      noise_seed_{mix(seed ^ 0x6E6F697365ULL)},
      noisy_{!ideal},
      // Noise, a code of bend, half a code of rounding.
      reach_{ideal ? 0.5F : gaussian.widest() + 1.5F} {
  if (ideal) return;
  // A line value at a whole code meets the bends of its neighbours as often as noise takes it there.
  constexpr int far = 5;
  std::array<double, 2 * far> weights{};
  for (std::size_t j = 0; j < weights.size(); ++j) {
    const auto below = [](int x) { return 0.5 * std::erfc(-static_cast<double>(x) / std::sqrt(2.0)); };
    const int k = static_cast<int>(j) - far;
    weights[j] = below(k + 1) - below(k);
  }
  mean_bend_.resize(4097);
  for (int code = 0; code <= 4096; ++code) {
    double mean = 0.0;
    for (std::size_t j = 0; j < weights.size(); ++j) {
      const int met = std::clamp(code + static_cast<int>(j) - far, 0, 4095);
      mean += weights[j] * static_cast<double>(errors_.bend(static_cast<std::size_t>(met)));
    }
    mean_bend_[static_cast<std::size_t>(code)] = static_cast<float>(mean);
  }
  bend_sums_.resize(4097, 0.0);
  for (std::size_t code = 1; code <= 4096; ++code) {
    bend_sums_[code] = bend_sums_[code - 1] + 0.5 * static_cast<double>(mean_bend_[code - 1] + mean_bend_[code]);
  }
}

float AdcInput::mean_code(float low, float high) const {
  low = std::clamp(low, 0.0F, 4095.0F);
  high = std::clamp(high, 0.0F, 4095.0F);
  const float middle = 0.5F * (low + high);
  if (!noisy_) return middle;
  // The integral of straight lines between whole codes is a parabola within each.
  const auto integral = [this](float line) {
    const auto below = static_cast<std::size_t>(line);
    const double part = static_cast<double>(line) - static_cast<double>(below);
    const double slope = static_cast<double>(mean_bend_[below + 1] - mean_bend_[below]);
    return bend_sums_[below] + part * (static_cast<double>(mean_bend_[below]) + 0.5 * part * slope);
  };
  if (high - low < 0.01F) {
    const auto below = static_cast<std::size_t>(middle);
    return middle + mean_bend_[below] +
           (middle - static_cast<float>(below)) * (mean_bend_[below + 1] - mean_bend_[below]);
  }
  return middle + static_cast<float>((integral(high) - integral(low)) / static_cast<double>(high - low));
}

AdcCode AdcInput::convert_at(std::uint64_t conversion, double value) const {
  if (!noisy_) return code(line(value));
  std::array<float, 4> noise;
  gaussian_.four(noise_seed_, conversion / 4, noise.data());
  return code(line(value) + noise[conversion % 4]);
}

void AdcInput::convert(std::span<const double> values, std::span<AdcCode> codes) {
  const std::size_t n = values.size();
  const float* bends = errors_.bends().data();
  if (!noisy_) {
    for (std::size_t k = 0; k < n; ++k) {
      const float x = std::clamp(gain_ * static_cast<float>(values[k]) + offset_, 0.0F, 4095.0F);
      codes[k] = static_cast<AdcCode>(x + 0.5F);
    }
    conversions_ += n;
    return;
  }
  const std::uint64_t first_quad = conversions_ / 4;
  const std::size_t skip = conversions_ % 4;
  const std::size_t quads = (skip + n + 3) / 4;
  if (noise_.size() < 4 * quads) noise_.resize(4 * quads);
  for (std::size_t q = 0; q < quads; ++q) gaussian_.four(noise_seed_, first_quad + q, noise_.data() + 4 * q);
  const float* noise = noise_.data() + skip;
  for (std::size_t k = 0; k < n; ++k) {
    const float x = std::clamp(gain_ * static_cast<float>(values[k]) + offset_ + noise[k], 0.0F, 4095.0F);
    const float bent = std::clamp(x + bends[static_cast<std::size_t>(x)], 0.0F, 4095.0F);
    codes[k] = static_cast<AdcCode>(bent + 0.5F);
  }
  conversions_ += n;
}

CurrentSource::CurrentSource(std::uint64_t seed, bool ideal) : levels_(4096) {
  const ConverterErrors errors{seed, ideal};
  for (std::size_t code = 0; code < levels_.size(); ++code) {
    const double line = (static_cast<double>(code) - Nominal::bipolar_zero) * (1.0 + errors.gain()) + errors.offset();
    levels_[code] = (line + static_cast<double>(errors.bend(code))) * Nominal::amps_per_dac_code;
  }
}

inline void CurrentSource::emit(int at, double current) {
  if (current == state_.current) return;
  changes_.push_back({at, current});
  state_.current = current;
}

/// Sum of the currents of codes that are all state_.base or the one above, from the sum of the codes.
inline double CurrentSource::flicker_sum(std::uint32_t codes_sum, std::size_t count) const {
  const double upper = static_cast<double>(codes_sum) - static_cast<double>(state_.base) * static_cast<double>(count);
  const double lower_sum = level(state_.base) * (static_cast<double>(count) - upper);
  return upper > 0.0 ? lower_sum + level(static_cast<DacCode>(state_.base + 1)) * upper : lower_sum;
}

/// Whether a block has the mean of the flicker so far: with error feedback a constant command is met to a code or so.
inline bool CurrentSource::continues_flicker(double written, std::size_t count) const {
  return std::abs(written * state_.run_samples - state_.run_sum * static_cast<double>(count)) <=
         1.4 * Nominal::amps_per_dac_code * state_.run_samples;
}

inline void CurrentSource::follow_flicker(double written, std::size_t count) {
  const double samples = static_cast<double>(count);
  state_.run_sum += written;
  state_.run_samples += samples;
  double next = state_.paying ? state_.run_sum / state_.run_samples : state_.current;
  state_.missed += written - next * samples;
  state_.paying = std::abs(state_.missed) > 0.7 * Nominal::amps_per_dac_code;
  if (state_.paying) {
    // Made good within this block; then the mean since the flicker began is the best guess. Halving the weight of the
    // past lets the mean follow a command that creeps.
    next += state_.missed / samples;
    state_.missed = 0.0;
    state_.run_sum *= 0.5;
    state_.run_samples *= 0.5;
  }
  emit(0, next);
}

/// Goes on with a flicker. @returns false when the block is no part of it
inline bool CurrentSource::follow_on(const firmware::CodeSummary& block, std::size_t count) {
  if (!state_.closed) state_.missed = 0.0;
  state_.closed = true;
  if (!state_.steady || block.lowest < state_.base || block.highest > state_.base + 1) return false;
  const double written = flicker_sum(block.sum, count);
  if (!continues_flicker(written, count)) return false;
  follow_flicker(written, count);
  return true;
}

std::span<const CurrentChange> CurrentSource::follow(std::span<const DacCode> codes, bool closed) {
  changes_.clear();
  if (!closed) {
    follow_open();
    return changes_;
  }
  const firmware::CodeSummary block = firmware::summarise(codes);
  if (!follow_on(block, codes.size())) follow_codes(block, codes);
  return changes_;
}

std::span<const CurrentChange> CurrentSource::follow_resting(firmware::RestingCommand& command, std::size_t count,
                                                             std::size_t blocks, bool closed) {
  changes_.clear();
  if (!closed) {
    if (blocks > 0) follow_open();
    command.sum(static_cast<std::int64_t>(blocks * count));
    return changes_;
  }
  // Error feedback gives the whole code of the command or the one above it.
  const auto base = static_cast<DacCode>(command.applied >> fine_bits);
  const auto none = static_cast<std::uint32_t>(base) * static_cast<std::uint32_t>(count);
  for (std::size_t k = 0; k < blocks; ++k) {
    firmware::RestingCommand codes_of = command;
    const std::uint32_t sum = command.sum(static_cast<std::int64_t>(count));
    const firmware::CodeSummary block{static_cast<DacCode>(sum - none == count ? base + 1 : base),
                                      static_cast<DacCode>(sum == none ? base : base + 1), sum};
    const std::size_t before = changes_.size();
    if (!follow_on(block, count)) {
      std::vector<DacCode> codes(count);
      for (DacCode& code : codes) code = codes_of.code();
      follow_codes(block, codes);
    }
    for (std::size_t j = before; j < changes_.size(); ++j) changes_[j].at += static_cast<int>(k * count);
  }
  return changes_;
}

void CurrentSource::follow_open() {
  state_.steady = false;
  state_.closed = false;
  emit(0, 0.0);
}

void CurrentSource::follow_codes(const firmware::CodeSummary& block, std::span<const DacCode> codes) {
  if (block.highest <= block.lowest + 1 && lies_straight(codes)) {
    begin_flicker(block, codes.size());
  } else {
    state_.steady = false;
    follow_movement(codes);
  }
}

/// Whether the charge of the codes never leaves that of their mean by more than about a code for one sample.
bool CurrentSource::lies_straight(std::span<const DacCode> codes) const {
  double sum = 0.0;
  for (const DacCode code : codes) sum += level(code);
  const double mean = sum / static_cast<double>(codes.size());
  double apart = 0.0;
  for (const DacCode code : codes) {
    apart += level(code) - mean;
    if (std::abs(apart) > 1.2 * Nominal::amps_per_dac_code) return false;
  }
  return true;
}

void CurrentSource::begin_flicker(const firmware::CodeSummary& block, std::size_t count) {
  state_.base = block.lowest;
  state_.steady = true;
  state_.run_samples = static_cast<double>(count);
  state_.run_sum = flicker_sum(block.sum, count);
  // What was missed before is made good within this block.
  emit(0, (state_.run_sum + state_.missed) / state_.run_samples);
  state_.paying = state_.missed != 0.0;
  state_.missed = 0.0;
}

void CurrentSource::follow_movement(std::span<const DacCode> codes) {
  // A ramp at the slew limit moves less than a code a sample: means over 20 µs follow it. A jump is kept sample by
  // sample, so that its onset is exact.
  constexpr std::size_t stretch = 5;
  for (std::size_t begin = 0; begin < codes.size(); begin += stretch) {
    const auto part = codes.subspan(begin, std::min(stretch, codes.size() - begin));
    const auto [low, high] = std::minmax_element(part.begin(), part.end());
    if (*high <= *low + 2 && lies_straight(part)) {
      double sum = 0.0;
      for (const DacCode code : part) sum += level(code);
      emit(static_cast<int>(begin), sum / static_cast<double>(part.size()));
    } else {
      for (std::size_t k = 0; k < part.size(); ++k) emit(static_cast<int>(begin + k), level(part[k]));
    }
  }
}

}  // namespace thyrode::native
