// Recordings whose writer died: found, and finished on a copy.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/recording/reader.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Whether somebody still writes a file.
enum class Writer {
  gone,
  alive,
  unknown,  ///< the file system does not say
};
Writer writer_of(const std::string& path);

/// Whether a recording says that it was made on this computer, or is a file of no bytes. One that cannot be read does
/// not say.
bool made_here(const std::string& part);

/// What recover() found and did.
struct Recovery {
  std::string source;  ///< NAME.nwb.part
  std::string path;    ///< NAME.nwb
  bool source_kept = false;
  bool was_finished = false;  ///< nothing was missing but the name
  bool was_empty = false;     ///< its program died before anything was recorded: there is no NAME.nwb
  std::int64_t steps = 0;
  std::int64_t spikes = 0;
  std::int64_t samples = 0;   ///< ADC samples of V_out in the trace
  double seconds = 0.0;       ///< of data
  std::int64_t rows_cut = 0;  ///< of tables and series, written in part only
  std::int64_t holes = 0;     ///< stretches of missing data that no gap told of
};

/// Completes the result of a run from its steps; what finalise() is given in a run that ends as it should.
using CompleteResult = std::function<void(const RunRecord&, analysis::RunResult&)>;

/// Finishes a recording whose writer died, at whatever moment: writes NAME.nwb, whole and with all that was flushed,
/// and removes NAME.nwb.part after it. Works on a copy, NAME.nwb.recovering-PID, so that it can itself die at any
/// moment and be run again; holds NAME.nwb.part meanwhile. Of a run that died before it could record anything, only a
/// NAME.nwb.part of no bytes is there: it is removed, and no NAME.nwb is made.
/// @param path  NAME.nwb.part, or the NAME.nwb that it would become
/// @param keep  leaves NAME.nwb.part
/// Errors: bad_input (no such file; still being written; another program recovers it; NAME.nwb is another recording;
/// damaged), run_failed (disk).
Result<Recovery> recover(const std::string& path, const CompleteResult& complete = {}, bool keep = false);

/// The unfinished recordings (NAME.nwb.part) of a folder that nobody writes any more, in the order of their names.
std::vector<std::string> unfinished_in(const std::string& folder);

}  // namespace thyrode::recording
