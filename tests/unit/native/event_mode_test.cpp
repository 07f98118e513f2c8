// The instrument by events against the instrument by samples: same neuron, same commands, same records.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/unit/native/host.hpp"

namespace thyrode::native {
namespace {

using namespace protocol;

struct Circuit {
  const char* name;
  std::function<std::unique_ptr<neurons::Neuron>(double noise, std::uint64_t seed)> make;
  double lowest;   // A
  double highest;  // A
  double swing;    // V
  int channels = 1;
};

const std::vector<Circuit>& circuits() {
  static const std::vector<Circuit> all = [] {
    const auto thyristor = [](double load) {
      return [load](double noise, std::uint64_t seed) {
        return neurons::must_make("thyristor", neurons::wu2023(load), {noise, 5e-3}, seed);
      };
    };
    const auto fast = [](double load, double capacitor) {
      return [load, capacitor](double noise, std::uint64_t seed) {
        return neurons::must_make("thyristor-fast", neurons::bench_fast(load, capacitor), {noise, 5e-3}, seed);
      };
    };
    const auto two = [](double noise, std::uint64_t seed) {
      neurons::Parameters parameters = neurons::wu2023();
      parameters.erase("u_start");
      parameters.insert({{"w", -10e-6}, {"t_d", 20e-3}, {"u_start_A", 0.75}, {"u_start_B", 0.76}});
      return neurons::must_make("thyristor-pair", parameters, {noise, 5e-3}, seed);
    };
    return std::vector<Circuit>{
        {"msn", thyristor(47.0), 25e-6, 135e-6, 0.06},           {"burst", thyristor(1000.0), 25e-6, 110e-6, 0.06},
        {"fast spikes", thyristor(3500.0), 25e-6, 110e-6, 0.06}, {"msn-fast", fast(100.0, 0.0), 30e-6, 100e-6, 0.02},
        {"mbn-fast", fast(1000.0, 20e-9), 30e-6, 100e-6, 0.05},  {"two", two, 35e-6, 60e-6, 0.06, 2}};
  }();
  return all;
}

/// Steps and ramps, the same for the same seed.
void command(Host& host, const Circuit& circuit, std::uint64_t seed, std::int64_t until) {
  std::mt19937_64 random{seed};
  const auto current = [&] {
    return circuit.lowest + (circuit.highest - circuit.lowest) * std::uniform_real_distribution<>{}(random);
  };
  host.begin(current(), 0, circuit.swing);
  if (circuit.channels == 2) {
    host.send(ConfigureDetector{1, Sample{0}, Trigger::swing, v_out_codes(circuit.swing), 0, 0, 12});
    host.send(Schedule{1, Sample{5000}, 0, fine_of(current()), fine_of(circuit.highest)});
  }
  std::int64_t at = 5000;
  for (std::int64_t granted = 2500; granted <= until; granted += 2500) {
    if (at < granted + 5000 && at + 10'000 < until) {
      at += 10'000 + static_cast<std::int64_t>(random() % 30'000);
      const FineCode first = fine_of(current());
      const bool ramp = random() % 3 == 0;
      host.send(Schedule{0, Sample{at}, ramp ? static_cast<std::uint32_t>(random() % 8'000) : 0U, first,
                         ramp ? fine_of(current()) : first});
    }
    host.grant(granted);
  }
}

struct Pair {
  Host samples;
  Host events;
  Pair(const Circuit& circuit, std::uint64_t seed, double noise, bool ideal)
      : samples{circuit.make(noise, seed), NativeOptions{seed, ideal, true, 0, {}}},
        events{circuit.make(noise, seed), NativeOptions{seed, ideal, false, 0, {}}} {}
};

void expect_same(const std::vector<SpikeRecord>& a, const std::vector<SpikeRecord>& b, double codes, double width) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_NEAR(static_cast<double>(a[k].at - b[k].at), 0.0, 256.0) << "spike " << k;
    ASSERT_NEAR(static_cast<double>(a[k].width), static_cast<double>(b[k].width), width) << "spike " << k;
    ASSERT_NEAR(a[k].peak, b[k].peak, codes) << "spike " << k;
    ASSERT_NEAR(a[k].trough, b[k].trough, codes) << "spike " << k;
  }
}

/// @param codes, width  what peaks and troughs may differ by, codes, and widths, ticks
void expect_same_spikes(const Pair& pair, double codes, double width) {
  for (const std::uint8_t channel : std::array<std::uint8_t, 2>{0, 1}) {
    SCOPED_TRACE(testing::Message() << "channel " << int{channel});
    expect_same(pair.samples.spikes(channel), pair.events.spikes(channel), codes, width);
  }
}
void expect_same_levels(const Pair& pair, double codes) {
  const auto a = pair.samples.all<LevelRecord>();
  const auto b = pair.events.all<LevelRecord>();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].first, b[k].first);
    ASSERT_EQ(a[k].command_sum, b[k].command_sum) << "level " << k;
    ASSERT_EQ(a[k].command_count, b[k].command_count);
    ASSERT_NEAR(a[k].open_spike, b[k].open_spike, 256.0) << "level " << k;
    for (std::size_t s = 0; s < signal_count; ++s) {
      const Level& x = a[k].signals[s];
      const Level& y = b[k].signals[s];
      ASSERT_EQ(x.count, y.count);
      ASSERT_NEAR(x.lowest, y.lowest, codes) << "level " << k << " signal " << s;
      ASSERT_NEAR(x.highest, y.highest, codes) << "level " << k << " signal " << s;
      ASSERT_NEAR(double(x.sum) / x.count, double(y.sum) / y.count, 1.0) << "level " << k << " signal " << s;
    }
  }
}

void expect_same_currents(const Pair& pair, double codes) {
  const auto a = pair.samples.all<CurrentBlock>();
  const auto b = pair.events.all<CurrentBlock>();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].first, b[k].first);
    ASSERT_EQ(a[k].means.size(), b[k].means.size());
    ASSERT_EQ(a[k].read_count, b[k].read_count);
    for (std::size_t m = 0; m < a[k].means.size(); ++m) {
      ASSERT_EQ(a[k].means[m].command_sum, b[k].means[m].command_sum) << "block " << k << " mean " << m;
      ASSERT_NEAR(double(a[k].means[m].read_sum), double(b[k].means[m].read_sum), codes * a[k].read_count);
    }
  }
}

void expect_same_truth(const Pair& pair) {
  const auto& a = pair.samples.truth;
  const auto& b = pair.events.truth;
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].kind, b[k].kind) << "event " << k;
    ASSERT_NEAR(static_cast<double>(a[k].sample - b[k].sample) + a[k].fraction - b[k].fraction, 0.0, 1e-4);
    ASSERT_EQ(a[k].value, b[k].value) << "event " << k;
  }
}

class ByEvents : public testing::TestWithParam<std::size_t> {
 protected:
  const Circuit& circuit() const { return circuits()[GetParam()]; }
};

TEST_P(ByEvents, WithoutNoiseTheRecordsAreThoseOfTheSamples) {
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
    if (HasFatalFailure()) return;
  }
}

TEST_P(ByEvents, WithNoiseTheSpikesAreThoseOfTheSamples) {
  for (std::uint64_t seed = 11; seed <= 14; ++seed) {
    SCOPED_TRACE(testing::Message() << circuit().name << ", seed " << seed);
    Pair pair{circuit(), seed, 0.3e-6, false};
    command(pair.samples, circuit(), seed, 250'000);
    command(pair.events, circuit(), seed, 250'000);
    // Two independent draws of the largest of many values of noise. A slow fall re-arms where noise takes it below.
    expect_same_spikes(pair, 6.0, 50.0 * 256.0);
    expect_same_levels(pair, 6.0);
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

INSTANTIATE_TEST_SUITE_P(Neurons, ByEvents, testing::Range<std::size_t>(0, 6));

}  // namespace
}  // namespace thyrode::native
