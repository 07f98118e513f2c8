// The direct measurement of beta_n.
#include "daemon/experiment/plans/beta_pairs.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "daemon/analysis/result.hpp"
#include "tests/support/plan_bench.hpp"
#include "tests/support/random_bits.hpp"
#include "tests/unit/plans/row.hpp"

namespace thyrode::experiment {
namespace {

using analysis::BetaStatus;
using analysis::DirectBeta;
using analysis::Label;
using analysis::StepResult;
using support::Firing;
using support::SyntheticBench;

/// d ln f/dI is 0.02 /uA everywhere.
Firing exponential(double ua) {
  return {Label::TS, 100.0 * std::exp(0.02 * (ua - 60.0)), 0.1};
}

load::BetaPlan plan_at(std::vector<Current> currents, double precision = 0.1) {
  load::BetaPlan plan;
  plan.currents = std::move(currents);
  plan.offset = 2.0_uA;
  plan.ci_rel_beta = precision;
  return plan;
}

/// Steps - + + - - + ... around 60 uA with these ln f, in the order of measuring.
std::vector<StepResult> pairs(const std::vector<double>& ln_f, double half_width = 1e-4) {
  std::vector<StepResult> rows;
  constexpr double side[] = {-1.0, 1.0, 1.0, -1.0};
  for (std::size_t k = 0; k < ln_f.size(); ++k) {
    rows.push_back(row_at(60.0 + 2.0 * side[k % 4], Label::TS, std::exp(ln_f[k]), half_width));
  }
  return rows;
}

TEST(DirectBeta, ALinearDriftNeitherMovesNorWidensIt) {
  std::vector<double> ln_f;
  constexpr double side[] = {-1.0, 1.0, 1.0, -1.0};
  for (int k = 0; k < 16; ++k) ln_f.push_back(5.0 + 0.02 * 2.0 * side[k % 4] + 0.01 * k);
  const DirectBeta beta = analysis::direct_beta(pairs(ln_f), 60.0);
  EXPECT_EQ(beta.status, BetaStatus::ok);
  EXPECT_EQ(beta.pairs, 8);
  EXPECT_NEAR(*beta.per_ua.value, 0.02, 1e-9);
  EXPECT_NEAR(*beta.drift.value, 0.01, 1e-9);
  EXPECT_NEAR(beta.offset_ua, 2.0, 1e-9);
  // What is left is what the rows themselves say.
  const double sigma = 1e-4 / 1.96 * std::sqrt(2.0) / 4.0 / std::sqrt(8.0);
  EXPECT_NEAR(*beta.per_ua.high - *beta.per_ua.value, 1.96 * sigma, 1e-9);
}

TEST(DirectBeta, BelowSixPairsHasAValueAndNoInterval) {
  const DirectBeta beta = analysis::direct_beta(pairs({5.0, 5.08, 5.08, 5.0}), 60.0);
  EXPECT_EQ(beta.status, BetaStatus::few_points);
  EXPECT_NEAR(*beta.per_ua.value, 0.02, 1e-9);
  EXPECT_FALSE(beta.per_ua.low);
}

TEST(DirectBeta, TwoLabelsAreNoSlope) {
  auto rows = pairs({5.0, 5.08, 5.08, 5.0});
  for (StepResult& row : rows) row.label = row.current_ua > 60.0 ? Label::FS : Label::IB1;
  EXPECT_EQ(analysis::direct_beta(rows, 60.0).status, BetaStatus::jump);
  EXPECT_FALSE(analysis::direct_beta(rows, 60.0).per_ua.value);
}

TEST(DirectBeta, APairWithASilentSideIsCountedAndLeftOut) {
  auto rows = pairs({5.0, 5.08, 5.08, 5.0, 5.0, 5.08});
  rows[0] = row_at(58.0, Label::TS);
  const DirectBeta beta = analysis::direct_beta(rows, 60.0);
  EXPECT_EQ(beta.pairs, 2);
  EXPECT_EQ(beta.pairs_without, 1);
}

TEST(BetaPairs, MeasuresEachCurrentInTheOrderABBA) {
  BetaPairs plan(plan_at({60.0_uA}));
  std::vector<StepResult> rows;
  std::vector<double> currents;
  for (int k = 0; k < 8; ++k) {
    const auto step = plan.next(rows);
    ASSERT_TRUE(step);
    currents.push_back(std::round(step->current.in(1.0_uA)));
    rows.push_back(row_at(step->current.in(1.0_uA), Label::TS, 100.0 * (1.0 + 0.001 * k)));
  }
  EXPECT_EQ(currents, (std::vector<double>{58, 62, 62, 58, 58, 62, 62, 58}));
}

TEST(BetaPairs, StopsWhenPreciseGoesOnToTheNextCurrentAndReportsBoth) {
  BetaPairs plan(plan_at({60.0_uA, 80.0_uA}));
  SyntheticBench bench(exponential, {.seed = 3});
  const auto rows = support::carry_out(plan, bench, 1000);
  const auto targets = plan.targets(rows);
  ASSERT_EQ(targets.size(), 2U);
  for (const auto& target : targets) EXPECT_TRUE(target.met) << target.target << ": " << target.reached;
  analysis::RunResult result;
  plan.complete(rows, result);
  ASSERT_EQ(result.direct_beta.size(), 2U);
  EXPECT_NEAR(result.direct_beta[1].current_ua, 80.0, 1e-9);
  for (const DirectBeta& beta : result.direct_beta) {
    EXPECT_NEAR(*beta.per_ua.value, 0.02, 0.004);
    EXPECT_LT(*beta.per_ua.high - *beta.per_ua.low, 0.2 * *beta.per_ua.value + 1e-12);
  }
  EXPECT_LT(rows.size(), *plan.most_steps());
}

TEST(BetaPairs, CurrentsThatAreCloseOrTheSameHaveRowsOfTheirOwn) {
  for (const Current second : {37.4_uA, 36.4_uA}) {
    auto settings = plan_at({36.4_uA, second}, 1e-6);
    settings.offset = 500.0_nA;
    settings.most_pairs = 4;
    BetaPairs plan(settings);
    SyntheticBench bench(exponential, {.seed = 2});
    const auto rows = support::carry_out(plan, bench, 100);
    ASSERT_EQ(rows.size(), 16U) << second.in(1.0_uA);
    for (std::size_t k = 0; k < rows.size(); ++k) EXPECT_EQ(rows[k].leg, k < 8 ? 0 : 1) << k;
    const auto values = plan.values(rows);
    ASSERT_EQ(values.size(), 2U);
    EXPECT_EQ(values[0].pairs, 4);
    EXPECT_EQ(values[1].pairs, 4);
    EXPECT_NEAR(values[1].current_ua, second.in(1.0_uA), 1e-9);
  }
}

TEST(BetaPairs, ACurrentThatIsOverStaysOverWhenItsLastRowChanges) {
  BetaPairs plan(plan_at({60.0_uA, 80.0_uA}));
  SyntheticBench bench(exponential, {.seed = 3});
  std::vector<StepResult> rows;
  auto step = plan.next(rows);
  for (; step && step->leg == 0; step = plan.next(rows)) rows.push_back(bench.measure(*step));
  ASSERT_TRUE(step);
  const std::size_t of_first = rows.size();
  rows.push_back(bench.measure(*step));
  // With the rest of its data the row that decided says something else.
  rows[of_first - 1].frequency_hz.value = *rows[of_first - 1].frequency_hz.value * 1.5;
  step = plan.next(rows);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->leg, 1);
  EXPECT_NEAR(step->current.in(1.0_uA), 82.0, 1e-9);
}

TEST(BetaPairs, GivesUpWhereTheNeuronIsSilent) {
  BetaPairs plan(plan_at({31.0_uA, 60.0_uA}));
  SyntheticBench bench([](double ua) { return ua < 40.0 ? Firing{} : exponential(ua); }, {.seed = 1});
  const auto rows = support::carry_out(plan, bench, 1000);
  const auto values = plan.values(rows);
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].pairs, 0);
  EXPECT_EQ(values[0].pairs_without, 4);
  EXPECT_EQ(values[1].status, BetaStatus::ok);
}

TEST(BetaPairs, EndsAtMostPairs) {
  auto settings = plan_at({60.0_uA}, 1e-6);
  settings.most_pairs = 10;
  BetaPairs plan(settings);
  SyntheticBench bench(exponential, {.seed = 1});
  EXPECT_EQ(support::carry_out(plan, bench, 1000).size(), 20U);
}

TEST(BetaPairs, ItsIntervalsHoldTheTruth) {
  int held = 0;
  constexpr int runs = 400;
  for (int seed = 1; seed <= runs; ++seed) {
    BetaPairs plan(plan_at({60.0_uA}));
    SyntheticBench bench(exponential, {.drift_per_s = 2e-4, .seed = static_cast<std::uint64_t>(seed)});
    const auto beta = plan.values(support::carry_out(plan, bench, 1000)).front();
    held += *beta.per_ua.low <= 0.02 && 0.02 <= *beta.per_ua.high ? 1 : 0;
  }
  RecordProperty("coverage_per_mille", 1000 * held / runs);
  EXPECT_GE(held, static_cast<int>(0.93 * runs));
}

}  // namespace
}  // namespace thyrode::experiment
