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

TEST(WhiteCurrent, HasTheVarianceOfItsDensityAndBandwidthAndNoMemory) {
  NoiseParameters white;
  white.white_density = 2e-9;
  white.white_step = 20e-6;
  WhiteCurrent current{white, 7};
  EXPECT_EQ(current.grid_step(), 20e-6);
  const double deviation = 2e-9 * std::sqrt(25e3);  // up to half the rate of change
  const int n = 400'000;
  double square = 0.0, product = 0.0;
  for (int k = 0; k < n; ++k) {
    const double x = current.value() / deviation;
    current.next();
    square += x * x;
    product += x * current.value() / deviation;
  }
  EXPECT_NEAR(square / n, 1.0, 4.0 * std::sqrt(2.0 / n));
  EXPECT_NEAR(product / n, 0.0, 4.0 * std::sqrt(1.0 / n));
}

// A leaky capacitor takes half its bandwidth, 1/(4 R C), out of white noise: sd of V_m = density R sqrt(1/(4 R C)).
TEST(WhiteCurrent, MovesAFilterAsItsDensityDemands) {
  NoiseParameters white;
  white.white_density = 1e-9;
  white.white_step = 20e-6;
  const auto neuron = must_make("thyristor-fast", bench_fast(), white, 3);  // 50.1 kOhm, 100 nF: 5.01 ms
  const double tau = 50.1e3 * 100e-9;
  double square = 0.0;
  const int n = 20'000;
  list_events(*neuron, 0.1, 1);
  for (int k = 0; k < n; ++k) {
    list_events(*neuron, 2.0 * tau, 1);
    const double u = neuron->membrane(0).at(neuron->piece_time());
    square += u * u;
  }
  const double expected = 1e-9 * 50.1e3 * std::sqrt(1.0 / (4.0 * tau));
  EXPECT_NEAR(std::sqrt(square / n) / expected, 1.0, 4.0 * std::sqrt(0.5 / n) + 0.002);
}

TEST(NoisyNeuron, AddsBothKindsOfNoiseEachOnItsGrid) {
  NoiseParameters both = noise;
  both.white_density = 2e-9;
  both.white_step = 0.4e-3;
  const auto noisy = must_make("thyristor", wu2023(), both, 9);
  const auto events = list_events(*noisy, 2.1e-3, 1, true);
  const std::vector<double> expected{0.4e-3, 0.8e-3, 1.0e-3, 1.2e-3, 1.6e-3, 2.0e-3};
  std::size_t k = 0;
  for (const TimedEvent& e : events) {
    ASSERT_EQ(e.event, Event::piece);
    if (k > 0 && std::abs(e.time - expected[k - 1]) < 1e-12) continue;  // both grids, a rounding error apart
    ASSERT_LT(k, expected.size());
    EXPECT_NEAR(e.time, expected[k++], 1e-12);
  }
  EXPECT_EQ(k, expected.size());
}

TEST(NoisyNeuron, GivesItsSourcesIndependentSeeds) {
  EXPECT_EQ(stream_seed(12, 0), 12U);
  const int n = 100'000;
  double product = 0.0;
  NoiseCurrent a{{1.0, 1.0}, stream_seed(5, 0)};
  NoiseCurrent b{{1.0, 1.0}, stream_seed(5, 2)};
  for (int k = 0; k < n; ++k, a.next(), b.next()) product += a.value() * b.value();
  EXPECT_NEAR(product / n, 0.0, 4.0 * std::sqrt(20.0 / n));
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

// The coefficient of variation of the intervals between spikes within `watch` seconds.
double variation(Neuron& neuron, double current, double settle, double watch) {
  neuron.inject(0, current);
  list_events(neuron, settle, 1);
  double last = -1.0, sum = 0.0, square = 0.0;
  int n = 0;
  for (const TimedEvent& e : list_events(neuron, watch, 1)) {
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
}

// Known of this circuit: coefficients of variation 0.45 at 36.4 uA and 0.028 at 45.3 uA.
TEST(NoisyNeuron, FiresIrregularlyNearRheobaseAndRegularlyAboveIt) {
  const auto at = [](double current) {
    return variation(*must_make("thyristor-fast", bench_fast(), noise, 1), current, 0.0, 60.0);
  };
  EXPECT_NEAR(at(36.4e-6), 0.45, 0.08);
  EXPECT_NEAR(at(45.3e-6), 0.028, 0.004);
}

// Melting: regular at 45.3 uA, irregular at 36.4 uA. Known of one seed and 60 s: 0.48 and 0.055. Within 60 s the slow
// noise has 300 correlation times, so one seed strays by some tenths of that value; over many seeds the mean settles.
TEST(NoisyNeuron, MeltsTowardsItsOnset) {
  const NoiseParameters slow{0.9e-6, 200e-3};
  const int seeds = 24;
  double irregular = 0.0, regular = 0.0, irregular_square = 0.0, regular_square = 0.0;
  for (int seed = 0; seed < seeds; ++seed) {
    const auto at = [&](double current) {
      return variation(*must_make("thyristor", wu2023(2000.0), slow, std::uint64_t(seed)), current, 1.0, 60.0);
    };
    const double a = at(36.4e-6), b = at(45.3e-6);
    irregular += a / seeds, irregular_square += a * a / seeds;
    regular += b / seeds, regular_square += b * b / seeds;
  }
  const double spread_irregular = std::sqrt(irregular_square - irregular * irregular);
  const double spread_regular = std::sqrt(regular_square - regular * regular);
  // The published reading is itself one seed, so it may lie anywhere in the scatter of seeds.
  EXPECT_NEAR(irregular, 0.48, 3.0 * spread_irregular) << "scatter of seeds " << spread_irregular;
  EXPECT_NEAR(regular, 0.055, 3.0 * spread_regular) << "scatter of seeds " << spread_regular;
  EXPECT_GT(irregular, 0.35);
  EXPECT_LT(regular, 0.075);
  EXPECT_LT(spread_irregular, 0.1);
  EXPECT_LT(spread_regular, 0.01);
}

}  // namespace
}  // namespace thyrode::neurons
