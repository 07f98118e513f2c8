// What the host says to the device. Included by messages.hpp.
#pragma once

#include <array>
#include <cstdint>

#include "protocols/sequence.hpp"
#include "protocols/time.hpp"
#include "protocols/words.hpp"

namespace thyrode::protocol {

inline constexpr std::uint8_t version_major = 1;
inline constexpr std::uint8_t version_minor = 3;

struct Hello {
  static constexpr std::uint8_t type = 0x01;
  static constexpr const char* name = "hello";
  std::uint8_t major = version_major;
  std::uint8_t minor = version_minor;
  static constexpr void fields(auto& m, auto&& f) { f("major", m.major), f("minor", m.minor); }
  bool operator==(const Hello&) const = default;
};

struct Describe {
  static constexpr std::uint8_t type = 0x02;
  static constexpr const char* name = "describe";
  std::uint8_t channel = 0;
  static constexpr void fields(auto& m, auto&& f) { f("channel", m.channel); }
  bool operator==(const Describe&) const = default;
};

struct GetClock {
  static constexpr std::uint8_t type = 0x03;
  static constexpr const char* name = "get_clock";
  static constexpr void fields(auto&, auto&&) {}
  bool operator==(const GetClock&) const = default;
};

/// Renews the lease; not acknowledged.
struct Heartbeat {
  static constexpr std::uint8_t type = 0x04;
  static constexpr const char* name = "heartbeat";
  static constexpr void fields(auto&, auto&&) {}
  bool operator==(const Heartbeat&) const = default;
};

/// Virtual time: the device may run up to, not including, this sample. Renews the lease; not acknowledged.
struct Grant {
  static constexpr std::uint8_t type = 0x05;
  static constexpr const char* name = "grant";
  Sample until;
  static constexpr void fields(auto& m, auto&& f) { f("until", m.until); }
  bool operator==(const Grant&) const = default;
};

struct Arm {
  static constexpr std::uint8_t type = 0x06;
  static constexpr const char* name = "arm";
  static constexpr void fields(auto&, auto&&) {}
  bool operator==(const Arm&) const = default;
};

/// Begins the run at a sample: closes the output switch, starts the telemetry.
struct Start {
  static constexpr std::uint8_t type = 0x07;
  static constexpr const char* name = "start";
  Sample at;
  static constexpr void fields(auto& m, auto&& f) { f("at", m.at); }
  bool operator==(const Start&) const = default;
};

/// Ends the run at a sample: current to zero at the slew limit, then the switch opens, then idle.
struct Stop {
  static constexpr std::uint8_t type = 0x08;
  static constexpr const char* name = "stop";
  Sample at;
  static constexpr void fields(auto& m, auto&& f) { f("at", m.at); }
  bool operator==(const Stop&) const = default;
};

/// Current to zero in the next block, whatever else is queued; latches a fault.
struct EmergencyStop {
  static constexpr std::uint8_t type = 0x09;
  static constexpr const char* name = "emergency_stop";
  static constexpr void fields(auto&, auto&&) {}
  bool operator==(const EmergencyStop&) const = default;
};

/// Ends a latched fault; must name it.
struct Clear {
  static constexpr std::uint8_t type = 0x0A;
  static constexpr const char* name = "clear";
  FaultCode reason = FaultCode::none;
  static constexpr void fields(auto& m, auto&& f) { f("reason", m.reason); }
  bool operator==(const Clear&) const = default;
};

/// One piece of the command: from `first` to `last` in a straight line over `duration` samples, then held.
struct Schedule {
  static constexpr std::uint8_t type = 0x10;
  static constexpr const char* name = "schedule";
  std::uint8_t channel = 0;
  Sample start;
  std::uint32_t duration = 0;  ///< samples; 0 is a step to `last`
  FineCode first = 0;
  FineCode last = 0;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("start", m.start), f("duration", m.duration), f("first", m.first), f("last", m.last);
  }
  bool operator==(const Schedule&) const = default;
};

struct ConfigureDetector {
  static constexpr std::uint8_t type = 0x11;
  static constexpr const char* name = "configure_detector";
  std::uint8_t channel = 0;
  Sample at;
  Trigger trigger = Trigger::swing;
  AdcCode swing = 0;             ///< codes; rise that fires and fall that re-arms
  AdcCode fire_level = 0;        ///< codes; trigger `level` only
  AdcCode rearm_level = 0;       ///< codes; trigger `level` only
  std::uint16_t refractory = 0;  ///< samples
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("at", m.at), f("trigger", m.trigger), f("swing", m.swing), f("fire_level", m.fire_level),
        f("rearm_level", m.rearm_level), f("refractory", m.refractory);
  }
  bool operator==(const ConfigureDetector&) const = default;
};

struct ConfigureTelemetry {
  static constexpr std::uint8_t type = 0x12;
  static constexpr const char* name = "configure_telemetry";
  std::uint8_t channel = 0;
  Sample at;
  std::uint16_t decimation = 0;  ///< V_out samples in one value, a divisor of the block, at most 16; 0 sends no trace
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("at", m.at), f("decimation", m.decimation);
  }
  bool operator==(const ConfigureTelemetry&) const = default;
};

/// Outside idle only narrower ones: limits cannot be widened under current.
struct ConfigureLimits {
  static constexpr std::uint8_t type = 0x13;
  static constexpr const char* name = "configure_limits";
  std::uint8_t channel = 0;
  FineCode lowest = 0;
  FineCode highest = 0;
  FineCode slew = 0;               ///< fine codes per sample
  AdcCode compliance = 0xFFFF;     ///< highest V_m, ADC codes
  AdcCode readback_band = 0xFFFF;  ///< largest |applied - read back|, ADC codes of i_read
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("lowest", m.lowest), f("highest", m.highest), f("slew", m.slew),
        f("compliance", m.compliance), f("readback_band", m.readback_band);
  }
  bool operator==(const ConfigureLimits&) const = default;
};

struct ConfigureLease {
  static constexpr std::uint8_t type = 0x14;
  static constexpr const char* name = "configure_lease";
  std::uint32_t samples = 0;
  static constexpr void fields(auto& m, auto&& f) { f("samples", m.samples); }
  bool operator==(const ConfigureLease&) const = default;
};

struct ConfigureSnippets {
  static constexpr std::uint8_t type = 0x15;
  static constexpr const char* name = "configure_snippets";
  std::uint8_t channel = 0;
  std::uint8_t on = 0;
  std::uint16_t before = 0;  ///< samples
  std::uint16_t after = 0;   ///< samples
  std::uint16_t most_per_second = 0;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("on", m.on), f("before", m.before), f("after", m.after),
        f("most_per_second", m.most_per_second);
  }
  bool operator==(const ConfigureSnippets&) const = default;
};

struct SetBaud {
  static constexpr std::uint8_t type = 0x16;
  static constexpr const char* name = "set_baud";
  std::uint32_t baud = 0;
  static constexpr void fields(auto& m, auto&& f) { f("baud", m.baud); }
  bool operator==(const SetBaud&) const = default;
};

/// Asks for the variable part of a channel.
struct DescribePart {
  static constexpr std::uint8_t type = 0x17;
  static constexpr const char* name = "describe_part";
  std::uint8_t channel = 0;
  static constexpr void fields(auto& m, auto&& f) { f("channel", m.channel); }
  bool operator==(const DescribePart&) const = default;
};

/// Exchanges the load resistor of a channel while no current flows into it.
struct SetPart {
  static constexpr std::uint8_t type = 0x18;
  static constexpr const char* name = "set_part";
  std::uint8_t channel = 0;
  Sample at;                     ///< from this sample on, a multiple of the block; past: from the next block on
  std::uint32_t resistance = 0;  ///< milliohm
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("at", m.at), f("resistance", m.resistance);
  }
  bool operator==(const SetPart&) const = default;
};

/// One pulse on the trigger output.
struct Pulse {
  static constexpr std::uint8_t type = 0x19;
  static constexpr const char* name = "pulse";
  Sample at;                 ///< rises with this sample
  std::uint32_t length = 0;  ///< samples until it falls
  static constexpr void fields(auto& m, auto&& f) { f("at", m.at), f("length", m.length); }
  bool operator==(const Pulse&) const = default;
};

/// Limits the charge of a channel over any minute of device time. Outside rest only a lower limit.
struct ConfigureCharge {
  static constexpr std::uint8_t type = 0x1A;
  static constexpr const char* name = "configure_charge";
  std::uint8_t channel = 0;
  std::uint32_t most = 0xFFFFFFFF;  ///< sum of |DAC code - zero| over 60 s in 4096 codes times samples
  static constexpr void fields(auto& m, auto&& f) { f("channel", m.channel), f("most", m.most); }
  bool operator==(const ConfigureCharge&) const = default;
};

/// What the signals of a channel must look like while current flows. Outside rest only what is stricter.
struct ConfigurePlausibility {
  static constexpr std::uint8_t type = 0x1B;
  static constexpr const char* name = "configure_plausibility";
  std::uint8_t channel = 0;
  std::uint16_t stuck = 0;                         ///< conversions of one code that trip; 0: never
  std::array<std::uint32_t, signal_count> rail{};  ///< samples at 0 or the highest code that trip; 0: never
  std::uint16_t open_current = 0;                  ///< DAC codes from zero that must move V_m; 0: none must
  AdcCode open_band = 0;                           ///< codes around 0 V that are no movement
  std::uint32_t open_time = 0;                     ///< samples without movement that trip
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("stuck", m.stuck), f("rail", m.rail), f("open_current", m.open_current),
        f("open_band", m.open_band), f("open_time", m.open_time);
  }
  bool operator==(const ConfigurePlausibility&) const = default;
};

/// Asks for state and latched fault.
struct GetStatus {
  static constexpr std::uint8_t type = 0x1C;
  static constexpr const char* name = "get_status";
  static constexpr void fields(auto&, auto&&) {}
  bool operator==(const GetStatus&) const = default;
};

/// Asks for a part of the trace that a latched fault holds.
struct GetTrace {
  static constexpr std::uint8_t type = 0x1D;
  static constexpr const char* name = "get_trace";
  std::uint8_t channel = 0;
  Signal signal = Signal::v_out;
  std::uint16_t offset = 0;  ///< codes from the oldest one
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("signal", m.signal), f("offset", m.offset);
  }
  bool operator==(const GetTrace&) const = default;
};

}  // namespace thyrode::protocol
