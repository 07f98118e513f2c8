// From an experiment file to steps: every plan, its conditions, and pieces that a channel cannot carry out.
#include "daemon/experiment/plans/make_strategy.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/plans/approach.hpp"
#include "daemon/experiment/run_plan.hpp"

namespace thyrode::experiment {
namespace {

load::Experiment parsed(const std::string& rest) {
  const auto experiment = load::parse_experiment("schema: thyrode.experiment/1\nname: e\n" + rest, "e.yaml");
  EXPECT_TRUE(experiment.has_value()) << experiment.error().message;
  return experiment.value_or(load::Experiment{});
}

std::unique_ptr<Strategy> strategy_of(const load::Experiment& experiment) {
  return make_strategy(experiment, rules_of(experiment.dwell, DeviceInfo{}), 15.0_ms);
}

/// The row of a step that told nothing.
analysis::StepResult row_of(const PlannedStep& step) {
  analysis::StepResult row;
  row.current_ua = step.current.in(1.0_uA);
  row.conditions = step.conditions;
  row.leg = step.leg;
  row.part = step.part;
  return row;
}

std::vector<PlannedStep> first_steps(const load::Experiment& experiment, std::size_t count) {
  const auto strategy = strategy_of(experiment);
  std::vector<PlannedStep> steps;
  std::vector<analysis::StepResult> rows;
  while (steps.size() < count) {
    const auto step = strategy->next(rows);
    if (!step) break;
    rows.push_back(row_of(*step));
    steps.push_back(*step);
  }
  return steps;
}

TEST(MakeStrategy, KnowsTheStepsOfEveryPlanThatDoesNotDecide) {
  EXPECT_EQ(strategy_of(parsed("plan: list\ncurrent: [45 uA, 46 uA]\n"))->known_steps(), 2U);
  EXPECT_EQ(strategy_of(parsed("plan: hysteresis\ncurrent: [45 uA, 46 uA]\n"))->known_steps(), 6U);
  EXPECT_EQ(strategy_of(parsed("plan: steps\nsegments: [{hold: 45 uA, for: 1 s}]\n"))->known_steps(), 1U);
  EXPECT_EQ(strategy_of(parsed("plan: adaptive_sweep\ncurrent: {start: 1 uA, stop: 9 uA}\n"))->known_steps(),
            std::nullopt);
}

TEST(MakeStrategy, HoldsWhatTheFileSetsInEveryStep) {
  const auto steps =
      first_steps(parsed("plan: adaptive_sweep\ncurrent: {start: 1 uA, stop: 9 uA}\nneuron: {tau_L: 0.3 ms}\n"), 9);
  ASSERT_EQ(steps.size(), 9U);
  for (const PlannedStep& step : steps) {
    EXPECT_EQ(step.conditions, (std::map<std::string, double>{{"tau_L", 0.3e-3}}));
  }
}

TEST(MakeStrategy, GivesPartsOfASequenceTheirNamesQuestionsAndConditions) {
  const auto steps = first_steps(
      parsed("plan: sequence\nneuron: {tau_L: 0.3 ms}\nparts:\n"
             "  - {name: a, plan: list, current: [45 uA]}\n"
             "  - {name: b, plan: list, current: [46 uA, 47 uA], neuron: {tau_L: 0.1 ms}, when: {operator: Ready}}\n"),
      9);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].part, "a");
  EXPECT_EQ(steps[0].conditions.at("tau_L"), 0.3e-3);
  EXPECT_FALSE(steps[0].question.has_value());
  EXPECT_EQ(steps[1].part, "b");
  EXPECT_EQ(steps[1].conditions.at("tau_L"), 0.1e-3);
  ASSERT_TRUE(steps[1].question.has_value());
  EXPECT_EQ(steps[1].question->text, "Ready");
  EXPECT_FALSE(steps[2].question.has_value()) << "asked once";
}

TEST(MakeStrategy, LeavesToAMapWhatItVaries) {
  const auto steps = first_steps(
      parsed("plan: sequence\nneuron: {tau_L: 0.3 ms}\nparts:\n"
             "  - {name: a, plan: phase_map, current: {start: 1 uA, stop: 9 uA, resolution: 1 uA}, coarse: 3,\n"
             "     tau_L: {start: 1 ms, stop: 3 ms, resolution: 1 ms}}\n"),
      9);
  ASSERT_EQ(steps.size(), 9U);
  std::set<double> values;
  for (const PlannedStep& step : steps) values.insert(step.conditions.at("tau_L"));
  EXPECT_EQ(values.size(), 3U);
  EXPECT_EQ(values.count(0.3e-3), 0U);
}

// The summary of a plan is made without its strategy: both count alike.
TEST(MakeStrategy, CountsAsTheExtentOfTheFileDoes) {
  for (const auto& entry : std::filesystem::directory_iterator("experiments")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto experiment = load::load_experiment(entry.path().string());
    ASSERT_TRUE(experiment.has_value()) << experiment.error().message;
    const auto extent = load::plan_extent(*experiment, {Slew::from_si(5e-3), 200.0_ms});
    const auto strategy = strategy_of(*experiment);
    const auto as_count = [](std::optional<std::size_t> n) {
      return n ? std::optional(static_cast<std::int64_t>(*n)) : std::nullopt;
    };
    EXPECT_EQ(as_count(strategy->known_steps()), extent.steps) << entry.path();
    EXPECT_EQ(as_count(strategy->most_steps()).value_or(extent.most_steps), extent.most_steps) << entry.path();
  }
}

TEST(MakeStrategy, WaitsBeforeAStepAsLongAsThePlanSaysItWill) {
  for (const char* dwell : {"dwell: {}", "dwell: {f_min: 5 Hz}", "dwell: {settle: {tau_slow: 20 ms}}",
                            "dwell: {settle: {tau_slow: 10 us}}"}) {
    const auto experiment = parsed(std::string{"plan: list\ncurrent: [1 uA]\n"} + dwell + "\n");
    EXPECT_EQ(lead_by_rules(rules_of(experiment.dwell, DeviceInfo{})), load::lead_of(experiment.dwell)) << dwell;
  }
}

// ---------------------------------------------------------------- pieces

constexpr PieceLimits limits{0.0_uA, 100.0_uA, Slew::from_si(5e-3), 220.0_ms, 16};

PlannedStep of_pieces(std::vector<Piece> pieces) {
  PlannedStep step;
  step.pieces = std::move(pieces);
  return step;
}

std::string problem(const std::vector<PlannedStep>& steps) {
  const auto found = find_problem(steps, limits);
  return found ? std::to_string(found->step) + ": " + found->text : "none";
}

TEST(PieceProblem, IsACurrentBeyondTheLimits) {
  EXPECT_EQ(problem({of_pieces({{1.0_s, 50.0_uA, 100.0_uA}})}), "none");
  EXPECT_EQ(problem({of_pieces({{1.0_s, 50.0_uA, 50.0_uA}}), of_pieces({{1.0_s, 50.0_uA, 101.0_uA}})}),
            "1: the current gets to 101 uA, outside the station's limits of 0 A to 100 uA; make it smaller");
}

TEST(PieceProblem, IsAChangeFasterThanTheSlew) {
  EXPECT_EQ(problem({of_pieces({{100.0_ms, 50.0_uA, 50.0_uA}, {10.0_ms, 50.0_uA, 100.0_uA}})}), "none");
  EXPECT_EQ(problem({of_pieces({{100.0_ms, 50.0_uA, 50.0_uA}, {9.0_ms, 50.0_uA, 100.0_uA}})}),
            "0: at 100 ms of it, the current changes by 50 uA within 9 ms, faster than the station's slew of 5 mA/s; "
            "make it slower or "
            "raise the slew");
}

TEST(PieceProblem, IsAPulseThatIsOverBeforeTheCurrentIsThere) {
  EXPECT_EQ(problem({of_pieces({{100.0_ms, 0.0_uA, 0.0_uA}, {20.0_ms, 100.0_uA, 100.0_uA}})}), "none");
  EXPECT_EQ(problem({of_pieces({{100.0_ms, 0.0_uA, 0.0_uA}, {19.0_ms, 100.0_uA, 100.0_uA}})}),
            "0: at 100 ms of it, from 0 A to 100 uA takes 20 ms at the station's slew of 5 mA/s, longer than the 19 ms "
            "that it lasts; make "
            "it longer or raise the slew");
}

TEST(PieceProblem, IsMoreThanTheDeviceCanBeTold) {
  EXPECT_NEAR(limits.least_piece().si(), 220e-3 / 15, 1e-12);
  std::vector<Piece> many(100, {limits.least_piece(), 50.0_uA, 50.0_uA});
  EXPECT_EQ(problem({of_pieces(many)}), "none");
  many[40].length = 5.0_ms;
  EXPECT_NE(problem({of_pieces(many)})
                .find("0: 16 pieces of the command (holds, pulses, samples of a waveform) begin within"),
            std::string::npos)
      << problem({of_pieces(many)});
  EXPECT_EQ(problem({of_pieces(std::vector<Piece>(15, {1.0_ms, 1.0_uA, 1.0_uA}))}), "none") << "they fit all at once";
}

/// What is said of a free list on a device that takes 16 pieces.
std::string refusal_of(const std::string& segments) {
  const auto station = load::parse_station(
      "schema: thyrode.station/1\ndevice: sim:msn\nchannels: {A: {limits: [0 uA, 140 uA]}}\n", "s.yaml");
  EXPECT_TRUE(station.has_value());
  DeviceInfo device;
  device.queue_depth = 16;
  device.snippets = true;
  ChannelDescription channel;
  channel.label = "A";
  channel.lowest = Current::from_si(-200e-6);
  channel.highest = Current::from_si(200e-6);
  channel.fastest = Slew::from_si(20.0);
  for (Scale& scale : channel.signals) scale = Scale{1e-3, 0.0, 1, 12};
  device.channels.push_back(channel);
  const auto plan = make_run_plan(parsed("plan: steps\nsegments:\n" + segments), *station, device, 1);
  return plan ? "" : plan.error().message;
}

TEST(PieceProblem, IsToldWithItsPlaceInTheFile) {
  EXPECT_EQ(
      refusal_of("  - {hold: 20 uA, for: 1 s}\n  - {pulse: 90 uA, base: 20 uA, width: 4 ms, period: 50 ms, for: 1 "
                 "s}\n"),
      "e.yaml:6:5: segments[1]: from 20 uA to 90 uA takes 14 ms at the station's slew of 5 mA/s, longer than the 4 "
      "ms that it lasts; make it longer or raise the slew");
}

TEST(PieceProblem, IsNoiseThatIsFasterThanThePiecesOfWhichItIsMade) {
  EXPECT_EQ(refusal_of("  - {noise: 60 uA, sd: 1 uA, tau: 15 ms, for: 1 s}\n"), "");
  EXPECT_EQ(refusal_of("  - {noise: 60 uA, sd: 1 uA, tau: 14 ms, for: 1 s}\n").substr(0, 64),
            "e.yaml:5:35: segments[0].tau: 14 ms is shorter than the 14.67 ms");
}

}  // namespace
}  // namespace thyrode::experiment
