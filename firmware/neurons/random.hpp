// Random numbers that are the same on every machine: a seed is part of an experiment.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace thyrode::neurons {

/// xoshiro256++ of Blackman & Vigna, ACM Trans. Math. Softw. 47:36 (2021), its state filled by splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t bits() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in (0, 1], a multiple of 2^-53.
  double uniform() { return double((bits() >> 11) + 1) * 0x1p-53; }

  /// Standard normal, by the ratio of uniforms (Kinderman & Monahan, ACM Trans. Math. Softw. 3:257 (1977)). The
  /// value is a quotient of two uniforms, so it is the same to the last bit everywhere; the library's logarithm
  /// only decides whether a pair is taken.
  double normal() {
    constexpr double half_height = 0.85776388496070679649;  // sqrt(2/e)
    while (true) {
      const double u = uniform();
      const double x = half_height * (2.0 * uniform() - 1.0) / u;
      if (x * x <= -4.0 * std::log(u)) return x;
    }
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace thyrode::neurons
