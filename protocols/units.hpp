// Electrical quantities with their dimension in the type: v + i does not compile.
#pragma once

#include <compare>

namespace thyrode {

/// A physical quantity: powers of volt (V), ampere (A) and second (S) over one double in SI.
/// Every electrical unit is a product of these three.
template <int V, int A, int S>
class Quantity {
 public:
  constexpr Quantity() = default;
  /// @param si  the value in coherent SI units (volts, amperes, seconds and their products)
  static constexpr Quantity from_si(double si) { return Quantity{si}; }
  /// The value in SI units.
  constexpr double si() const { return si_; }
  /// The value counted in `unit`, for example `v.in(1.0_mV)`.
  constexpr double in(Quantity unit) const { return si_ / unit.si_; }

  constexpr Quantity operator-() const { return Quantity{-si_}; }
  constexpr Quantity& operator+=(Quantity other) {
    si_ += other.si_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    si_ -= other.si_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.si_ + b.si_}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.si_ - b.si_}; }
  friend constexpr Quantity operator*(double factor, Quantity q) { return Quantity{factor * q.si_}; }
  friend constexpr Quantity operator*(Quantity q, double factor) { return Quantity{factor * q.si_}; }
  friend constexpr Quantity operator/(Quantity q, double divisor) { return Quantity{q.si_ / divisor}; }
  friend constexpr auto operator<=>(Quantity a, Quantity b) = default;

 private:
  constexpr explicit Quantity(double si) : si_{si} {}
  double si_ = 0.0;
};

template <int V1, int A1, int S1, int V2, int A2, int S2>
constexpr auto operator*(Quantity<V1, A1, S1> a, Quantity<V2, A2, S2> b) {
  if constexpr (V1 + V2 == 0 && A1 + A2 == 0 && S1 + S2 == 0) {
    return a.si() * b.si();
  } else {
    return Quantity<V1 + V2, A1 + A2, S1 + S2>::from_si(a.si() * b.si());
  }
}

template <int V1, int A1, int S1, int V2, int A2, int S2>
constexpr auto operator/(Quantity<V1, A1, S1> a, Quantity<V2, A2, S2> b) {
  if constexpr (V1 == V2 && A1 == A2 && S1 == S2) {
    return a.si() / b.si();
  } else {
    return Quantity<V1 - V2, A1 - A2, S1 - S2>::from_si(a.si() / b.si());
  }
}

using Voltage = Quantity<1, 0, 0>;
using Current = Quantity<0, 1, 0>;
using Duration = Quantity<0, 0, 1>;
using Frequency = Quantity<0, 0, -1>;
using Resistance = Quantity<1, -1, 0>;
using Conductance = Quantity<-1, 1, 0>;
using Capacitance = Quantity<-1, 1, 1>;
using Charge = Quantity<0, 1, 1>;
using Slew = Quantity<0, 1, -1>;  // amperes per second

inline namespace literals {
// NOLINTBEGIN(readability-identifier-naming): unit symbols keep their spelling.
constexpr Voltage operator""_V(long double v) {
  return Voltage::from_si(double(v));
}
constexpr Voltage operator""_mV(long double v) {
  return Voltage::from_si(double(v) * 1e-3);
}
constexpr Current operator""_A(long double v) {
  return Current::from_si(double(v));
}
constexpr Current operator""_mA(long double v) {
  return Current::from_si(double(v) * 1e-3);
}
constexpr Current operator""_uA(long double v) {
  return Current::from_si(double(v) * 1e-6);
}
constexpr Current operator""_nA(long double v) {
  return Current::from_si(double(v) * 1e-9);
}
constexpr Current operator""_pA(long double v) {
  return Current::from_si(double(v) * 1e-12);
}
constexpr Duration operator""_s(long double v) {
  return Duration::from_si(double(v));
}
constexpr Duration operator""_ms(long double v) {
  return Duration::from_si(double(v) * 1e-3);
}
constexpr Duration operator""_us(long double v) {
  return Duration::from_si(double(v) * 1e-6);
}
constexpr Frequency operator""_Hz(long double v) {
  return Frequency::from_si(double(v));
}
constexpr Resistance operator""_Ohm(long double v) {
  return Resistance::from_si(double(v));
}
constexpr Resistance operator""_kOhm(long double v) {
  return Resistance::from_si(double(v) * 1e3);
}
constexpr Capacitance operator""_uF(long double v) {
  return Capacitance::from_si(double(v) * 1e-6);
}
constexpr Capacitance operator""_nF(long double v) {
  return Capacitance::from_si(double(v) * 1e-9);
}
constexpr Charge operator""_mC(long double v) {
  return Charge::from_si(double(v) * 1e-3);
}
// NOLINTEND(readability-identifier-naming)
}  // namespace literals

}  // namespace thyrode
