#include "firmware/boards/native/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace thyrode::native {
namespace {

constexpr double corner = 100e3;  // Hz

Signal polynomial(double c0, double c1 = 0.0, double c2 = 0.0, double c3 = 0.0) {
  Signal signal;
  signal.polynomial = {c0, c1, c2, c3};
  return signal;
}

/// y'' = w0^2 (x - y) - sqrt(2) w0 y' by the classical Runge-Kutta method.
class FilterByIntegration {
 public:
  explicit FilterByIntegration(double y) : y_{y} {}
  void advance(const Signal& x, double from, double to, int steps) {
    const double h = (to - from) / steps;
    for (int k = 0; k < steps; ++k) {
      const double t = from + h * k;
      const std::array<double, 2> a = slope(x, t, y_, v_);
      const std::array<double, 2> b = slope(x, t + h / 2, y_ + h / 2 * a[0], v_ + h / 2 * a[1]);
      const std::array<double, 2> c = slope(x, t + h / 2, y_ + h / 2 * b[0], v_ + h / 2 * b[1]);
      const std::array<double, 2> d = slope(x, t + h, y_ + h * c[0], v_ + h * c[1]);
      y_ += h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0]);
      v_ += h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1]);
    }
  }
  double value() const { return y_; }

 private:
  static std::array<double, 2> slope(const Signal& x, double t, double y, double v) {
    const double w0 = 2.0 * std::numbers::pi * corner;
    return {v, w0 * w0 * (x.at(t)[0] - y) - std::numbers::sqrt2 * w0 * v};
  }
  double y_;
  double v_ = 0.0;
};

TEST(AntiAliasFilter, AgreesWithFineIntegrationOverPiecesOfEveryKind) {
  Signal decay = polynomial(0.2);
  decay.modes[0] = {-4e4, 0.0, 0.5, 0.0};
  decay.modes[1] = {-2e3, 0.0, -0.3, 0.0};
  decay.mode_count = 2;
  Signal ringing = polynomial(-0.1, 3e3);
  ringing.modes[0] = {-2e4, 2e5, 0.3, -0.2};
  ringing.modes[1] = {1e3, 5e4, -0.1, 0.15};
  ringing.mode_count = 2;
  struct Piece {
    Signal input;
    double length;  // s
  };
  const std::vector<Piece> pieces{
      {polynomial(0.3), 20e-6},
      {decay, 31e-6},
      {polynomial(0.1, 2e3, -3e7, 4e11), 45e-6},
      {ringing, 60e-6},
      {decay, 0.4e-6},
      {polynomial(0.5, -1e3), 0.1e-6},
      {polynomial(-0.2, 5e3), 100e-6},
      {ringing, 25e-6},
  };
  AntiAliasFilter filter{corner};
  FilterByIntegration exact{0.3};  // the first piece is settled
  double elapsed = 0.0;
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const Signal& output = filter.begin(pieces[p].input, elapsed);
    elapsed = pieces[p].length;
    EXPECT_NEAR(output.at(0.0)[0], exact.value(), 1e-9) << "piece " << p;
    for (int part = 0; part < 10; ++part) {
      const double from = elapsed * part / 10;
      const double to = elapsed * (part + 1) / 10;
      exact.advance(pieces[p].input, from, to, 1000);
      ASSERT_NEAR(output.at(to)[0], exact.value(), 1e-9) << "piece " << p << ", part " << part;
    }
  }
}

TEST(AntiAliasFilter, BeginsSettled) {
  AntiAliasFilter filter{corner};
  const Signal& output = filter.begin(polynomial(0.7), 0.0);
  EXPECT_DOUBLE_EQ(output.at(0.0)[0], 0.7);
  EXPECT_DOUBLE_EQ(output.at(1e-3)[0], 0.7);
}

TEST(AntiAliasFilter, LosesThreeDecibelAtItsCorner) {
  for (const double ratio : {0.1, 1.0, 3.0}) {
    Signal sine;
    sine.modes[0] = {0.0, 2.0 * std::numbers::pi * corner * ratio, 0.0, 1.0};
    sine.mode_count = 1;
    AntiAliasFilter filter{corner};
    const Signal& output = filter.begin(sine, 0.0);
    double highest = 0.0;
    for (int k = 0; k < 10'000; ++k) highest = std::max(highest, std::abs(output.at(1e-3 + 1e-8 * k)[0]));
    EXPECT_NEAR(highest, 1.0 / std::sqrt(1.0 + std::pow(ratio, 4)), 1e-4) << "at " << ratio << " of the corner";
  }
}

Signal random_signal(std::mt19937_64& random) {
  std::uniform_real_distribution<double> amplitude{-1.0, 1.0};
  std::uniform_real_distribution<double> log_rate{2.0, 6.0};
  std::uniform_int_distribution<std::size_t> modes{0, Signal::max_modes};
  Signal signal;
  for (std::size_t k = 0; k < 4; ++k) {
    signal.polynomial[k] = random() % 2 == 0 ? 0.0 : amplitude(random) * std::pow(10.0, 4.0 * static_cast<double>(k));
  }
  signal.mode_count = modes(random);
  for (std::size_t j = 0; j < signal.mode_count; ++j) {
    const bool complex = random() % 2 == 0;
    signal.modes[j] = {-std::pow(10.0, log_rate(random)), complex ? std::pow(10.0, log_rate(random)) : 0.0,
                       amplitude(random), complex ? amplitude(random) : 0.0};
  }
  return signal;
}

TEST(Sampler, GivesTheSignalAtEquallySpacedTimes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random{seed};
    const Signal signal = random_signal(random);
    const double first = std::uniform_real_distribution<double>{0.0, 1e-4}(random);
    const double step = 4e-6;
    Sampler sampler;
    sampler.begin(signal, first, step);
    std::uniform_int_distribution<std::size_t> length{0, 60};
    std::size_t done = 0;
    while (done < 2000) {
      std::vector<double> values(length(random));
      sampler.read(values);
      for (const double value : values) {
        const double exact = signal.at(first + step * static_cast<double>(done))[0];
        ASSERT_NEAR(value, exact, 1e-10 * (1.0 + std::abs(exact))) << "seed " << seed << ", value " << done;
        ++done;
      }
    }
  }
}

TEST(Sampler, FollowsAGrowingMode) {
  Signal signal = polynomial(0.1);
  signal.modes[0] = {2e3, 0.0, 1e-15, 0.0};  // begins below what decaying modes are dropped at
  signal.mode_count = 1;
  Sampler sampler;
  sampler.begin(signal, 0.0, 4e-6);
  std::vector<double> values(5000);
  sampler.read(values);
  EXPECT_NEAR(values[4999], signal.at(4999 * 4e-6)[0], 1e-9 * signal.at(4999 * 4e-6)[0]);
  EXPECT_GT(values[4999], 1.0);
}

}  // namespace
}  // namespace thyrode::native
