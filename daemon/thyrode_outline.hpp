// What a plan will do, said before anything is armed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/experiment/placed_step.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "daemon/thyrode_job.hpp"

namespace thyrode::program {

/// A step that is known beforehand.
struct OutlinedStep {
  experiment::PlannedStep step;
  Current first;                  ///< of its command
  Current last;                   ///< of its command
  double latest_start_s = 0.0;    ///< after the beginning of its plan, if every step before it takes as long as it may
  std::optional<double> lasts_s;  ///< whatever the data say; empty: until its rate is known
  std::string what;  ///< beyond its ends: "pulses of 90 uA from 20 uA"; empty of a current that rests or moves evenly
};

/// One plan: that of an experiment, or a part of its sequence.
struct PlanOutline {
  std::string name;                     ///< of the part; empty outside a sequence
  std::string word;                     ///< "adaptive_sweep" ...
  std::string rule;                     ///< what it does, in words
  std::string entry;                    ///< from which side steps are entered; empty where it does not matter
  std::vector<std::string> conditions;  ///< what must be so before it begins, and what is set
  std::vector<std::string> targets;     ///< what it stops at
  load::Budget budget;                  ///< all empty where the plan has none
  std::optional<std::int64_t> points;   ///< empty: it decides while it runs
  std::int64_t most_points = 0;
  double longest_s = 0.0;           ///< of the bench; what an operator takes is not in it
  double longest_step_s = 0.0;      ///< of a step that lasts until its rate is known
  std::vector<OutlinedStep> steps;  ///< all of them, or those with which a plan that decides begins
};

/// @param run  made from the job
std::vector<PlanOutline> outline(const Job& job, const experiment::RunPlan& run, const DeviceInfo& device);

}  // namespace thyrode::program
