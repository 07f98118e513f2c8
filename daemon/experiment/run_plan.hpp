// What the engine carries out: every number checked, in the device's terms.
#pragma once

#include <string>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/station.hpp"
#include "daemon/experiment/strategy.hpp"
#include "drivers/device.hpp"

namespace thyrode::experiment {

struct RunPlan {
  std::string name;
  Channel channel;
  std::vector<PlannedStep> steps;
  analysis::StepRules rules;
  DetectorSettings detector;
  TelemetrySettings telemetry;
  SnippetSettings snippets;
  LimitSettings limits;
  Duration lease;
  Duration decision_latency;
  std::uint64_t seed = 0;
};

/// Fits an experiment to a station and a device.
/// Errors: bad_input (a current, rate or snippet that the station or the device cannot do: with place, value and
/// limit).
Result<RunPlan> make_run_plan(const load::Experiment& experiment, const load::Station& station,
                              const DeviceInfo& device, std::uint64_t seed);

}  // namespace thyrode::experiment
