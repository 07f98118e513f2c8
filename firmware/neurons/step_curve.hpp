// The voltage over one step of an integrator: where it crosses a level, and the cubics that show it.
#pragma once

#include <array>
#include <cstddef>

namespace thyrode::neurons {

/// A quartic in x = time / step, 0 <= x <= 1: what the dense output of a fifth-order Runge-Kutta step is.
class StepCurve {
 public:
  StepCurve() = default;
  /// The quartic through both ends with their slopes and through the middle.
  /// @param v0, v1          at the ends
  /// @param slope0, slope1  change a step at the ends
  /// @param v_mid           at x = 1/2
  StepCurve(double v0, double slope0, double v_mid, double v1, double slope1);

  double at(double x) const;

  /// How many equal parts the step needs, so that the cubic of each is nowhere further than `tolerance` from the curve.
  std::size_t parts(double tolerance) const;
  /// The cubic that has the value and slope of the curve at both ends of a part.
  /// @returns coefficients of powers of (x - from)
  std::array<double, 4> cubic(double from, double to) const;

  struct Crossing {
    double at = 0.0;  ///< x
    bool upward = false;
  };
  struct Crossings {
    std::array<Crossing, 4> list{};
    std::size_t count = 0;
  };
  /// Every crossing of a level within the step, in order; a quartic has no more than four.
  /// @param above  whether the curve comes from above (or from the level itself); the answer for the next step is
  ///               returned in its place, so that no crossing is lost or told twice where two steps join
  Crossings crossings(double level, bool& above) const;

 private:
  bool stays_on_side(double level, bool above) const;

  std::array<double, 5> c_{};  // coefficients of powers of x
  double end_ = 0.0;           // the value at x = 1, free of rounding
};

}  // namespace thyrode::neurons
