// The flash image in the chip's models, from its reset vector on: what it says, and what its pins do at which moment.
#include <cmath>

#include "tests/firmware/image_desk.hpp"

namespace thyrode::test {
namespace {

using namespace protocol;

constexpr int block_exception = 16 + 58;  // DMA2 stream 2

/// Codes of a spike each 200 samples.
std::uint16_t spiking(std::int64_t sample) {
  const std::int64_t phase = sample % 200;
  return static_cast<std::uint16_t>(phase < 10 ? 400 + 100 * phase : 400);
}

/// The change of one channel or port that comes first after a moment.
const ImageDesk::Change* change_after(const ImageDesk& desk, int which, silicon::Time from) {
  for (const auto& change : desk.changes) {
    if (change.which == which && change.at >= from) return &change;
  }
  return nullptr;
}

TEST(ImageOnTheChip, StartsWithEverythingItHas) {
  ImageDesk desk;
  const Ident ident = desk.meet();
  EXPECT_EQ(std::string(ident.board.data()), "nucleo_f446re");
  EXPECT_EQ(ident.schema, schema_hash);
  EXPECT_EQ(ident.sample_rate, 250000U);
  EXPECT_EQ(ident.channels, 2);
  EXPECT_EQ(ident.capabilities & unfit_capabilities, 0U);
  EXPECT_EQ(desk.chip.core_hz(), 160e6);
  EXPECT_EQ(desk.chip.resets(), 0U);
  EXPECT_EQ(desk.bad_frames, 0);
  EXPECT_FALSE(desk.switch_closed());
}

TEST(ImageOnTheChip, TellsWhyItStartedAndHowItIs) {
  ImageDesk desk;
  desk.meet();
  desk.run(1100 * millisecond);
  const auto told = desk.all<Health>();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0].at, Sample{250000});
  EXPECT_EQ(told[0].reset, ResetCause::power_on);
  EXPECT_GT(told[0].temperature, -40000);
  EXPECT_LT(told[0].temperature, 125000);
  EXPECT_GT(told[0].stack_left, 4096U);
}

TEST(ImageOnTheChip, StepsAtTheCommandedSample) {
  ImageDesk desk;
  desk.meet();
  ASSERT_EQ(desk.ask(Arm{}), Status::done);
  ASSERT_EQ(desk.ask(Start{Sample{25000}}), Status::done);
  ASSERT_EQ(desk.ask(Schedule{0, Sample{25517}, 0, 2500 << fine_bits, 2500 << fine_bits}), Status::done);
  ASSERT_EQ(desk.ask(Schedule{1, Sample{26019}, 0, 1500 << fine_bits, 1500 << fine_bits}), Status::done);
  desk.i_read = 2048;
  desk.run_alive(120 * millisecond);
  const auto* a = change_after(desk, 0, desk.time_of(20000));
  const auto* b = change_after(desk, 1, desk.time_of(20000));
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(a->value, 2500U);
  EXPECT_EQ(b->value, 1500U);
  // The converter's sample is taken 15 cycles of 20 MHz after the trigger that moves the DAC.
  EXPECT_LT(std::abs(a->at - desk.time_of(25517)), microsecond);
  EXPECT_EQ(b->at - a->at, (26019 - 25517) * sample_time);
}

TEST(ImageOnTheChip, ClosesTheSwitchForTheRunAlone) {
  ImageDesk desk;
  desk.meet();
  ASSERT_EQ(desk.ask(Arm{}), Status::done);
  EXPECT_FALSE(desk.switch_closed());
  ASSERT_EQ(desk.ask(Start{Sample{25000}}), Status::done);
  desk.run_alive(100 * millisecond);
  EXPECT_TRUE(desk.switch_closed());
  const auto* closed = change_after(desk, 'C', desk.time_of(20000));
  ASSERT_NE(closed, nullptr);
  // With the block that begins the run, as soon as its interrupt comes to it.
  EXPECT_GE(closed->at, desk.time_of(24999));
  EXPECT_LE(closed->at, desk.time_of(25050));
  // The host falls silent: the lease is 100 ms.
  desk.run(150 * millisecond);
  EXPECT_FALSE(desk.switch_closed());
  ASSERT_FALSE(desk.all<Fault>().empty());
  EXPECT_EQ(desk.all<Fault>()[0].code, FaultCode::lease_expired);
}

TEST(ImageOnTheChip, RaisesItsTriggerWithTheSample) {
  ImageDesk desk;
  desk.meet();
  ASSERT_EQ(desk.ask(Pulse{Sample{26300}, 200}), Status::done);
  desk.run(120 * millisecond);
  const auto* rise = change_after(desk, 'A', desk.time_of(20000));
  ASSERT_NE(rise, nullptr);
  EXPECT_EQ(rise->value & 2U, 2U) << "PA1";
  EXPECT_LT(std::abs(rise->at - desk.time_of(26300)), microsecond);
  const auto* fall = change_after(desk, 'A', rise->at + 1);
  ASSERT_NE(fall, nullptr);
  EXPECT_EQ(fall->value & 2U, 0U);
  EXPECT_EQ(fall->at - rise->at, 200 * sample_time);
}

TEST(ImageOnTheChip, StampsItsTriggerInput) {
  ImageDesk desk;
  desk.meet();
  // Moments that lie anywhere within samples and blocks.
  std::vector<silicon::Time> risen;
  for (int k = 0; k < 20; ++k) {
    desk.run(3 * millisecond + k * 17'345'678);
    desk.chip.gpio('A').drive(0, true);
    risen.push_back(desk.chip.now());
    desk.run(millisecond);
    desk.chip.gpio('A').drive(0, false);
  }
  const auto edges = desk.all<Edge>();
  ASSERT_EQ(edges.size(), risen.size());
  for (std::size_t k = 0; k < edges.size(); ++k) {
    EXPECT_EQ(edges[k].count, k + 1);
    const double told = static_cast<double>(edges[k].at.count) / 256.0;
    const double true_at = static_cast<double>(risen[k] - desk.time_of(0)) / static_cast<double>(sample_time);
    EXPECT_NEAR(told, true_at, 0.25) << k;  // sample and hold, and the filter of the input
    EXPECT_NEAR(told - true_at,
                static_cast<double>(edges[0].at.count) / 256.0 -
                    static_cast<double>(risen[0] - desk.time_of(0)) / static_cast<double>(sample_time),
                0.01)
        << k;
  }
}

TEST(ImageOnTheChip, FindsSpikesOnBothChannels) {
  ImageDesk desk;
  desk.meet();
  ASSERT_EQ(desk.ask(Arm{}), Status::done);
  ASSERT_EQ(desk.ask(Start{Sample{25000}}), Status::done);
  desk.v_out = spiking;
  desk.run_alive(200 * millisecond);
  std::array<std::uint32_t, 2> count{};
  std::array<std::int64_t, 2> last{};
  // What lies before the last mark has come for both.
  const Ticks end = to_ticks(desk.all<Mark>().back().at);
  for (const SpikeBlock& spikes : desk.all<SpikeBlock>()) {
    ASSERT_LT(spikes.channel, 2);
    EXPECT_EQ(spikes.index, count[spikes.channel]);
    for (const SpikeRecord& spike : spikes.records) {
      if (spike.at > end) continue;
      if (last[spikes.channel] > 0) {
        EXPECT_EQ(spike.at.count - last[spikes.channel], 200 * ticks_per_sample);
      }
      last[spikes.channel] = spike.at.count;
      ++count[spikes.channel];
    }
  }
  EXPECT_GT(count[0], 100U);
  EXPECT_EQ(count[0], count[1]);
}

TEST(ImageOnTheChip, RefusesToArmWithoutItsClock) {
  for (const bool crystal : {false, true}) {
    silicon::ChipOptions options;
    options.oscillators.hse_runs = crystal;
    options.oscillators.pll_locks = false;
    ImageDesk desk{options};
    const Ident ident = desk.meet();
    EXPECT_EQ(ident.capabilities & unfit_capabilities, std::uint32_t{lacks_clock | lacks_converters});
    EXPECT_EQ(desk.chip.core_hz(), 16e6);
    EXPECT_EQ(desk.ask(Arm{}), Status::unfit);
    EXPECT_FALSE(desk.switch_closed());
  }
}

/// Runs a step of current on channel A.
void run_a_step(ImageDesk& desk) {
  desk.meet();
  ASSERT_EQ(desk.ask(Arm{}), Status::done);
  ASSERT_EQ(desk.ask(Start{Sample{25000}}), Status::done);
  ASSERT_EQ(desk.ask(Schedule{0, Sample{25500}, 0, 2500 << fine_bits, 2500 << fine_bits}), Status::done);
  desk.run_alive(120 * millisecond);
  ASSERT_TRUE(desk.switch_closed());
  ASSERT_EQ(desk.code(0), 2500U);
}

/// Meets the image again after a reset, and waits for what it says of it.
void expect_restart(ImageDesk& desk, ResetCause cause) {
  EXPECT_EQ(desk.chip.resets(), 1U);
  const std::size_t before = desk.all<Ident>().size();
  desk.send(Hello{});
  desk.run(20 * millisecond);
  EXPECT_EQ(desk.all<Ident>().size(), before + 1);
  const std::size_t told = desk.all<Health>().size();
  desk.run(1100 * millisecond);
  ASSERT_GT(desk.all<Health>().size(), told);
  EXPECT_EQ(desk.all<Health>().back().reset, cause);
  EXPECT_FALSE(desk.switch_closed());
  EXPECT_EQ(desk.code(0), 2048U);
}

TEST(ImageOnTheChip, OpensTheSwitchAndZeroesTheDacsWhenItCrashes) {
  ImageDesk desk;
  run_a_step(desk);
  // All that the program knows is lost while it sleeps: it becomes pointers to nowhere, which read as codes are 2500.
  constexpr std::uint32_t nowhere = 0x09C409C4;
  for (std::uint32_t address = 0x20002000; address < 0x20010000; address += 4) {
    desk.chip.dma_write(address, 4, nowhere);
  }
  const silicon::Time broken = desk.chip.now();
  desk.run(2 * millisecond);
  const auto* opened = change_after(desk, 'C', broken);
  const auto* zeroed = change_after(desk, 0, broken);
  ASSERT_NE(opened, nullptr);
  ASSERT_NE(zeroed, nullptr);
  EXPECT_LE(opened->at, broken + 250 * microsecond) << "with the next block";
  EXPECT_EQ(zeroed->value, 2048U);
  EXPECT_LE(opened->at, zeroed->at);
  EXPECT_LE(zeroed->at, opened->at + microsecond);
  desk.run(20 * millisecond);
  expect_restart(desk, ResetCause::crash);
}

TEST(ImageOnTheChip, IsResetByTheWatchdogWhenItsBlocksStop) {
  ImageDesk desk;
  run_a_step(desk);
  const silicon::Time stopped = desk.chip.now();
  desk.chip.bus_write(0xE000E184, 4, 1U << (58 - 32));  // NVIC_ICER1
  desk.run_alive(100 * millisecond);
  const auto* opened = change_after(desk, 'C', stopped);
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(opened->value & 0x140U, 0U);
  EXPECT_LE(opened->at, stopped + 60 * millisecond);
  expect_restart(desk, ResetCause::watchdog);
}

// The worst that a block can have: it ends at a mark with everything to flush, both channels spike in it, both commands
// are ramps, settings are due, a limit is compared at its edge, and a command has just come.
TEST(ImageOnTheChip, KeepsTheWorstBlockWithinSixtyPercent) {
  ImageDesk desk;
  desk.meet();
  for (std::uint8_t c = 0; c < 2; ++c) {
    ASSERT_EQ(desk.ask(ConfigureLimits{c, 0, 4095 << fine_bits, 800 << fine_bits, 800, 2048}), Status::done);
    ASSERT_EQ(desk.ask(ConfigureTelemetry{c, Sample{0}, 10}), Status::done);
    ASSERT_EQ(desk.ask(ConfigureSnippets{c, 1, 250, 1000, 50}), Status::done);
  }
  ASSERT_EQ(desk.ask(Arm{}), Status::done);
  ASSERT_EQ(desk.ask(Start{Sample{25000}}), Status::done);
  desk.run_alive(80 * millisecond);
  desk.chip.processor().forget_costs();
  desk.v_out = spiking;
  // Not for long: it is more than the link carries.
  for (int period = 0; period < 4; ++period) {
    desk.send(Heartbeat{});
    const std::size_t clocks = desk.all<ClockReply>().size();
    desk.send(GetClock{});
    for (int k = 0; k < 40 && desk.all<ClockReply>().size() == clocks; ++k) desk.run(millisecond / 4);
    ASSERT_GT(desk.all<ClockReply>().size(), clocks);
    const std::int64_t now = desk.all<ClockReply>().back().now.index;
    const std::int64_t mark = now - now % 2500 + 5000;
    for (std::uint8_t c = 0; c < 2; ++c) {
      // Due in the block that ends with the mark, which plays a ramp.
      desk.send(ConfigureDetector{c, Sample{mark - 50}, Trigger::swing, 256, 0, 0, 12});
      desk.send(Schedule{c, Sample{mark - 1000}, 1040, 2048 << fine_bits, 2100 << fine_bits});
      desk.send(Schedule{c, Sample{mark + 50}, 0, 2048 << fine_bits, 2048 << fine_bits});
    }
    desk.run(9 * millisecond);
  }
  const silicon::HandlerCost cost = desk.chip.processor().cost_of(block_exception);
  // What lies in the ring comes when the neurons are quiet and one trace is off.
  ASSERT_EQ(desk.ask(ConfigureTelemetry{1, Sample{0}, 0}), Status::done);
  desk.v_out = [](std::int64_t sample) { return static_cast<std::uint16_t>(400 + sample % 3); };
  desk.run_alive(300 * millisecond);
  EXPECT_GE(desk.all<StepApplied>().size(), 8U);
  EXPECT_GT(desk.all<SnippetBlock>().size(), 20U);
  for (const Mark& mark : desk.all<Mark>()) EXPECT_EQ(mark.overruns, 0U);
  // The link is asked for more than it carries, and says so in the end; nothing else may have happened.
  for (const Fault& fault : desk.all<Fault>()) EXPECT_EQ(fault.code, FaultCode::telemetry_lost);
  RecordProperty("worst_cycles", static_cast<int>(cost.worst));
  EXPECT_GT(cost.runs, 150U);
  EXPECT_LE(static_cast<double>(cost.worst), 0.6 * 32000) << "of 32000 cycles";
}

TEST(ImageOnTheChip, SpeaksTwiceAsFastWhenAsked) {
  ImageDesk desk;
  desk.meet();
  ASSERT_EQ(desk.ask(SetBaud{1234567}), Status::out_of_range);
  // Just after a mark the image has nothing to say for 10 ms but the answer.
  const std::size_t marks = desk.all<Mark>().size();
  for (int k = 0; k < 250 && desk.all<Mark>().size() == marks; ++k) desk.run(50 * microsecond);
  const std::size_t acks = desk.all<Ack>().size();
  desk.rate_after_frame = 2e6;
  desk.send(SetBaud{2000000});
  for (int k = 0; k < 100 && desk.all<Ack>().size() == acks; ++k) desk.run(50 * microsecond);
  ASSERT_EQ(desk.all<Ack>().size(), acks + 1);
  EXPECT_EQ(desk.all<Ack>().back().status, Status::done);
  EXPECT_EQ(desk.chip.usart().line_rate(), 2e6);
  desk.run(20 * millisecond);
  const std::size_t before = desk.all<ClockReply>().size();
  desk.send(GetClock{});
  desk.run(5 * millisecond);
  EXPECT_EQ(desk.all<ClockReply>().size(), before + 1);
  EXPECT_EQ(desk.bad_frames, 0);
}

}  // namespace
}  // namespace thyrode::test
