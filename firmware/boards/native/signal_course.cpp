#include "firmware/boards/native/signal_course.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::native {
namespace {

using Mode = neurons::Waveform::Mode;

bool is_constant(const std::array<double, 4>& p) {
  return p[1] == 0.0 && p[2] == 0.0 && p[3] == 0.0;
}

/// Bounds of the cubic: it stays within its Bernstein coefficients.
Range polynomial_range(const std::array<double, 4>& p, const SignalPoint& a, const SignalPoint& b) {
  const double low = std::min(a.polynomial, b.polynomial);
  const double high = std::max(a.polynomial, b.polynomial);
  if (p[2] == 0.0 && p[3] == 0.0) return {low, high, Range::Trend::unknown};
  const double h = b.time - a.time;
  const auto slope = [&p](double t) { return (3.0 * p[3] * t + 2.0 * p[2]) * t + p[1]; };
  const double after_a = a.polynomial + slope(a.time) * h / 3.0;
  const double before_b = b.polynomial - slope(b.time) * h / 3.0;
  return {std::min({low, after_a, before_b}), std::max({high, after_a, before_b}), Range::Trend::unknown};
}

/// Largest size of an oscillation between a and b.
double envelope(const Mode& mode, const SignalPoint& a, const SignalPoint& b, std::size_t j) {
  const SignalPoint& larger = mode.rate > 0.0 ? b : a;
  return std::sqrt(larger.part[j] * larger.part[j] + larger.quadrature[j] * larger.quadrature[j]);
}

/// Bounds of the slope and of the size of the second derivative between a and b.
struct Steepness {
  Range slope;
  double curvature = 0.0;
};

Steepness steepness(const Signal& signal, const SignalPoint& a, const SignalPoint& b) {
  const std::array<double, 4>& p = signal.polynomial;
  Steepness bound;
  bound.slope.lowest = bound.slope.highest = p[1];
  if (p[2] != 0.0 || p[3] != 0.0) {
    const double at_a = 2.0 * p[2] + 6.0 * p[3] * a.time;
    const double at_b = 2.0 * p[2] + 6.0 * p[3] * b.time;
    bound.curvature = std::max(std::abs(at_a), std::abs(at_b));
    // Within half of the way the slope of either end moves by no more than the curvature allows.
    const double slope_a = (3.0 * p[3] * a.time + 2.0 * p[2]) * a.time + p[1];
    const double slope_b = (3.0 * p[3] * b.time + 2.0 * p[2]) * b.time + p[1];
    const double moved = 0.5 * bound.curvature * (b.time - a.time);
    bound.slope.lowest = std::min(slope_a, slope_b) - moved;
    bound.slope.highest = std::max(slope_a, slope_b) + moved;
  }
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    const Mode& mode = signal.modes[j];
    if (mode.frequency == 0.0) {
      const double slope_a = mode.rate * a.part[j];
      const double slope_b = mode.rate * b.part[j];
      bound.slope.lowest += std::min(slope_a, slope_b);
      bound.slope.highest += std::max(slope_a, slope_b);
      bound.curvature += mode.rate * mode.rate * std::max(std::abs(a.part[j]), std::abs(b.part[j]));
      continue;
    }
    const double size = envelope(mode, a, b, j);
    const double square = mode.rate * mode.rate + mode.frequency * mode.frequency;
    if (size == 0.0) continue;
    bound.slope.lowest -= std::sqrt(square) * size;
    bound.slope.highest += std::sqrt(square) * size;
    bound.curvature += square * size;
  }
  return bound;
}

}  // namespace

SignalPoint point_at(const Signal& signal, double t) {
  SignalPoint point;
  point.time = t;
  const std::array<double, 4>& p = signal.polynomial;
  point.polynomial = is_constant(p) ? p[0] : ((p[3] * t + p[2]) * t + p[1]) * t + p[0];
  point.value = point.polynomial;
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    const Mode& mode = signal.modes[j];
    const double exponent = mode.rate * t;
    if (exponent < Signal::gone_exponent) continue;
    const double e = std::exp(exponent);
    if (mode.frequency == 0.0) {
      point.part[j] = e * mode.cosine;
    } else {
      const double c = std::cos(mode.frequency * t);
      const double s = std::sin(mode.frequency * t);
      point.part[j] = e * (mode.cosine * c + mode.sine * s);
      point.quadrature[j] = e * (mode.sine * c - mode.cosine * s);
    }
    point.value += point.part[j];
  }
  return point;
}

Range range_between(const Signal& signal, const SignalPoint& a, const SignalPoint& b) {
  const double low = std::min(a.value, b.value);
  const double high = std::max(a.value, b.value);
  const Steepness steep = steepness(signal, a, b);
  if (steep.slope.lowest >= 0.0) return {low, high, Range::Trend::rising};
  if (steep.slope.highest <= 0.0) return {low, high, Range::Trend::falling};
  const double h = b.time - a.time;
  const double apart = 0.125 * h * h * steep.curvature;
  Range range = polynomial_range(signal.polynomial, a, b);
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    if (signal.modes[j].frequency == 0.0) {
      range.lowest += std::min(a.part[j], b.part[j]);
      range.highest += std::max(a.part[j], b.part[j]);
    } else {
      const double size = envelope(signal.modes[j], a, b, j);
      range.lowest -= size;
      range.highest += size;
    }
  }
  return {std::max(range.lowest, low - apart), std::min(range.highest, high + apart), Range::Trend::unknown};
}

double integral_between(const Signal& signal, const SignalPoint& a, const SignalPoint& b) {
  const std::array<double, 4>& p = signal.polynomial;
  double integral = p[0] * (b.time - a.time);
  if (!is_constant(p)) {
    const auto primitive = [&p](double t) {
      return (((0.25 * p[3] * t + p[2] / 3.0) * t + 0.5 * p[1]) * t + p[0]) * t;
    };
    integral = primitive(b.time) - primitive(a.time);
  }
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    const Mode& mode = signal.modes[j];
    if (mode.frequency != 0.0) {
      const double square = mode.rate * mode.rate + mode.frequency * mode.frequency;
      const auto primitive = [&](const SignalPoint& at) {
        return (mode.rate * at.part[j] - mode.frequency * at.quadrature[j]) / square;
      };
      integral += primitive(b) - primitive(a);
    } else if (std::abs(mode.rate) * (b.time - a.time) > 1e-6) {
      integral += (b.part[j] - a.part[j]) / mode.rate;
    } else {
      // A mode that hardly moves: the difference of its ends has lost its digits.
      integral += 0.5 * (a.part[j] + b.part[j]) * (b.time - a.time);
    }
  }
  return integral;
}

}  // namespace thyrode::native
