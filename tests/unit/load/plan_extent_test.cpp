// How far a plan reaches: steps, legs and time.
#include "daemon/experiment/load/plan_extent.hpp"

#include <gtest/gtest.h>

#include "tests/unit/load/plan_files.hpp"

namespace thyrode::load {
namespace {

PlanExtent extent(const std::string& rest, const std::map<std::string, std::string>& files = {}) {
  return plan_extent(parsed(rest, files), {Slew::from_si(5e-3), Duration::from_si(0.2)});
}

TEST(PlanExtent, OfARampIsItsLength) {
  const auto e = extent("plan: ramp\ncurrent: {start: 30 uA, stop: 60 uA, slope: 1 uA/s}\nrows: 60\ndirection: both\n");
  EXPECT_EQ(e.steps, 120);
  EXPECT_EQ(e.legs, 2);
  EXPECT_NEAR(e.longest.si(), 60.0 + 0.2 + 2 * 30e-6 / 5e-3, 1e-9);
}

TEST(PlanExtent, OfSegmentsAddsLengthsAndCeilings) {
  const auto e = extent(every_segment + "dwell: {max: 10 s}\n", wave);
  EXPECT_EQ(e.steps, 6);
  // 2 + 3 + 2 + 3 + 0.5 s are known, one step waits for its data; what is left are ways at the slew.
  EXPECT_GT(e.longest.si(), 20.7);
  EXPECT_LT(e.longest.si(), 20.8);
}

TEST(PlanExtent, OfAPlanThatDecidesIsItsBudget) {
  const std::string adaptive = "plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 120 uA}\ndwell: {max: 10 s}\n";
  const auto points = extent(adaptive + "budget: {points: 100}\nlead: 1 s\n");
  EXPECT_FALSE(points.steps.has_value());
  EXPECT_EQ(points.most_steps, 100);
  EXPECT_GT(points.longest.si(), 100 * 11.2);
  EXPECT_LT(points.longest.si(), 100 * 11.3);
  const auto time = extent(adaptive + "budget: {points: 100, time: 60 s}\nlead: 1 s\n");
  EXPECT_GT(time.longest.si(), 60.0);
  EXPECT_LT(time.longest.si(), 60.0 + 11.5) << "the step under way is not cut";
}

TEST(PlanExtent, OfAMapWithoutABudgetIsEveryPointWithItsRepetitions) {
  const auto e = extent(map_of_tau);
  EXPECT_EQ(e.most_steps, 129 * 129 * 3);
  EXPECT_EQ(extent(map_of_tau + "remeasure: false\n").most_steps, 129 * 129);
}

TEST(PlanExtent, OfASequenceIsKnownUnlessItDependsOnALabel) {
  EXPECT_FALSE(extent(three_parts).steps.has_value());
  EXPECT_EQ(extent(three_parts).most_steps, 2 + 6 + 200);
  const auto plain = extent(
      "plan: sequence\nparts:\n  - {name: a, plan: list, current: [45 uA]}\n"
      "  - {name: b, plan: hysteresis, current: [45 uA, 46 uA]}\n");
  EXPECT_EQ(plain.steps, 7);
  EXPECT_EQ(plain.legs, 4);
  EXPECT_EQ(extent(two_pairs).legs, 2) << "one for each current";
}

}  // namespace
}  // namespace thyrode::load
