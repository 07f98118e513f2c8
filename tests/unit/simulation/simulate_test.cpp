#include "daemon/simulation/simulate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::simulation {
namespace {

using neurons::bench_fast;
using neurons::must_make;
using neurons::wu2023;

TEST(Simulate, CountsSpikesAfterTheSettlingTimeOnly) {
  const auto neuron = must_make("thyristor", wu2023());
  const auto result = simulate(*neuron, 45.3_uA, 10.0_s, 2.0_s);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->n_spikes, std::int64_t(result->spike_times.size()));
  EXPECT_NEAR(double(result->n_spikes), 125.5, 1.0);
  EXPECT_GT(result->spike_times.front(), 2.0);
  EXPECT_LE(result->spike_times.back(), 12.0);
  ASSERT_TRUE(result->frequency_hz.has_value());
  EXPECT_NEAR(*result->frequency_hz, 12.54626, 5e-4 * 12.54626);
  EXPECT_TRUE(result->trace.output_v.empty());
}

TEST(Simulate, GivesNoFrequencyWithoutTwoSpikes) {
  const auto silent = must_make("thyristor", wu2023());
  const auto quiet = simulate(*silent, 20.0_uA, 10.0_s, 0.0_s);
  ASSERT_TRUE(quiet.has_value());
  EXPECT_EQ(quiet->n_spikes, 0);
  EXPECT_FALSE(quiet->frequency_hz.has_value());
  const auto firing = must_make("thyristor", wu2023());
  const auto single = simulate(*firing, 45.3_uA, Duration::from_si(0.1), 0.0_s);
  ASSERT_TRUE(single.has_value());
  EXPECT_EQ(single->n_spikes, 1);
  EXPECT_FALSE(single->frequency_hz.has_value());
}

TEST(Simulate, GoesOnWhereItStopped) {
  const auto parts = must_make("thyristor-fast", bench_fast());
  const auto whole = must_make("thyristor-fast", bench_fast());
  const auto all = simulate(*whole, 60.0_uA, 1.0_s, 0.0_s);
  const auto first = simulate(*parts, 60.0_uA, 0.4_s, 0.0_s);
  const auto second = simulate(*parts, 60.0_uA, 0.6_s, 0.0_s);
  ASSERT_TRUE(all && first && second);
  EXPECT_EQ(first->n_spikes + second->n_spikes, all->n_spikes);
  EXPECT_NEAR(second->spike_times.back() + 0.4, all->spike_times.back(), 1e-12);
}

TEST(Simulate, RendersATraceThatShowsTheSpikes) {
  const auto neuron = must_make("thyristor", wu2023());
  SimulationOptions options;
  options.trace_rate = 50e3 * 1.0_Hz;
  const auto result = simulate(*neuron, 45.3_uA, 0.5_s, 0.25_s, options);
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->trace.output_v.size(), 25'000U);
  ASSERT_EQ(result->trace.membrane_v.size(), 25'000U);
  std::vector<double> crossings;
  for (std::size_t k = 1; k < 25'000; ++k) {
    if (result->trace.output_v[k - 1] < 0.06 && result->trace.output_v[k] >= 0.06) {
      crossings.push_back(0.25 + double(k) / 50e3);
    }
  }
  ASSERT_EQ(crossings.size(), result->spike_times.size());
  for (std::size_t k = 0; k < crossings.size(); ++k) EXPECT_NEAR(crossings[k], result->spike_times[k], 2.5e-5);
}

TEST(Simulate, SamplesTheTraceExactly) {
  const auto neuron = must_make("thyristor-fast", bench_fast());
  SimulationOptions options;
  options.trace_rate = 1e4 * 1.0_Hz;
  const auto result = simulate(*neuron, 10.0_uA, Duration::from_si(0.02), Duration::from_si(0.0037), options);
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->trace.membrane_v.size(), 200U);
  for (std::size_t k = 0; k < 200; ++k) {
    const double t = 0.0037 + double(k) * 1e-4;
    const double expected = 10e-6 * 50.1e3 * (1.0 - std::exp(-t / (50.1e3 * 100e-9)));
    EXPECT_NEAR(result->trace.membrane_v[k], expected, 1e-13);
  }
}

TEST(Simulate, RefusesArgumentsOutsideTheirRange) {
  const auto neuron = must_make("thyristor", wu2023());
  const auto message = [&](Current i, Duration d, Duration s, SimulationOptions o = {}) {
    const auto result = simulate(*neuron, i, d, s, o);
    return result ? std::string{} : result.error().message;
  };
  EXPECT_NE(message(45.3_uA, 0.0_s, 0.0_s).find("duration is 0 s"), std::string::npos);
  EXPECT_NE(message(45.3_uA, 1.0_s, -1.0 * 1.0_s).find("settling time is -1 s"), std::string::npos);
  EXPECT_NE(message(Current::from_si(std::nan("")), 1.0_s, 0.0_s).find("current is nan"), std::string::npos);
  EXPECT_NE(message(45.3_uA, 1000.0_s, 0.0_s, {.trace_rate = 1e6 * 1.0_Hz}).find("more than 100000000"),
            std::string::npos);
}

TEST(Simulate, TellsWhenAndWhyACircuitChatters) {
  neurons::Parameters p = wu2023();
  p["V_on"] = 0.9055;
  const auto neuron = must_make("thyristor", p);
  const auto result = simulate(*neuron, 60.0_uA, 1.0_s, 0.0_s);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("60 uA"), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find("chatters"), std::string::npos);
}

// An open switch is a resistor and a capacitor: u' = (I_0 + a t)/C - u/tau has a closed form under a ramp.
double voltage_under_ramp(double t, double from, double slope, double resistance, double capacitance) {
  const double tau = resistance * capacitance;
  return resistance * (from * (1.0 - std::exp(-t / tau)) + slope * (t - tau * (1.0 - std::exp(-t / tau))));
}

TEST(Simulate, TellsHowFarItIs) {
  const auto neuron = must_make("thyristor-fast", neurons::bench_fast(), {0.4e-6, 2e-3}, 1);
  std::vector<double> told;
  SimulationOptions options;
  options.progress = [&](double share) { told.push_back(share); };
  ASSERT_TRUE(simulate(*neuron, 45.0_uA, 6.0_s, 2.0_s, options).has_value());
  ASSERT_GT(told.size(), 20U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_LT(told.front(), 0.1);
  EXPECT_GT(told.back(), 0.9);
  EXPECT_LE(told.back(), 1.0);
}

TEST(Ramp, FiresFirstWhereTheClosedFormReachesThreshold) {
  const double duration = 5.0;
  const double from = 10e-6;
  const double to = 60e-6;
  const auto neuron = must_make("thyristor-fast", bench_fast());
  const Drive drive{Current::from_si(from), Current::from_si(to)};
  const auto result = simulate(*neuron, std::span{&drive, 1}, Duration::from_si(duration), 0.0_s);
  ASSERT_TRUE(result.has_value());
  // The switch fires when u - v has reached V_th = 1.8 V, which is u = 1.8 V (R + R_L)/R.
  const double threshold = 1.8 * 50.1e3 / 50e3;
  double low = 0.0;
  double high = duration;
  for (int k = 0; k < 100; ++k) {
    const double middle = 0.5 * (low + high);
    (voltage_under_ramp(middle, from, (to - from) / duration, 50.1e3, 100e-9) < threshold ? low : high) = middle;
  }
  ASSERT_FALSE(result->front().spike_times.empty());
  EXPECT_NEAR(result->front().spike_times.front(), low, 1e-6);
}

TEST(Ramp, MovesSpikesByNanosecondsOnlyWhenItsStepsAreHalved) {
  // Two halves of a ramp have shorter steps than the whole.
  const Current from = 40.0_uA;
  const Current middle = 50.0_uA;
  const Current to = 60.0_uA;
  const auto whole_neuron = must_make("thyristor", wu2023());
  const auto halves_neuron = must_make("thyristor", wu2023());
  const Drive all{from, to};
  const Drive first{from, middle};
  const Drive second{middle, to};
  const auto whole = simulate(*whole_neuron, std::span{&all, 1}, 2.0_s, 0.0_s);
  const auto early = simulate(*halves_neuron, std::span{&first, 1}, 1.0_s, 0.0_s);
  const auto late = simulate(*halves_neuron, std::span{&second, 1}, 1.0_s, 0.0_s);
  ASSERT_TRUE(whole && early && late);
  std::vector<double> times = early->front().spike_times;
  for (const double t : late->front().spike_times) times.push_back(1.0 + t);
  ASSERT_EQ(times.size(), whole->front().spike_times.size());
  ASSERT_GT(times.size(), 20U);
  EXPECT_NE(ramp_steps(all, 2.0_s), ramp_steps(first, 1.0_s) + ramp_steps(second, 1.0_s));
  for (std::size_t k = 0; k < times.size(); ++k) EXPECT_NEAR(times[k], whole->front().spike_times[k], 20e-9) << k;
}

TEST(Ramp, SpeedsAMembraneUp) {
  const auto neuron = must_make("thyristor", wu2023());
  const Drive drive{40.0_uA, 100.0_uA};
  const auto result = simulate(*neuron, std::span{&drive, 1}, 4.0_s, 1.0_s);
  ASSERT_TRUE(result.has_value());
  const std::vector<double>& t = result->front().spike_times;
  ASSERT_GT(t.size(), 20U);
  EXPECT_GT(t[1] - t[0], 2.0 * (t.back() - t[t.size() - 2]));
  EXPECT_GT(t.front(), 1.0);
}

TEST(Ramp, NeedsNoStepsWhenItIsFlat) {
  EXPECT_EQ(ramp_steps({40.0_uA, std::nullopt}, 1.0_s), 1);
  EXPECT_EQ(ramp_steps({40.0_uA, 40.0_uA}, 1.0_s), 1);
  EXPECT_GT(ramp_steps({40.0_uA, 41.0_uA}, 1.0_s), 100);
  EXPECT_GT(ramp_steps({0.0_uA, 40.0_uA}, 1.0_s), 1000);
}

TEST(Truth, ListsEveryModeFromTheBeginOfTheWindow) {
  const auto neuron = must_make("thyristor", wu2023());
  SimulationOptions options;
  options.list_modes = true;
  const auto result = simulate(*neuron, 45.3_uA, 1.0_s, 0.5_s, options);
  ASSERT_TRUE(result.has_value());
  const std::vector<ModeChange>& modes = result->truth.modes;
  ASSERT_GT(modes.size(), 3U);
  EXPECT_EQ(modes.front().time, 0.5);
  std::size_t spike = 0;
  for (std::size_t k = 1; k < modes.size(); ++k) {
    EXPECT_NE(modes[k].mode, modes[k - 1].mode);
    EXPECT_GE(modes[k].time, modes[k - 1].time);
    if (modes[k].mode == "fresh") {
      EXPECT_EQ(modes[k].time, result->spike_times.at(spike++));
    }
  }
  EXPECT_EQ(spike, result->spike_times.size());
  EXPECT_EQ(result->truth.mode, modes.back().mode);
  EXPECT_FALSE(result->truth.latched);
}

TEST(Truth, IsLatchedAboveTheUpperEnd) {
  const auto neuron = must_make("thyristor", wu2023());
  const auto result = simulate(*neuron, 135.0_uA, 1.0_s, 0.5_s);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->truth.latched);
  EXPECT_TRUE(result->truth.conducting);
  EXPECT_GT(result->truth.conducting_for, 1.0) << "since before the window";
  EXPECT_EQ(result->truth.mode, "settled");
  EXPECT_EQ(result->pattern.label, analysis::Label::QD);
}

TEST(PhaseSeries, PlacesASpikeInTheCycleItFallsInto) {
  const std::vector<double> cycle{1.0, 2.0, 4.0};
  const std::vector<double> other{0.5, 1.0, 1.25, 3.0, 4.0};
  const auto series = phase_series(cycle, other);
  ASSERT_EQ(series.size(), 3U);
  EXPECT_EQ(series[0].time, 1.0);
  EXPECT_EQ(series[0].phase, 0.0);
  EXPECT_EQ(series[1].phase, 0.25);
  EXPECT_EQ(series[2].phase, 0.5);
}

TEST(Moment, KeepsItsLastDigitThroughAMillionSmallSteps) {
  Moment now{Duration::from_si(86'400.0)};
  for (int k = 0; k < 1'000'000; ++k) now += 1e-7;
  EXPECT_NEAR(now.since(Moment{Duration::from_si(86'400.0)}), 0.1, 1e-15);
}

TEST(Moment, CarriesSeconds) {
  Moment now;
  for (int k = 0; k < 10; ++k) now += 0.3;
  EXPECT_NEAR(now.seconds(), 3.0, 1e-15);
  now += -1.5;
  EXPECT_NEAR(now.seconds(), 1.5, 1e-15);
}

}  // namespace
}  // namespace thyrode::simulation
