#include "daemon/analysis/sweep_analysis.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/unit/analysis/msn_curve.hpp"
#include "tests/unit/analysis/sweep_rows.hpp"

namespace thyrode::analysis {
namespace {

using test::at;
using test::firing;
using test::lif_rate;
using test::lif_sweep;
using test::silent;

TEST(AnalyzeSweep, OfNothingIsNothing) {
  std::vector<StepResult> rows;
  EXPECT_EQ(analyze_sweep(rows), SweepFit{});
  rows = {silent(20.0), silent(30.0)};
  EXPECT_EQ(analyze_sweep(rows), SweepFit{});
  EXPECT_EQ(rows[1].label, Label::QH);
  EXPECT_EQ(rows[1].beta_status, BetaStatus::few_points);
}

TEST(AnalyzeSweep, NamesSilenceByItsSideOfTheFiringRange) {
  auto rows = lif_sweep(28.0, 60.0, 2.0);
  rows.push_back(silent(62.0));
  rows.push_back(silent(64.0, 0, Label::transient, 1));
  rows[0].label = Label::transient;
  analyze_sweep(rows);
  EXPECT_EQ(at(rows, 28.0).label, Label::QH);
  EXPECT_EQ(at(rows, 30.0).label, Label::QH);
  EXPECT_EQ(at(rows, 40.0).label, Label::TS);
  EXPECT_EQ(at(rows, 62.0).label, Label::QD);
  EXPECT_EQ(at(rows, 64.0).label, Label::QD);
}

TEST(AnalyzeSweep, SilenceInsideTheFiringRangeKeepsItsLabel) {
  auto rows = lif_sweep(32.0, 60.0, 2.0);
  rows.push_back(silent(41.0, 0, Label::transient, 3));
  analyze_sweep(rows);
  EXPECT_EQ(rows.back().label, Label::transient);
}

TEST(AnalyzeSweep, OutputThatStayedHighIsLatchedEvenBelowTheFiringRange) {
  auto rows = lif_sweep(32.0, 60.0, 2.0);
  rows.push_back(silent(30.0, 0, Label::QD, 2));
  analyze_sweep(rows);
  EXPECT_EQ(rows.back().label, Label::QD);
}

TEST(AnalyzeSweep, GivesBracketsOnlyWhereThereIsASilentStep) {
  auto rows = lif_sweep(32.0, 60.0, 2.0);
  SweepFit fit = analyze_sweep(rows);
  EXPECT_FALSE(fit.onset_low_ua);
  EXPECT_FALSE(fit.end_high_ua);
  EXPECT_EQ(fit.onset_high_ua, 32.0);
  EXPECT_EQ(fit.end_low_ua, 60.0);
  rows.push_back(silent(28.0));
  rows.push_back(silent(30.0));
  rows.push_back(silent(66.0));
  rows.push_back(silent(64.0));
  fit = analyze_sweep(rows);
  EXPECT_EQ(fit.onset_low_ua, 30.0);
  EXPECT_EQ(fit.end_high_ua, 64.0);
}

TEST(AnalyzeSweep, MostStepsOfACurrentSayWhetherItFires) {
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  const auto add = [&](double current, int firing_rows, int silent_rows, int leg = 0) {
    for (int k = 0; k < firing_rows; ++k) rows.push_back(firing(current * (1.0 + 1e-9 * k), 9.0, leg));
    for (int k = 0; k < silent_rows; ++k) rows.push_back(silent(current * (1.0 - 1e-9 * k), leg));
  };
  add(31.0, 1, 2);
  add(31.5, 2, 2);
  add(62.0, 2, 1);
  add(63.0, 1, 1);
  add(64.0, 1, 2);
  SweepFit fit = analyze_sweep(rows);
  EXPECT_NEAR(*fit.onset_low_ua, 31.0, 1e-6);
  EXPECT_NEAR(*fit.onset_high_ua, 32.0, 1e-6);
  EXPECT_NEAR(*fit.end_low_ua, 62.0, 1e-6);
  EXPECT_NEAR(*fit.end_high_ua, 64.0, 1e-6);
  add(66.0, 0, 1);
  add(64.0, 1, 0, 1);  // another leg fires there
  add(66.0, 0, 1, 1);
  fit = analyze_sweep(rows);
  EXPECT_NEAR(*fit.end_low_ua, 64.0, 1e-6);
  EXPECT_NEAR(*fit.end_high_ua, 66.0, 1e-6) << "not 64 uA on both sides";
}

TEST(AnalyzeSweep, NegativeCurrentsAreCurrents) {
  auto rows = lif_sweep(32.0, 60.0, 2.0);
  for (const double current : {-10.0, -10.0 * (1.0 + 1e-9), -5.0}) rows.push_back(silent(current));
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_EQ(fit.onset_low_ua, -5.0);
  EXPECT_EQ(fit.onset_high_ua, 32.0);
  ASSERT_FALSE(fit.transitions.empty());
  EXPECT_EQ(fit.transitions[0].bracket, (Bracket{-5.0, 32.0}));
}

TEST(AnalyzeSweep, RowsThatStandAloneAreNoSweep) {
  std::vector<StepResult> rows{silent(0.0, 0), firing(40.0, 9.0, 1), firing(50.0, 12.0, 2), silent(20.0, 3)};
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_EQ(fit, SweepFit{});
  EXPECT_EQ(rows[3].label, Label::QH) << "silence has its side all the same";
  rows.push_back(silent(30.0, 3));
  EXPECT_EQ(analyze_sweep(rows).onset_high_ua, 40.0) << "a leg of two rows is one";
}

TEST(AnalyzeSweep, PointsTooFarApartForTheSignHaveNoBeta) {
  const auto beta_in_the_middle = [](double relative) {
    std::vector<StepResult> rows;
    for (double current = 40.0; current <= 60.0; current += 4.0) rows.push_back(firing(current, 10.0, 0, relative));
    analyze_sweep(rows);
    return rows[3];
  };
  const StepResult flat = beta_in_the_middle(1e-3);
  EXPECT_EQ(flat.beta_status, BetaStatus::ok) << "flat, and known to be";
  EXPECT_LT(*flat.beta_n_per_ua.low, 0.0);
  const StepResult unknown = beta_in_the_middle(0.5);
  EXPECT_EQ(unknown.beta_status, BetaStatus::few_points);
  EXPECT_FALSE(unknown.beta_n_per_ua.value);
  EXPECT_FALSE(unknown.kappa.value);
}

TEST(AnalyzeSweep, FitsTheLifToBothLegsUpToTwiceTheOnset) {
  auto rows = lif_sweep(30.0, 90.0, 2.0, 0);
  for (StepResult& row : lif_sweep(30.0, 90.0, 2.0, 1)) rows.push_back(row);
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_TRUE(fit.lif);
  EXPECT_TRUE(fit.lif->accepted);
  EXPECT_NEAR(fit.lif->rheobase_ua, 31.0, 1e-3);
  EXPECT_NEAR(fit.lif->tau_ms, 50.0, 0.01);
  EXPECT_NEAR(fit.lif->refractory_ms, 1.0, 0.01);
  EXPECT_EQ(fit.lif->range_low_ua, 32.0);
  EXPECT_EQ(fit.lif->range_high_ua, 64.0);
}

TEST(AnalyzeSweep, FewerThanFourFiringPointsHaveNoFitAndFewerThanFiveNoBeta) {
  auto rows = lif_sweep(30.0, 36.0, 2.0);
  EXPECT_FALSE(analyze_sweep(rows).lif);
  rows = lif_sweep(30.0, 38.0, 2.0);
  EXPECT_TRUE(analyze_sweep(rows).lif);
  for (const StepResult& row : rows) EXPECT_EQ(row.beta_status, BetaStatus::few_points);
  rows = lif_sweep(30.0, 40.0, 2.0);
  analyze_sweep(rows);
  EXPECT_EQ(at(rows, 36.0).beta_status, BetaStatus::ok);
  EXPECT_EQ(at(rows, 32.0).beta_status, BetaStatus::edge);
}

TEST(AnalyzeSweep, FourStepsOfTwoCurrentsHaveNoFit) {
  auto rows = lif_sweep(32.0, 34.0, 2.0, 0);
  for (StepResult& row : lif_sweep(32.0, 34.0, 2.0, 1)) rows.push_back(row);
  rows.push_back(silent(30.0));
  EXPECT_FALSE(analyze_sweep(rows).lif);
}

TEST(AnalyzeSweep, FitsTheLifToRegularStepsAlone) {
  auto rows = lif_sweep(30.0, 64.0, 2.0);
  for (StepResult& row : rows) {
    if (row.current_ua > 31.0 && row.current_ua < 37.0) {
      row = firing(row.current_ua, 5.0);
      row.label = Label::irregular;
    } else if (row.current_ua == 44.0) {
      row = firing(44.0, 5.0);
      row.label = Label::soft;
    }
  }
  const SweepFit fit = analyze_sweep(rows);
  ASSERT_TRUE(fit.lif);
  EXPECT_TRUE(fit.lif->accepted);
  EXPECT_EQ(fit.lif->range_low_ua, 38.0);
  EXPECT_NEAR(fit.lif->rheobase_ua, 31.0, 1e-3);
  for (StepResult& row : rows) {
    if (row.current_ua > 31.0) row.label_of_step = Label::irregular;
  }
  EXPECT_FALSE(analyze_sweep(rows).lif);
}

TEST(AnalyzeSweep, AStepThatMayBurstSlowlyIsNoSilentSide) {
  auto rows = lif_sweep(36.0, 60.0, 2.0);
  rows.push_back(silent(32.0));
  rows.push_back(silent(34.0, 0, Label::transient, 30));
  rows.push_back(silent(62.0, 0, Label::transient, 5));
  rows.push_back(silent(64.0, 0, Label::transient, 4));
  rows.push_back(silent(66.0, 0, Label::QD, 40));
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_EQ(fit.onset_low_ua, 32.0);
  EXPECT_EQ(fit.end_high_ua, 64.0);
  EXPECT_EQ(at(rows, 34.0).label, Label::transient);
  EXPECT_EQ(at(rows, 62.0).label, Label::transient);
  EXPECT_EQ(at(rows, 64.0).label, Label::QD) << "a few spikes before it latches";
  EXPECT_EQ(analyze_sweep(rows), fit) << "the labels written say the same again";
}

TEST(AnalyzeSweep, AStepThatWasCutShortSaysNothing) {
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  const SweepFit fit = analyze_sweep(rows);
  rows.push_back(silent(47.0));
  rows.back().status = StepStatus::interrupted;
  rows.push_back(firing(20.0, 3.0));
  rows.back().status = StepStatus::interrupted;
  rows.back().beta_n_per_ua = {1.0, 1.0, 1.0};
  EXPECT_EQ(analyze_sweep(rows), fit);
  EXPECT_EQ(at(rows, 46.0).beta_status, BetaStatus::ok);
  EXPECT_EQ(at(rows, 47.0).label, Label::QH);
  EXPECT_FALSE(rows.back().beta_n_per_ua.value);
}

TEST(AnalyzeSweep, RunsAfterEveryStepAndDoesNotDependOnTheirOrder) {
  auto all = lif_sweep(30.0, 60.0, 2.0);
  std::vector<StepResult> grown;
  SweepFit fit;
  for (const StepResult& row : all) {
    grown.push_back(row);
    fit = analyze_sweep(grown);
  }
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(analyze_sweep(all), fit);
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(all, grown);
}

TEST(AnalyzeSweep, LegsHaveTheirOwnBeta) {
  auto rows = lif_sweep(32.0, 60.0, 2.0, 0);
  for (const StepResult& row : lif_sweep(32.0, 60.0, 2.0, 1)) {
    rows.push_back(firing(row.current_ua, std::pow(*row.frequency_hz.value, 2.0), 1));
  }
  analyze_sweep(rows);
  EXPECT_NEAR(*at(rows, 46.0, 1).beta_n_per_ua.value, 2.0 * *at(rows, 46.0, 0).beta_n_per_ua.value, 1e-4);
}

TEST(AnalyzeSweep, ConditionsAndChannelsAreApart) {
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  for (StepResult row : lif_sweep(30.0, 60.0, 2.0)) {
    row.channel = 1;
    if (row.frequency_hz.value) row = firing(row.current_ua, 7.0), row.channel = 1;
    rows.push_back(row);
  }
  for (StepResult row : lif_sweep(32.0, 60.0, 2.0)) {
    row.conditions["tau_L_ms"] = 0.3;
    rows.push_back(row);
  }
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_EQ(fit.onset_low_ua, 30.0);
  ASSERT_TRUE(fit.lif);
  EXPECT_NEAR(fit.lif->rheobase_ua, 31.0, 1e-3);
}

TEST(AnalyzeSweep, DriftingAndUndeterminedStepsAreNoPoints) {
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  auto spoiled = rows;
  StepResult drifting = firing(45.0, 900.0);
  drifting.status = StepStatus::drifting;
  spoiled.push_back(drifting);
  StepResult undetermined = firing(47.0, 900.0);
  undetermined.status = StepStatus::undetermined;
  spoiled.push_back(undetermined);
  analyze_sweep(rows);
  analyze_sweep(spoiled);
  EXPECT_EQ(at(rows, 46.0).beta_n_per_ua, at(spoiled, 46.0).beta_n_per_ua);
  EXPECT_EQ(at(spoiled, 45.0).beta_status, BetaStatus::few_points);
}

TEST(AnalyzeSweep, SameCurrentTwiceInALegIsOnePoint) {
  auto rows = lif_sweep(30.0, 60.0, 2.0);
  rows.push_back(firing(44.0, lif_rate(44.0)));
  analyze_sweep(rows);
  EXPECT_EQ(at(rows, 44.0).beta_n_per_ua, rows.back().beta_n_per_ua);
  ASSERT_TRUE(rows.back().beta_n_per_ua.value);
  const double truth = (std::log(lif_rate(44.01)) - std::log(lif_rate(43.99))) / 0.02;
  EXPECT_NEAR(*rows.back().beta_n_per_ua.value, truth, 0.01 * truth);
}

TEST(AnalyzeSweep, BetaIsNotSmoothedOverAJump) {
  auto rows = lif_sweep(32.0, 70.0, 2.0);
  for (StepResult& row : rows) {
    if (row.current_ua > 51.0) row = firing(row.current_ua, 3.0 * *row.frequency_hz.value);
  }
  analyze_sweep(rows);
  for (const double current : {50.0, 52.0}) {
    EXPECT_EQ(at(rows, current).beta_status, BetaStatus::jump);
    EXPECT_FALSE(at(rows, current).beta_n_per_ua.value);
  }
  for (const double current : {48.0, 54.0}) {
    const double truth = (std::log(lif_rate(current + 0.01)) - std::log(lif_rate(current - 0.01))) / 0.02;
    EXPECT_NEAR(*at(rows, current).beta_n_per_ua.value, truth, 0.01 * truth);
  }
}

TEST(AnalyzeSweep, ChangeOfLabelIsABoundaryOnceTwoPointsCarryIt) {
  auto rows = lif_sweep(32.0, 70.0, 2.0);
  for (StepResult& row : rows) {
    if (row.current_ua < 43.0) row.label = Label::irregular;
    if (std::abs(row.current_ua - 60.0) < 0.1) row.label = Label::soft;
  }
  analyze_sweep(rows);
  EXPECT_EQ(at(rows, 42.0).beta_status, BetaStatus::edge);
  EXPECT_EQ(at(rows, 44.0).beta_status, BetaStatus::edge);
  EXPECT_EQ(at(rows, 60.0).beta_status, BetaStatus::ok);
  EXPECT_EQ(at(rows, 60.0).label, Label::soft);
}

TEST(AnalyzeSweep, SilentStepBetweenFiringOnesIsABoundary) {
  auto rows = lif_sweep(32.0, 70.0, 2.0);
  rows.push_back(silent(51.0));
  analyze_sweep(rows);
  EXPECT_EQ(at(rows, 50.0).beta_status, BetaStatus::edge);
  EXPECT_EQ(at(rows, 52.0).beta_status, BetaStatus::edge);
}

TEST(AnalyzeSweep, WholeSweepOfTheTonicNeuron) {
  std::vector<StepResult> rows;
  for (int k = 0; k < 51; ++k) {
    const double current = 30.0 + 2.0 * k;
    const auto rate = test::msn_rate(current);
    rows.push_back(rate ? firing(current, *rate) : silent(current));
  }
  const SweepFit fit = analyze_sweep(rows);
  EXPECT_EQ(fit.onset_low_ua, 30.0);
  EXPECT_EQ(fit.onset_high_ua, 32.0);
  EXPECT_EQ(fit.end_low_ua, 128.0);
  EXPECT_EQ(fit.end_high_ua, 130.0);
  EXPECT_EQ(rows.front().label, Label::QH);
  EXPECT_EQ(rows.back().label, Label::QD);
  ASSERT_TRUE(fit.lif);
  EXPECT_FALSE(fit.lif->accepted);  // its leak has two slopes
  EXPECT_GT(fit.lif->rheobase_ua, 30.0);
  EXPECT_LT(fit.lif->rheobase_ua, 32.0);
  for (double current = 36.0; current < 109.0; current += 2.0) {
    const StepResult& row = at(rows, current);
    ASSERT_EQ(row.beta_status, BetaStatus::ok) << current;
    EXPECT_NEAR(*row.beta_n_per_ua.value, *test::msn_beta(current), 0.03 * *test::msn_beta(current)) << current;
  }
}

}  // namespace
}  // namespace thyrode::analysis
