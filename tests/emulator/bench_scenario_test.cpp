// Whole runs of the engine on the emulated instrument, without files and without other processes.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/load/neuron_file.hpp"
#include "drivers/current_clamp/current_clamp.hpp"
#include "drivers/simulated/simulated.hpp"
#include "tests/emulator/support/faulty_link.hpp"
#include "tests/emulator/support/memory_store.hpp"
#include "tests/emulator/support/tonic_neuron.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;
using test::MemoryStore;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

experiment::RunPlan short_plan() {
  experiment::RunPlan plan;
  plan.name = "short";
  for (const double current : {20.0, 45.0, 60.0, 90.0}) {
    plan.steps.push_back({Current::from_si(current * 1e-6), analysis::Direction::up, 0});
  }
  plan.rules.relative_precision = 0.05;
  plan.rules.f_min_hz = 5.0;
  plan.rules.timer_floor_s = 0.4e-6;
  plan.detector = {protocol::Trigger::swing, 55.0_mV, {}, {}, 50.0_us};
  plan.telemetry.decimation = 10;
  plan.limits = {0.0_uA, 140.0_uA, Slew::from_si(5e-3), 3.0_V};
  plan.lease = 100.0_ms;
  plan.decision_latency = 200.0_ms;
  plan.seed = 5;
  return plan;
}

constexpr double noise = 1e-6;  // A, as in the neuron file

/// An instrument with a tonic neuron; `current` is what truly flows.
struct Emulated {
  double current = 0.0;
  double largest = 0.0;
  native::NativeOptions options(std::uint64_t seed = 5) {
    return {.seed = seed, .truth = [this](const native::Truth& truth) {
              if (truth.kind != native::Truth::Kind::current) return;
              current = truth.current;
              largest = std::max(largest, truth.current);
            }};
  }
  std::unique_ptr<Device> open(const std::string& uri = "sim:tonic") {
    auto device = open_simulated(test::tonic_neuron(5, noise), options(), uri);
    EXPECT_TRUE(device) << device.error().message;
    return device ? std::move(*device) : nullptr;
  }
  void expect_current_flowed_and_is_zero() const {
    EXPECT_GT(largest, 15e-6);
    EXPECT_EQ(current, 0.0);
  }
};

Bench::Outcome run_clean(Threads threads, const std::string& uri = "sim:tonic") {
  Emulated emulated;
  const auto device = emulated.open(uri);
  MemoryStore store;
  Bench bench{*device, store, steady_seconds};
  return bench.run(short_plan(), threads);
}

TEST(BenchScenario, MeasuresAStaircase) {
  Emulated emulated;
  const auto device = emulated.open();
  MemoryStore store;
  Bench bench{*device, store, steady_seconds};
  int finished = 0;
  bench.subscribe([&finished](const experiment::Event& event) {
    finished += std::holds_alternative<experiment::RunFinished>(event) ? 1 : 0;
  });
  const auto outcome = bench.run(short_plan(), Threads::one);
  EXPECT_EQ(outcome.error.message, "");
  EXPECT_EQ(outcome.exit_status, "success");
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(store.finalised, 1);
  EXPECT_EQ(store.exit_status, "success");
  EXPECT_EQ(store.result, outcome.result);
  const auto& steps = outcome.result.steps;
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(store.steps.size(), 4U);
  EXPECT_FALSE(steps[0].frequency_hz.value);
  EXPECT_EQ(steps[0].label, analysis::Label::QH);
  EXPECT_NEAR(steps[1].frequency_hz.value.value_or(0.0), 12.4, 1.2) << "12.5 Hz at 45.3 uA; the current is off by 1 %";
  for (std::size_t k = 2; k < 4; ++k) EXPECT_GT(*steps[k].frequency_hz.value, *steps[k - 1].frequency_hz.value);
  EXPECT_EQ(outcome.result.integrity.gaps, 0);
  EXPECT_EQ(outcome.result.integrity.retransmits, 0);
  EXPECT_EQ(outcome.result.integrity.late_decisions, 0);
  emulated.expect_current_flowed_and_is_zero();
}

TEST(BenchScenario, OneThreadAndThreeGiveTheSameResult) {
  const auto one = run_clean(Threads::one);
  const auto again = run_clean(Threads::one);
  const auto three = run_clean(Threads::three);
  ASSERT_EQ(one.error.message, "");
  ASSERT_EQ(three.error.message, "");
  EXPECT_EQ(one.result, again.result);
  ASSERT_EQ(one.result.steps.size(), three.result.steps.size());
  for (std::size_t k = 0; k < one.result.steps.size(); ++k) EXPECT_EQ(one.result.steps[k], three.result.steps[k]) << k;
  EXPECT_EQ(one.result.integrity, three.result.integrity);
  EXPECT_EQ(one.result, three.result);
}

TEST(BenchScenario, ANameChangesNoNumber) {
  auto one = run_clean(Threads::one, "sim:tonic").result;
  const auto other = run_clean(Threads::one, "tcp://elsewhere:7001").result;
  EXPECT_EQ(other.device_uri, "tcp://elsewhere:7001");
  one.device_uri = other.device_uri;
  EXPECT_EQ(one, other);
}

TEST(BenchScenario, TheNeuronOfTheExperimentsFolderIsThePublishedOne) {
  const auto file = load::load_neuron_file("experiments/neurons/msn.yaml");
  ASSERT_TRUE(file) << file.error().message;
  neurons::Parameters parameters;
  for (const auto& [name, parameter] : file->parameters) parameters[name] = parameter.si;
  auto neuron =
      neurons::make_neuron(file->model, parameters, {file->noise_deviation.si(), file->noise_correlation_time.si()}, 5);
  ASSERT_TRUE(neuron) << neuron.error().reason;
  Emulated emulated;
  auto device = open_simulated(std::move(*neuron), emulated.options(), "sim:tonic");
  ASSERT_TRUE(device);
  MemoryStore store;
  Bench bench{**device, store, steady_seconds};
  const auto from_file = bench.run(short_plan(), Threads::one).result;
  const auto reference = run_clean(Threads::one).result;
  ASSERT_EQ(from_file.steps.size(), reference.steps.size());
  for (std::size_t k = 1; k < reference.steps.size(); ++k) {
    EXPECT_NEAR(*from_file.steps[k].frequency_hz.value, *reference.steps[k].frequency_hz.value, 1e-3);
  }
}

TEST(BenchScenario, AFullDiskEndsTheRunWithTheCurrentAtZero) {
  for (const Threads threads : {Threads::one, Threads::three}) {
    Emulated emulated;
    const auto device = emulated.open();
    MemoryStore store;
    store.writes_left = 2'000;
    Bench bench{*device, store, steady_seconds};
    const auto outcome = bench.run(short_plan(), threads);
    EXPECT_EQ(outcome.error.kind, ErrorKind::run_failed);
    EXPECT_EQ(outcome.error.message, "no space left on the disk");
    EXPECT_EQ(outcome.exit_status, "run_failed");
    EXPECT_LT(outcome.result.steps.size(), 4U);
    EXPECT_EQ(store.finalised, 0) << "a broken file is not declared whole";
    emulated.expect_current_flowed_and_is_zero();
  }
}

/// Runs, and calls `interfere` when the first step is finished.
Bench::Outcome run_until_first_step(Emulated& emulated, MemoryStore& store, Threads threads,
                                    const std::function<void(Bench&)>& interfere) {
  const auto device = emulated.open();
  Bench bench{*device, store, steady_seconds};
  bench.subscribe([&](const experiment::Event& event) {
    if (const auto* step = std::get_if<experiment::StepFinished>(&event); step != nullptr && step->row.index == 0) {
      interfere(bench);
    }
  });
  return bench.run(short_plan(), threads);
}

TEST(BenchScenario, AnEmergencyStopIsASafetyTrip) {
  for (const Threads threads : {Threads::one, Threads::three}) {
    Emulated emulated;
    MemoryStore store;
    const auto outcome = run_until_first_step(emulated, store, threads, [](Bench& bench) { bench.estop(); });
    EXPECT_EQ(outcome.error.kind, ErrorKind::safety);
    EXPECT_NE(outcome.error.message.find("estop"), std::string::npos) << outcome.error.message;
    EXPECT_EQ(outcome.exit_status, "safety_trip");
    EXPECT_EQ(store.exit_status, "safety_trip");
    const auto faults = store.all<protocol::Fault>();
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].code, protocol::FaultCode::estop);
    emulated.expect_current_flowed_and_is_zero();
  }
}

TEST(BenchScenario, AnEmergencyStopAfterAStopIsASafetyTripAllTheSame) {
  Emulated emulated;
  MemoryStore store;
  const auto outcome = run_until_first_step(emulated, store, Threads::one, [](Bench& bench) {
    bench.stop();
    bench.estop();
  });
  EXPECT_EQ(outcome.error.kind, ErrorKind::safety);
  EXPECT_EQ(outcome.exit_status, "safety_trip");
}

/// Runs the short plan, and calls `interfere` with each event.
Bench::Outcome run_with(Emulated& emulated, MemoryStore& store, Threads threads,
                        const std::function<void(Bench&, const experiment::Event&)>& interfere,
                        const experiment::RunPlan& plan = short_plan()) {
  const auto device = emulated.open();
  Bench bench{*device, store, steady_seconds};
  bench.subscribe([&](const experiment::Event& event) { interfere(bench, event); });
  return bench.run(plan, threads);
}

/// The event tells the numbers of a running step of this index.
bool runs(const experiment::Event& event, int index) {
  const auto* progress = std::get_if<experiment::StepProgress>(&event);
  return progress != nullptr && progress->row.index == index;
}

TEST(BenchScenario, AStopActsAtOnceAndKeepsWhatWasMeasured) {
  for (const Threads threads : {Threads::one, Threads::three}) {
    Emulated emulated;
    MemoryStore store;
    auto plan = short_plan();
    plan.decision_latency = 5.0_s;  // a stop is no decision on data and does not wait for it
    double asked_at_s = 0.0;
    const auto outcome = run_with(
        emulated, store, threads,
        [&](Bench& bench, const experiment::Event& event) {
          if (!runs(event, 1) || asked_at_s > 0.0) return;
          asked_at_s = std::get<experiment::StepProgress>(event).device_time_s;
          bench.stop();
        },
        plan);
    EXPECT_EQ(outcome.error.kind, ErrorKind::run_failed);
    EXPECT_TRUE(outcome.error.message.starts_with("stopped")) << outcome.error.message;
    EXPECT_EQ(outcome.exit_status, "stopped");
    ASSERT_EQ(outcome.result.steps.size(), 2U);
    EXPECT_NE(outcome.result.steps[0].status, analysis::StepStatus::interrupted);
    EXPECT_EQ(outcome.result.steps[1].status, analysis::StepStatus::interrupted);
    EXPECT_EQ(store.finalised, 1);
    emulated.expect_current_flowed_and_is_zero();
    if (threads == Threads::three) continue;  // there the device may have run on to the end of its granted time
    const auto changes = store.all<protocol::StepApplied>();
    const double zero_at_s = static_cast<double>(changes.back().at.index) / 250e3;
    EXPECT_LT(zero_at_s - asked_at_s, 0.1);
    EXPECT_GE(static_cast<double>(outcome.result.steps[1].end.count) / 64e6, asked_at_s);
    EXPECT_LE(static_cast<double>(outcome.result.steps[1].end.count) / 64e6, zero_at_s);
  }
}

// ---------------------------------------------------------------- pause

/// Pauses when step 2 runs, and resumes at the pause.
Bench::Outcome run_with_pause(Emulated& emulated, MemoryStore& store, Threads threads) {
  bool paused = false;
  return run_with(emulated, store, threads, [&paused, &emulated](Bench& bench, const experiment::Event& event) {
    if (runs(event, 2) && !std::exchange(paused, true)) bench.pause();
    if (!std::holds_alternative<experiment::Paused>(event)) return;
    EXPECT_LT(std::abs(emulated.current), 0.5e-6) << "no more than the offset of the source";
    bench.resume();
  });
}

TEST(BenchScenario, APausedStepIsMeasuredAgainAndTheOthersAreNot) {
  const auto whole = run_clean(Threads::one).result;
  Emulated emulated;
  MemoryStore store;
  const auto outcome = run_with_pause(emulated, store, Threads::one);
  EXPECT_EQ(outcome.error.message, "");
  EXPECT_EQ(outcome.exit_status, "success");
  const auto& steps = outcome.result.steps;
  ASSERT_EQ(steps.size(), 5U);
  EXPECT_EQ(steps[0], whole.steps[0]);
  EXPECT_EQ(steps[2].index, 2);
  EXPECT_EQ(steps[2].status, analysis::StepStatus::interrupted);
  EXPECT_EQ(steps[3].index, 2);
  EXPECT_EQ(steps[3].status, analysis::StepStatus::ok);
  EXPECT_EQ(steps[3].n_gaps, 0);
  EXPECT_NEAR(steps[3].current_ua, steps[2].current_ua, 1e-3);
  EXPECT_GT(*steps[3].frequency_hz.value, *steps[1].frequency_hz.value);
  EXPECT_EQ(steps[4].index, 3);
  EXPECT_EQ(outcome.result.integrity.late_decisions, 0);
  EXPECT_EQ(outcome.result.fit, store.result.fit);
  emulated.expect_current_flowed_and_is_zero();
}

TEST(BenchScenario, APauseHasTheSameResultOnOneThreadAndOnThree) {
  Emulated first;
  Emulated second;
  MemoryStore first_store;
  MemoryStore second_store;
  const auto one = run_with_pause(first, first_store, Threads::one);
  const auto again = run_with_pause(second, second_store, Threads::one);
  EXPECT_EQ(one.result, again.result);
  Emulated third;
  MemoryStore third_store;
  const auto three = run_with_pause(third, third_store, Threads::three);
  EXPECT_EQ(one.result, three.result);
}

TEST(BenchScenario, AStopAndAnEmergencyStopEndAPause) {
  for (const Threads threads : {Threads::one, Threads::three}) {
    for (const bool emergency : {false, true}) {
      Emulated emulated;
      MemoryStore store;
      const auto outcome =
          run_with(emulated, store, threads, [emergency](Bench& bench, const experiment::Event& event) {
            if (runs(event, 1)) bench.pause();
            if (!std::holds_alternative<experiment::Paused>(event)) return;
            emergency ? bench.estop() : bench.stop();
          });
      EXPECT_EQ(outcome.exit_status, emergency ? "safety_trip" : "stopped");
      EXPECT_EQ(outcome.result.steps.back().status, analysis::StepStatus::interrupted);
      emulated.expect_current_flowed_and_is_zero();
    }
  }
}

// ---------------------------------------------------------------- bad links

/// Where the trace is not continuous, from the sample blocks alone.
std::vector<Gap> holes(const MemoryStore& store) {
  std::vector<Gap> found;
  std::optional<Sample> expected;
  for (const auto& block : store.all<protocol::SampleBlock>()) {
    if (expected && block.first != *expected) found.push_back({Channel{0}, *expected, block.first});
    expected = block.first + static_cast<std::int64_t>(block.sums.size()) * block.decimation;
  }
  return found;
}

class BadLink : public testing::TestWithParam<std::uint64_t> {
 protected:
  static const analysis::RunResult& clean() {
    static const analysis::RunResult result = run_clean(Threads::one).result;
    return result;
  }
};

TEST_P(BadLink, CostsDataButNoTruth) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  test::LinkFaults faults;
  faults.up_byte_lost = 2e-5;
  faults.up_bit_flipped = 4e-5;
  faults.up_read_late = 5e-3;
  faults.down_write_lost = 0.05;
  // Five settings, arm, start, four steps and the stop: each is lost in turn.
  faults.lost_command = static_cast<int>(GetParam() % 12);
  faults.down_write_flipped = 0.05;
  faults.down_write_late = 0.02;
  Emulated emulated;
  auto instrument = std::make_unique<native::NativeInstrument>(test::tonic_neuron(5, noise), emulated.options());
  auto link = std::make_unique<test::FaultyLink>(memory_link(std::move(instrument)), faults, GetParam());
  auto device = CurrentClamp::open(std::move(link), "sim:tonic");
  ASSERT_TRUE(device) << device.error().message;
  MemoryStore store;
  Bench bench{**device, store, steady_seconds};
  const auto outcome = bench.run(short_plan(), Threads::one);
  ASSERT_EQ(outcome.error.message, "");
  EXPECT_EQ(outcome.exit_status, "success");
  emulated.expect_current_flowed_and_is_zero();

  const auto expected = holes(store);
  const auto told = store.all<Gap>();
  EXPECT_GT(expected.size(), 0U);
  EXPECT_EQ(outcome.result.integrity.gaps, static_cast<std::int64_t>(expected.size()));
  ASSERT_EQ(told.size(), expected.size());
  for (std::size_t k = 0; k < told.size(); ++k) {
    EXPECT_EQ(told[k].first, expected[k].first);
    EXPECT_EQ(told[k].last, expected[k].last);
  }

  EXPECT_GT(outcome.result.integrity.retransmits, 0);
  EXPECT_EQ(outcome.result.integrity.late_decisions, 0);
  ASSERT_EQ(outcome.result.steps.size(), clean().steps.size());
  for (std::size_t k = 0; k < clean().steps.size(); ++k) {
    const auto& step = outcome.result.steps[k];
    const auto& reference = clean().steps[k];
    EXPECT_NEAR(step.current_ua, reference.current_ua, 0.01) << "a step that never began, or one mixed with the next";
    EXPECT_EQ(step.frequency_hz.value.has_value(), reference.frequency_hz.value.has_value()) << k;
    if (!step.frequency_hz.value || !reference.frequency_hz.value) continue;
    // One interval of twice the length among the some 70 of a step would give 0.12.
    EXPECT_LT(step.cv.value_or(1.0), 0.07) << "an interval crosses a lost spike in step " << k;
    EXPECT_LE(*step.frequency_hz.low, *reference.frequency_hz.high) << k;
    EXPECT_GE(*step.frequency_hz.high, *reference.frequency_hz.low) << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BadLink, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace thyrode
