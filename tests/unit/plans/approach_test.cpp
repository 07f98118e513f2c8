// The side from which a step is entered, and what a plan has used up.
#include "daemon/experiment/plans/approach.hpp"

#include <gtest/gtest.h>

#include "daemon/experiment/plans/spending.hpp"

namespace thyrode::experiment {
namespace {

const Duration hold = 0.5_s;

TEST(Entry, FromBelowAStepDownwardsWaitsAtTheLowEnd) {
  const Entry entry(load::Approach::from_below, 30.0_uA, 120.0_uA, hold);
  EXPECT_FALSE(entry.lead(std::nullopt, 50.0));
  EXPECT_FALSE(entry.lead(40.0, 50.0));
  EXPECT_FALSE(entry.lead(50.0, 50.0));
  ASSERT_TRUE(entry.lead(60.0, 50.0));
  EXPECT_DOUBLE_EQ(entry.lead(60.0, 50.0)->current.in(1.0_uA), 30.0);
  EXPECT_EQ(entry.lead(60.0, 50.0)->hold, hold);
}

TEST(Entry, FromAboveTheFirstStepToo) {
  const Entry entry(load::Approach::from_above, 30.0_uA, 120.0_uA, hold);
  ASSERT_TRUE(entry.lead(std::nullopt, 50.0));
  EXPECT_DOUBLE_EQ(entry.lead(40.0, 50.0)->current.in(1.0_uA), 120.0);
  EXPECT_FALSE(entry.lead(60.0, 50.0));
}

TEST(Entry, DirectNeverWaits) {
  const Entry entry(load::Approach::direct, 30.0_uA, 120.0_uA, hold);
  EXPECT_FALSE(entry.lead(60.0, 50.0));
  EXPECT_FALSE(entry.lead(40.0, 50.0));
}

TEST(Entry, TakesWhatLiesOnTheWayBeforeItGoesBack) {
  const std::vector<Need> needs{{90.0, "", {}}, {40.0, "", {}}, {70.0, "", {}}};
  const Entry up(load::Approach::from_below, 30.0_uA, 120.0_uA, hold);
  EXPECT_EQ(up.next(needs, 60.0).current_ua, 70.0);
  EXPECT_EQ(up.next(needs, 95.0).current_ua, 40.0);
  const Entry down(load::Approach::from_above, 30.0_uA, 120.0_uA, hold);
  EXPECT_EQ(down.next(needs, 80.0).current_ua, 70.0);
  EXPECT_EQ(down.next(needs, 35.0).current_ua, 90.0);
}

TEST(Entry, LeadByTheRulesIsFiveMembraneTimesOrAQuarterOfTheSilence) {
  analysis::StepRules rules;
  rules.f_min_hz = 2.0;
  EXPECT_DOUBLE_EQ(lead_by_rules(rules).si(), 0.375);
  rules.membrane_tau_s = 0.02;
  EXPECT_DOUBLE_EQ(lead_by_rules(rules).si(), 0.1);
  rules.settle_drop_s = 0.25;
  EXPECT_DOUBLE_EQ(lead_by_rules(rules).si(), 0.25);
}

TEST(Spending, CountsStepsAndTheWaitingBetweenThem) {
  std::vector<analysis::StepResult> rows(2);
  rows[0].current_ua = 50.0;
  rows[0].start = Ticks{1000};
  rows[0].end = Ticks{3000};
  rows[0].duration_s = 2.0;
  rows[1].current_ua = 80.0;
  rows[1].start = Ticks{3500};
  rows[1].end = Ticks{4500};
  rows[1].duration_s = 1.0;
  const Spending spent = spending(rows, 30.0);
  EXPECT_EQ(spent.points, 2);
  EXPECT_DOUBLE_EQ(spent.seconds, 3.5);
  EXPECT_NEAR(spent.coulombs, (50.0 * 2.0 + 80.0 * 1.0 + 30.0 * 0.5) * 1e-6, 1e-15);
}

TEST(Spending, ATurnOfTheKnobCostsNeitherChargeNorTime) {
  std::vector<analysis::StepResult> rows(2);
  rows[0].end = Ticks{1000};
  rows[0].duration_s = 1.0;
  rows[0].conditions["tau_L"] = 0.2e-3;
  rows[1].start = Ticks{61000};  // somebody took a minute
  rows[1].end = Ticks{62000};
  rows[1].duration_s = 1.0;
  rows[1].conditions["tau_L"] = 0.3e-3;
  EXPECT_DOUBLE_EQ(spending(rows, 30.0).seconds, 2.0);
  EXPECT_DOUBLE_EQ(spending(rows, 30.0).coulombs, 0.0);
  rows[1].conditions = rows[0].conditions;
  EXPECT_DOUBLE_EQ(spending(rows, 30.0).seconds, 62.0);
  // The same value was answered for another one.
  rows[1].leg = 1;
  EXPECT_DOUBLE_EQ(spending(rows, 30.0).seconds, 2.0);
}

TEST(Spending, AResumedRunThatCountsFromZeroAgainIsNoNegativeWaiting) {
  std::vector<analysis::StepResult> rows(2);
  rows[0].end = Ticks{3000};
  rows[0].duration_s = 3.0;
  rows[1].end = Ticks{1000};
  rows[1].duration_s = 1.0;
  EXPECT_DOUBLE_EQ(spending(rows, 30.0).seconds, 4.0);
}

TEST(Spending, EachLimitOfABudgetEndsIt) {
  const Spending spent{10, 60.0, 3e-3};
  EXPECT_EQ(exhausted({}, spent), "");
  EXPECT_NE(exhausted({10, {}, {}}, spent), "");
  EXPECT_EQ(exhausted({11, {}, {}}, spent), "");
  EXPECT_NE(exhausted({{}, Duration::from_si(60.0), {}}, spent), "");
  EXPECT_NE(exhausted({{}, {}, Charge::from_si(3e-3)}, spent), "");
  EXPECT_EQ(exhausted({{}, {}, Charge::from_si(3.1e-3)}, spent), "");
}

}  // namespace
}  // namespace thyrode::experiment
