// What `run` and `plan` begin with: an experiment, a station, and the URI of a device.
#pragma once

#include <string>

#include "daemon/analysis/result.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/station.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/thyrode_commands.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::program {

class RunControl;

struct Job {
  load::Experiment experiment;
  load::Station station;
  std::string uri;
};

/// Reads and checks both files against each other. Errors: bad_input with the place in the file.
Result<Job> load_job(const RunOptions& options);

/// The experiment of a recording, with the files that it names as the recording keeps them.
/// @param name  for messages
/// Errors: bad_input, as parse_experiment.
Result<load::Experiment> recorded_experiment(const recording::RunRecord& record, const std::string& name);

/// Experiment, station and device of a recording, the files as it keeps them.
/// @param path  of the recording, for messages
/// @param device  where the instrument answers today; empty: where it did then
/// Errors: bad_input, as parse_experiment and parse_station.
Result<Job> recorded_job(const recording::RunRecord& record, const std::string& path, const std::string& device);

/// Carries an experiment out and shows nothing; emulated in virtual time on one thread, so that a seed gives the same
/// bytes again.
/// @param options  seed, noise and spread of an emulated instrument; `out`: the recording, a name that is free
/// @param control  ends the run in order when somebody asks for it: the recording is then whole as far as it goes
/// Errors: as Bench::run; bad_input where device, plan or recording cannot be made; data_gap. A run that did not begin
/// leaves no file.
Result<analysis::RunResult> measure(const Job& job, const RunOptions& options, RunControl& control);

/// One sentence on the channels of a device that the experiment does not step; empty when it has no others.
std::string other_channels(const Job& job, const DeviceInfo& device);

}  // namespace thyrode::program
