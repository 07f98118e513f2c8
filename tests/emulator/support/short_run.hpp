// A short staircase on the emulated instrument with the tonic neuron.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "daemon/experiment/bench.hpp"
#ifdef THYRODE_SILICON
#include "drivers/simulated/silicon.hpp"
#endif
#include "drivers/simulated/simulated.hpp"
#include "tests/emulator/support/memory_store.hpp"
#include "tests/emulator/support/tonic_neuron.hpp"

namespace thyrode::test {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline experiment::RunPlan short_plan() {
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

inline constexpr double noise = 1e-6;  // A, as in the neuron file

/// Where the firmware runs: compiled for this machine, or as the flash image on the emulated chip.
enum class FirmwareOn { host, chip };

/// An instrument with a tonic neuron; `current` is what truly flows.
struct Emulated {
  FirmwareOn board = FirmwareOn::host;
  double current = 0.0;  // A
  double largest = 0.0;  // A
  native::NativeOptions options(std::uint64_t seed = 5) {
    return {.seed = seed, .truth = [this](const native::Truth& truth) {
              if (truth.kind != native::Truth::Kind::current) return;
              current = truth.value;
              largest = std::max(largest, truth.value);
            }};
  }
  std::unique_ptr<Device> open(const std::string& uri = "sim:tonic") {
    if (board == FirmwareOn::chip) return open_image(uri);
    auto device = open_simulated(tonic_neuron(5, noise), options(), uri);
    EXPECT_TRUE(device) << device.error().message;
    return device ? std::move(*device) : nullptr;
  }
  std::unique_ptr<Device> open_image([[maybe_unused]] const std::string& uri) {
#ifdef THYRODE_SILICON
    const auto image = read_flash_image();
    EXPECT_TRUE(image) << image.error().message;
    if (!image) return nullptr;
    auto instrument = std::make_unique<silicon::SiliconInstrument>(
        *image, tonic_neuron(5, noise), silicon::BenchOptions{.seed = 5, .truth = options().truth});
    auto device = open_silicon(std::move(instrument), uri);
    EXPECT_TRUE(device) << device.error().message;
    if (device) return std::move(*device);
#endif
    return nullptr;
  }
  void expect_current_flowed_and_is_zero() const {
    EXPECT_GT(largest, 15e-6);
    EXPECT_EQ(current, 0.0);
  }
};

inline experiment::Bench::Outcome run_clean(experiment::Threads threads, const std::string& uri = "sim:tonic",
                                            FirmwareOn board = FirmwareOn::host) {
  Emulated emulated{.board = board};
  const auto device = emulated.open(uri);
  MemoryStore store;
  experiment::Bench bench{*device, store, [&device] { return device->seconds(); }};
  return bench.run(short_plan(), threads);
}

}  // namespace thyrode::test
