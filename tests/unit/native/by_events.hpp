// Two instruments under the same commands, one by events and one by samples, and what of their records must agree.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>

#include "tests/unit/native/host.hpp"

namespace thyrode::native {

using namespace protocol;

struct Circuit {
  const char* name;
  std::function<std::unique_ptr<neurons::Neuron>(double noise, std::uint64_t seed)> make;
  double lowest;   // A
  double highest;  // A
  double swing;    // V
  int channels = 1;
  double fire_level = 0.0;   // V; above 0 V the trigger is `level`
  double rearm_level = 0.0;  // V
  /// Samples by which noise may move a crossing: the swing counts from the lowest code, which is drawn anew, and one
  /// code is long on a slow rise.
  double moved = 1.0;
};

/// The values of experiments/neurons/butera.yaml.
inline neurons::Parameters butera() {
  return {
      {"C_m", 21e-12},        {"g_Na", 28e-9},     {"g_NaP", 2.8e-9},   {"g_K", 11.2e-9},          {"g_L", 2.8e-9},
      {"g_tonic", 0.0},       {"E_Na", 0.05},      {"E_K", -0.085},     {"E_L", -0.065},           {"E_syn", 0.0},
      {"theta_m", -0.034},    {"sigma_m", -0.005}, {"theta_mp", -0.04}, {"sigma_mp", -0.006},      {"theta_n", -0.029},
      {"sigma_n", -0.004},    {"theta_h", -0.048}, {"sigma_h", 0.006},  {"tau_n", 0.01},           {"tau_h", 10.0},
      {"V_start", -0.06},     {"n_start", 0.001},  {"h_start", 0.6},    {"current_gain", 0.25e-6}, {"V_out_gain", 5.0},
      {"V_out_offset", 0.45}, {"V_m_gain", 15.0},  {"V_m_offset", 1.4}, {"spike_level", -0.02},    {"tolerance", 1e-9}};
}

/// The values of experiments/neurons/lif.yaml.
inline neurons::Parameters leaky() {
  return {{"C", 10e-6}, {"R", 6460.0}, {"V_th", 0.2087}, {"V_reset", 0.0}, {"V_pulse", 0.15}, {"t_pulse", 100e-6}};
}

inline const std::vector<Circuit>& circuits() {
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
    const auto model = [](const char* name, neurons::Parameters parameters) {
      return [name, parameters](double noise, std::uint64_t seed) {
        return neurons::must_make(name, parameters, {noise, 5e-3}, seed);
      };
    };
    return std::vector<Circuit>{
        {"msn", thyristor(47.0), 25e-6, 135e-6, 0.06},
        {"burst", thyristor(1000.0), 25e-6, 110e-6, 0.06},
        {"fast spikes", thyristor(3500.0), 25e-6, 110e-6, 0.06},
        {"msn-fast", fast(100.0, 0.0), 30e-6, 100e-6, 0.02},
        {"mbn-fast", fast(1000.0, 20e-9), 30e-6, 100e-6, 0.05},
        {"two", two, 35e-6, 60e-6, 0.06, 2},
        {"butera", model("butera", butera()), 60e-6, 160e-6, 0.1},
        {"lif", model("lif", leaky()), 25e-6, 150e-6, 0.06},
        {"model cell", model("model-cell", {{"C", 1e-6}, {"R", 1e3}}), 0.0, 150e-6, 0.03, 1, 0.0, 0.0, 4.0},
        {"msn by level", thyristor(47.0), 25e-6, 135e-6, 0.06, 1, 0.06, 0.03},
        {"fast spikes by level", thyristor(3500.0), 25e-6, 110e-6, 0.06, 1, 0.2, 0.16},
        {"butera by level", model("butera", butera()), 60e-6, 160e-6, 0.1, 1, 0.35, 0.25}};
  }();
  return all;
}

/// Steps and ramps, the same for the same seed.
inline void command(Host& host, const Circuit& circuit, std::uint64_t seed, std::int64_t until) {
  std::mt19937_64 random{seed};
  const auto current = [&] {
    return circuit.lowest + (circuit.highest - circuit.lowest) * std::uniform_real_distribution<>{}(random);
  };
  host.begin(current(), 0, circuit.swing);
  if (circuit.fire_level > 0.0) {
    const auto code = [](double volts) { return static_cast<AdcCode>(v_out_codes(volts) + Nominal::adc_zero); };
    host.send(
        ConfigureDetector{0, Sample{0}, Trigger::level, 0, code(circuit.fire_level), code(circuit.rearm_level), 12});
  }
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

inline void expect_same(const std::vector<SpikeRecord>& a, const std::vector<SpikeRecord>& b, double codes,
                        double width, double samples) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_NEAR(static_cast<double>(a[k].at - b[k].at), 0.0, 256.0 * samples) << "spike " << k;
    ASSERT_NEAR(static_cast<double>(a[k].width), static_cast<double>(b[k].width), width) << "spike " << k;
    ASSERT_NEAR(a[k].peak, b[k].peak, codes) << "spike " << k;
    ASSERT_NEAR(a[k].trough, b[k].trough, codes) << "spike " << k;
  }
}

/// @param codes, width  what peaks and troughs may differ by, codes, and widths, ticks
/// @param samples  what their times may differ by
inline void expect_same_spikes(const Pair& pair, double codes, double width, double samples = 1.0) {
  for (const std::uint8_t channel : std::array<std::uint8_t, 2>{0, 1}) {
    SCOPED_TRACE(testing::Message() << "channel " << int{channel});
    expect_same(pair.samples.spikes(channel), pair.events.spikes(channel), codes, width, samples);
  }
}
inline void expect_same_levels(const Pair& pair, double codes, double samples = 1.0) {
  const auto a = pair.samples.all<LevelRecord>();
  const auto b = pair.events.all<LevelRecord>();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].first, b[k].first);
    ASSERT_EQ(a[k].command_sum, b[k].command_sum) << "level " << k;
    ASSERT_EQ(a[k].command_count, b[k].command_count);
    ASSERT_NEAR(a[k].open_spike, b[k].open_spike, 256.0 * samples) << "level " << k;
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

inline void expect_same_currents(const Pair& pair, double codes) {
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

inline void expect_same_truth(const Pair& pair) {
  const auto& a = pair.samples.truth;
  const auto& b = pair.events.truth;
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].kind, b[k].kind) << "event " << k;
    ASSERT_NEAR(static_cast<double>(a[k].sample - b[k].sample) + a[k].fraction - b[k].fraction, 0.0, 1e-4);
    ASSERT_EQ(a[k].value, b[k].value) << "event " << k;
  }
}

}  // namespace thyrode::native
