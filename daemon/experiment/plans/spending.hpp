// What a plan has used up, from its rows alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "daemon/analysis/step_result.hpp"
#include "daemon/experiment/load/plans.hpp"

namespace thyrode::experiment {

struct Spending {
  std::int64_t points = 0;
  double seconds = 0.0;   ///< of the device, steps and the waiting between two of the same conditions and leg
  double coulombs = 0.0;  ///< sum of |I| t
};

/// @param rows  shape (n), in the order of measuring
/// Between steps of different conditions or legs, which are set at zero current and perhaps by somebody who is waited
/// for, nothing is counted.
/// @param waiting_ua  current between two steps that do not follow each other at once
Spending spending(std::span<const analysis::StepResult> rows, double waiting_ua);

/// Whether one limit of the budget is reached.
/// @returns the limit's name with what was used of it ("20 min of 20 min"), or empty
std::string exhausted(const load::Budget& budget, const Spending& spent);

}  // namespace thyrode::experiment
