// What a recording that is still written holds, as the messages it came in. Private to this room.
#pragma once

#include <vector>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/description.hpp"

namespace thyrode::recording {

/// Reads spikes, levels, gaps and marks of a stretch of one channel.
/// @param file  open, with everything written to it
/// @returns the spikes in [from, until), each in a block of its own; the level records
/// that begin in it; the marks in (from, until]; every gap that touches it. Codes and ticks are those that were
/// written.
std::vector<DeviceMessage> read_messages(hid_t file, const RunDescription& run, Channel channel, Sample from,
                                         Sample until);

}  // namespace thyrode::recording
