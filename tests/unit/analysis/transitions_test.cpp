// Transitions, branches and hysteresis, as a sweep reports them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "daemon/analysis/sweep_analysis.hpp"
#include "tests/unit/analysis/sweep_rows.hpp"
#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::analysis {
namespace {

using test::at;
using test::firing;
using test::lif_rate;
using test::lif_sweep;
using test::silent;

/// A LIF sweep from 30 µA whose rate is multiplied above 51 µA.
std::vector<StepResult> sweep_with_jump(double factor, double relative = 1e-3) {
  auto rows = lif_sweep(30.0, 70.0, 2.0);
  for (StepResult& row : rows) {
    if (row.current_ua < 31.0) continue;
    row = firing(row.current_ua, lif_rate(row.current_ua) * (row.current_ua > 51.0 ? factor : 1.0), 0, relative);
  }
  return rows;
}

std::vector<Label> labels(const std::vector<StepResult>& rows) {
  std::vector<Label> all;
  for (const StepResult& row : rows) all.push_back(row.label);
  return all;
}

TEST(Transitions, OfASmoothSweepAreItsOnsetAndItsEnd) {
  auto rows = lif_sweep(28.0, 60.0, 2.0);
  rows.push_back(silent(62.0));
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 2u);
  EXPECT_EQ(fit.transitions[0].bracket, (Bracket{30.0, 32.0}));
  EXPECT_EQ(fit.transitions[0].below, Label::QH);
  EXPECT_EQ(fit.transitions[0].above, Label::TS);
  EXPECT_FALSE(fit.transitions[0].jump);
  EXPECT_FALSE(fit.transitions[0].ln_ratio.value);
  EXPECT_FALSE(fit.transitions[0].beta_n_at_least_per_ua);
  EXPECT_EQ(fit.transitions[1].bracket, (Bracket{60.0, 62.0}));
  EXPECT_EQ(fit.transitions[1].above, Label::QD);
  for (const StepResult& row : rows) EXPECT_EQ(row.branch_unresolved, row.label == Label::TS) << row.current_ua;
}

TEST(Transitions, AnUpwardJumpTellsFastFromTonicSpiking) {
  auto rows = sweep_with_jump(3.0);
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 2u);
  const Transition& jump = fit.transitions[1];
  EXPECT_TRUE(jump.jump);
  EXPECT_EQ(jump.bracket, (Bracket{50.0, 52.0}));
  EXPECT_EQ(jump.below, Label::TS);
  EXPECT_EQ(jump.above, Label::FS);
  ASSERT_TRUE(jump.ln_ratio.value);
  EXPECT_LE(*jump.ln_ratio.low, std::log(3.0));
  EXPECT_GE(*jump.ln_ratio.high, std::log(3.0));
  const double step = std::log(3.0 * lif_rate(52.0) / lif_rate(50.0));
  EXPECT_NEAR(*jump.beta_n_at_least_per_ua, step / 2.0, 1e-3);
  EXPECT_LT(*jump.beta_n_at_least_per_ua, step / 2.0);
  for (const StepResult& row : rows) {
    if (row.current_ua < 31.0) continue;
    EXPECT_EQ(row.label, row.current_ua < 51.0 ? Label::TS : Label::FS);
    EXPECT_EQ(row.label_of_step, Label::TS);
    EXPECT_FALSE(row.branch_unresolved);
  }
}

TEST(Transitions, AJumpInAChangeOfLabelIsOneTransition) {
  std::vector<StepResult> rows;
  for (double current = 40.0; current < 65.0; current += 2.0) {
    rows.push_back(firing(current, current < 53.0 ? lif_rate(current) : 5.0 * lif_rate(current)));
    if (current > 53.0) rows.back().label = Label::IB1;
  }
  rows.push_back(firing(52.0 * (1.0 + 1e-9), lif_rate(52.0)));  // no source sets a current again exactly
  rows.push_back(firing(54.0 * (1.0 - 1e-9), 5.0 * lif_rate(54.0)));
  rows.back().label = Label::IB1;
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 1U);
  EXPECT_TRUE(fit.transitions[0].jump);
}

TEST(Transitions, ADownwardJumpTellsNothingOfTheBranches) {
  auto rows = sweep_with_jump(0.3);
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 2u);
  EXPECT_TRUE(fit.transitions[1].jump);
  EXPECT_LT(*fit.transitions[1].ln_ratio.high, 0.0);
  EXPECT_EQ(at(rows, 60.0).label, Label::TS);
  EXPECT_TRUE(at(rows, 60.0).branch_unresolved);
}

TEST(Transitions, FastSpikingAboveBurstsIsToldByTheJumpBetweenThem) {
  auto rows = sweep_with_jump(20.0);
  for (StepResult& row : rows) {
    if (row.current_ua > 31.0 && row.current_ua < 51.0) row.label = Label::IB1;
  }
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 2u);
  EXPECT_EQ(fit.transitions[1].below, Label::IB1);
  EXPECT_EQ(fit.transitions[1].above, Label::FS);
  EXPECT_TRUE(fit.transitions[1].jump);
  EXPECT_EQ(at(rows, 50.0).beta_status, BetaStatus::jump);
}

TEST(Transitions, WhatAStepSaidByItselfStaysWhenTheJumpIsFilledIn) {
  auto rows = sweep_with_jump(3.0);
  analyze_sweep(rows);
  ASSERT_EQ(at(rows, 60.0).label, Label::FS);
  // The rate turns out to rise steadily.
  for (StepResult& row : rows) {
    if (row.current_ua > 51.0) row.frequency_hz = firing(row.current_ua, lif_rate(row.current_ua)).frequency_hz;
  }
  analyze_sweep(rows);
  EXPECT_EQ(at(rows, 60.0).label, Label::TS);
  EXPECT_TRUE(at(rows, 60.0).branch_unresolved);
}

TEST(Transitions, TheUsersLimitOverridesTheJump) {
  auto rows = sweep_with_jump(3.0);
  const double limit = lif_rate(46.0);
  analyze_sweep(rows, {limit});
  for (const StepResult& row : rows) {
    if (row.current_ua < 31.0) continue;
    EXPECT_EQ(row.label, *row.frequency_hz.value >= limit ? Label::FS : Label::TS) << row.current_ua;
    EXPECT_FALSE(row.branch_unresolved);
  }
}

TEST(Transitions, AFastSpikingStepOfTheInstrumentStays) {
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  for (StepResult& row : rows) {
    if (row.current_ua > 45.0) row.label = Label::FS;
  }
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 2u);
  EXPECT_EQ(fit.transitions[1].bracket, (Bracket{44.0, 46.0}));
  EXPECT_EQ(fit.transitions[1].above, Label::FS);
  EXPECT_FALSE(fit.transitions[1].jump);
  EXPECT_FALSE(at(rows, 50.0).branch_unresolved);
}

TEST(Transitions, ABurstLabelChangesForTwoNeighboursOnly) {
  auto rows = lif_sweep(32.0, 50.0, 2.0);
  for (StepResult& row : rows) row.label = row.current_ua < 41.0 ? Label::IB1 : Label::IB2;
  at(rows, 34.0).label = Label::IB2;
  at(rows, 50.0).label = Label::IB1;
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_EQ(at(rows, 34.0).label, Label::IB1);
  EXPECT_EQ(at(rows, 34.0).label_of_step, Label::IB2);
  EXPECT_EQ(at(rows, 50.0).label, Label::IB2);
  ASSERT_EQ(fit.transitions.size(), 1u);
  EXPECT_EQ(fit.transitions[0].bracket, (Bracket{40.0, 42.0}));
}

TEST(Transitions, ABracketReachesOverAStepThatIsAlone) {
  auto rows = lif_sweep(32.0, 50.0, 2.0);
  for (StepResult& row : rows) row.label = row.current_ua < 41.0 ? Label::TS : Label::irregular;
  at(rows, 40.0).label = Label::soft;
  at(rows, 46.0).label = Label::soft;
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 1u);
  EXPECT_EQ(fit.transitions[0].bracket, (Bracket{38.0, 42.0}));
}

TEST(Transitions, OfACoarseScanAreAllOfItsLabels) {
  std::vector<StepResult> rows{silent(30.0), firing(40.0, 10.0), firing(50.0, 100.0), silent(60.0)};
  rows[1].label = Label::IB1;
  rows[2].label = Label::FS;
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 3u);
  EXPECT_EQ(fit.transitions[1].below, Label::IB1);
  EXPECT_EQ(fit.transitions[1].above, Label::FS);
  EXPECT_EQ(labels(rows), (std::vector<Label>{Label::QH, Label::IB1, Label::FS, Label::QD}));
}

TEST(Transitions, StepsThatContradictEachOtherOrAreMixedLieInsideTheBracket) {
  auto rows = lif_sweep(28.0, 50.0, 2.0);
  rows.push_back(silent(32.0));
  at(rows, 34.0).label = Label::mixed;
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 1u);
  EXPECT_EQ(fit.transitions[0].bracket, (Bracket{30.0, 36.0}));
}

TEST(Transitions, GroupsAreReportedByChannelConditionsAndLeg) {
  std::vector<StepResult> rows;
  for (const double tau : {2e-4, 1e-4}) {
    for (const int leg : {1, 0}) {
      for (StepResult& row : lif_sweep(30.0, 40.0, 2.0, leg)) {
        row.conditions["tau_L"] = tau;
        rows.push_back(row);
      }
    }
  }
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.transitions.size(), 4u);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(fit.transitions[k].group.conditions.at("tau_L"), k < 2 ? 1e-4 : 2e-4);
    EXPECT_EQ(fit.transitions[k].leg, static_cast<int>(k % 2));
  }
}

// ---------------------------------------------------------------- hysteresis

/// A leg whose neuron fires above `onset_ua`.
/// @param ln_f  of this leg more than of the others
/// @param drift  of ln f from one step to the next, over all legs
std::vector<StepResult> leg_of(int leg, Direction direction, double onset_ua, double ln_f = 0.0, double drift = 0.0) {
  std::vector<StepResult> rows;
  for (int k = 0; k < 20; ++k) {
    const double current = 30.0 + (direction == Direction::down ? 19 - k : k);
    const double rate = 10.0 * (current - 25.0) * std::exp(ln_f + drift * (20 * leg + k));
    rows.push_back(current > onset_ua ? firing(current, rate, leg, 0.01) : silent(current, leg));
    rows.back().direction = direction;
    rows.back().start = Ticks{64'000'000LL * (20 * leg + k)};
  }
  return rows;
}

std::vector<StepResult> together(std::vector<std::vector<StepResult>> legs) {
  std::vector<StepResult> rows;
  for (auto& leg : legs) rows.insert(rows.end(), leg.begin(), leg.end());
  return rows;
}

TEST(Hysteresis, OfTheReferenceVector) {
  int checked = 0;
  const auto vectors = test::read_vectors("fI.json");
  for (const auto& c : vectors["cases"]) {
    if (!c.contains("label_up")) continue;
    ++checked;
    std::vector<StepResult> rows;
    for (const int leg : {0, 1}) {
      for (std::size_t k = 0; k < c["I_uA"].size(); ++k) {
        const double current = c["I_uA"][k];
        const auto label = c[leg == 0 ? "label_up" : "label_down"][k].get<std::string>();
        rows.push_back(firing(current, current, leg));
        rows.back().label = label == "fast" ? Label::FS : Label::IB1;
        rows.back().direction = leg == 0 ? Direction::up : Direction::down;
      }
    }
    const SweepFit fit = analyze_sweep(rows);
    const auto& expected = c["expected"];
    const auto bracket = [&](const char* name) {
      return Bracket{expected[name][0].get<double>(), expected[name][1].get<double>()};
    };
    ASSERT_EQ(fit.loops.size(), 1u);
    EXPECT_EQ(fit.loops[0].up, bracket("up_bracket_uA"));
    EXPECT_EQ(fit.loops[0].down, bracket("down_bracket_uA"));
    test::expect_close(fit.loops[0].width_ua, expected["width_uA"].get<double>(), 1e-9);
    test::expect_close(fit.loops[0].half_range_ua, expected["width_halfrange_uA"].get<double>(), 1e-9);
    EXPECT_EQ(fit.loops[0].hysteretic, expected["hysteretic"].get<bool>());
    EXPECT_FALSE(fit.loops[0].drift_separated);
  }
  EXPECT_EQ(checked, 1);
}

TEST(Hysteresis, IsKeptWhenTheSecondSweepUpwardsAgrees) {
  auto rows =
      together({leg_of(0, Direction::up, 40.5), leg_of(1, Direction::down, 35.5), leg_of(2, Direction::up, 41.2)});
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.loops.size(), 1u);
  EXPECT_EQ(fit.loops[0].up, (Bracket{40.0, 41.0}));
  EXPECT_EQ(fit.loops[0].down, (Bracket{35.0, 36.0}));
  EXPECT_EQ(fit.loops[0].up_again, (Bracket{41.0, 42.0}));
  EXPECT_DOUBLE_EQ(fit.loops[0].width_ua, 5.0);
  EXPECT_DOUBLE_EQ(fit.loops[0].half_range_ua, 1.0);
  EXPECT_TRUE(fit.loops[0].hysteretic);
  EXPECT_TRUE(fit.loops[0].drift_separated);
}

TEST(Hysteresis, IsDriftWhereTheSecondSweepUpwardsDisagrees) {
  auto rows =
      together({leg_of(0, Direction::up, 40.5), leg_of(1, Direction::down, 37.5), leg_of(2, Direction::up, 34.5)});
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.loops.size(), 1u);
  EXPECT_FALSE(fit.loops[0].hysteretic);
}

TEST(Hysteresis, NeedsBracketsThatAreApart) {
  auto rows = together({leg_of(0, Direction::up, 40.5), leg_of(1, Direction::down, 39.5)});
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_EQ(fit.loops.size(), 1u);
  EXPECT_FALSE(fit.loops[0].hysteretic) << "40 uA belongs to both brackets";
}

TEST(Hysteresis, OneDirectionHasNone) {
  auto rows = together({leg_of(0, Direction::up, 40.5), leg_of(1, Direction::up, 35.5)});
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_TRUE(fit.loops.empty());
  EXPECT_TRUE(fit.rates.empty());
}

TEST(Hysteresis, OfRatesIsSeparatedFromDrift) {
  const auto run = [](double down, int legs) {
    std::vector<std::vector<StepResult>> all{leg_of(0, Direction::up, 30.5, 0.0, 0.001),
                                             leg_of(1, Direction::down, 30.5, down, 0.001),
                                             leg_of(2, Direction::up, 30.5, 0.0, 0.001)};
    all.resize(static_cast<std::size_t>(legs));
    auto rows = together(all);
    return analyze_sweep(rows);
  };
  const SweepFit drift = run(0.0, 3);
  ASSERT_EQ(drift.rates.size(), 1u);
  EXPECT_EQ(drift.rates[0].currents, 19);
  EXPECT_TRUE(drift.rates[0].drift_separated);
  EXPECT_NEAR(drift.rates[0].chi2, 0.0, 1e-9);
  EXPECT_FALSE(drift.rates[0].differs);
  const SweepFit blind = run(0.0, 2);
  ASSERT_EQ(blind.rates.size(), 1u);
  EXPECT_FALSE(blind.rates[0].drift_separated);
  EXPECT_TRUE(blind.rates[0].differs) << "drift looks like hysteresis without a third leg";
  const SweepFit loop = run(0.02, 3);
  EXPECT_TRUE(loop.rates[0].differs);
  EXPECT_LT(loop.rates[0].p, 1e-6);
}

// ---------------------------------------------------------------- memory between calls

TEST(SweepAnalysis, GivesTheSameAsOneCallWhateverCameBefore) {
  std::vector<StepResult> all;
  for (const double tau : {1e-4, 2e-4, 3e-4}) {
    for (StepResult& row : sweep_with_jump(1.0 + tau * 1e4)) {
      row.conditions["tau_L"] = tau;
      all.push_back(row);
    }
  }
  SweepAnalysis analysis;
  std::vector<StepResult> grown;
  for (const StepResult& row : all) {
    grown.push_back(row);
    auto once = grown;
    const SweepFit fit = analysis.update(grown);
    EXPECT_EQ(analyze_sweep(once), fit);
    EXPECT_EQ(once, grown);
  }
  grown.pop_back();
  auto once = grown;
  EXPECT_EQ(analysis.update(grown), analyze_sweep(once));
  std::vector<StepResult> nothing;
  EXPECT_EQ(analysis.update(nothing), SweepFit{});
}

TEST(Transitions, MostRowsOfACurrentNameItWhateverTheirOrder) {
  const auto bracket = [](std::vector<Label> at_52) {
    std::vector<StepResult> rows;
    for (double current = 40.0; current < 65.0; current += 2.0) {
      if (current == 52.0) continue;
      rows.push_back(firing(current, lif_rate(current)));
      if (current > 52.0) rows.back().label = Label::IB1;
    }
    for (const Label label : at_52) {
      rows.push_back(firing(52.0, lif_rate(52.0)));
      rows.back().label = label;
    }
    const SweepFit fit = analyze_sweep(rows);
    return fit.transitions.size() == 1 ? fit.transitions[0].bracket : Bracket{};
  };
  constexpr Label a = Label::TS;
  constexpr Label b = Label::IB1;
  for (const auto& order : {std::vector{a, a, b}, {a, b, a}, {b, a, a}})
    EXPECT_EQ(bracket(order), (Bracket{52.0, 54.0}));
  for (const auto& order : {std::vector{a, b, b}, {b, a, b}, {b, b, a}})
    EXPECT_EQ(bracket(order), (Bracket{50.0, 52.0}));
  for (const auto& order : {std::vector{a, b}, {b, a}, {a, b, b, a}, {a, a, b, b}}) {
    EXPECT_EQ(bracket(order), (Bracket{50.0, 54.0}));
  }
}

TEST(SweepAnalysis, RatesOfDifferentPatternsAtOneCurrentAreNotJoined) {
  auto plain = lif_sweep(30.0, 60.0, 2.0);
  const StepResult again = at(plain, 46.0);
  plain.push_back(again);
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  rows.push_back(firing(46.0, 0.03 * lif_rate(46.0)));
  rows.back().label = Label::IB1;
  rows.push_back(again);
  const SweepFit fit = analyze_sweep(plain);
  EXPECT_EQ(analyze_sweep(rows), fit);
  const StepResult& odd = rows[rows.size() - 2];
  EXPECT_EQ(odd.label, Label::IB1);
  EXPECT_FALSE(odd.beta_n_per_ua.value);
  rows.erase(rows.end() - 2);
  EXPECT_EQ(rows, plain);
}

TEST(SweepAnalysis, OfTwoPatternsWithEquallyManyRowsTheMorePreciseRateStands) {
  for (const bool burst_first : {false, true}) {
    auto rows = lif_sweep(30.0, 60.0, 2.0);
    StepResult burst = firing(46.0, 0.03 * lif_rate(46.0), 0, 1e-2);
    burst.label = Label::IB1;
    rows.insert(burst_first ? rows.begin() : rows.end(), burst);
    analyze_sweep(rows);
    auto plain = lif_sweep(30.0, 60.0, 2.0);
    analyze_sweep(plain);
    EXPECT_EQ(at(rows, 48.0).beta_n_per_ua, at(plain, 48.0).beta_n_per_ua);
    EXPECT_FALSE(rows[burst_first ? 0 : rows.size() - 1].beta_n_per_ua.value);
  }
}

TEST(SweepAnalysis, ReportsTheSlopesOfAnIdealIntegrator) {
  auto rows = lif_sweep(30.0, 100.0, 2.0);
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_TRUE(fit.lif && fit.upper_line);
  const Estimate& slope = fit.lif->ideal_slope_hz_per_ua;
  EXPECT_NEAR(*slope.value, 1.0 / (0.05 * 31.0), 1e-3);
  EXPECT_LE(*slope.low, 1.0 / (0.05 * 31.0));
  EXPECT_GE(*slope.high, 1.0 / (0.05 * 31.0));
  EXPECT_EQ(fit.upper_line->range_low_ua, 66.0);
  EXPECT_EQ(fit.upper_line->range_high_ua, 100.0);
  EXPECT_NEAR(*fit.upper_line->slope_hz_per_ua.value, (lif_rate(100.0) - lif_rate(66.0)) / 34.0, 0.01);
}

TEST(SweepAnalysis, GivesTheCurrentNoiseThatWouldExplainTheSpread) {
  auto rows = lif_sweep(32.0, 60.0, 2.0);
  for (StepResult& row : rows) row.cv = 0.02;
  at(rows, 60.0).label = Label::IB1;
  analyze_sweep(rows);
  const StepResult& row = at(rows, 46.0);
  EXPECT_DOUBLE_EQ(*row.sigma_current_ua, 0.02 / *row.beta_n_per_ua.value);
  EXPECT_DOUBLE_EQ(*row.kappa.value, 46.0 * *row.beta_n_per_ua.value);
  EXPECT_DOUBLE_EQ(*row.kappa.low, 46.0 * *row.beta_n_per_ua.low);
  EXPECT_FALSE(at(rows, 32.0).sigma_current_ua) << "an end has no beta_n";
}

}  // namespace
}  // namespace thyrode::analysis
