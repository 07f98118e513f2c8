// The flash image in its chip against the firmware compiled for this machine, conversion by conversion: the same
// command on the same neuron, without noise.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "drivers/simulated/silicon.hpp"
#include "drivers/simulated/simulated.hpp"
#include "tests/emulator/support/tonic_neuron.hpp"

namespace thyrode {
namespace {

constexpr Sample run_start{100'000};
constexpr std::int64_t step_after = 2'500;    // samples
constexpr std::int64_t run_length = 500'000;  // two seconds

struct Measured {
  std::vector<protocol::SpikeRecord> spikes;
  std::vector<protocol::LevelRecord> levels;
  std::vector<protocol::StepApplied> steps;
  std::vector<DeviceMessage> faults;
};

/// A step to 60 uA, from run_start on. Time is granted or beaten from mark to mark.
Measured measure(Device& device) {
  Measured measured;
  const Channel a{0};
  // A whole number of codes: the error feedback does not move.
  const ChannelDescription& channel = device.info().channels[0];
  const double codes = std::round(60e-6 / channel.command.scale);
  const Current level = Current::from_si(codes * channel.command.scale);
  EXPECT_TRUE(device.configure(a, DetectorSettings{protocol::Trigger::swing, 55.0_mV, {}, {}, 50.0_us}, {}));
  EXPECT_TRUE(device.arm());
  EXPECT_TRUE(device.start(run_start));
  const Segment step{run_start + step_after, {}, level, level};
  EXPECT_TRUE(device.schedule(a, {&step, 1}));
  Sample mark = device.info().now;
  EXPECT_TRUE(device.grant(mark + 5'000));
  while (mark < run_start + run_length) {
    auto message = device.read(20.0_ms);
    if (!message && message.error().kind == ErrorKind::timeout) continue;
    EXPECT_TRUE(message) << message.error().message;
    if (!message) break;
    if (const auto* next = std::get_if<protocol::Mark>(&*message)) {
      mark = next->at;
      EXPECT_TRUE(device.grant(mark + 5'000));
    }
    if (const auto* block = std::get_if<protocol::SpikeBlock>(&*message)) {
      measured.spikes.insert(measured.spikes.end(), block->records.begin(), block->records.end());
    }
    if (const auto* record = std::get_if<protocol::LevelRecord>(&*message); record != nullptr && record->channel == 0)
      measured.levels.push_back(*record);
    if (const auto* applied = std::get_if<protocol::StepApplied>(&*message)) measured.steps.push_back(*applied);
    if (std::holds_alternative<protocol::Fault>(*message) || std::holds_alternative<Rejected>(*message)) {
      measured.faults.push_back(*message);
    }
  }
  return measured;
}

/// @param age  seconds of the neuron before the first sample
Measured measure_on_the_host(double age) {
  auto neuron = test::tonic_neuron(5);
  for (double left = age; left > 0.0;) left -= neuron->advance(left).elapsed;
  auto device = open_simulated(std::move(neuron), {.seed = 5, .ideal_front_end = true, .truth = {}}, "sim:tonic");
  EXPECT_TRUE(device);
  return measure(**device);
}

/// @param age  set to the time that the image takes to its first sample, s
Measured measure_on_the_chip(double& age) {
  const auto image = read_flash_image();
  EXPECT_TRUE(image) << image.error().message;
  if (!image) return {};
  auto owned = std::make_unique<silicon::SiliconInstrument>(
      *image, test::tonic_neuron(5), silicon::BenchOptions{.seed = 5, .ideal_front_end = true, .truth = {}});
  const silicon::SiliconInstrument& instrument = *owned;
  auto device = open_silicon(std::move(owned), "sim:tonic?board=nucleo_f446re");
  EXPECT_TRUE(device) << device.error().message;
  if (!device) return {};
  const Measured measured = measure(**device);
  age = instrument.board().first_sample_seconds();
  return measured;
}

TEST(FlashImage, MeasuresWhatTheHostsFirmwareDoesToACodeAndASample) {
  // The circuit recovers from its past, which is longer where an image has to start up first.
  double age = 0.0;
  const Measured chip = measure_on_the_chip(age);
  EXPECT_GT(age, 1e-3);
  EXPECT_LT(age, 0.1);
  const Measured host = measure_on_the_host(age);
  EXPECT_TRUE(chip.faults.empty());
  ASSERT_GT(host.spikes.size(), 30U);
  ASSERT_EQ(chip.spikes.size(), host.spikes.size());
  std::int64_t least = 1'000'000;
  std::int64_t most = -1'000'000;
  for (std::size_t k = 0; k < chip.spikes.size(); ++k) {
    const auto& one = chip.spikes[k];
    const auto& other = host.spikes[k];
    const std::int64_t later = one.at.count - other.at.count;
    least = std::min(least, later);
    most = std::max(most, later);
    EXPECT_LE(std::abs(later), ticks_per_sample) << k;
    // The two convert at another phase of the same spike, whose top is sharp.
    EXPECT_LE(std::abs(one.peak - other.peak), 3) << k;
    EXPECT_LE(std::abs(one.trough - other.trough), 1) << k;
  }
  RecordProperty("ticks_later_least", std::to_string(least));
  RecordProperty("ticks_later_most", std::to_string(most));
  ASSERT_EQ(chip.steps.size(), host.steps.size());
  for (std::size_t k = 0; k < chip.steps.size(); ++k) EXPECT_EQ(chip.steps[k], host.steps[k]) << k;
  ASSERT_EQ(chip.levels.size(), host.levels.size());
  for (std::size_t k = 0; k < chip.levels.size(); ++k) {
    EXPECT_EQ(chip.levels[k].first, host.levels[k].first);
    EXPECT_EQ(chip.levels[k].command_sum, host.levels[k].command_sum) << k;
    for (std::size_t s = 1; s < 3; ++s) {
      EXPECT_LE(std::abs(chip.levels[k].signals[s].lowest - host.levels[k].signals[s].lowest), 1) << k << ' ' << s;
      EXPECT_LE(std::abs(chip.levels[k].signals[s].highest - host.levels[k].signals[s].highest), 1) << k << ' ' << s;
    }
  }
}

TEST(FlashImage, RepeatsToTheBit) {
  double age = 0.0;
  const Measured one = measure_on_the_chip(age);
  const Measured other = measure_on_the_chip(age);
  ASSERT_FALSE(one.spikes.empty());
  EXPECT_EQ(one.spikes, other.spikes);
  EXPECT_EQ(one.levels, other.levels);
}

}  // namespace
}  // namespace thyrode
