// The device: what the host talks to. A source of samples and a sink of current steps.
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "drivers/result.hpp"
#include "protocols/messages.hpp"
#include "protocols/units.hpp"

namespace thyrode {

/// Index of a channel of the device, from 0.
struct Channel {
  std::uint8_t index = 0;
  friend constexpr auto operator<=>(Channel, Channel) = default;
};

/// Scale of one signal. value = (code - zero) * scale; volts (V_out, V_m) or amperes (I_read, command).
struct Scale {
  double scale = 1.0;  ///< V or A per code
  double zero = 0.0;   ///< code at 0
  int every = 1;       ///< one conversion each `every` samples
  int bits = 12;
  double value(double code) const { return (code - zero) * scale; }
  double code(double value) const { return value / scale + zero; }
};

/// A load resistor that the device can exchange; the capacitor across it is fixed: tau_L = R_L C_L.
struct VariablePart {
  Resistance lowest;
  Resistance highest;
  Resistance present;  ///< at the handshake
  Capacitance capacitance;
};

struct ChannelDescription {
  std::string label;  ///< "A", "B" ...
  std::array<Scale, protocol::signal_count> signals;
  Scale command;
  Current lowest;  ///< hard limits of the board
  Current highest;
  Slew fastest;
  std::optional<VariablePart> part{};
  std::optional<FineCode> resting{};  ///< where the command rests by itself; empty: where the scale says zero
  FineCode rest() const { return resting.value_or(static_cast<FineCode>(command.zero) << fine_bits); }
  const Scale& signal(protocol::Signal s) const { return signals[static_cast<std::size_t>(s)]; }
};

/// Scales of a channel that were found by measurement.
struct ChannelScales {
  std::array<Scale, protocol::signal_count> signals;
  Scale command;
};

/// What the instrument is; known after the handshake and constant from then on.
struct DeviceInfo {
  std::string uri;
  std::string board;
  std::string firmware;
  std::string serial;
  int protocol_major = 0;
  int protocol_minor = 0;
  std::uint32_t schema = 0;
  double sample_rate_hz = 250e3;
  int block_samples = 50;
  bool virtual_time = false;
  bool snippets = false;
  bool full_trace = false;
  bool lacks_clock = false;            ///< its crystal did not start: it refuses to arm
  bool lacks_converters = false;       ///< they do not run: it refuses to arm
  bool tells_gaps = false;             ///< its stream has its holes marked as Gap already, as that of a recording
  double link_bytes_per_second = 0.0;  ///< 0: no limit
  int queue_depth = 0;
  bool noise_free = false;  ///< ideal converters: the same code may come for ever
  Sample now;               ///< device time at the handshake
  std::vector<ChannelDescription> channels;
  double seconds_per_tick() const { return 1.0 / (sample_rate_hz * static_cast<double>(ticks_per_sample)); }
  Sample samples(Duration d) const { return Sample{std::llround(d.si() * sample_rate_hz)}; }
};

/// One piece of the command of a channel: a straight line from `first` to `last`, then held.
struct Segment {
  Sample start;
  Duration duration;  ///< 0 is a step
  Current first;
  Current last;
};

/// Frames that never arrived whole. A device counts them by their sequence numbers, so not beyond 255 in a row.
struct FramesLost {
  std::uint32_t count = 0;
};

/// A hole in the stream of a channel: something of the samples [first, last) is missing.
struct Gap {
  Channel channel;
  Sample first;
  Sample last;
  std::int64_t trace_samples = 0;  ///< how many of them are missing from the trace
  bool records = false;  ///< spikes, levels, current means, applied steps, snippets or a mark may be missing too
};

/// The device refused a command that was sent without waiting.
struct Rejected {
  std::uint8_t command = 0;  ///< type byte
  protocol::Status status = protocol::Status::done;
  Sample now;
};

/// What comes from the device, in order.
using DeviceMessage = std::variant<protocol::SampleBlock, protocol::SpikeBlock, protocol::LevelRecord,
                                   protocol::CurrentBlock, protocol::StepApplied, protocol::Mark,
                                   protocol::SnippetBlock, protocol::Fault, FramesLost, Gap, Rejected>;

/// Settings taken over atomically at a sample (detector, telemetry) or while idle (limits, lease).
struct DetectorSettings {
  protocol::Trigger trigger = protocol::Trigger::swing;
  Voltage swing;        ///< rise that fires, fall that re-arms
  Voltage fire_level;   ///< trigger `level`
  Voltage rearm_level;  ///< trigger `level`
  Duration refractory;
};
struct TelemetrySettings {
  int decimation = 0;  ///< ADC samples in one value of the trace, a divisor of the block, at most 16; 0 sends none
};
struct LimitSettings {
  Current lowest;
  Current highest;
  Slew slew;
  Voltage compliance;       ///< highest V_m
  Current readback_band{};  ///< largest difference of applied current and read-back, mean of 1 ms; 0 watches nothing
};
struct LeaseSettings {
  Duration lease;
};
/// Any minute of device time, |I| integrated.
struct ChargeSettings {
  Charge most = Charge::from_si(std::numeric_limits<double>::infinity());  ///< no limit
};
/// What the signals must look like while current flows; 0 watches nothing.
struct PlausibilitySettings {
  int stuck = 0;                                        ///< conversions of one code
  std::array<Duration, protocol::signal_count> rail{};  ///< at either end of the converter's range
  Current open_current{};                               ///< that must move V_m
  Voltage open_band{};                                  ///< around 0 V, no movement
  Duration open_time{};                                 ///< without movement
};
struct SnippetSettings {
  bool on = false;
  Duration before;
  Duration after;
  int most_per_second = 0;
};
/// Exchanges the load resistor at a sample, while no current flows into the channel from there on.
struct PartSettings {
  Resistance load;
};
using Setting = std::variant<DetectorSettings, TelemetrySettings, LimitSettings, LeaseSettings, SnippetSettings,
                             PartSettings, ChargeSettings, PlausibilitySettings>;

/// What a device keeps of its signals around a latched fault: the newest codes at the full rate.
struct FaultTrace {
  struct Codes {
    Sample first;   ///< of codes[0]
    int every = 1;  ///< samples from one code to the next
    std::vector<AdcCode> codes;
  };
  /// By channel and signal.
  std::vector<std::array<Codes, protocol::signal_count>> channels;
};

/// How a link did so far.
struct LinkCounters {
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  std::uint64_t retransmits = 0;
  std::uint64_t lost_frames = 0;      ///< frames of the stream that never arrived whole
  std::uint64_t bad_frames = 0;       ///< what did arrive and was refused
  std::uint64_t repeated_frames = 0;  ///< frames of the stream that came again and were dropped
};

/// One thread, the acquisition thread, owns a device.
class Device {
 public:
  virtual ~Device() = default;

  /// What the instrument is: sampling rate, channels, volts and amperes per code, limits.
  virtual const DeviceInfo& info() const = 0;

  /// Takes measured scales in place of those that the device tells; info() and every later current and voltage are by
  /// them. The converters stay what they are: only `scale` and `zero` are taken. Before arm().
  /// Errors: bad_input (no such channel; a scale that is not a positive number; a device that keeps its own).
  virtual Result<void> use_scales(Channel /*channel*/, const ChannelScales& /*scales*/) {
    return fail(ErrorKind::bad_input, "this device keeps the scales that it tells; run with --calibration none");
  }

  /// Waits for the device's next message.
  /// @param timeout  longest wait, wall clock
  /// Errors: timeout (nothing came), device (disconnected or silent: the link is over).
  virtual Result<DeviceMessage> read(Duration timeout) = 0;

  /// Hands segments to one channel for later samples; does not wait for the answer, a refusal comes
  /// through read() as Rejected.
  /// Errors: bad_input (current above the board's limit), device (disconnected), not_in_recording.
  virtual Result<void> schedule(Channel channel, std::span<const Segment> segments) = 0;

  /// Takes a setting over at a sample (limits and lease: at once, only while idle) and waits for the answer.
  /// Errors: bad_input (out of range), device.
  virtual Result<void> configure(Channel channel, const Setting& setting, Sample at) = 0;

  /// idle -> armed. Errors: device (a fault is latched: its name and how to clear it).
  virtual Result<void> arm() = 0;
  /// armed -> running at a sample: the output closes, telemetry starts.
  virtual Result<void> start(Sample at) = 0;
  /// running -> idle: current to zero at the slew limit from a sample on. Does not wait.
  virtual Result<void> stop(Sample at) = 0;
  /// Current to zero now; latches a fault. Does not wait.
  virtual Result<void> estop() = 0;
  /// Ends a latched fault, named by its reason.
  virtual Result<void> clear(protocol::FaultCode reason) = 0;
  /// Virtual time: the device may run up to this sample. Real time: a heartbeat.
  virtual Result<void> grant(Sample until) = 0;

  /// State and latched fault, asked for now. Errors: device (does not answer).
  virtual Result<protocol::DeviceStatus> status() {
    return fail(ErrorKind::device, info().uri + ": cannot be asked for its state");
  }
  /// What the device keeps around its latched fault; no channels when it keeps nothing. Errors: device.
  virtual Result<FaultTrace> fault_trace() { return FaultTrace{}; }

  virtual LinkCounters counters() const = 0;

  /// Seconds of the clock by which this device is waited for: the wall's, or the device's own where its time moves only
  /// while somebody waits for it.
  virtual double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
};

}  // namespace thyrode
