// Lists of spike times as text, CSV: what other programs write and what `simulate --csv spikes` does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "drivers/result.hpp"

namespace thyrode::recording {

/// Takes a spike. @param train  its second column, empty in a list of one column
/// @param nanoseconds  its time, rounded to 1 ns
/// @returns false to read no further
using TakeListedSpike = std::function<bool(std::string_view train, std::int64_t nanoseconds)>;

/// Reads a list of spike times line by line, in constant memory: one time per line, seconds unless the first line is a
/// header whose first name ends in _s, _ms, _us or _ns (time_s, spike_time_s, tick_us); an optional second column names
/// the train. Empty lines and lines that begin with # are passed over.
/// Errors: bad_input with file:line (no such file, an unknown unit, no number, a time beyond +-9e6 s, a third column).
Result<void> read_spike_list(const std::string& path, const TakeListedSpike& take);

}  // namespace thyrode::recording
