#include "firmware/neurons/noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

constexpr NoiseParameters noise{0.4e-6, 20e-3};

// Computed apart from this code, with integers of any length.
TEST(Random, GivesTheKnownSequenceOfASeed) {
  Random random{42};
  EXPECT_EQ(random.bits(), 0xd0764d4f4476689fU);
  EXPECT_EQ(random.bits(), 0x519e4174576f3791U);
  EXPECT_EQ(random.bits(), 0xfbe07cfb0c24ed8cU);
}

TEST(Random, DrawsUniformNumbersAboveZeroAndUpToOne) {
  Random random{5};
  double sum = 0.0;
  for (int k = 0; k < 100'000; ++k) {
    const double u = random.uniform();
    ASSERT_GT(u, 0.0);
    ASSERT_LE(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 4.0 * std::sqrt(1.0 / 12.0 / 100'000));
}

TEST(Random, DrawsNormalNumbers) {
  Random random{11};
  const int n = 400'000;
  double sum = 0.0, square = 0.0, fourth = 0.0;
  int within_one = 0, beyond_three = 0;
  for (int k = 0; k < n; ++k) {
    const double x = random.normal();
    sum += x;
    square += x * x;
    fourth += x * x * x * x;
    within_one += std::abs(x) < 1.0;
    beyond_three += std::abs(x) > 3.0;
  }
  // Four standard errors each: of the mean, the variance, the fourth moment (variance 96) and two binomials.
  EXPECT_NEAR(sum / n, 0.0, 4.0 * std::sqrt(1.0 / n));
  EXPECT_NEAR(square / n, 1.0, 4.0 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourth / n, 3.0, 4.0 * std::sqrt(96.0 / n));
  EXPECT_NEAR(double(within_one) / n, 0.682689, 4.0 * std::sqrt(0.6827 * 0.3173 / n));
  EXPECT_NEAR(double(beyond_three) / n, 0.0026998, 4.0 * std::sqrt(0.0027 / n));
}

TEST(NoiseCurrent, HasTheVarianceAndAutocorrelationOfItsLaw) {
  NoiseCurrent current{noise, 3};
  EXPECT_EQ(current.grid_step(), 1e-3);
  const int n = 1'000'000;
  std::vector<double> x;
  x.reserve(n);
  for (int k = 0; k < n; ++k, current.next()) x.push_back(current.value() / noise.deviation);
  double mean = 0.0;
  for (const double value : x) mean += value / n;
  // One independent value for every two correlation times, 40 steps.
  const double independent = n / 40.0;
  EXPECT_NEAR(mean, 0.0, 4.0 / std::sqrt(independent));
  for (const int lag : {0, 1, 5, 20, 60}) {
    double product = 0.0;
    for (int k = 0; k + lag < n; ++k) product += x[std::size_t(k)] * x[std::size_t(k + lag)];
    EXPECT_NEAR(product / (n - lag), std::exp(-lag / 20.0), 4.0 * std::sqrt(2.0 / independent)) << "lag " << lag;
  }
}

TEST(NoiseCurrent, DrawsItsFirstValueFromTheStationaryLaw) {
  const int n = 20'000;
  double square = 0.0;
  for (int seed = 0; seed < n; ++seed) {
    const double x = NoiseCurrent{noise, std::uint64_t(seed)}.value() / noise.deviation;
    square += x * x;
  }
  EXPECT_NEAR(square / n, 1.0, 4.0 * std::sqrt(2.0 / n));
}

TEST(NoisyNeuron, EqualsAPlainNeuronThatIsGivenTheSameCurrents) {
  const auto noisy = must_make("thyristor", wu2023(), noise, 9);
  const auto plain = must_make("thyristor", wu2023());
  NoiseCurrent current{noise, 9};
  noisy->inject(0, 45.3e-6);
  const auto events = list_events(*noisy, 0.5, 1);
  std::vector<TimedEvent> expected;
  for (int k = 0; k < 500; ++k, current.next()) {
    plain->inject(0, 45.3e-6 + current.value());
    for (TimedEvent e : list_events(*plain, 1e-3, 1)) expected.push_back({e.event, e.time + k * 1e-3});
  }
  ASSERT_GT(expected.size(), 8U);
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t k = 0; k < events.size(); ++k) {
    EXPECT_EQ(events[k].event, expected[k].event);
    EXPECT_NEAR(events[k].time, expected[k].time, 1e-12);
  }
}

TEST(NoisyNeuron, TellsOfEveryChangeOfItsNoise) {
  const auto neuron = must_make("thyristor", wu2023(), noise, 9);
  const auto events = list_events(*neuron, 0.0995, 1, true);  // silent: nothing else happens
  ASSERT_EQ(events.size(), 99U);
  for (std::size_t k = 0; k < events.size(); ++k) EXPECT_NEAR(events[k].time, double(k + 1) * 1e-3, 1e-15);
}

TEST(NoisyNeuron, TakesTheSamePathForTheSameSeed) {
  const auto path = [](std::uint64_t seed) {
    const auto neuron = must_make("thyristor-fast", bench_fast(), noise, seed);
    neuron->inject(0, 45.3e-6);
    std::vector<double> times;
    for (const TimedEvent& e : list_events(*neuron, 1.0, 1)) times.push_back(e.time);
    return times;
  };
  EXPECT_EQ(path(1), path(1));
  EXPECT_NE(path(1), path(2));
}

// Known of this circuit: coefficients of variation 0.45 at 36.4 uA and 0.028 at 45.3 uA.
TEST(NoisyNeuron, FiresIrregularlyNearRheobaseAndRegularlyAboveIt) {
  const auto variation = [](double current) {
    const auto neuron = must_make("thyristor-fast", bench_fast(), noise, 1);
    neuron->inject(0, current);
    double last = -1.0, sum = 0.0, square = 0.0;
    int n = 0;
    for (const TimedEvent& e : list_events(*neuron, 60.0, 1)) {
      if (e.event != Event::fire) continue;
      if (last >= 0.0) {
        sum += e.time - last;
        square += (e.time - last) * (e.time - last);
        ++n;
      }
      last = e.time;
    }
    const double mean = sum / n;
    return std::sqrt(square / n - mean * mean) / mean;
  };
  EXPECT_NEAR(variation(36.4e-6), 0.45, 0.08);
  EXPECT_NEAR(variation(45.3e-6), 0.028, 0.004);
}

}  // namespace
}  // namespace thyrode::neurons
