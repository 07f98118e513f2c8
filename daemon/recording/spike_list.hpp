// Lists of spike times as text, CSV: what other programs write and what `simulate --csv spikes` does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "drivers/result.hpp"

namespace thyrode::recording {

/// A line of a list.
struct ListedSpike {
  std::string_view train;        ///< its second column, empty in a list of one column; valid while it is taken
  std::int64_t nanoseconds = 0;  ///< its time, rounded to 1 ns
  std::int64_t line = 0;         ///< of the file, from 1
};

/// Takes a spike. @returns false to read no further
using TakeListedSpike = std::function<bool(const ListedSpike& spike)>;

/// What a list is, beside its spikes.
struct SpikeListSummary {
  bool has_header = false;  ///< so that a list without spikes is one of silence
};

/// Reads a list of spike times line by line, in constant memory: one time per line, in seconds unless the first line is
/// a header whose first name ends in a unit, s, ms, us or ns (time_s, tick_us, "Time (ms)"); an optional second column
/// names the train. Trains may be numbered where the header calls the column train, channel, neuron, unit or the like,
/// or where a time has a decimal point; other numbers are refused, for they are amplitudes, or what follows a decimal
/// comma. Empty lines and lines that begin with # are passed over.
/// Errors: bad_input with file:line (no such file, no text, an unknown unit, no number, a time beyond +-9e6 s, a second
/// column that names no train, a third one).
Result<SpikeListSummary> read_spike_list(const std::string& path, const TakeListedSpike& take);

}  // namespace thyrode::recording
