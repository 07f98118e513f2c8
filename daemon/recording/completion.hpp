// The last touches of a recording: what can only be written when all data are there. Private to this room.
#pragma once

#include <string>

#include "daemon/analysis/result.hpp"
#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// Adds to a recording that no reader follows any more: the result as it stands at the end, /units,
/// /intervals/sweeps, the intracellular recording tables, texts of variable length, the exit status; and takes out
/// tables and series without rows, which NWB tools stumble over.
/// Works from the file alone. Throws Failure.
void complete(hid_t file, const analysis::RunResult& result, const std::string& exit_status,
              const std::string& finished);

}  // namespace thyrode::recording
