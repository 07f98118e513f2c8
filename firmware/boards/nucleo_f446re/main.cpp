// The instrument on a NUCLEO-F446RE: what starts it, its interrupts and its main loop.
#include <array>
#include <cstdint>
#include <span>

#include "firmware/boards/nucleo_f446re/board.hpp"
#include "firmware/boards/nucleo_f446re/clock.hpp"
#include "firmware/boards/nucleo_f446re/converters.hpp"
#include "firmware/boards/nucleo_f446re/crash.hpp"
#include "firmware/boards/nucleo_f446re/handlers.hpp"
#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/boards/nucleo_f446re/serial_link.hpp"
#include "firmware/boards/nucleo_f446re/trigger.hpp"
#include "firmware/boards/nucleo_f446re/watchdog.hpp"
#include "firmware/core/instrument.hpp"

namespace thyrode::nucleo {
namespace {

constexpr std::int64_t block = Converters::block;
constexpr std::int64_t lead = 2;  // blocks that the DAC is written ahead
constexpr std::size_t channels = Converters::channels;

constinit SerialLink serial_link;
constinit Converters converters;
constinit Trigger trigger;
constinit Watchdog watchdog;

/// What knows the findings of the start, and so is made after it.
struct Machine {
  explicit Machine(const Findings& findings) noexcept
      : board{findings, serial_link, converters, trigger}, core{board} {}
  NucleoBoard board;
  firmware::Instrument<NucleoBoard, channels> core;
};
constinit Machine* machine = nullptr;  // before an interrupt comes

/// The time of an edge, from a stamp of the 32 bits that run over: not older than the block before the last.
Ticks time_of(std::uint32_t stamp, Sample playing) noexcept {
  const auto ago = static_cast<std::int32_t>(stamp - converters.block_stamp());
  return to_ticks(playing) + std::int64_t{ago} * 4 / 5;
}

void on_block() noexcept {
  const std::uint32_t ended = converters.take_block();
  if (ended == 0) return;
  const Sample playing = converters.playing();
  const Sample first = playing - block;
  if (ended > 1 || !converters.in_step()) machine->core.overrun(first);
  std::array<Converters::Codes, channels> signals{converters.codes(0), converters.codes(1)};
  std::array<firmware::ChannelCodes, channels> codes;
  for (std::size_t c = 0; c < channels; ++c) codes[c] = {signals[c].v_out, signals[c].v_m, signals[c].i_read};
  std::array<std::array<DacCode, Converters::block>, channels> dac;
  const std::array<std::span<DacCode>, channels> out{dac[0], dac[1]};
  // Time has no holes, also where blocks were missed and their codes are gone: the overrun tells that they are not
  // those of the signals.
  for (Sample block_first = first - (std::int64_t{ended} - 1) * block; block_first <= first;
       block_first = block_first + block) {
    machine->core.on_block(block_first, codes, block_first + lead * block, out);
  }
  converters.play(dac[0], dac[1]);
  trigger.prepare(playing, first + lead * block);
  if (const auto edge = trigger.take_edge()) machine->core.edge(time_of(edge->stamp, playing), edge->count);
  machine->board.note_block(converters.temperature_sum(), converters.counts_since_block());
  // The codes came too late for the converter.
  if (!converters.in_step()) machine->core.overrun(playing);
}

// Without converters time goes on all the same, so that a host can ask why there are none. Nothing can be armed then,
// so it goes from mark to mark.
constexpr std::uint32_t stretches_per_second = firmware::ChannelState::level_rate;
constexpr std::int64_t stretch = Converters::sample_rate / stretches_per_second;

void on_stretch() noexcept {
  static constexpr std::array<firmware::StretchCodes, channels> nothing{};
  const Sample first = machine->board.passed();
  machine->board.pass(stretch);
  machine->core.on_stretch(first, first + lead * block, stretch / block, nothing);
}

void start_stretches(const Clock& clock) noexcept {
  STK_LOAD.write(clock.core / stretches_per_second - 1);
  STK_VAL.write(0);
  STK_CTRL.write(STK_CTRL_ENABLE() | STK_CTRL_TICKINT() | STK_CTRL_CLKSOURCE());
}

[[noreturn]] void run() noexcept {
  paint_stack();
  Findings findings;
  findings.reset = take_reset_cause();
  findings.clock = start_clock();
  set_priorities();
  const bool dma = serial_link.start(findings.clock.peripheral);
  findings.converters = dma && findings.clock.exact && converters.test();
  static Machine only{findings};
  machine = &only;
  only.core.tested();
  watchdog.start();
  if (findings.converters) {
    trigger.start();
    converters.run();
  } else {
    start_stretches(findings.clock);
  }
  while (true) {
    machine->core.poll();
    serial_link.poll();
    machine->board.watch_stack();
    watchdog.watch(machine->board.begun());
    asm volatile("wfi" ::: "memory");
  }
}

}  // namespace
}  // namespace thyrode::nucleo

int main() {
  thyrode::nucleo::run();
}

extern "C" {
[[gnu::used]] void block_handler() noexcept {
  thyrode::nucleo::on_block();
}
[[gnu::used]] void systick_handler() noexcept {
  thyrode::nucleo::on_stretch();
}
[[gnu::used]] void sent_handler() noexcept {
  thyrode::nucleo::serial_link.on_sent();
}
[[gnu::used]] void usart2_handler() noexcept {
  thyrode::nucleo::serial_link.on_byte();
}
}
