#include "daemon/thyrode_record.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <vector>

#include "daemon/experiment/plans/make_strategy.hpp"
#include "daemon/experiment/run_plan.hpp"
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

}  // namespace thyrode::program
