#include "firmware/neurons/step_curve.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace thyrode::neurons {

namespace {

double horner(std::span<const double> c, double x) {
  double value = 0.0;
  for (std::size_t k = c.size(); k-- > 0;) value = value * x + c[k];
  return value;
}

// The root of a polynomial between a and b, where it is monotone and has different signs: Newton's method, kept
// within the bracket by halving it.
double root_between(std::span<const double> c, double a, double b) {
  const bool rising = horner(c, a) < horner(c, b);
  double x = 0.5 * (a + b);
  for (int k = 0; k < 80 && b - a > 1e-16; ++k) {
    const double value = horner(c, x);
    if (value == 0.0) return x;
    ((value < 0.0) == rising ? a : b) = x;
    double slope = 0.0;
    for (std::size_t j = c.size(); j-- > 1;) slope = slope * x + double(j) * c[j];
    const double next = x - value / slope;
    const bool inside = next > a && next < b;
    if (inside && std::abs(next - x) < 1e-16) return next;
    x = inside ? next : 0.5 * (a + b);
  }
  return x;
}

// Roots in (0, 1) in order, at most one fewer than coefficients: between those of the derivative the polynomial is
// monotone. A double root is told once or not at all; it separates no two monotone parts.
std::size_t roots_within(std::span<const double> c, std::span<double> roots) {
  if (c.size() < 2) return 0;
  std::array<double, 4> derivative{};
  std::array<double, 4> corners{};
  for (std::size_t k = 1; k < c.size(); ++k) derivative[k - 1] = double(k) * c[k];
  const std::size_t corner_count = roots_within({derivative.data(), c.size() - 1}, corners);
  std::size_t count = 0;
  double a = 0.0;
  for (std::size_t k = 0; k <= corner_count; ++k) {
    const double b = k < corner_count ? corners[k] : 1.0;
    if ((horner(c, a) < 0.0) != (horner(c, b) < 0.0)) roots[count++] = root_between(c, a, b);
    a = b;
  }
  return count;
}

}  // namespace

StepCurve::StepCurve(double v0, double slope0, double v_mid, double v1, double slope1) : end_{v1} {
  const double hermite_mid = 0.5 * (v0 + v1) + 0.125 * (slope0 - slope1);
  // x^2 (1 - x)^2 vanishes with its slope at both ends and is 1/16 in the middle.
  const double quartic = 16.0 * (v_mid - hermite_mid);
  c_ = {v0, slope0, 3.0 * (v1 - v0) - 2.0 * slope0 - slope1 + quartic,
        2.0 * (v0 - v1) + slope0 + slope1 - 2.0 * quartic, quartic};
}

double StepCurve::at(double x) const {
  return horner(c_, x);
}

std::size_t StepCurve::parts(double tolerance) const {
  // The cubic of a part of width w misses c_4 (x - from)^2 (x - to)^2, at most c_4 w^4 / 16.
  const double w4 = 16.0 * tolerance / std::abs(c_[4]);
  return w4 >= 1.0 ? 1 : std::size_t(std::ceil(std::pow(w4, -0.25)));
}

std::array<double, 4> StepCurve::cubic(double from, double to) const {
  // The expansion about `from`, less c_4 d^2 (d - w)^2 with d = x - from: no division by a short width.
  const double w = to - from;
  const double x = from;
  const double second = (6.0 * c_[4] * x + 3.0 * c_[3]) * x + c_[2];
  const double third = 4.0 * c_[4] * x + c_[3];
  const double slope = ((4.0 * c_[4] * x + 3.0 * c_[3]) * x + 2.0 * c_[2]) * x + c_[1];
  return {at(x), slope, second - c_[4] * w * w, third + 2.0 * c_[4] * w};
}

// The curve lies between the smallest and largest of its Bernstein coefficients.
bool StepCurve::stays_on_side(double level, bool above) const {
  const std::array bernstein{c_[0], c_[0] + c_[1] / 4.0, c_[0] + c_[1] / 2.0 + c_[2] / 6.0,
                             c_[0] + 0.75 * c_[1] + 0.5 * c_[2] + 0.25 * c_[3], end_};
  return std::all_of(bernstein.begin(), bernstein.end(), [&](double b) { return (b >= level) == above; });
}

StepCurve::Crossings StepCurve::crossings(double level, bool& above) const {
  Crossings found;
  if (stays_on_side(level, above)) return found;
  std::array<double, 5> c = c_;
  c[0] -= level;
  std::array<double, 4> derivative{c[1], 2.0 * c[2], 3.0 * c[3], 4.0 * c[4]};
  std::array<double, 4> corners{};
  const std::size_t corner_count = roots_within(derivative, corners);
  double a = 0.0;
  for (std::size_t k = 0; k <= corner_count; ++k) {
    const double b = k < corner_count ? corners[k] : 1.0;
    const bool after = k < corner_count ? horner(c, b) >= 0.0 : end_ >= level;
    if (after != above) {
      // By rounding an end of the part may lie on the wrong side already: then that end is the crossing.
      const bool begins = (horner(c, a) >= 0.0) == above;
      const bool ends = (horner(c, b) >= 0.0) == after;
      found.list[found.count++] = {!begins ? a : !ends ? b : root_between(c, a, b), after};
      above = after;
    }
    a = b;
  }
  return found;
}

}  // namespace thyrode::neurons
