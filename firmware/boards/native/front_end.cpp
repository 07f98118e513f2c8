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
      noisy_{!ideal} {}

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

void CurrentSource::emit(int at, double current) {
  if (current == current_) return;
  changes_.push_back({at, current});
  current_ = current;
}

std::span<const CurrentChange> CurrentSource::follow(std::span<const DacCode> codes, bool closed) {
  changes_.clear();
  if (!closed) {
    steady_ = false;
    closed_ = false;
    emit(0, 0.0);
    return changes_;
  }
  if (!closed_) missed_ = 0.0;
  closed_ = true;
  const firmware::CodeSummary block = firmware::summarise(codes);
  const double written = flicker_sum(block.sum, codes.size());
  if (steady_ && block.lowest >= base_ && block.highest <= base_ + 1 && continues_flicker(written, codes.size())) {
    follow_flicker(written, codes.size());
  } else if (block.highest <= block.lowest + 1 && lies_straight(codes)) {
    begin_flicker(block, codes.size());
  } else {
    steady_ = false;
    follow_movement(codes);
  }
  return changes_;
}

/// Sum of the currents of codes that are all base_ or the one above, from the sum of the codes.
double CurrentSource::flicker_sum(std::uint32_t codes_sum, std::size_t count) const {
  const double upper = static_cast<double>(codes_sum) - static_cast<double>(base_) * static_cast<double>(count);
  const double lower_sum = level(base_) * (static_cast<double>(count) - upper);
  return upper > 0.0 ? lower_sum + level(static_cast<DacCode>(base_ + 1)) * upper : lower_sum;
}

/// Whether a block has the mean of the flicker so far: with error feedback a constant command is met to a code or so.
bool CurrentSource::continues_flicker(double written, std::size_t count) const {
  return std::abs(written - run_sum_ / run_samples_ * static_cast<double>(count)) <= 1.4 * Nominal::amps_per_dac_code;
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
  base_ = block.lowest;
  steady_ = true;
  run_samples_ = static_cast<double>(count);
  run_sum_ = flicker_sum(block.sum, count);
  // What was missed before is made good within this block.
  emit(0, (run_sum_ + missed_) / run_samples_);
  paying_ = missed_ != 0.0;
  missed_ = 0.0;
}

void CurrentSource::follow_flicker(double written, std::size_t count) {
  const double samples = static_cast<double>(count);
  run_sum_ += written;
  run_samples_ += samples;
  double next = paying_ ? run_sum_ / run_samples_ : current_;
  missed_ += written - next * samples;
  paying_ = std::abs(missed_) > 0.7 * Nominal::amps_per_dac_code;
  if (paying_) {
    // Made good within this block; then the mean since the flicker began is the best guess. Halving the weight of the
    // past lets the mean follow a command that creeps.
    next += missed_ / samples;
    missed_ = 0.0;
    run_sum_ *= 0.5;
    run_samples_ *= 0.5;
  }
  emit(0, next);
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
