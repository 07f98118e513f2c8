// Whole runs of the engine on the emulated instrument, without files and without other processes.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/load/neuron_file.hpp"
#include "drivers/simulated/simulated.hpp"
#include "tests/emulator/support/memory_store.hpp"
#include "tests/emulator/support/short_run.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;
using test::Emulated;
using test::FirmwareOn;
using test::MemoryStore;
using test::run_clean;
using test::short_plan;
using test::steady_seconds;

/// The scenarios of the emulated instrument on the firmware of this machine, and on the flash image in its chip.
class OnEachBoard : public testing::TestWithParam<FirmwareOn> {
 public:
  /// The chip runs on the thread that waits for it, and its clock is the host's: on one.
  static std::vector<Threads> threads() {
    return GetParam() == FirmwareOn::chip ? std::vector{Threads::one} : std::vector{Threads::one, Threads::three};
  }
};

INSTANTIATE_TEST_SUITE_P(BenchScenario, OnEachBoard,
#ifdef THYRODE_SILICON
                         testing::Values(FirmwareOn::host, FirmwareOn::chip),
#else
                         testing::Values(FirmwareOn::host),
#endif
                         [](const auto& one) { return one.param == FirmwareOn::chip ? "Chip" : "Host"; });

TEST_P(OnEachBoard, MeasuresAStaircase) {
  Emulated emulated{.board = GetParam()};
  const auto device = emulated.open();
  MemoryStore store;
  Bench bench{*device, store, [&device] { return device->seconds(); }};
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

/// Says of each step whether the store had its data before it.
class OrderedStore final : public MemoryStore {
 public:
  int early = 0;             ///< steps that came before what they were measured from
  std::atomic<int> kept{0};  ///< steps
  Result<void> write(const DeviceMessage& message) override {
    if (const auto* mark = std::get_if<protocol::Mark>(&message)) last_mark_ = mark->at;
    return MemoryStore::write(message);
  }
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> counts) override {
    early += last_mark_ < to_sample(step.end) ? 1 : 0;
    auto done = MemoryStore::add_step(step, counts);
    ++kept;
    return done;
  }

 private:
  Sample last_mark_{};
};

TEST(BenchScenario, AStepIsToldOnceItsDataAndItsRowAreKept) {
  for (const Threads threads : {Threads::one, Threads::three}) {
    Emulated emulated;
    const auto device = emulated.open();
    OrderedStore store;
    Bench bench{*device, store, steady_seconds};
    int told = 0;
    int unkept = 0;
    bench.subscribe([&](const experiment::Event& event) {
      if (!std::holds_alternative<experiment::StepFinished>(event)) return;
      ++told;
      unkept += store.kept < told ? 1 : 0;
    });
    EXPECT_EQ(bench.run(short_plan(), threads).error.message, "");
    EXPECT_EQ(told, 4);
    EXPECT_EQ(unkept, 0);
    EXPECT_EQ(store.early, 0);
  }
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

TEST_P(OnEachBoard, AFullDiskEndsTheRunWithTheCurrentAtZero) {
  for (const Threads threads : OnEachBoard::threads()) {
    Emulated emulated{.board = GetParam()};
    const auto device = emulated.open();
    MemoryStore store;
    store.writes_left = 2'000;
    Bench bench{*device, store, [&device] { return device->seconds(); }};
    const auto outcome = bench.run(short_plan(), threads);
    EXPECT_EQ(outcome.error.kind, ErrorKind::run_failed);
    EXPECT_EQ(outcome.error.message, "recording_fault: no space left on the disk; the current is zero");
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
  Bench bench{*device, store, [&device] { return device->seconds(); }};
  bench.subscribe([&](const experiment::Event& event) {
    if (const auto* step = std::get_if<experiment::StepFinished>(&event); step != nullptr && step->row.index == 0) {
      interfere(bench);
    }
  });
  return bench.run(short_plan(), threads);
}

TEST_P(OnEachBoard, AnEmergencyStopIsASafetyTrip) {
  for (const Threads threads : OnEachBoard::threads()) {
    Emulated emulated{.board = GetParam()};
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

TEST_P(OnEachBoard, AnEmergencyStopAfterAStopIsASafetyTripAllTheSame) {
  Emulated emulated{.board = GetParam()};
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
  Bench bench{*device, store, [&device] { return device->seconds(); }};
  bench.subscribe([&](const experiment::Event& event) { interfere(bench, event); });
  return bench.run(plan, threads);
}

/// The event tells the numbers of a running step of this index.
bool runs(const experiment::Event& event, int index) {
  const auto* progress = std::get_if<experiment::StepProgress>(&event);
  return progress != nullptr && progress->row.index == index;
}

TEST_P(OnEachBoard, AStopActsAtOnceAndKeepsWhatWasMeasured) {
  for (const Threads threads : OnEachBoard::threads()) {
    Emulated emulated{.board = GetParam()};
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

TEST_P(OnEachBoard, APausedStepIsMeasuredAgainAndTheOthersAreNot) {
  const auto whole = run_clean(Threads::one, "sim:tonic", GetParam()).result;
  Emulated emulated{.board = GetParam()};
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

TEST_P(OnEachBoard, AStopAndAnEmergencyStopEndAPause) {
  for (const Threads threads : OnEachBoard::threads()) {
    for (const bool emergency : {false, true}) {
      Emulated emulated{.board = GetParam()};
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

}  // namespace
}  // namespace thyrode
