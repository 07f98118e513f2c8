// Into how many files a run goes: one, unless it is long.
#pragma once

#include <cstdint>

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/station.hpp"

namespace thyrode::load {

/// Where a file of a run ends.
struct FilePlan {
  Duration roll_after;       ///< the first step that begins so long after a file did begins the next one
  Duration longest_step;     ///< at most, with the way to it; a file is at most so much longer than roll_after
  std::int64_t files = 1;    ///< at most
  bool by_the_user = false;  ///< roll_after is what the experiment says, not the limit of the format
};

/// A file takes less than 2^31 values of a signal, for NWB numbers them in 32 bits: of the trace, or of the current,
/// 1000 a second, where there is none. A step lies in one file, so a file ends early enough for the longest one.
/// Precondition: check_against has passed.
/// Errors: bad_input, at the place of dwell.max: a single step of the plan may be longer than a file can be.
Result<FilePlan> plan_files(const Experiment& experiment, const Station& station, Frequency adc_rate);

}  // namespace thyrode::load
