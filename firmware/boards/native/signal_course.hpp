// A closed-form signal between two moments: bounds and integral, without looking at the moments between.
#pragma once

#include <array>
#include <cstdint>

#include "firmware/boards/native/sampler.hpp"

namespace thyrode::native {

/// The parts of a signal at one moment; whatever is asked about the time between two of them needs no exponential more.
struct SignalPoint {
  double time = 0.0;  // s from the start of the piece
  double value = 0.0;
  double polynomial = 0.0;                             // value of the polynomial alone
  std::array<double, Signal::max_modes> part{};        // value of each mode
  std::array<double, Signal::max_modes> quadrature{};  // of an oscillation: a quarter turn behind its value
};

/// Lowest and highest value of a signal, and whether it goes one way only.
struct Range {
  enum class Trend : std::uint8_t { unknown, falling, rising };
  double lowest = 0.0;
  double highest = 0.0;
  Trend trend = Trend::unknown;
};

/// @param t  seconds from the start of the piece
SignalPoint point_at(const Signal& signal, double t);

/// Bounds of the signal between two moments of one piece, a before b. Rigorous but for rounding: no value lies outside.
/// Where the slope keeps its sign they are the two ends. Else the sum of the bounds of the parts (monotone modes by
/// their ends, the polynomial by its Bernstein coefficients), cut down by the largest distance from the chord that the
/// second derivative allows.
Range range_between(const Signal& signal, const SignalPoint& a, const SignalPoint& b);

/// Integral of the signal from a to b, volts or amperes times seconds.
double integral_between(const Signal& signal, const SignalPoint& a, const SignalPoint& b);

}  // namespace thyrode::native
