// From seconds, volts and amperes to samples and codes: once, at this door.
#pragma once

#include <variant>

#include "drivers/device.hpp"

namespace thyrode {

using Configure = std::variant<protocol::ConfigureDetector, protocol::ConfigureTelemetry, protocol::ConfigureLimits,
                               protocol::ConfigureLease, protocol::ConfigureSnippets, protocol::SetPart,
                               protocol::ConfigureCharge, protocol::ConfigurePlausibility>;

/// A setting as a command.
/// @param at  sample from which on it holds; limits, lease and snippets hold at once
/// Values beyond what a field can hold become the nearest that it can; the device checks its own limits.
Configure to_message(const Setting& setting, Sample at, Channel channel, const ChannelDescription& description,
                     const DeviceInfo& info);

/// A piece of the command current; the caller has checked that it lies within the board's limits.
protocol::Schedule to_message(const Segment& segment, Channel channel, const ChannelDescription& description,
                              const DeviceInfo& info);

}  // namespace thyrode
