// The emulated bench exchanges the load resistor of its circuit.
#include <gtest/gtest.h>

#include "tests/unit/native/host.hpp"

namespace thyrode::native {
namespace {

using namespace protocol;

NativeOptions by(bool samples) {
  return NativeOptions{5, false, samples, 0, {}};
}

TEST(NativePart, IsOfferedByCircuitsWithALoad) {
  Host host{neurons::must_make("thyristor", neurons::wu2023(2400.0)), by(true)};
  host.send(DescribePart{0});
  host.grant(50);
  const auto parts = host.all<PartInfo>();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].present, 2'400'000U);
  EXPECT_EQ(parts[0].capacitance, 0.1e-6);
  EXPECT_LE(parts[0].lowest, 1000U);
  EXPECT_GE(parts[0].highest, 6'000'000U);

  Host other{neurons::must_make("resistor", {{"R", 1e3}}), by(true)};
  other.send(DescribePart{0});
  other.grant(50);
  EXPECT_TRUE(other.all<PartInfo>().empty());
}

/// 1 s at 60 uA, then zero for half a second, in which the load changes, then 1 s at 60 uA.
std::vector<SpikeRecord> measure_both(Host& host) {
  host.begin(60e-6, 0);
  host.send(Schedule{0, Sample{255'000}, 0, fine_of(0.0), fine_of(0.0)});
  host.grant_to(2500, 380'000);
  host.send(SetPart{0, Sample{382'500}, 3'000'000});
  host.send(Schedule{0, Sample{382'500}, 0, fine_of(60e-6), fine_of(60e-6)});
  host.grant_to(380'000, 635'000);
  return host.spikes();
}

TEST(NativePart, TurnsTonicIntoFastSpikingInOneRun) {
  Host samples{neurons::must_make("thyristor", neurons::wu2023(1000.0)), by(true)};
  Host events{neurons::must_make("thyristor", neurons::wu2023(1000.0)), by(false)};
  const auto by_samples = measure_both(samples);
  const auto by_events = measure_both(events);
  const auto count = [](const std::vector<SpikeRecord>& spikes, std::int64_t from, std::int64_t to) {
    return std::count_if(spikes.begin(), spikes.end(), [&](const SpikeRecord& s) {
      return s.at >= to_ticks(Sample{from}) && s.at < to_ticks(Sample{to});
    });
  };
  EXPECT_GT(count(by_samples, 5000, 255'000), 10);
  EXPECT_LT(count(by_samples, 5000, 255'000), 60);
  EXPECT_EQ(count(by_samples, 260'000, 382'500), 0);
  EXPECT_GT(count(by_samples, 382'500, 632'500), 1000);
  ASSERT_EQ(by_samples.size(), by_events.size());
  for (std::size_t k = 0; k < by_samples.size(); ++k) {
    ASSERT_NEAR(static_cast<double>(by_samples[k].at - by_events[k].at), 0.0, 256.0) << "spike " << k;
  }
  for (const Host* host : {&samples, &events}) {
    const auto load = std::find_if(host->truth.begin(), host->truth.end(),
                                   [](const Truth& event) { return event.kind == Truth::Kind::load; });
    ASSERT_NE(load, host->truth.end());
    EXPECT_EQ(load->value, 3000.0);
    EXPECT_EQ(load->sample, Sample{382'500});
  }
}

}  // namespace
}  // namespace thyrode::native
