#include <gtest/gtest.h>

#include "daemon/thyrode_outline.hpp"

namespace thyrode::program {
namespace {

Job job_of(const std::string& plan) {
  auto experiment = load::parse_experiment("schema: thyrode.experiment/1\nname: e\n" + plan, "e.yaml");
  auto station = load::parse_station(
      "schema: thyrode.station/1\ndevice: sim:msn\nchannels: {A: {limits: [0 uA, 140 uA]}}\n", "s.yaml");
  EXPECT_TRUE(experiment) << experiment.error().message;
  EXPECT_TRUE(station) << station.error().message;
  return {std::move(*experiment), std::move(*station), "sim:msn"};
}

DeviceInfo device() {
  DeviceInfo info;
  info.sample_rate_hz = 250e3;
  info.queue_depth = 16;
  ChannelDescription channel;
  channel.label = "A";
  channel.lowest = Current::from_si(-200e-6);
  channel.highest = Current::from_si(200e-6);
  channel.fastest = Slew::from_si(20.0);
  for (Scale& scale : channel.signals) scale = Scale{1e-3, 0.0, 1, 12};
  info.channels.push_back(channel);
  return info;
}

std::vector<PlanOutline> outlines(const std::string& plan) {
  const Job job = job_of(plan);
  const auto run = experiment::make_run_plan(job.experiment, job.station, device(), 1);
  EXPECT_TRUE(run) << run.error().message;
  return run ? outline(job, *run, device()) : std::vector<PlanOutline>{};
}

TEST(Outline, CountsOneAndMany) {
  const std::string one = outlines("plan: beta_n\ncurrent: [40 uA]\noffset: 1 uA\nmax_pairs: 5\n")[0].rule;
  EXPECT_TRUE(one.starts_with("1 current; at each, steps 1 uA below and above it")) << one;
  EXPECT_NE(one.find("known to 10 % or 6 pairs are made"), std::string::npos) << "pairs come by two: " << one;
  const std::string two = outlines("plan: beta_n\ncurrent: [40 uA, 50 uA]\noffset: 1 uA\n")[0].rule;
  EXPECT_TRUE(two.starts_with("2 currents; ")) << two;
  EXPECT_TRUE(outlines("plan: list\ncurrent: [40 uA]\n")[0].rule.starts_with("1 current; a step ends"));
}

TEST(Outline, TellsTheRowsOfARampAsTheyWillBe) {
  const auto ramp = outlines("plan: ramp\ncurrent: {start: 30 uA, stop: 60 uA, slope: 10 uA/s}\nrows: 70\n")[0];
  EXPECT_EQ(ramp.rule, "the current moves from 30 uA to 60 uA at 10 uA/s, in 75 rows of 40 ms");
  EXPECT_EQ(ramp.points, 75);
}

TEST(Outline, TellsWhatASegmentDoesBetweenItsEnds) {
  const auto list = outlines(
      "plan: steps\nsegments:\n  - {hold: 40 uA, for: 1 s}\n"
      "  - {pulse: 90 uA, base: 20 uA, width: 100 ms, period: 250 ms, for: 1 s}\n"
      "  - {noise: 60 uA, sd: 5 uA, tau: 100 ms, seed: 7, for: 1 s}\n")[0];
  EXPECT_EQ(list.rule, "3 segments, a row each") << "none of them waits for its data";
  ASSERT_EQ(list.steps.size(), 3U);
  EXPECT_EQ(list.steps[0].what, "");
  EXPECT_EQ(list.steps[1].what, "90 uA for 100 ms every 250 ms, from 20 uA");
  EXPECT_EQ(list.steps[2].what, "around 60 uA, sd 5 uA, tau 100 ms, seed 7");
}

TEST(Outline, SaysThatAMapThatBeginsWithItsWholeGridDividesNothing) {
  const std::string map = "plan: phase_map\ncurrent: {start: 30 uA, stop: 110 uA, resolution: 20 uA}\ncoarse: 5\n";
  const std::string knob = "operator: {quantity: tap, start: 1, stop: 5, resolution: ";
  EXPECT_TRUE(outlines(map + knob + "1}\n")[0].rule.starts_with("the whole grid of 5 x 5; "));
  EXPECT_TRUE(outlines(map + knob + "0.5}\n")[0].rule.starts_with("a grid of 5 x 5; then each cell"));
}

}  // namespace
}  // namespace thyrode::program
