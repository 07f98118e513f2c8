// The words that messages use: states, answers, faults, signals. wire.md lists them with their meanings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace thyrode::protocol {

enum class Signal : std::uint8_t { v_out, v_m, i_read };
inline constexpr std::size_t signal_count = 3;

/// What the output does. Current flows in `running` and `stopping` only. `boot`: the self-test of the board has not
/// ended, or it has failed.
enum class State : std::uint8_t { idle, armed, running, stopping, fault, boot };

enum class Status : std::uint8_t {
  done,
  bad_state,     ///< not allowed in the present state
  out_of_range,  ///< a value is outside the limits
  too_late,      ///< the sample has already been written to the DAC
  queue_full,    ///< no room for another segment
  wrong_reason,  ///< clear() named another fault than the latched one
  unknown,       ///< no such channel, signal or command
  malformed,     ///< payload does not fit the layout
  unfit,         ///< still in boot: the self-test has not ended, or Ident::capabilities says what is missing
};

enum class FaultCode : std::uint8_t {
  none,
  lease_expired,   ///< no valid frame for the lease time
  late_segment,    ///< a queued segment's sample passed before it could start
  current_limit,   ///< command above the limit: value, limit in fine codes
  readback,        ///< applied current differs from read-back: value, limit in ADC codes
  compliance,      ///< V_m above the compliance limit: value, limit in ADC codes
  overrun,         ///< a block came before the last one was done
  estop,           ///< emergency stop
  telemetry_lost,  ///< in real time: a frame of the stream found no room
  charge,          ///< charge of the last minute above its limit: value, limit in 4096 DAC codes times samples
  open_loop,       ///< current is asked for, but V_m does not move or I_read shows none: value, limit in ADC codes
  stuck,           ///< a converter gives the same code again and again: code, limit in conversions
  rail,            ///< a converter stays at 0 or at its highest code: code, limit in conversions
};

/// Its name in words.hpp and on the command line.
constexpr const char* fault_name(FaultCode code) {
  constexpr std::array<const char*, 13> names{
      "none",  "lease_expired",  "late_segment", "current_limit", "readback", "compliance", "overrun",
      "estop", "telemetry_lost", "charge",       "open_loop",     "stuck",    "rail"};
  const auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : "unknown";
}

enum class Trigger : std::uint8_t { swing, level };

/// Why the device started.
enum class ResetCause : std::uint8_t {
  power_on,
  pin,        ///< the reset button, or a debugger
  brown_out,  ///< the supply fell below the level that is programmed
  watchdog,   ///< the firmware had stopped
  software,   ///< asked for
  crash,      ///< a fault of the processor, or its crystal stopped
  other,
};

/// Bits of Ident::capabilities.
enum Capability : std::uint32_t {
  can_virtual_time = 1U << 0,  ///< never runs past grant(until)
  can_snippets = 1U << 1,
  can_full_trace = 1U << 2,  ///< the link carries every ADC sample
  can_set_baud = 1U << 3,
  can_set_part = 1U << 4,  ///< owns the load resistor of a channel and can exchange it
  can_trigger = 1U << 5,   ///< has a trigger input and a trigger output
  // What a board finds missing when it starts; with any of them it refuses to arm.
  lacks_clock = 1U << 6,       ///< no crystal: samples are not as long as they are said to be
  lacks_converters = 1U << 7,  ///< the converters, or what moves their codes, do not run
  codes_noise_free = 1U << 8,  ///< ideal converters: the same code may come for ever
};
inline constexpr std::uint32_t unfit_capabilities = lacks_clock | lacks_converters;

using Text16 = std::array<char, 16>;

}  // namespace thyrode::protocol
