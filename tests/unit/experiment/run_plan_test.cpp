#include "daemon/experiment/run_plan.hpp"

#include <gtest/gtest.h>

namespace thyrode::experiment {
namespace {

constexpr const char* station_text = R"(schema: thyrode.station/1
device: sim:msn
channels:
  B: {limits: [10 uA, 140 uA], slew: 2 mA/s, V_out: {gain: 4, rate: 25 kS/s}}
safety: {lease: 50 ms, v_compliance: 2 V}
decision_latency: 300 ms
)";

constexpr const char* experiment_text = R"(schema: thyrode.experiment/1
name: short
plan: sweep
channel: B
current: {start: 30 uA, stop: 40 uA, step: 5 uA}
direction: both
dwell: {settle: {tau_slow: 10 ms, spikes: 3, drift_p: 0.02}, stop_when: {ci_rel_f: 5 %}, max: 20 s, max_spikes: 900,
        f_min: 2 Hz}
record: {trace: 50 kS/s, snippets: {before: 1 ms, after: 2 ms, max: 20 /s}}
detect: {trigger: swing, swing: 60 mV, refractory: 80 us, least_peak: 70 mV}
)";

DeviceInfo board() {
  DeviceInfo info;
  info.snippets = true;
  info.full_trace = true;
  ChannelDescription channel;
  channel.lowest = -200.0_uA;
  channel.highest = 199.0_uA;
  channel.command.scale = 1e-7;
  channel.fastest = Slew::from_si(20.0);
  channel.signals[1] = Scale{8e-4, 32.0, 10, 12};
  for (const char* label : {"A", "B"}) {
    channel.label = label;
    info.channels.push_back(channel);
  }
  return info;
}

Result<RunPlan> plan_for(const std::string& experiment, const DeviceInfo& device = board(),
                         const std::string& station = station_text) {
  const auto e = load::parse_experiment(experiment, "experiment.yaml");
  const auto s = load::parse_station(station, "station.yaml");
  if (!e) return tl::make_unexpected(e.error());
  if (!s) return tl::make_unexpected(s.error());
  return make_run_plan(*e, *s, device, 7);
}

std::string with(const std::string& from, const std::string& to, std::string text = experiment_text) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(RunPlan, CarriesEveryNumberOver) {
  const auto plan = plan_for(experiment_text);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->name, "short");
  EXPECT_EQ(plan->seed, 7U);
  EXPECT_EQ(plan->channel.index, 1);
  EXPECT_DOUBLE_EQ(plan->rules.relative_precision, 0.05);
  EXPECT_DOUBLE_EQ(plan->rules.longest_s, 20.0);
  EXPECT_EQ(plan->rules.most_spikes, 900);
  EXPECT_DOUBLE_EQ(plan->rules.f_min_hz, 2.0);
  EXPECT_DOUBLE_EQ(plan->rules.membrane_tau_s, 0.01);
  EXPECT_DOUBLE_EQ(plan->rules.settle_drop_s, 0.05);
  EXPECT_EQ(plan->rules.settle_spikes, 3);
  EXPECT_DOUBLE_EQ(plan->rules.drift_p, 0.02);
  EXPECT_DOUBLE_EQ(plan->rules.timer_floor_s, 0.4e-6);
  EXPECT_DOUBLE_EQ(plan->rules.least_peak, 0.07);
  EXPECT_DOUBLE_EQ(plan->detector.swing.si(), 0.06);
  EXPECT_DOUBLE_EQ(plan->detector.refractory.si(), 80e-6);
  EXPECT_EQ(plan->telemetry.decimation, 5);
  EXPECT_TRUE(plan->snippets.on);
  EXPECT_DOUBLE_EQ(plan->snippets.after.si(), 2e-3);
  EXPECT_EQ(plan->snippets.most_per_second, 20);
  EXPECT_DOUBLE_EQ(plan->limits.highest.in(1.0_uA), 140.0);
  EXPECT_DOUBLE_EQ(plan->limits.slew.si(), 2e-3);
  EXPECT_DOUBLE_EQ(plan->limits.compliance.si(), 2.0);
  EXPECT_DOUBLE_EQ(plan->lease.si(), 0.05);
  EXPECT_DOUBLE_EQ(plan->decision_latency.si(), 0.3);
}

TEST(RunPlan, GoesUpAndDown) {
  const auto plan = plan_for(experiment_text);
  ASSERT_TRUE(plan);
  const double expected[] = {30, 35, 40, 40, 35, 30};
  ASSERT_EQ(plan->steps.size(), 6U);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_DOUBLE_EQ(plan->steps[k].current.in(1.0_uA), expected[k]);
    EXPECT_EQ(plan->steps[k].leg, k < 3 ? 0 : 1);
    EXPECT_EQ(plan->steps[k].direction, k < 3 ? analysis::Direction::up : analysis::Direction::down);
  }
}

TEST(RunPlan, ZeroCurrentIsAlwaysWithinTheLimits) {
  const auto plan = plan_for(experiment_text);
  ASSERT_TRUE(plan);
  EXPECT_DOUBLE_EQ(plan->limits.lowest.si(), 0.0) << "the station's 10 uA would forbid the rest position";
}

TEST(RunPlan, AnUnknownTimeConstantDropsNothing) {
  const auto plan = plan_for(with("tau_slow: 10 ms, ", ""));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->rules.settle_drop_s, 0.0);
  EXPECT_EQ(plan->rules.membrane_tau_s, 0.0);
}

TEST(RunPlan, AShortTimeConstantDropsOneMillisecond) {
  const auto plan = plan_for(with("tau_slow: 10 ms", "tau_slow: 10 us"));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_DOUBLE_EQ(plan->rules.settle_drop_s, 1e-3);
}

TEST(RunPlan, WithoutSnippetsThereAreNone) {
  const auto plan = plan_for(with(", snippets: {before: 1 ms, after: 2 ms, max: 20 /s}", ""));
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->snippets.on);
}

TEST(RunPlan, ATraceThatIsOffHasNoDecimation) {
  const auto plan = plan_for(with("trace: 50 kS/s", "trace: off"));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->telemetry.decimation, 0);
}

void expect_bad_input(const Result<RunPlan>& plan, const std::string& place) {
  ASSERT_FALSE(plan) << place;
  EXPECT_EQ(plan.error().kind, ErrorKind::bad_input);
  EXPECT_NE(plan.error().message.find(place), std::string::npos) << plan.error().message;
}

TEST(RunPlan, RefusesAFrontEndThatTheScalesAreNotFor) {
  const auto station = [](const std::string& from, const std::string& to) {
    std::string text = station_text;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  expect_bad_input(plan_for(experiment_text, board(), station("gain: 4", "gain: 2")), "V_out.gain");
  expect_bad_input(plan_for(experiment_text, board(), station("rate: 25 kS/s}", "rate: 25 kS/s}, V_m: {gain: 2}")),
                   "V_m.gain");
  expect_bad_input(plan_for(experiment_text, board(), station("v_compliance: 2 V", "v_compliance: 9 V")),
                   "safety.v_compliance");
}

TEST(RunPlan, RefusesWhatTheStationForbids) {
  expect_bad_input(plan_for(with("stop: 40 uA", "stop: 150 uA")), "experiment.yaml:5");
  expect_bad_input(plan_for(with("channel: B", "channel: A")), "experiment.yaml:4");
}

TEST(RunPlan, RefusesWhatTheBoardCannotDo) {
  DeviceInfo device = board();
  device.channels.pop_back();
  expect_bad_input(plan_for(experiment_text, device), "experiment.yaml:4");
  device = board();
  device.snippets = false;
  expect_bad_input(plan_for(experiment_text, device), "experiment.yaml:9");
  device = board();
  device.channels[1].highest = 100.0_uA;
  expect_bad_input(plan_for(experiment_text, device), "station.yaml:4");
  device = board();
  device.link_bytes_per_second = 50'000;
  expect_bad_input(plan_for(experiment_text, device), "experiment.yaml:9");
}

}  // namespace
}  // namespace thyrode::experiment
