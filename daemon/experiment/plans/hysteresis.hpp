// Up, down and up again over the same currents.
#pragma once

#include <vector>

#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// The steps of three legs: 0 up, 1 down, 2 up. Each leg has all currents, so that the two ends are measured twice in a
/// row; the third leg parts a drift, which the two upward ones show, from hysteresis.
/// @param plan  currents, rising
/// @returns shape (3 n)
std::vector<PlannedStep> hysteresis_steps(const load::HysteresisPlan& plan);

}  // namespace thyrode::experiment
