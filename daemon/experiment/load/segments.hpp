// The segments of a free list, and waveforms from files.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/experiment/load/plan_reader.hpp"

namespace thyrode::load {

/// The key that names a segment, in the order of SegmentPlan::Kind.
inline constexpr std::array<std::string_view, 6> segment_words{"hold", "step", "ramp", "pulse", "noise", "waveform"};
constexpr std::string_view segment_word(SegmentPlan::Kind kind) {
  return segment_words[static_cast<std::size_t>(kind)];
}

/// Reads `segments`: see read_plan().
std::vector<SegmentPlan> read_segments(MapReader& map, const PlanSources& sources);

/// Reads a waveform: text of two columns, time and current, between which the current moves straight. The first line
/// that is neither empty nor begins with # names them with their units: time_s, time_ms or time_us; current_a,
/// current_ma, current_ua or current_na. Times begin at 0 and rise; values are separated by a comma.
/// @param name  for messages
/// @returns shape (n), 2 to 100000 samples
/// Errors: bad_input, "name:line: what is wrong; what would be right".
Result<std::vector<std::pair<Duration, Current>>> parse_waveform(std::string_view text, std::string_view name);

}  // namespace thyrode::load
