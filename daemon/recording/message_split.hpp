// One message of the device as two: what lies before a moment, and what lies after it. Private to this room.
#pragma once

#include <optional>

#include "drivers/device.hpp"

namespace thyrode::recording {

struct SplitMessage {
  std::optional<DeviceMessage> before;
  std::optional<DeviceMessage> after;
};

/// Cuts a message at a sample. Values lie where they begin: a mean that begins before the sample is before it, whole. A
/// spike and its snippet lie at the spike's tick. A mark at the sample closes what is before it. A gap that reaches
/// across becomes two. What has no time of its own lies at `now`.
/// @param now  the time of the latest mark
SplitMessage split_message(const DeviceMessage& message, Sample at, Sample now);

}  // namespace thyrode::recording
