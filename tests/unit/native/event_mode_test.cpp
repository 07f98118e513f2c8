// The instrument by events against the instrument by samples: same neuron, same commands, same records.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/native/by_events.hpp"

namespace thyrode::native {
namespace {

class ByEvents : public testing::TestWithParam<std::size_t> {
 protected:
  const Circuit& circuit() const { return circuits()[GetParam()]; }
};

TEST_P(ByEvents, WithoutNoiseTheRecordsAreThoseOfTheSamples) {
  std::size_t spikes = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(testing::Message() << circuit().name << ", seed " << seed);
    Pair pair{circuit(), seed, 0.0, true};
    command(pair.samples, circuit(), seed, 250'000);
    command(pair.events, circuit(), seed, 250'000);
    expect_same_spikes(pair, 1.0, 512.0);
    expect_same_levels(pair, 1.0);
    expect_same_currents(pair, 1.0);
    expect_same_truth(pair);
    EXPECT_EQ(pair.samples.all<StepApplied>(), pair.events.all<StepApplied>());
    EXPECT_EQ(pair.samples.all<Mark>(), pair.events.all<Mark>());
    spikes += pair.samples.spikes().size();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(spikes, 5U) << circuit().name;
}

TEST_P(ByEvents, WithNoiseTheSpikesAreThoseOfTheSamples) {
  for (std::uint64_t seed = 11; seed <= 14; ++seed) {
    SCOPED_TRACE(testing::Message() << circuit().name << ", seed " << seed);
    Pair pair{circuit(), seed, 0.3e-6, false};
    command(pair.samples, circuit(), seed, 250'000);
    command(pair.events, circuit(), seed, 250'000);
    // Two independent draws of the largest of many values of noise. A slow fall re-arms where noise takes it below.
    expect_same_spikes(pair, 6.0, 50.0 * 256.0, circuit().moved);
    expect_same_levels(pair, 6.0, circuit().moved);
    expect_same_currents(pair, 2.0);  // 25 draws
    expect_same_truth(pair);
    if (HasFatalFailure()) return;
  }
}

TEST(ByEventsTrips, AtTheBlockWhereVmExceedsItsLimit) {
  // The neuron charges from 0.75 to 0.9 V within some 30 ms; the limit lies on the way.
  const Circuit& circuit = circuits()[0];
  for (const bool ideal : {true, false}) {
    for (const double limit : {0.80, 0.83, 0.87, 0.89}) {
      SCOPED_TRACE(testing::Message() << "limit " << limit << " V, seed 7, ideal " << ideal);
      Pair pair{circuit, 7, 0.0, ideal};
      for (Host* host : {&pair.samples, &pair.events}) {
        ConfigureLimits limits{0, 0, 4095 << fine_bits, 1 << fine_bits};
        limits.compliance = static_cast<AdcCode>(limit / Nominal::volts_per_code_m + Nominal::adc_zero);
        host->send(limits);
        host->begin(60e-6, 0, circuit.swing);
        host->grant_to(2500, 50'000);
      }
      const auto a = pair.samples.all<Fault>();
      const auto b = pair.events.all<Fault>();
      ASSERT_EQ(a.size(), 1U);
      ASSERT_EQ(b.size(), 1U);
      EXPECT_EQ(b[0].code, FaultCode::compliance);
      EXPECT_EQ(b[0].at, a[0].at);
      EXPECT_NEAR(b[0].value, a[0].value, ideal ? 1.0 : 6.0);
      EXPECT_EQ(pair.samples.all<StepApplied>(), pair.events.all<StepApplied>());
      EXPECT_EQ(pair.samples.truth.back().value, 0.0);
      expect_same_levels(pair, ideal ? 1.0 : 6.0);
      expect_same_truth(pair);
      if (HasFatalFailure()) return;
    }
  }
}

/// What level and current records say, one number each, over many records.
struct Statistic {
  const char* name;
  std::function<double(const LevelRecord&)> of;
};

const std::vector<Statistic>& statistics() {
  static const std::vector<Statistic> all = [] {
    std::vector<Statistic> made;
    static const char* names[] = {"v_out", "v_m", "i_read"};
    for (std::size_t s = 0; s < signal_count; ++s) {
      made.push_back({names[s], [s](const LevelRecord& level) { return double(level.signals[s].lowest); }});
      made.push_back({names[s], [s](const LevelRecord& level) { return double(level.signals[s].highest); }});
      made.push_back(
          {names[s], [s](const LevelRecord& level) { return double(level.signals[s].sum) / level.signals[s].count; }});
    }
    return made;
  }();
  return all;
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};
Moments moments(const std::vector<double>& values) {
  Moments m;
  for (const double x : values) m.mean += x / double(values.size());
  for (const double x : values) m.variance += (x - m.mean) * (x - m.mean) / double(values.size() - 1);
  return m;
}

/// The level records of 20 s under one current, by samples and by events.
std::array<std::vector<LevelRecord>, 2> levels_under(double current, Pair& pair) {
  for (Host* host : {&pair.samples, &pair.events}) {
    host->begin(current, 0);
    host->grant_to(2500, 5'000'000);
  }
  return {pair.samples.all<LevelRecord>(), pair.events.all<LevelRecord>()};
}

TEST(ByEventsInLaw, LevelsOfASilentNeuronHaveTheLawOfTheSamples) {
  // Below the rheobase everything stands still after a second: plateaus and noise are all there is.
  for (const std::uint64_t seed : {21U, 22U, 23U}) {
    Pair pair{circuits()[0], seed, 0.0, false};
    const auto [a, b] = levels_under(25e-6, pair);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t s = 0; s < statistics().size(); ++s) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << statistics()[s].name << " " << s % 3);
      std::vector<double> x, y;
      for (std::size_t k = 500; k < a.size(); ++k) {
        x.push_back(statistics()[s].of(a[k]));
        y.push_back(statistics()[s].of(b[k]));
      }
      const Moments m = moments(x), n = moments(y);
      // The bend of the converter is met on average by the sums, code by code by the extremes.
      EXPECT_NEAR(m.mean, n.mean, 0.1 + 4.0 * std::sqrt((m.variance + n.variance) / double(x.size())));
      // A bend changes the size of a code by up to half.
      EXPECT_LT(m.variance, 2.3 * n.variance + 0.02);
      EXPECT_LT(n.variance, 2.3 * m.variance + 0.02);
    }
  }
}

TEST(ByEventsInLaw, LevelsOfAChargingMembraneHaveTheLawOfTheSamples) {
  // V_m rises by about 30 codes a record: the outermost of many values that are spread over a ramp.
  for (const std::uint64_t seed : {31U, 32U}) {
    Pair pair{circuits()[0], seed, 0.0, false};
    const auto [a, b] = levels_under(60e-6, pair);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t s = 0; s < statistics().size(); ++s) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << statistics()[s].name << " " << s % 3);
      std::vector<double> apart;
      for (std::size_t k = 100; k < a.size(); ++k) apart.push_back(statistics()[s].of(b[k]) - statistics()[s].of(a[k]));
      const Moments m = moments(apart);
      EXPECT_NEAR(m.mean, 0.0, 0.15 + 4.0 * std::sqrt(m.variance / double(apart.size())));
      EXPECT_LT(m.variance, 1.5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Neurons, ByEvents, testing::Range<std::size_t>(0, 12));

}  // namespace
}  // namespace thyrode::native
