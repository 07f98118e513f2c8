// Gaussian noise that depends on the seed and the sample number alone, fast enough for every ADC sample.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace thyrode::native {

/// 64 well mixed bits of a counter (Steele, Lea & Flood 2014, splitmix64).
constexpr std::uint64_t mix(std::uint64_t counter) noexcept {
  std::uint64_t z = counter * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// A uniform number in (0, 1) from a seed and a place.
constexpr double uniform(std::uint64_t seed, std::uint64_t place) noexcept {
  return (static_cast<double>(mix(seed ^ mix(place + 1)) >> 11) + 0.5) * 0x1.0p-53;
}

/// Standard normal noise: the sum of two draws from 256 normal quantiles, so 65 536 values out to 4 sigma,
/// variance exactly 1. Four values come from one mix of the counter.
class GaussianTable {
 public:
  GaussianTable();
  /// Noise of the samples 4 q ... 4 q + 3.
  void four(std::uint64_t seed, std::uint64_t quad, float* out) const noexcept {
    std::uint64_t bits = mix(seed + quad);
    for (std::size_t k = 0; k < 4; ++k) {
      out[k] = half_[bits & 0xFFU] + half_[(bits >> 8) & 0xFFU];
      bits >>= 16;
    }
  }
  /// The largest of n values of this noise, drawn from its own law: the quantile u^(1/n) of all values.
  /// @param u  uniform in (0, 1)
  /// @param n  how many values, at least 1; need not be whole
  float largest(double u, double n) const noexcept;
  /// No value is larger, and by symmetry none is smaller than minus this.
  float widest() const noexcept { return values_.back(); }

 private:
  std::array<float, 256> half_;    // normal quantiles over sqrt(2)
  std::span<const float> values_;  // all sums of two, in rising order
};

}  // namespace thyrode::native
