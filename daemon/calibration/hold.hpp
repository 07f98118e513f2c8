// Holds one current after the other on a device and listens to the levels: what calibration and self-test are made of.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::calibration {

/// A current that is held: a code of the DAC and how many level records (10 ms) of it are wanted.
struct Plateau {
  FineCode command = 0;
  int records = 8;
};

struct HoldSettings {
  LimitSettings limits;
  LeaseSettings lease{Duration::from_si(0.1)};
  int settling = 2;  ///< records after each change that are not used
  /// Asked at each record once the last plateau is over; while it says so, the last current stays. Empty: no.
  std::function<bool()> holds{};
  /// Asked between messages: somebody wants it to end. Empty: no.
  std::function<bool()> stopped{};
  /// Seconds of a steady clock, for waits that a silent device would make endless.
  std::function<double()> seconds;
};

/// The levels of each plateau, settling left out; at rest, and with the output open.
struct Held {
  std::vector<std::vector<protocol::LevelRecord>> plateaus;
  std::vector<protocol::LevelRecord> rest;      ///< the output still closed, the command at rest
  std::optional<protocol::LevelRecord> opened;  ///< the record in which the output opened
  std::int64_t closed_samples = 0;              ///< of `opened`, from its beginning
  std::uint32_t overruns = 0;                   ///< control periods that came late, as the device counts them
  std::uint32_t dropped_frames = 0;             ///< as the device counts them
};

/// Arms, holds, goes back to rest, opens the output. Whatever ends it, the output is open or on its way when it
/// returns, and nothing is cleared.
/// @param now  the device's time before, and after
/// Errors: device (lost, silent for 5 s, refuses), safety (a fault, with its numbers), data_gap (records lost).
Result<Held> hold(Device& device, Channel channel, std::span<const Plateau> plateaus, const HoldSettings& settings,
                  Sample& now);

/// What is said of a latched fault: its name and how to end it.
Error latched(const DeviceInfo& device, const protocol::Fault& fault);

/// The next mark after a sample; what came before it is thrown away.
/// Errors: device (silent).
Result<protocol::Mark> next_mark(Device& device, Sample& now, const std::function<double()>& seconds);

}  // namespace thyrode::calibration
