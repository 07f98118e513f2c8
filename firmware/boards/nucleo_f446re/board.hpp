// The NUCLEO-F446RE as the core sees it: the concept of firmware/core/board.hpp.
#pragma once

#include <cstdint>
#include <span>

#include "firmware/boards/nucleo_f446re/clock.hpp"
#include "firmware/boards/nucleo_f446re/converters.hpp"
#include "firmware/boards/nucleo_f446re/handlers.hpp"
#include "firmware/boards/nucleo_f446re/outputs.hpp"
#include "firmware/boards/nucleo_f446re/serial_link.hpp"
#include "firmware/boards/nucleo_f446re/trigger.hpp"
#include "protocols/messages.hpp"

namespace thyrode::nucleo {

/// What the board found when it started.
struct Findings {
  Clock clock{};
  bool converters = false;
  protocol::ResetCause reset = protocol::ResetCause::other;
};

class NucleoBoard {
 public:
  NucleoBoard(const Findings& findings, SerialLink& link, Converters& converters, Trigger& trigger) noexcept;

  // The concept.
  Sample now() const noexcept;
  void output_switch(bool closed) noexcept { closed ? close_switch() : open_switch(); }
  std::size_t receive(std::span<std::uint8_t> in) noexcept { return link_.receive(in); }
  std::size_t send(std::span<const std::uint8_t> out) noexcept { return link_.send(out); }
  template <class F>
  void critical(F&& f) noexcept {
    without_interrupts(f);
  }
  protocol::Ident identify() const noexcept { return ident_; }
  protocol::ChannelInfo describe(std::uint8_t channel) const noexcept;
  std::int32_t readback_ratio() const noexcept;
  protocol::PartInfo part(std::uint8_t channel) const noexcept { return {channel, 0, 0, 0, 0.0}; }
  void set_part(std::uint8_t, std::uint32_t) noexcept {}
  bool has_baud(std::uint32_t rate) const noexcept { return rate == 0 || link_.has_rate(rate); }
  void set_baud(std::uint32_t rate) noexcept { link_.change_rate(rate == 0 ? SerialLink::first_baud : rate); }
  bool pulse(Sample at, std::uint32_t length) noexcept { return trigger_.pulse(at, length); }
  protocol::Health health() noexcept;

  /// From the block interrupt: what health() will say.
  void note_block(std::uint32_t temperature_sum, std::uint32_t counts) noexcept;
  /// Without converters: how much time has passed.
  Sample passed() const noexcept { return passed_; }
  void pass(std::int64_t samples) noexcept { passed_ = passed_ + samples; }
  /// The first sample of the block that is under way: moves on only with the block interrupt.
  Sample begun() const noexcept;
  bool has_converters() const noexcept { return (ident_.capabilities & protocol::lacks_converters) == 0; }
  /// From the main loop: looks, once a second, how much of the stack was never used.
  void watch_stack() noexcept;

 private:
  protocol::Ident ident_{};
  SerialLink& link_;
  Converters& converters_;
  Trigger& trigger_;
  protocol::ResetCause reset_;
  Sample passed_{};
  std::uint32_t temperature_codes_ = 0;  // of the factory, for 30 and 110 degrees
  std::uint32_t temperature_sum_ = 0;
  std::uint32_t temperature_blocks_ = 0;
  std::uint32_t busiest_ = 0;  // counts of the time stamp
  std::uint32_t stack_left_ = 0;
  bool stack_due_ = true;
};

/// Fills what is free of the stack, so that use leaves a trace. From main(), once.
void paint_stack() noexcept;

}  // namespace thyrode::nucleo
