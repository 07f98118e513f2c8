#include "daemon/experiment/load/checks.hpp"

#include <gtest/gtest.h>

namespace thyrode::load {
namespace {

Station station(const std::string& safety = "", const std::string& rate = "25 kS/s") {
  const auto parsed = parse_station(
      "schema: thyrode.station/1\ndevice: sim:msn\nchannels:\n"
      "  A: {limits: [10 uA, 130 uA], slew: 5 mA/s, V_out: {rate: " +
          rate + "}}\n" + safety,
      "station.yaml");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return parsed.value_or(Station{});
}

Experiment experiment(const std::string& rest) {
  const auto parsed = parse_experiment("schema: thyrode.experiment/1\nname: e\n" + rest, "e.yaml");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return parsed.value_or(Experiment{});
}

const std::string sweep = "plan: sweep\ncurrent: {start: 34 uA, stop: 126 uA, points: 47}\n";

std::string refusal(const Experiment& e, const Station& s) {
  const auto checked = check_against(e, s);
  if (checked) return "accepted";
  EXPECT_EQ(checked.error().kind, ErrorKind::bad_input);
  return checked.error().message;
}

TEST(Check, AcceptsCurrentsAtTheLimits) {
  EXPECT_EQ(refusal(experiment("plan: sweep\ncurrent: {start: 10 uA, stop: 130 uA, points: 2}\n"), station()),
            "accepted");
}

TEST(Check, RefusesACurrentAboveTheLimitAndPointsAtBothFiles) {
  EXPECT_EQ(refusal(experiment("plan: sweep\ncurrent: {start: 34 uA, stop: 140 uA, points: 2}\n"), station()),
            "e.yaml:4:31: current.stop: 140 uA is above the station's limit of 130 uA for channel A "
            "(station.yaml:4:23); lower it or raise the limit");
  EXPECT_EQ(refusal(experiment("plan: sweep\ncurrent: {start: 34 uA, stop: 140 uA, points: 54}\n"), station()),
            "e.yaml:4:31: current.stop: 140 uA is above the station's limit of 130 uA for channel A "
            "(station.yaml:4:23); lower it or raise the limit");
}

TEST(Check, RefusesACurrentBelowTheLimit) {
  EXPECT_EQ(refusal(experiment("plan: list\ncurrent: [36.4 uA, -2 uA]\n"), station()),
            "e.yaml:4:20: current[1]: -2 uA is below the station's limit of 10 uA for channel A (station.yaml:4:16); "
            "raise it or lower the limit");
}

TEST(Check, RefusesAChannelThatTheStationLacks) {
  EXPECT_EQ(refusal(experiment("channel: B\n" + sweep), station()),
            "e.yaml:3:10: the station has no channel B (station.yaml:4:3); it has A");
}

TEST(Check, RefusesMoreChargeThanAMinuteMayCarry) {
  const std::string six = "safety: {max_charge: 6 mC/min}\n";
  EXPECT_EQ(refusal(experiment("plan: list\ncurrent: [98 uA, 20 uA]\n"), station(six)), "accepted");
  EXPECT_EQ(
      refusal(experiment("plan: list\ncurrent: [100 uA, 110 uA]\n"), station(six)),
      "e.yaml:4:19: current[1]: 110 uA carries 6.6 mC/min (6.71 mC in the 61 s that the device counts), above the "
      "station's max_charge of 6 mC/min (station.yaml:5:22); lower it to 98.36 uA or raise max_charge");
}

TEST(Check, TakesTraceRatesThatTheDeviceMakes) {
  const auto decimation = [](const std::string& trace) {
    const Experiment e = experiment(sweep + "record: {trace: " + trace + "}\n");
    return check_against(e, station()) ? trace_decimation(e, station()) : -1;
  };
  EXPECT_EQ(decimation("full"), 1);
  EXPECT_EQ(decimation("off"), 0);
  EXPECT_EQ(decimation("250 kS/s"), 1);
  EXPECT_EQ(decimation("125 kS/s"), 2);
  EXPECT_EQ(decimation("25 kS/s"), 10);
  EXPECT_EQ(decimation("50 kS/s"), 5);
  EXPECT_EQ(decimation("15.625 kS/s"), -1);
  EXPECT_EQ(decimation("83.33333333333333 kS/s"), -1);
  EXPECT_EQ(decimation("83 kS/s"), -1);
  EXPECT_EQ(decimation("10 kS/s"), -1);
  EXPECT_EQ(decimation("500 kS/s"), -1);
}

TEST(Check, NamesTheNearestTraceRate) {
  const auto message = [](const std::string& trace) {
    return refusal(experiment(sweep + "record: {trace: " + trace + "}\n"), station());
  };
  EXPECT_EQ(
      message("24 kS/s"),
      "e.yaml:5:17: record.trace: 24 kS/s is no rate of the trace; the device makes 250 kS/s, 125 kS/s, 50 kS/s and "
      "25 kS/s; the nearest is 25 kS/s");
  EXPECT_NE(message("1 kS/s").find("the nearest is 25 kS/s"), std::string::npos) << message("1 kS/s");
  EXPECT_NE(message("1 MS/s").find("the nearest is 250 kS/s"), std::string::npos) << message("1 MS/s");
  EXPECT_EQ(
      refusal(experiment(sweep), station("", "26 kS/s")),
      "station.yaml:4:60: channels.A.V_out.rate: 26 kS/s is no rate of the trace; the device makes 250 kS/s, 125 kS/s, "
      "50 kS/s and 25 kS/s; the nearest is 25 kS/s");
}

TEST(Check, TakesTheStationsRateWhereTheExperimentNamesNone) {
  EXPECT_EQ(trace_decimation(experiment(sweep), station("", "50 kS/s")), 5);
  EXPECT_EQ(trace_decimation(experiment(sweep + "record: {trace: 25 kS/s}"), station("", "50 kS/s")), 10);
}

TEST(PlanSummary, AddsUpCeilingsRampsAndLatencies) {
  const Experiment e = experiment("plan: list\ncurrent: [20 uA, 120 uA]\ndwell: {max: 10 s}\n");
  const PlanSummary summary = summarize(e, station());
  EXPECT_EQ(summary.steps, 2);
  EXPECT_EQ(summary.legs, 1);
  // Ramps: 20 + 100 + 120 uA at 5 mA/s.
  EXPECT_NEAR(summary.longest_bench_time.si(), 20.0 + 2 * 0.2 + 240e-6 / 5e-3, 1e-9);
  const double rest = 1e6 + 60e3 * static_cast<double>(summary.most_steps);
  EXPECT_NEAR(summary.bytes, rest + summary.longest_bench_time.si() * (25e3 * 4 + 8000 + 4800 + 1600), 1e-3);
  EXPECT_NEAR(summarize(e, station(), reference_adc_rate, 2).bytes,
              rest + summary.longest_bench_time.si() * (2.0 * (25e3 * 4 + 8000 + 4800) + 1600), 1e-3);
  EXPECT_EQ(summary.trace_rate.si(), 25e3);
  EXPECT_EQ(summary.largest_current.si(), 120e-6);
  EXPECT_EQ(summary.smallest_current.si(), 20e-6);
  EXPECT_NEAR(summary.largest_charge_per_minute.si(), 7.2e-3, 1e-12);
  EXPECT_EQ(summary.highest_limit.si(), 130e-6);
  EXPECT_EQ(summary.lowest_limit.si(), 10e-6);
}

TEST(PlanSummary, CountsBothLegsAndNoTrace) {
  const PlanSummary summary = summarize(experiment(sweep + "direction: both\nrecord: {trace: off}\n"), station());
  EXPECT_EQ(summary.steps, 94);
  EXPECT_EQ(summary.legs, 2);
  EXPECT_EQ(summary.trace_rate.si(), 0.0);
  EXPECT_NEAR(summary.bytes,
              1e6 + 60e3 * static_cast<double>(summary.most_steps) + summary.longest_bench_time.si() * 14400.0, 1.0);
}

}  // namespace
}  // namespace thyrode::load
