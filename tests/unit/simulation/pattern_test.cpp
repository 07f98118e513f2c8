// The rule that names the pattern of a simulated neuron, against the labels of the reference tables.
#include "daemon/simulation/pattern.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "daemon/simulation/simulate.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::simulation {
namespace {

using analysis::Label;
using neurons::must_make;
using neurons::wu2023;

/// A table row simulated as the tables were: 0.5 s to settle at 10 uF, 1.5 s watched.
Simulation simulate_row(const TableRow& row) {
  neurons::Parameters p = wu2023(row.number("Rs_ohm"));
  p["C_m"] = row.number("Cm_uF") * 1e-6;
  p["C_L"] = row.number("Cs_uF") * 1e-6;
  const double scale = std::max(1.0, row.number("Cm_uF") / 10.0);
  const auto neuron = must_make("thyristor", p);
  SimulationOptions options;
  options.facts.load_time = Duration::from_si(row.number("taus_ms") * 1e-3);
  const auto result = simulate(*neuron, Current::from_si(row.number("I_uA") * 1e-6), Duration::from_si(1.5 * scale),
                               Duration::from_si(0.5 * scale), options);
  return result.value();
}

TEST(Pattern, GivesEveryRowOfTheReferenceTableItsLabel) {
  std::map<std::string, int> seen;
  for (const TableRow& row : read_table("mbn_phase_wu2023.csv")) {
    SCOPED_TRACE(row.text("I_uA") + " uA, " + row.text("Rs_ohm") + " Ohm");
    const Simulation result = simulate_row(row);
    EXPECT_EQ(analysis::to_string(result.pattern.label), row.text("mode"));
    EXPECT_EQ(result.truth.latched, row.text("mode") == "QD");
    ++seen[row.text("mode")];
  }
  for (const char* mode : {"QH", "TS", "IB1", "FS", "IB2", "QD"}) EXPECT_GT(seen[mode], 0) << mode;
}

TEST(Pattern, CountsBurstsAsTheReferenceTableDoes) {
  for (const TableRow& row : read_table("mbn_phase_wu2023.csv")) {
    if (row.number("event_rate_hz") == 0.0) continue;
    SCOPED_TRACE(row.text("I_uA") + " uA, " + row.text("Rs_ohm") + " Ohm, " + row.text("mode"));
    const Simulation result = simulate_row(row);
    ASSERT_TRUE(result.pattern.event_frequency_hz.has_value());
    EXPECT_NEAR(*result.pattern.event_frequency_hz / row.number("event_rate_hz"), 1.0, 5e-3);
    const bool bursts = row.text("mode").starts_with("IB");
    ASSERT_EQ(result.pattern.spikes_per_burst.has_value(), bursts);
    if (bursts) {
      EXPECT_NEAR(*result.pattern.spikes_per_burst / row.number("spikes_per_event"), 1.0, 5e-3);
    }
  }
}

TEST(Pattern, FindsTheConductionTimesOfTheReferenceTable) {
  for (const TableRow& row : read_table("mbn_phase_wu2023.csv")) {
    if (row.text("mode") == "QH" || row.text("mode") == "QD") continue;
    SCOPED_TRACE(row.text("I_uA") + " uA, " + row.text("Rs_ohm") + " Ohm, " + row.text("mode"));
    const std::vector<double> on = simulate_row(row).truth.conduction_times;
    ASSERT_FALSE(on.empty());
    const auto [low, high] = std::minmax_element(on.begin(), on.end());
    EXPECT_NEAR(*low * 1e3 / row.number("on_min_ms"), 1.0, 1e-3);
    EXPECT_NEAR(*high * 1e3 / row.number("on_max_ms"), 1.0, 1e-3);
  }
}

// ---------------------------------------------------------------- the rule alone

EventList train(const std::vector<double>& intervals, double conduction = 50e-6) {
  EventList events;
  events.spike_times = {1.0};
  for (const double interval : intervals) events.spike_times.push_back(events.spike_times.back() + interval);
  events.conduction_times.assign(events.spike_times.size(), conduction);
  return events;
}

const CircuitFacts with_load{Duration::from_si(0.3e-3), false};

TEST(Pattern, PartsTonicFromFastByTenLoadTimes) {
  EXPECT_EQ(find_pattern(train({2.9e-3, 2.9e-3, 2.9e-3}), with_load).label, Label::FS);
  EXPECT_EQ(find_pattern(train({3.1e-3, 3.1e-3, 3.1e-3}), with_load).label, Label::TS);
  EXPECT_EQ(find_pattern(train({2.9e-3, 2.9e-3, 2.9e-3}), {}).label, Label::TS) << "no load to be fast against";
}

TEST(Pattern, BurstsFromARatioOfOneAndAHalf) {
  EXPECT_EQ(find_pattern(train({1e-3, 1.49e-3, 1e-3, 1.49e-3}), with_load).label, Label::FS);
  EXPECT_EQ(find_pattern(train({1e-3, 1.5e-3, 1e-3, 1.5e-3}), with_load).label, Label::IB1);
}

TEST(Pattern, CallsAPlateauWhatOutlastsFourShortConductionsAndThreeLoadTimes) {
  EventList events = train({1e-3, 20e-3, 1e-3, 20e-3}, 300e-6);
  events.conduction_times.back() = 1.19e-3;
  EXPECT_EQ(find_pattern(events, with_load).label, Label::IB1);
  events.conduction_times.back() = 1.21e-3;
  EXPECT_EQ(find_pattern(events, with_load).label, Label::IB2);
  EventList brief = train({1e-3, 20e-3, 1e-3, 20e-3}, 50e-6);
  brief.conduction_times.back() = 0.89e-3;
  EXPECT_EQ(find_pattern(brief, with_load).label, Label::IB1);
  brief.conducting = true;
  brief.conducting_for = 0.91e-3;
  EXPECT_EQ(find_pattern(brief, with_load).label, Label::IB2) << "the plateau that goes on counts";
}

TEST(Pattern, TellsLatchedFromSilent) {
  EventList nothing;
  EXPECT_EQ(find_pattern(nothing, with_load).label, Label::QH);
  nothing.conducting = true;
  EXPECT_EQ(find_pattern(nothing, with_load).label, Label::QD);
  EventList latched = train({1e-3, 1e-3});
  latched.conducting = latched.latched = true;
  EXPECT_EQ(find_pattern(latched, with_load).label, Label::QD);
  EXPECT_EQ(find_pattern(train({}), with_load).label, Label::undetermined) << "one spike has no interval";
  EXPECT_FALSE(find_pattern(train({}), with_load).event_frequency_hz.has_value());
}

TEST(Pattern, CountsWholeBurstPeriodsOnly) {
  // Two spikes of a burst cut at the begin, bursts of three, one cut at the end.
  const Pattern pattern = find_pattern(train({1e-3, 18e-3, 1e-3, 1e-3, 18e-3, 1e-3, 1e-3, 18e-3, 1e-3}), with_load);
  ASSERT_TRUE(pattern.event_frequency_hz && pattern.spikes_per_burst);
  EXPECT_NEAR(*pattern.event_frequency_hz, 50.0, 1e-9);
  EXPECT_DOUBLE_EQ(*pattern.spikes_per_burst, 3.0);
  const Pattern single = find_pattern(train({1e-3, 18e-3, 1e-3}), with_load);
  EXPECT_EQ(single.label, Label::IB1);
  EXPECT_FALSE(single.event_frequency_hz || single.spikes_per_burst) << "no whole period";
}

TEST(Pattern, KnowsABurstBySilenceThatTheWindowCuts) {
  EventList events = train({1e-3, 1e-3, 1e-3});
  EXPECT_EQ(find_pattern(events, with_load).label, Label::FS);
  events.silence_after = 1.4e-3;
  EXPECT_EQ(find_pattern(events, with_load).label, Label::FS);
  events.silence_after = 200e-3;
  EXPECT_EQ(find_pattern(events, with_load).label, Label::IB1);
  EXPECT_FALSE(find_pattern(events, with_load).event_frequency_hz.has_value()) << "one burst has no period";
  events.silence_after = 0.0;
  events.silence_before = 200e-3;
  EXPECT_EQ(find_pattern(events, with_load).label, Label::IB1);
}

TEST(Pattern, CallsASingleBurstBetweenPlateausAPlateauPattern) {
  // 115 uA at 0.37 ms: plateaus of about a second, so that a window holds one burst at most.
  const auto neuron = must_make("thyristor", wu2023(3700.0));
  SimulationOptions options;
  options.facts.load_time = Duration::from_si(0.37e-3);
  bool single = false;
  for (int window = 0; window < 40; ++window) {
    const auto result = simulate(*neuron, 115.0_uA, Duration::from_si(0.1), 0.0_s, options);
    ASSERT_TRUE(result.has_value());
    if (result->n_spikes < 2) continue;
    single = true;
    EXPECT_EQ(analysis::to_string(result->pattern.label), std::string{"IB2"}) << "window " << window;
  }
  EXPECT_TRUE(single);
}

TEST(Pattern, DoesNotTakeScatterForBursts) {
  std::vector<double> scattered;
  for (int k = 0; k < 200; ++k) scattered.push_back(0.1 * (1.0 + 0.9 * double(k * 37 % 101) / 101.0));
  EXPECT_EQ(find_pattern(train(scattered), {std::nullopt, false}).label, Label::IB1);
  const Pattern noisy = find_pattern(train(scattered), {std::nullopt, true});
  EXPECT_EQ(noisy.label, Label::soft) << "CV " << noisy.cv.value_or(0.0);
  EXPECT_FALSE(noisy.spikes_per_burst.has_value());
  std::vector<double> bursts;
  for (int k = 0; k < 200; ++k)
    bursts.push_back((k % 4 == 3 ? 0.1 : 0.01) * (1.0 + 0.3 * double(k * 37 % 101) / 101.0));
  EXPECT_EQ(find_pattern(train(bursts), {std::nullopt, true}).label, Label::IB1);
}

TEST(Pattern, DoesNotTakeSingleSpikesForBursts) {
  // One short interval in a long tonic train: all but one of its "bursts" are single spikes.
  std::vector<double> tonic(300, 0.1);
  tonic[150] = 0.02;
  const Pattern pattern = find_pattern(train(tonic), {});
  EXPECT_EQ(pattern.label, Label::TS);
  EXPECT_FALSE(pattern.spikes_per_burst.has_value());
  EXPECT_NEAR(pattern.event_frequency_hz.value_or(0.0), 10.0, 0.1);
  // Doublets among single spikes: 8 of 12 spikes lie in bursts, then 8 of 11.
  std::vector<double> mixed;
  for (int k = 0; k < 12 * 9; ++k) mixed.push_back(k % 12 < 8 && k % 2 == 0 ? 0.01 : 0.1);
  EXPECT_FALSE(find_pattern(train(mixed), {}).spikes_per_burst.has_value());
  mixed.clear();
  for (int k = 0; k < 11 * 9; ++k) mixed.push_back(k % 11 < 8 && k % 11 % 2 == 0 ? 0.01 : 0.1);
  const Pattern doublets = find_pattern(train(mixed), {});
  EXPECT_EQ(doublets.label, Label::IB1);
  EXPECT_NEAR(doublets.spikes_per_burst.value_or(0.0), 11.0 / 7.0, 0.02);
}

TEST(Pattern, MeltsWhereNoiseIsLargeAndStaysTonicAbove) {
  // The pair of noise and load that makes 36.4 uA irregular and leaves 45.3 uA regular: 2 kOhm, 0.9 uA, 200 ms.
  const std::map<double, Label> expected = {{36.4e-6, Label::irregular}, {45.3e-6, Label::TS}};
  for (const auto& [current, label] : expected) {
    const auto neuron = must_make("thyristor", wu2023(2000.0), {0.9e-6, 0.2}, 7);
    SimulationOptions options;
    options.facts = {Duration::from_si(0.2e-3), true};
    const auto result = simulate(*neuron, Current::from_si(current), 60.0_s, 1.0_s, options);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->pattern.label, label) << current << " A, CV " << result->pattern.cv.value_or(0.0) << ", seed 7";
  }
}

}  // namespace
}  // namespace thyrode::simulation
