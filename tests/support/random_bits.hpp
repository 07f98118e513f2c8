// Random numbers that are the same everywhere: splitmix64.
#pragma once

#include <cmath>
#include <cstdint>

namespace thyrode::support {

/// The next 64 bits of a state. Source: Steele, Lea & Flood, OOPSLA 2014.
inline std::uint64_t random_bits(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

/// In (0, 1).
inline double uniform_number(std::uint64_t& state) {
  return (static_cast<double>(random_bits(state) >> 11U) + 0.5) / 9007199254740992.0;
}

/// Of mean 0 and deviation 1 (Box & Muller).
inline double normal_number(std::uint64_t& state) {
  const double radius = std::sqrt(-2.0 * std::log(uniform_number(state)));
  return radius * std::cos(2.0 * 3.14159265358979323846 * uniform_number(state));
}

}  // namespace thyrode::support
