// A recording with what only its plan can tell from the rows.
#pragma once

#include <string>

#include "daemon/recording/reader.hpp"
#include "drivers/result.hpp"

namespace thyrode::program {

/// Reads a recording as read_run(), and adds what only the plan can tell from the rows: its targets, direct
/// measurements, a map. Of an experiment that this version cannot read it adds nothing.
/// Errors: bad_input (as read_run; not a file).
Result<recording::RunRecord> read_completed_run(const std::string& path);

/// Puts that into the result of a recording.
/// @param record  whose experiment says what the plan is
void complete_by_plan(const recording::RunRecord& record, analysis::RunResult& result);

/// Of a run in several files: which of them this is, and which has the results. Empty for a run in one.
std::string files_text(const std::string& path);

/// Tells, beside what was made of one file of a run, in which other files the data of the other steps are. Nothing for
/// a run in one.
void tell_other_files(const std::string& path);

}  // namespace thyrode::program
