// run --resume: what an interrupted run has left, and how to go on with it.
#pragma once

#include <string>
#include <vector>

#include "daemon/experiment/run_plan.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"

namespace thyrode::program {

struct ResumedRun {
  Job job;             ///< experiment, station and device of the recording
  RunOptions options;  ///< seed and file name filled in
  std::vector<experiment::MeasuredBefore> before;
  std::vector<std::string> sources;  ///< recordings that hold them
  recording::RunRecord record;
};

/// Reads the recording of options.resume, NAME.nwb.part or NAME.nwb. The new recording is NAME-2.nwb, or the next
/// number that is free, unless options.out says otherwise.
/// Errors: bad_input: as read_run; a run that was carried out whole; an experiment that this version refuses.
Result<ResumedRun> load_resumed(const RunOptions& options);

/// The steps of a recording that were measured whole, each with the recording that holds its data.
/// @param name  by which those are known that this one holds itself
/// Errors: bad_input (as read_run).
Result<std::vector<experiment::MeasuredBefore>> measured_rows(const std::string& path,
                                                              const recording::RunRecord& record,
                                                              const std::string& name);

/// A name that is free for a recording beside another one: NAME-2.nwb, or the next number.
std::string next_name(const std::string& path);

/// Refuses an instrument that is not the one of the recording.
/// Errors: bad_input: board, firmware, serial number, sampling rate or channels differ, with both values.
Result<void> check_same_device(const recording::RunRecord& record, const DeviceInfo& device);

}  // namespace thyrode::program
