// Bounds and integrals of random signals against their values at many moments.
#include "firmware/boards/native/signal_course.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace thyrode::native {
namespace {

Signal random_signal(std::mt19937_64& random) {
  std::uniform_real_distribution<> unit{-1.0, 1.0};
  const auto rate = [&] { return std::pow(10.0, 3.0 + 3.0 * unit(random)) * (random() % 8 == 0 ? 0.01 : -1.0); };
  Signal signal;
  signal.polynomial[0] = unit(random);
  if (random() % 3 == 0) signal.polynomial = {unit(random), 1e3 * unit(random), 1e6 * unit(random), 1e9 * unit(random)};
  signal.mode_count = random() % (Signal::max_modes + 1);
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    const bool oscillates = random() % 3 == 0;
    signal.modes[j] = {rate(), oscillates ? std::abs(rate()) : 0.0, unit(random), oscillates ? unit(random) : 0.0};
  }
  return signal;
}

struct Interval {
  double from;
  double to;
};
Interval random_interval(std::mt19937_64& random) {
  std::uniform_real_distribution<> unit{0.0, 1.0};
  const double from = 1e-3 * unit(random) * unit(random);
  return {from, from + std::pow(10.0, -6.0 + 3.0 * unit(random))};
}

TEST(SignalCourse, NoValueLiesOutsideTheBounds) {
  std::mt19937_64 random{1};
  int one_way = 0;
  for (int k = 0; k < 5000; ++k) {
    const Signal signal = random_signal(random);
    const Interval t = random_interval(random);
    const SignalPoint a = point_at(signal, t.from);
    const SignalPoint b = point_at(signal, t.to);
    const Range range = range_between(signal, a, b);
    const double rounding = 1e-9 * (1.0 + std::abs(range.lowest) + std::abs(range.highest));
    double before = a.value;
    one_way += range.trend == Range::Trend::unknown ? 0 : 1;
    for (int i = 0; i <= 100; ++i) {
      const double x = signal.at(t.from + (t.to - t.from) * i / 100.0)[0];
      ASSERT_GE(x, range.lowest - rounding) << "signal " << k << " of seed 1";
      ASSERT_LE(x, range.highest + rounding) << "signal " << k << " of seed 1";
      if (range.trend == Range::Trend::rising) {
        ASSERT_GE(x, before - rounding) << "signal " << k << " of seed 1";
      } else if (range.trend == Range::Trend::falling) {
        ASSERT_LE(x, before + rounding) << "signal " << k << " of seed 1";
      }
      before = x;
    }
  }
  EXPECT_GT(one_way, 1000);
}

TEST(SignalCourse, BoundsExceedTheEndsByNoMoreThanTheSecondDerivativeAllows) {
  std::mt19937_64 random{2};
  for (int k = 0; k < 1000; ++k) {
    const Signal signal = random_signal(random);
    const double from = random_interval(random).from;
    const double length = 1e-8;
    const SignalPoint a = point_at(signal, from);
    const SignalPoint b = point_at(signal, from + length);
    double curvature = 2.0 * std::abs(signal.polynomial[2]) + 6.0 * std::abs(signal.polynomial[3]) * b.time;
    for (std::size_t j = 0; j < signal.mode_count; ++j) {
      const auto& m = signal.modes[j];
      curvature += (m.rate * m.rate + m.frequency * m.frequency) * (std::abs(m.cosine) + std::abs(m.sine)) *
                   std::exp(m.rate * (m.rate > 0.0 ? b.time : a.time));
    }
    const Range range = range_between(signal, a, b);
    const double excess = (range.highest - range.lowest) - std::abs(a.value - b.value);
    EXPECT_LE(excess, 0.25 * length * length * curvature * (1.0 + 1e-6) + 1e-13 * (1.0 + std::abs(a.value)))
        << "signal " << k << " of seed 2";
  }
}

TEST(SignalCourse, IntegralsAreThoseOfSimpsonsRule) {
  std::mt19937_64 random{3};
  for (int k = 0; k < 1000; ++k) {
    const Signal signal = random_signal(random);
    const Interval t = random_interval(random);
    const int steps = 2000;
    const double h = (t.to - t.from) / steps;
    double sum = 0.0;
    double size = 0.0;
    for (int i = 0; i <= steps; ++i) {
      const double x = signal.at(t.from + h * i)[0];
      sum += x * (i == 0 || i == steps ? 1.0 : i % 2 == 1 ? 4.0 : 2.0);
      size = std::max(size, std::abs(x));
    }
    const double integral = integral_between(signal, point_at(signal, t.from), point_at(signal, t.to));
    ASSERT_NEAR(integral, sum * h / 3.0, 1e-6 * size * (t.to - t.from)) << "signal " << k << " of seed 3";
  }
}

}  // namespace
}  // namespace thyrode::native
