#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"

namespace thyrode::analysis {
namespace {

constexpr double tick_s = 1.0 / (250'000.0 * 256.0);
constexpr double ms = 64'000.0;  // ticks

Ticks at_ms(double milliseconds) {
  return Ticks{std::llround(milliseconds * ms)};
}

/// A shape of a given width, volts.
SpikeShape shape(double width_ms, double peak = 0.3, double trough = 0.02) {
  return {peak, trough, std::llround(width_ms * ms)};
}

/// A train that is told to a step spike by spike.
struct Told {
  StepAnalyzer step;
  double now_ms = 0.0;
  std::mt19937_64 random{7};

  explicit Told(const StepRules& rules = {}) : step(rules, tick_s, Ticks{0}) {}
  void spike_after(double interval_ms, const SpikeShape& spike) {
    now_ms += interval_ms;
    step.spike(at_ms(now_ms), spike);
  }
  double gamma(double mean, double cv) {
    return mean * std::gamma_distribution<double>(1.0 / (cv * cv), cv * cv)(random);
  }
  void regular(int spikes, double interval_ms, const SpikeShape& spike) {
    for (int k = 0; k < spikes; ++k) spike_after(gamma(interval_ms, 0.02), spike);
  }
  StepResult row() const { return step.result(at_ms(now_ms + 0.5)); }
};

StepRules with_load(double load_time_ms) {
  StepRules rules;
  rules.load_time_s = load_time_ms * 1e-3;
  return rules;
}

TEST(FindPhase, TonicIsFastBelowTenKnownLoadTimes) {
  for (const auto& [load_ms, label] : {std::pair{0.3, Label::FS}, {0.05, Label::TS}}) {
    Told told(with_load(load_ms));
    told.regular(200, 1.0, shape(0.14));
    EXPECT_EQ(told.row().label, label) << load_ms;
  }
}

TEST(FindPhase, WithoutALoadTimeItIsFastWhereTheOutputDoesNotComeToRest) {
  Told rests;
  rests.regular(200, 1.0, shape(0.14, 0.3, 0.06));
  EXPECT_EQ(rests.row().label, Label::TS);
  Told held;
  held.regular(200, 1.0, shape(0.14, 0.3, 0.12));
  EXPECT_EQ(held.row().label, Label::FS);
  Told slow;
  slow.regular(200, 10.0, shape(0.14, 0.3, 0.12));
  EXPECT_EQ(slow.row().label, Label::TS) << "an output that never rests does not make slow spikes fast";
}

/// Bursts of 5 spikes at 1 ms with gaps of 20 ms.
Told bursting(double last_width_ms, const StepRules& rules = {}) {
  Told told(rules);
  for (int burst = 0; burst < 40; ++burst) {
    for (int k = 0; k < 5; ++k) told.spike_after(k == 0 ? 20.0 : 1.0, shape(k == 4 ? last_width_ms : 0.14));
  }
  return told;
}

TEST(FindPhase, BurstsThatEndInPlateausAreTheSecondKind) {
  const StepResult first = bursting(0.15).row();
  EXPECT_EQ(first.label, Label::IB1);
  EXPECT_NEAR(*first.frequency_hz.value, 1e3 / 24.0, 1e-6);
  EXPECT_NEAR(*first.spikes_per_burst, 5.0, 1e-9);
  EXPECT_NEAR(*first.spike_rate_hz.value, 1e3 * 5.0 / 24.0, 5.0);
  EXPECT_EQ(bursting(15.0).row().label, Label::IB2);
  EXPECT_EQ(bursting(1.0, with_load(0.4)).row().label, Label::IB1) << "no plateau is shorter than three load times";
}

TEST(FindPhase, WithoutWidthsStutteringBurstsAreTheFirstKindAndClocksTheSecond) {
  Told clock, stutter;
  for (int burst = 0; burst < 60; ++burst) {
    for (int k = 0; k < 5; ++k) clock.spike_after(k == 0 ? 20.0 : 1.0, {});
    const int spikes = 2 + burst % 9;
    for (int k = 0; k < spikes; ++k) stutter.spike_after(k == 0 ? 20.0 : 1.0, {});
  }
  EXPECT_EQ(clock.row().label, Label::IB2);
  EXPECT_EQ(stutter.row().label, Label::IB1);
}

TEST(FindPhase, MissingSpikesOfAFastTrainAreFlagged) {
  Told told(with_load(0.3));
  for (int k = 0; k < 400; ++k) told.spike_after(told.gamma(k % 17 == 16 ? 2.0 : 1.0, 0.02), shape(0.14));
  const StepResult row = told.row();
  EXPECT_EQ(row.label, Label::FS);
  EXPECT_TRUE(row.vacancies);
  EXPECT_NEAR(*row.features.vacancy_fraction, 1.0 / 18.0, 2e-3);
}

TEST(FindPhase, GapsBetweenBurstsAreNoMissingSpikes) {
  // Gaps of exactly five intervals: whole multiples of the one inside.
  Told told;
  for (int burst = 0; burst < 60; ++burst) {
    for (int k = 0; k < 5; ++k) told.spike_after(k == 0 ? 5.0 : 1.0, shape(0.14));
  }
  const StepResult row = told.row();
  EXPECT_EQ(row.label, Label::IB1);
  ASSERT_TRUE(told.step.train().vacancies()->valid);
  EXPECT_FALSE(counted_vacancies(told.step.train(), row.label));
  EXPECT_STREQ(why_not_counted(told.step.train(), row.label), "the train bursts");
  for (const auto& value : {row.features.missing_spikes, row.features.vacancy_clusters, row.features.vacancy_fraction,
                            row.features.vacancy_size, row.features.usual_isi_s, row.features.vacancy_clustering}) {
    EXPECT_FALSE(value);
  }
}

TEST(FindPhase, SilencesBesideARegularTrainAreNoMissingSpikes) {
  Told told(with_load(0.3));
  for (int k = 0; k < 200; ++k) told.spike_after(k == 70 || k == 140 ? 60.0 : 1.0, shape(0.14));
  const StepResult row = told.row();
  EXPECT_EQ(row.label, Label::mixed);
  EXPECT_FALSE(row.features.missing_spikes);
  EXPECT_STREQ(why_not_counted(told.step.train(), row.label), "the train is not a regular one");
}

TEST(FindPhase, MissingSpikesAreCountedWhereTheTrainIsRegularAndNowhereElse) {
  Told regular(with_load(0.3)), melted, few;
  regular.regular(200, 1.0, shape(0.14));
  for (int k = 0; k < 400; ++k) melted.spike_after(melted.gamma(1.0, 0.4), shape(0.14));
  few.regular(4, 1.0, shape(0.14));
  EXPECT_EQ(regular.row().features.missing_spikes, 0.0);
  EXPECT_EQ(why_not_counted(regular.step.train(), Label::FS), nullptr);
  EXPECT_FALSE(melted.row().features.missing_spikes);
  EXPECT_FALSE(few.row().features.missing_spikes);
  EXPECT_STREQ(why_not_counted(few.step.train(), few.row().label), "too few spikes to call the train regular");
  EXPECT_STREQ(why_not_counted(melted.step.train(), Label::TS),
               "the intervals are no whole multiples of a regular one");
}

TEST(LabelOfTimes, LeavesOpenWhatOnlyTheOutputOrOtherCurrentsTell) {
  const std::vector<std::pair<Label, std::string>> words{{Label::IB1, "bursting"}, {Label::IB2, "bursting"},
                                                         {Label::TS, "TS"},        {Label::FS, "TS"},
                                                         {Label::QH, "QH"},        {Label::transient, "transient"}};
  for (const auto& [label, word] : words) {
    const TimesLabel told = label_of_times(label);
    EXPECT_EQ(told.word, word);
    EXPECT_EQ(told.candidates.size(), 2U) << word;
    EXPECT_NE(std::find(told.candidates.begin(), told.candidates.end(), label), told.candidates.end()) << word;
    EXPECT_NE(told.open, nullptr) << word;
  }
  for (const Label label : {Label::soft, Label::irregular, Label::mixed, Label::undetermined}) {
    EXPECT_EQ(label_of_times(label).word, to_string(label));
    EXPECT_EQ(label_of_times(label).candidates, std::vector<Label>{label});
    EXPECT_EQ(label_of_times(label).open, nullptr);
  }
}

TEST(FindPhase, FewIntervalsApartAreNoPattern) {
  Told told(with_load(0.3));
  told.spike_after(60.0, shape(0.14));
  told.spike_after(60.0, shape(0.14));
  told.regular(200, 1.0, shape(0.14));
  EXPECT_GT(*told.row().cv, 1.0);
  EXPECT_EQ(told.row().label, Label::FS);
}

TEST(FindPhase, OneSilenceThatHoldsMostOfTheTimeLeavesTheLabelOpen) {
  Told told(with_load(0.3));
  told.regular(40, 1.0, shape(0.14));
  told.spike_after(100.0, shape(0.14));
  told.regular(20, 1.0, shape(0.14));
  EXPECT_EQ(told.row().label, Label::undetermined) << "a second of two bursts, or fast spiking with a pause";
  told.regular(100, 1.0, shape(0.14));
  EXPECT_EQ(told.row().label, Label::FS);
}

TEST(FindPhase, TwoRatesInStretchesAreMixedByTime) {
  Told told(with_load(0.3));
  told.regular(2000, 1.0, shape(0.14));
  told.regular(50, 20.0, shape(0.14));
  const StepResult row = told.row();
  EXPECT_EQ(row.label, Label::mixed);
  ASSERT_EQ(row.label_fractions.size(), 2U);
  EXPECT_NEAR(row.label_fractions.at("FS"), 2.0 / 3.0, 0.02);
  EXPECT_NEAR(row.label_fractions.at("TS"), 1.0 / 3.0, 0.02);
}

/// The levels of a second at rest. @param across  V_m - V_out
void rest(StepAnalyzer& step, double v_out, double across, bool open) {
  for (int k = 0; k < 100; ++k) step.level({v_out, open, v_out + across, across, across});
}

TEST(FindPhase, ClosedSwitchIsLatchedAndAnOutputThatChargedUpIsNot) {
  // V_out = I R_L in both; the voltage across the switch tells them apart.
  StepAnalyzer latched({}, tick_s, Ticks{0});
  latched.level({0.01, false, 0.9, 0.89, 0.9});
  latched.spike(at_ms(80.0), shape(5.0, 0.27, 0.002));
  rest(latched, 0.23, 0.71, false);
  EXPECT_EQ(latched.result(at_ms(4000.0)).label, Label::QD);

  StepAnalyzer charged({}, tick_s, Ticks{0});
  for (int k = 0; k < 300; ++k) charged.evaluate(at_ms(10.0 * k));
  rest(charged, 0.062, 0.88, true);
  charged.spike(at_ms(200.0));
  EXPECT_EQ(charged.result(at_ms(4000.0)).label, Label::QH);
}

TEST(FindPhase, StepThatFindsASwitchClosedKnowsItFromTheStepBefore) {
  StepRules rules;
  rules.before = {0.27, 0.002, 0.9};
  StepAnalyzer still(rules, tick_s, Ticks{0});
  rest(still, 0.23, 0.71, false);
  EXPECT_EQ(still.result(at_ms(4000.0)).label, Label::QD);
  StepAnalyzer opened(rules, tick_s, Ticks{0});
  rest(opened, 0.06, 0.85, false);
  EXPECT_EQ(opened.result(at_ms(4000.0)).label, Label::QH);
  EXPECT_EQ(opened.output_memory(), rules.before);
}

/// Evaluates every 10 ms until the step is done. @returns the row
StepResult run(Told& told, double (*interval_ms)(int spike)) {
  int spike = 0;
  double next = interval_ms(0);
  double now = 0.0;
  do {
    now += 10.0;
    for (; next < now; next += interval_ms(++spike)) told.step.spike(at_ms(next), shape(0.14));
  } while (!told.step.evaluate(at_ms(now)).done);
  return told.step.result(at_ms(now));
}

TEST(FindPhase, StepGoesOnAfterALongIntervalUntilItIsKnownForAGapBetweenBursts) {
  // 300 spikes of a burst say nothing of the gap behind it; five gaps do.
  Told told(with_load(0.3));
  const StepResult row = run(told, [](int spike) { return spike % 300 == 60 ? 200.0 : 0.5; });
  EXPECT_EQ(row.label, Label::IB1);
  EXPECT_EQ(row.status, StepStatus::ok);
  EXPECT_NEAR(*row.frequency_hz.value, 1e3 / (299.0 * 0.5 + 200.0), 0.02);
}

TEST(FindPhase, BurstsSlowerThanASecondAreNotSilentWhereTheLeastRateAllowsThem) {
  StepRules rules;
  rules.f_min_hz = 0.2;
  rules.longest_s = 200.0;
  Told told(rules);
  const StepResult row = run(told, [](int spike) { return spike % 4 == 3 ? 4000.0 : 10.0; });
  EXPECT_EQ(row.label, Label::IB1);
  EXPECT_NEAR(*row.frequency_hz.value, 1e3 / 4030.0, 1e-4);
}

}  // namespace
}  // namespace thyrode::analysis
