// Where the walk by events stops, refuses or is cut short: the records are those of the samples there too.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/native/by_events.hpp"

namespace thyrode::native {
namespace {

ConfigureLimits no_limits() {
  ConfigureLimits limits{0, 0, 4095 << fine_bits, 1 << fine_bits};
  return limits;
}
AdcCode v_m_code(double volts) {
  return static_cast<AdcCode>(std::ceil(volts / Nominal::volts_per_code_m + Nominal::adc_zero));
}

/// Both instruments to `until` with a limit on V_m that holds from the first mark on.
void run_with_compliance(Pair& pair, double current, double limit, std::int64_t until) {
  for (Host* host : {&pair.samples, &pair.events}) {
    ConfigureLimits limits = no_limits();
    limits.compliance = v_m_code(limit);
    host->send(limits);
    host->begin(current, 0, 0.06);
    host->grant_to(2500, until);
  }
}

void expect_same_counts(const Pair& pair) {
  const auto a = pair.samples.all<LevelRecord>();
  const auto b = pair.events.all<LevelRecord>();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].first, b[k].first) << "level " << k;
    for (std::size_t s = 0; s < signal_count; ++s) {
      ASSERT_EQ(a[k].signals[s].count, b[k].signals[s].count) << "level " << k << " signal " << s;
    }
  }
}

TEST(ByEventsCautious, LimitsJustAboveTheThresholdLoseNoConversion) {
  // V_m reaches 0.906 V before each spike: with limits from there on the walk is cautious just before it, every time at
  // another sample of a block, now and then in the first block of a stretch.
  const Circuit& circuit = circuits()[0];
  int trips = 0;
  int whole = 0;
  for (int step = 0; step <= 24; ++step) {
    const double limit = 0.903 + 0.25e-3 * step;
    SCOPED_TRACE(testing::Message() << "limit " << limit << " V, seed 7");
    Pair pair{circuit, 7, 0.0, true};
    run_with_compliance(pair, 60e-6 + 0.37e-6 * step, limit, 150'000);
    EXPECT_EQ(pair.samples.all<Fault>().size(), pair.events.all<Fault>().size());
    expect_same_counts(pair);
    expect_same_levels(pair, 1.0);
    expect_same_spikes(pair, 1.0, 512.0);
    (pair.samples.all<Fault>().empty() ? whole : trips) += 1;
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(trips, 3);
  EXPECT_GT(whole, 3);
}

TEST(ByEventsCautious, ARefusedStretchLeavesTheCommandWhereItIs) {
  // The band of the read-back becomes so narrow that no stretch is taken any more, after many that were. The command
  // rests between two codes: what plays next must be what the error feedback plays at that sample.
  const Circuit& circuit = circuits()[0];
  for (int step = 0; step < 12; ++step) {
    const double current = 40e-6 + 0.0137e-6 * step;
    SCOPED_TRACE(testing::Message() << "current " << current << " A, seed 9");
    Pair pair{circuit, 9, 0.0, true};
    for (Host* host : {&pair.samples, &pair.events}) {
      host->begin(current, 0, circuit.swing);
      host->grant_to(2500, 50'000);
      ConfigureLimits limits = no_limits();
      limits.readback_band = 2;
      host->send(limits);
      host->grant_to(52'500, 75'000);
    }
    EXPECT_EQ(pair.samples.all<Fault>(), pair.events.all<Fault>());
    expect_same_truth(pair);
    expect_same_counts(pair);
    expect_same_currents(pair, 1.0);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(ByEventsExact, WithoutNoiseTheExtremesOfLongPiecesAreThoseOfTheSamples) {
  // A slow charge is one piece of thousands of conversions: its extremes lie at its ends, to the code.
  for (const std::size_t c : {0U, 1U, 7U}) {
    const Circuit& circuit = circuits()[c];
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      SCOPED_TRACE(testing::Message() << circuit.name << ", seed " << seed);
      Pair pair{circuit, seed, 0.0, true};
      command(pair.samples, circuit, seed, 150'000);
      command(pair.events, circuit, seed, 150'000);
      expect_same_levels(pair, 0.0);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

/// A pulse each 60 us, or what the parameters say: spikes as close as a detector may tell them apart.
std::unique_ptr<neurons::Neuron> rapid(double interval, double pulse, double current) {
  return neurons::must_make(
      "ideal-if",
      {{"C", current * interval / 0.2}, {"V_th", 0.2}, {"V_reset", 0.0}, {"V_pulse", 0.2}, {"t_pulse", pulse}});
}

TEST(ByEventsRing, SpikesAtTheLeastRefractoryTimeAreAllSent) {
  struct Case {
    std::uint16_t refractory;
    double interval;  // s
    bool coasts;
  };
  // 12 samples apart a stretch of 10 ms holds 208 spikes; closer ones would not fit, and samples are computed.
  for (const Case& is : {Case{12, 49e-6, true}, Case{4, 24.5e-6, false}}) {
    SCOPED_TRACE(testing::Message() << "refractory " << is.refractory << " samples");
    std::array<std::vector<SpikeRecord>, 2> spikes;
    for (const bool every_sample : {true, false}) {
      Host host{rapid(is.interval, 0.4 * is.interval, 60e-6), NativeOptions{3, true, every_sample, 0, {}}};
      host.begin(60e-6, 0, 0.05);
      host.send(ConfigureDetector{0, Sample{0}, Trigger::swing, v_out_codes(0.05), 0, 0, is.refractory});
      host.grant_to(2500, 50'000);
      // A grant that ends before a mark is used up to its last block only where samples are computed.
      host.grant(51'000);
      EXPECT_EQ(host.device->now(), Sample{every_sample || !is.coasts ? 51'000 : 50'000});
      EXPECT_TRUE(host.all<Fault>().empty());
      spikes[every_sample ? 0 : 1] = host.spikes();
    }
    const auto expected = static_cast<std::size_t>(45'000 / 250e3 / is.interval);
    EXPECT_GT(spikes[0].size(), expected - 40);
    const std::size_t common = spikes[1].size();
    ASSERT_GE(spikes[0].size(), common);
    EXPECT_GT(common, expected - 100);
    for (std::size_t k = 0; k < common; ++k) {
      ASSERT_NEAR(static_cast<double>(spikes[0][k].at - spikes[1][k].at), 0.0, 256.0) << "spike " << k;
    }
  }
}

/// A membrane at rest that cannot go on from a moment on.
class Failing final : public neurons::Neuron {
 public:
  explicit Failing(double at) : at_{at} {}
  void inject(std::size_t, double) override {}
  neurons::Advance advance(double dt) override {
    if (failed_ || now_ + dt >= at_) {
      const double elapsed = failed_ ? 0.0 : at_ - now_;
      failed_ = true;
      now_ += elapsed;
      return {elapsed};
    }
    now_ += dt;
    return {dt};
  }
  double piece_time() const override { return now_; }
  neurons::Waveform membrane(std::size_t) const override { return {}; }
  neurons::Waveform output(std::size_t) const override { return {}; }
  std::uint64_t piece() const override { return 0; }
  std::string_view failed() const override { return failed_ ? "broken" : ""; }

 private:
  double at_;
  double now_ = 0.0;
  bool failed_ = false;
};

TEST(ByEventsFailing, TimeStandsStillFromTheBlockOnInWhichTheCircuitCannotGoOn) {
  for (const bool every_sample : {true, false}) {
    SCOPED_TRACE(testing::Message() << "every sample " << every_sample);
    constexpr std::int64_t fails_at = 12'345;
    Host host{std::make_unique<Failing>(static_cast<double>(fails_at) / Nominal::sample_rate),
              NativeOptions{1, true, every_sample, 0, {}}};
    host.begin(40e-6, 0);
    host.grant_to(2500, 50'000);
    EXPECT_EQ(host.device->failure(), "broken");
    EXPECT_LE(host.device->now().index, fails_at) << "what was not computed is not told";
    EXPECT_GT(host.device->now().index, fails_at - 2500 - Nominal::block);
    EXPECT_FALSE(host.device->step());
  }
}

}  // namespace
}  // namespace thyrode::native
