#include "daemon/thyrode_record.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <vector>

#include "daemon/experiment/plans/make_strategy.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/thyrode_job.hpp"

namespace thyrode::program {

void complete_by_plan(const recording::RunRecord& record, analysis::RunResult& result) {
  const auto experiment = recorded_experiment(record, "experiment");
  if (!experiment) return;
  DeviceInfo device;
  device.sample_rate_hz = record.sample_rate_hz;
  // How fine pieces of noise are does not change what is said of the rows.
  const auto strategy = experiment::make_strategy(
      *experiment, experiment::rules_of(experiment->dwell, device, experiment->labels), 10.0_ms);
  std::vector<analysis::StepResult> whole;
  std::copy_if(result.steps.begin(), result.steps.end(), std::back_inserter(whole),
               [](const analysis::StepResult& step) { return step.status != analysis::StepStatus::interrupted; });
  result.targets = strategy->targets(whole);
  strategy->complete(whole, result);
}

Result<recording::RunRecord> read_completed_run(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return fail(ErrorKind::bad_input, path + ": is not a file");
  }
  auto record = recording::read_run(path);
  if (record) complete_by_plan(*record, record->result);
  return record;
}

std::string files_text(const std::string& path) {
  const auto files = recording::files_of_run(path);
  if (!files || files->size() < 2) return {};
  const auto own = std::find_if(files->begin(), files->end(), [&](const auto& file) { return file.path == path; });
  const std::string last = files->back().path;
  return fmt::format("file {} of {} of this run; {}", own == files->end() ? 1 : own->number, files->back().number,
                     last == path ? "it has the results of all" : "the results of the whole run are in " + last);
}

void tell_other_files(const std::string& path) {
  const std::string place = files_text(path);
  const auto files = recording::files_of_run(path);
  if (place.empty() || !files) return;
  std::vector<std::string> others;
  for (const recording::RunFile& file : *files) {
    if (file.path != path) others.push_back(file.path);
  }
  fmt::print(stderr, "thyrode: {}: {}; signals, spikes and intervals of its other steps are in {}\n", path, place,
             fmt::join(others, ", "));
}

}  // namespace thyrode::program
