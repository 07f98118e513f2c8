#include "daemon/experiment/plans/hysteresis.hpp"

#include <algorithm>

namespace thyrode::experiment {

std::vector<PlannedStep> hysteresis_steps(const load::HysteresisPlan& plan) {
  constexpr int legs = 3;
  std::vector<PlannedStep> steps;
  std::vector<Current> currents = plan.currents;
  for (int leg = 0; leg < legs; ++leg) {
    const auto direction = leg % 2 == 0 ? analysis::Direction::up : analysis::Direction::down;
    for (const Current current : currents) {
      PlannedStep step;
      step.current = current;
      step.direction = direction;
      step.leg = leg;
      steps.push_back(step);
    }
    std::reverse(currents.begin(), currents.end());
  }
  return steps;
}

}  // namespace thyrode::experiment
