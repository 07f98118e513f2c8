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
  const auto [low, high] = std::minmax(a.polynomial, b.polynomial);
  if (p[2] == 0.0 && p[3] == 0.0) return {low, high};
  const double h = b.time - a.time;
  const auto slope = [&p](double t) { return (3.0 * p[3] * t + 2.0 * p[2]) * t + p[1]; };
  const double after_a = a.polynomial + slope(a.time) * h / 3.0;
  const double before_b = b.polynomial - slope(b.time) * h / 3.0;
  return {std::min({low, after_a, before_b}), std::max({high, after_a, before_b})};
}

/// Largest size of an oscillation between a and b.
double envelope(const Mode& mode, const SignalPoint& a, const SignalPoint& b, std::size_t j) {
  const SignalPoint& larger = mode.rate > 0.0 ? b : a;
  return std::hypot(larger.part[j], larger.quadrature[j]);
}

/// Bound on the size of the second derivative between a and b.
double curvature(const Signal& signal, const SignalPoint& a, const SignalPoint& b) {
  const std::array<double, 4>& p = signal.polynomial;
  double bound = std::max(std::abs(2.0 * p[2] + 6.0 * p[3] * a.time), std::abs(2.0 * p[2] + 6.0 * p[3] * b.time));
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    const Mode& mode = signal.modes[j];
    const double size =
        mode.frequency == 0.0 ? std::max(std::abs(a.part[j]), std::abs(b.part[j])) : envelope(mode, a, b, j);
    bound += (mode.rate * mode.rate + mode.frequency * mode.frequency) * size;
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
  Range range = polynomial_range(signal.polynomial, a, b);
  std::size_t moving = is_constant(signal.polynomial) ? 0 : 1;
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    if (a.part[j] == 0.0 && b.part[j] == 0.0 && a.quadrature[j] == 0.0 && b.quadrature[j] == 0.0) continue;
    ++moving;
    if (signal.modes[j].frequency == 0.0) {
      range.lowest += std::min(a.part[j], b.part[j]);
      range.highest += std::max(a.part[j], b.part[j]);
    } else {
      const double size = envelope(signal.modes[j], a, b, j);
      range.lowest -= size;
      range.highest += size;
    }
  }
  const bool exact = moving <= 1 && signal.polynomial[2] == 0.0 && signal.polynomial[3] == 0.0;
  if (exact && range.highest - range.lowest <= std::abs(a.value - b.value)) return range;
  const double h = b.time - a.time;
  const double apart = 0.125 * h * h * curvature(signal, a, b);
  range.lowest = std::max(range.lowest, std::min(a.value, b.value) - apart);
  range.highest = std::min(range.highest, std::max(a.value, b.value) + apart);
  return range;
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
