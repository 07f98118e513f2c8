#include "daemon/experiment/load/experiment.hpp"

#include <gtest/gtest.h>

namespace thyrode::load {
namespace {

const std::string head = "schema: thyrode.experiment/1\nname: e\n";

Experiment parsed(const std::string& rest) {
  const auto experiment = parse_experiment(head + rest, "e.yaml");
  EXPECT_TRUE(experiment.has_value()) << experiment.error().message;
  return experiment.value_or(Experiment{});
}

SweepPlan sweep_of(const Experiment& e) {
  const auto* plan = std::get_if<SweepPlan>(&e.plan);
  EXPECT_NE(plan, nullptr);
  return plan == nullptr ? SweepPlan{} : *plan;
}

std::vector<StepPlan> timetable(const Experiment& e) {
  const auto* list = std::get_if<ListPlan>(&e.plan);
  return list == nullptr ? load::timetable(sweep_of(e)) : load::timetable(*list);
}

std::vector<double> microamperes(const std::vector<Current>& currents) {
  std::vector<double> values;
  for (const Current current : currents) values.push_back(current.si() * 1e6);
  return values;
}

TEST(Experiment, HasTheDocumentedDefaults) {
  const Experiment e = parsed("plan: sweep\ncurrent: {start: 34 uA, stop: 126 uA, points: 47}\n");
  EXPECT_EQ(e.name, "e");
  EXPECT_EQ(e.channel, "A");
  EXPECT_EQ(sweep_of(e).order, Order::up);
  EXPECT_EQ(e.dwell.ci_rel_f, 0.02);
  EXPECT_EQ(e.dwell.max.si(), 60.0);
  EXPECT_EQ(e.dwell.max_spikes, 20000);
  EXPECT_EQ(e.dwell.f_min.si(), 1.0);
  EXPECT_FALSE(e.dwell.settle.tau_slow.has_value());
  EXPECT_EQ(e.dwell.settle.spikes, 0);
  EXPECT_EQ(e.dwell.settle.drift_p, 0.01);
  EXPECT_EQ(e.trace.mode, Trace::Mode::station);
  EXPECT_FALSE(e.snippets.has_value());
  EXPECT_EQ(e.detect.trigger, protocol::Trigger::swing);
  EXPECT_EQ(e.detect.swing.si(), 55e-3);
  EXPECT_EQ(e.detect.refractory.si(), 50e-6);
  EXPECT_EQ(e.least_peak.si(), 0.0);
}

TEST(Experiment, ReadsEveryKey) {
  const Experiment e = parsed(
      "plan: sweep\nchannel: B\ncurrent: {start: 34 uA, stop: 126 uA, points: 47}\ndirection: down\n"
      "dwell: {settle: {tau_slow: 20 ms, spikes: 10, drift_p: 0.05}, stop_when: {ci_rel_f: 1 %}, max: 30 s,\n"
      "        max_spikes: 500, f_min: 0.5 Hz}\n"
      "record: {trace: 50 kS/s, snippets: {before: 2 ms, after: 3 ms, max: 20 /s}}\n"
      "detect: {trigger: level, fire: 80 mV, rearm: 40 mV, refractory: 100 us, least_peak: 90 mV}\n");
  EXPECT_EQ(e.channel, "B");
  EXPECT_EQ(sweep_of(e).order, Order::down);
  EXPECT_EQ(e.dwell.settle.tau_slow->si(), 20e-3);
  EXPECT_EQ(e.dwell.settle.spikes, 10);
  EXPECT_EQ(e.dwell.settle.drift_p, 0.05);
  EXPECT_EQ(e.dwell.ci_rel_f, 0.01);
  EXPECT_EQ(e.dwell.max.si(), 30.0);
  EXPECT_EQ(e.dwell.max_spikes, 500);
  EXPECT_EQ(e.dwell.f_min.si(), 0.5);
  EXPECT_EQ(e.trace.mode, Trace::Mode::rate);
  EXPECT_EQ(e.trace.rate.si(), 50e3);
  ASSERT_TRUE(e.snippets.has_value());
  EXPECT_EQ(e.snippets->before.si(), 2e-3);
  EXPECT_EQ(e.snippets->after.si(), 3e-3);
  EXPECT_EQ(e.snippets->most_per_second, 20);
  EXPECT_EQ(e.detect.trigger, protocol::Trigger::level);
  EXPECT_EQ(e.detect.fire_level.si(), 80e-3);
  EXPECT_EQ(e.detect.rearm_level.si(), 40e-3);
  EXPECT_EQ(e.detect.refractory.si(), 100e-6);
  EXPECT_EQ(e.least_peak.si(), 90e-3);
  EXPECT_EQ(e.source.at("dwell.settle.spikes"), "e.yaml:7:43");
  EXPECT_EQ(e.source.at("current.stop"), "e.yaml:5:31");
}

TEST(Experiment, TakesFullAndOffForTheTrace) {
  const std::string sweep = "plan: sweep\ncurrent: {start: 34 uA, stop: 126 uA, points: 47}\n";
  EXPECT_EQ(parsed(sweep + "record: {trace: full}").trace.mode, Trace::Mode::full);
  EXPECT_EQ(parsed(sweep + "record: {trace: off}").trace.mode, Trace::Mode::off);
  EXPECT_EQ(parsed(sweep + "record: {trace: \"off\", snippets: off}").trace.mode, Trace::Mode::off);
}

TEST(Sweep, PlacesItsPointsOnDecimalNumbersWithBothEndsExact) {
  const Experiment e = parsed("plan: sweep\ncurrent: {start: 34 uA, stop: 126 uA, points: 47}\n");
  ASSERT_EQ(sweep_of(e).currents.size(), 47U);
  for (int k = 0; k < 47; ++k) {
    EXPECT_EQ(sweep_of(e).currents[static_cast<std::size_t>(k)].si(), (34.0 + 2.0 * k) / 1e6) << k;
  }
}

TEST(Sweep, OfAStepEqualsTheSweepOfItsPoints) {
  const Experiment by_step = parsed("plan: sweep\ncurrent: {start: 31 uA, stop: 36 uA, step: 100 nA}\n");
  const Experiment by_points = parsed("plan: sweep\ncurrent: {start: 31 uA, stop: 36 uA, points: 51}\n");
  EXPECT_EQ(sweep_of(by_step).currents, sweep_of(by_points).currents);
  EXPECT_EQ(sweep_of(by_step).currents.back().si(), 36e-6);
}

TEST(Sweep, OfAStepAsLargeAsTheRangeHasTwoPoints) {
  const Experiment e = parsed("plan: sweep\ncurrent: {start: -1 uA, stop: 1 uA, step: 2 uA}\n");
  EXPECT_EQ(microamperes(sweep_of(e).currents), (std::vector<double>{-1.0, 1.0}));
}

TEST(Sweep, TakesAsManyStepsAsAreAllowedAndNoMore) {
  const auto count = [](const std::string& rest) {
    const auto e = parse_experiment(head + "plan: sweep\n" + rest, "e");
    return e ? timetable(*e).size() : 0U;
  };
  EXPECT_EQ(count("current: {start: 0 uA, stop: 100 uA, points: 100000}\n"), 100000U);
  EXPECT_EQ(count("current: {start: 0 uA, stop: 100 uA, points: 50000}\ndirection: both\n"), 100000U);
  EXPECT_EQ(count("current: {start: 0 uA, stop: 100 uA, points: 50001}\ndirection: both\n"), 0U);
  EXPECT_EQ(count("current: {start: 0 uA, stop: 100 uA, points: 100001}\n"), 0U);
}

TEST(Timetable, GoesUpByDefault) {
  const auto steps = timetable(parsed("plan: sweep\ncurrent: {start: 1 uA, stop: 3 uA, points: 3}\n"));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps.front().current.si(), 1e-6);
  EXPECT_EQ(steps.back().current.si(), 3e-6);
  for (const StepPlan& step : steps) {
    EXPECT_EQ(step.direction, analysis::Direction::up);
    EXPECT_EQ(step.leg, 0);
  }
}

TEST(Timetable, MeasuresTheTurningPointOnceInEachLeg) {
  const auto steps = timetable(parsed("plan: sweep\ncurrent: {start: 1 uA, stop: 3 uA, points: 3}\ndirection: both\n"));
  std::vector<double> currents;
  for (const StepPlan& step : steps) currents.push_back(step.current.si());
  EXPECT_EQ(currents, (std::vector<double>{1e-6, 2e-6, 3e-6, 3e-6, 2e-6, 1e-6}));
  EXPECT_EQ(steps[2].direction, analysis::Direction::up);
  EXPECT_EQ(steps[2].leg, 0);
  EXPECT_EQ(steps[3].direction, analysis::Direction::down);
  EXPECT_EQ(steps[3].leg, 1);
}

TEST(Timetable, OfADownwardSweepHasOneLeg) {
  const auto steps = timetable(parsed("plan: sweep\ncurrent: {start: 1 uA, stop: 3 uA, points: 3}\ndirection: down\n"));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps.front().current.si(), 3e-6);
  EXPECT_EQ(steps.front().direction, analysis::Direction::down);
  EXPECT_EQ(steps.front().leg, 0);
}

TEST(Timetable, KeepsTheOrderOfAListAndSortsItByADirection) {
  const std::string list = "plan: list\ncurrent: [3 uA, 1 uA, 2 uA]\n";
  const auto as_listed = timetable(parsed(list));
  ASSERT_EQ(as_listed.size(), 3U);
  EXPECT_EQ(as_listed[0].current.si(), 3e-6);
  EXPECT_EQ(as_listed[1].current.si(), 1e-6);
  EXPECT_EQ(as_listed[0].direction, analysis::Direction::none);
  const auto both = timetable(parsed(list + "direction: both\n"));
  ASSERT_EQ(both.size(), 6U);
  EXPECT_EQ(both[0].current.si(), 1e-6);
  EXPECT_EQ(both[3].current.si(), 3e-6);
  EXPECT_EQ(both[5].current.si(), 1e-6);
}

}  // namespace
}  // namespace thyrode::load
