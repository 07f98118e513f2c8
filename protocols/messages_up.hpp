// What the device says to the host. Included by messages.hpp.
#pragma once

#include <array>
#include <cstdint>

#include "protocols/messages_down.hpp"
#include "protocols/sequence.hpp"
#include "protocols/time.hpp"
#include "protocols/words.hpp"

namespace thyrode::protocol {

struct Ack {
  static constexpr std::uint8_t type = 0x80;
  static constexpr const char* name = "ack";
  std::uint8_t command = 0;   ///< type byte of the command
  std::uint8_t sequence = 0;  ///< its sequence number
  Status status = Status::done;
  Sample now;
  static constexpr void fields(auto& m, auto&& f) {
    f("command", m.command), f("sequence", m.sequence), f("status", m.status), f("now", m.now);
  }
  bool operator==(const Ack&) const = default;
};

struct Ident {
  static constexpr std::uint8_t type = 0x81;
  static constexpr const char* name = "ident";
  std::uint8_t major = version_major;
  std::uint8_t minor = version_minor;
  std::uint32_t schema = 0;  ///< schema_hash of the firmware's message table
  Text16 board{};
  Text16 firmware{};
  Text16 serial{};
  std::uint32_t sample_rate = 0;  ///< ADC conversions of V_out, hertz
  std::uint16_t block = 0;        ///< samples in a control period
  std::uint8_t channels = 0;
  std::uint32_t capabilities = 0;
  std::uint32_t link_rate = 0;    ///< bytes per second the link carries; 0 is no limit
  std::uint16_t credit = 0;       ///< bytes of commands the device can hold
  std::uint16_t queue_depth = 0;  ///< segments a channel can hold
  Sample now;
  static constexpr void fields(auto& m, auto&& f) {
    f("major", m.major), f("minor", m.minor), f("schema", m.schema), f("board", m.board), f("firmware", m.firmware),
        f("serial", m.serial), f("sample_rate", m.sample_rate), f("block", m.block), f("channels", m.channels),
        f("capabilities", m.capabilities), f("link_rate", m.link_rate), f("credit", m.credit),
        f("queue_depth", m.queue_depth), f("now", m.now);
  }
  bool operator==(const Ident&) const = default;
};

/// Nominal scale of one signal: value = (code - zero) * scale, in volts or amperes.
struct SignalScale {
  double scale = 0.0;
  double zero = 0.0;        ///< code at 0 V or 0 A
  std::uint16_t every = 1;  ///< converted at each `every`-th V_out sample
  std::uint8_t bits = 0;
  static constexpr void fields(auto& m, auto&& f) {
    f("scale", m.scale), f("zero", m.zero), f("every", m.every), f("bits", m.bits);
  }
  bool operator==(const SignalScale&) const = default;
};

struct ChannelInfo {
  static constexpr std::uint8_t type = 0x82;
  static constexpr const char* name = "channel_info";
  std::uint8_t channel = 0;
  std::array<char, 8> label{};
  std::array<SignalScale, signal_count> signals{};
  SignalScale command;  ///< DAC: code 65536 * code is a fine code
  FineCode lowest = 0;  ///< hard limits of the board, fine codes
  FineCode highest = 0;
  FineCode fastest = 0;  ///< largest slew, fine codes per sample
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("label", m.label), f("signals", m.signals), f("command", m.command),
        f("lowest", m.lowest), f("highest", m.highest), f("fastest", m.fastest);
  }
  bool operator==(const ChannelInfo&) const = default;
};

struct ClockReply {
  static constexpr std::uint8_t type = 0x83;
  static constexpr const char* name = "clock_reply";
  Sample now;
  static constexpr void fields(auto& m, auto&& f) { f("now", m.now); }
  bool operator==(const ClockReply&) const = default;
};

/// The variable part of a channel: a load resistor that the device can exchange.
struct PartInfo {
  static constexpr std::uint8_t type = 0x84;
  static constexpr const char* name = "part_info";
  std::uint8_t channel = 0;
  std::uint32_t lowest = 0;   ///< milliohm
  std::uint32_t highest = 0;  ///< milliohm; 0: the channel has no variable part
  std::uint32_t present = 0;  ///< milliohm
  double capacitance = 0.0;   ///< F, fixed, across the load: tau_L = R_L C_L
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("lowest", m.lowest), f("highest", m.highest), f("present", m.present),
        f("capacitance", m.capacitance);
  }
  bool operator==(const PartInfo&) const = default;
};

/// State and latched fault: what Mark and Fault say, on request.
struct DeviceStatus {
  static constexpr std::uint8_t type = 0x85;
  static constexpr const char* name = "device_status";
  State state = State::idle;
  FaultCode fault = FaultCode::none;  ///< the latched fault; the rest belongs to it
  std::uint8_t channel = 0;
  Signal signal = Signal::v_out;
  Sample at;
  std::int32_t value = 0;
  std::int32_t limit = 0;
  std::uint8_t trace = 0;  ///< 1: the trace around the fault is held, get_trace tells it
  static constexpr void fields(auto& m, auto&& f) {
    f("state", m.state), f("fault", m.fault), f("channel", m.channel), f("signal", m.signal), f("at", m.at),
        f("value", m.value), f("limit", m.limit), f("trace", m.trace);
  }
  bool operator==(const DeviceStatus&) const = default;
};

/// A part of the trace that a latched fault holds: the newest codes up to its block.
struct TracePart {
  static constexpr std::uint8_t type = 0x86;
  static constexpr const char* name = "trace_part";
  std::uint8_t channel = 0;
  Signal signal = Signal::v_out;
  Sample first;              ///< of the whole trace of this signal
  std::uint16_t every = 1;   ///< samples from one code to the next
  std::uint16_t length = 0;  ///< codes of the whole trace
  std::uint16_t offset = 0;  ///< of codes[0]
  Sequence<AdcCode, 104> codes;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("signal", m.signal), f("first", m.first), f("every", m.every), f("length", m.length),
        f("offset", m.offset), f("codes", m.codes);
  }
  bool operator==(const TracePart&) const = default;
};

/// A stretch of the V_out trace: each value is the sum of `decimation` ADC codes.
struct SampleBlock {
  static constexpr std::uint8_t type = 0x90;
  static constexpr const char* name = "sample_block";
  std::uint8_t channel = 0;
  std::uint8_t decimation = 1;
  Sample first;
  Sequence<std::uint16_t, 110> sums;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("decimation", m.decimation), f("first", m.first), f("sums", m.sums);
  }
  bool operator==(const SampleBlock&) const = default;
};

struct SpikeRecord {
  Ticks at;                 ///< interpolated crossing of the trigger
  std::uint32_t width = 0;  ///< ticks from the crossing to the re-arm
  AdcCode peak = 0;         ///< highest code of the spike
  AdcCode trough = 0;       ///< lowest code since the previous spike
  static constexpr void fields(auto& m, auto&& f) {
    f("at", m.at), f("width", m.width), f("peak", m.peak), f("trough", m.trough);
  }
  bool operator==(const SpikeRecord&) const = default;
};

/// Spikes in the order of their re-arm; `index` counts the channel's spikes since Start, so a loss shows.
struct SpikeBlock {
  static constexpr std::uint8_t type = 0x91;
  static constexpr const char* name = "spike_block";
  std::uint8_t channel = 0;
  std::uint32_t index = 0;  ///< number of the first record
  Sequence<SpikeRecord, 14> records;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("index", m.index), f("records", m.records);
  }
  bool operator==(const SpikeBlock&) const = default;
};

struct Level {
  AdcCode lowest = 0;
  AdcCode highest = 0;
  std::uint32_t sum = 0;
  std::uint16_t count = 0;
  static constexpr void fields(auto& m, auto&& f) {
    f("lowest", m.lowest), f("highest", m.highest), f("sum", m.sum), f("count", m.count);
  }
  bool operator==(const Level&) const = default;
};

/// Every 10 ms of device time, whatever the trace rate.
struct LevelRecord {
  static constexpr std::uint8_t type = 0x92;
  static constexpr const char* name = "level_record";
  std::uint8_t channel = 0;
  Sample first;
  std::array<Level, signal_count> signals{};
  std::int64_t command_sum = 0;  ///< sum of the DAC codes written, one a sample
  std::uint32_t command_count = 0;
  std::uint32_t open_spike = 0;  ///< ticks since the crossing of a spike that has not re-armed; 0 is none
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("first", m.first), f("signals", m.signals), f("command_sum", m.command_sum),
        f("command_count", m.command_count), f("open_spike", m.open_spike);
  }
  bool operator==(const LevelRecord&) const = default;
};

struct CurrentMean {
  std::uint32_t read_sum = 0;     ///< i_read codes over 1 ms
  std::uint32_t command_sum = 0;  ///< DAC codes over 1 ms
  static constexpr void fields(auto& m, auto&& f) { f("read_sum", m.read_sum), f("command_sum", m.command_sum); }
  bool operator==(const CurrentMean&) const = default;
};

/// Current as written and as read back, in means of 1 ms.
struct CurrentBlock {
  static constexpr std::uint8_t type = 0x93;
  static constexpr const char* name = "current_block";
  std::uint8_t channel = 0;
  Sample first;
  std::uint16_t span = 0;        ///< samples in a mean
  std::uint16_t read_count = 0;  ///< i_read conversions in a mean
  Sequence<CurrentMean, 10> means;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("first", m.first), f("span", m.span), f("read_count", m.read_count), f("means", m.means);
  }
  bool operator==(const CurrentBlock&) const = default;
};

/// The applied current starts to move at `at` from `first` to `last` by `slew` a sample, and then stays there.
struct StepApplied {
  static constexpr std::uint8_t type = 0x94;
  static constexpr const char* name = "step_applied";
  std::uint8_t channel = 0;
  Sample at;
  FineCode first = 0;
  FineCode last = 0;
  FineCode slew = 0;  ///< fine codes per sample, positive
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("at", m.at), f("first", m.first), f("last", m.last), f("slew", m.slew);
  }
  bool operator==(const StepApplied&) const = default;
};

/// All data before this sample have been sent. Every 10 ms of device time.
struct Mark {
  static constexpr std::uint8_t type = 0x95;
  static constexpr const char* name = "mark";
  Sample at;
  State state = State::idle;
  FaultCode fault = FaultCode::none;
  std::uint32_t overruns = 0;        ///< blocks that came before the last one was done
  std::uint32_t dropped_frames = 0;  ///< telemetry frames that found no room
  std::uint32_t bad_frames = 0;      ///< command frames refused by their checks
  static constexpr void fields(auto& m, auto&& f) {
    f("at", m.at), f("state", m.state), f("fault", m.fault), f("overruns", m.overruns),
        f("dropped_frames", m.dropped_frames), f("bad_frames", m.bad_frames);
  }
  bool operator==(const Mark&) const = default;
};

/// A part of the full-rate trace around one spike.
struct SnippetBlock {
  static constexpr std::uint8_t type = 0x96;
  static constexpr const char* name = "snippet_block";
  std::uint8_t channel = 0;
  Ticks spike;
  Sample first;              ///< of the whole snippet
  std::uint16_t offset = 0;  ///< of codes[0] from `first`
  std::uint16_t length = 0;  ///< of the whole snippet
  Sequence<AdcCode, 104> codes;
  static constexpr void fields(auto& m, auto&& f) {
    f("channel", m.channel), f("spike", m.spike), f("first", m.first), f("offset", m.offset), f("length", m.length),
        f("codes", m.codes);
  }
  bool operator==(const SnippetBlock&) const = default;
};

/// Latched: the current is zero by now and stays there until clear().
struct Fault {
  static constexpr std::uint8_t type = 0x97;
  static constexpr const char* name = "fault";
  FaultCode code = FaultCode::none;
  std::uint8_t channel = 0;
  Sample at;
  std::int32_t value = 0;
  std::int32_t limit = 0;
  Signal signal = Signal::v_out;  ///< where it was seen; of faults that a signal shows
  static constexpr void fields(auto& m, auto&& f) {
    f("code", m.code), f("channel", m.channel), f("at", m.at), f("value", m.value), f("limit", m.limit),
        f("signal", m.signal);
  }
  bool operator==(const Fault&) const = default;
};

/// How the board itself is, once a second of device time.
struct Health {
  static constexpr std::uint8_t type = 0x98;
  static constexpr const char* name = "health";
  Sample at;
  ResetCause reset = ResetCause::power_on;
  std::uint8_t brown_out = 0;    ///< millivolts / 100 below which the chip is held in reset; 0 is off
  std::int32_t temperature = 0;  ///< of the chip, 0.001 degrees Celsius
  std::uint32_t busiest = 0;     ///< ticks that the longest block of this second took
  std::uint32_t stack_left = 0;  ///< bytes of the stack never used since the start
  static constexpr void fields(auto& m, auto&& f) {
    f("at", m.at), f("reset", m.reset), f("brown_out", m.brown_out), f("temperature", m.temperature),
        f("busiest", m.busiest), f("stack_left", m.stack_left);
  }
  bool operator==(const Health&) const = default;
};

/// The trigger input has risen.
struct Edge {
  static constexpr std::uint8_t type = 0x99;
  static constexpr const char* name = "edge";
  Ticks at;
  std::uint32_t count = 0;  ///< rising edges since the device started, this one included
  static constexpr void fields(auto& m, auto&& f) { f("at", m.at), f("count", m.count); }
  bool operator==(const Edge&) const = default;
};

}  // namespace thyrode::protocol
