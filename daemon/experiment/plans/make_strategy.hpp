// From what an experiment file says to the steps of its plan.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// The steps of a plan that is known beforehand, without conditions; empty for one that decides while it runs.
/// @param least_piece  see free_steps()
std::optional<std::vector<PlannedStep>> known_steps(const load::SinglePlan& plan, Duration least_piece);

/// The strategy of an experiment's plan. Each of its steps has the conditions that `neuron` holds.
/// @param rules  of the experiment's dwell
std::unique_ptr<Strategy> make_strategy(const load::Experiment& experiment, const analysis::StepRules& rules,
                                        Duration least_piece);

/// What a channel can be told.
struct PieceLimits {
  Current lowest;
  Current highest;
  Slew slew;
  Duration ahead;  ///< for which pieces are told before they begin
  int depth = 0;   ///< pieces that can wait in the device; 0: any number
  /// The shortest piece of which any number can follow each other.
  Duration least_piece() const;
};

/// A piece of the command that cannot be carried out.
struct PieceProblem {
  std::size_t step = 0;
  std::string text;  ///< what is wrong, with figures, and what would be right
};

/// Looks for a piece beyond the limits, one that changes faster than the slew or is over before the current has come to
/// it, and for more of them than fit into the device.
std::optional<PieceProblem> find_problem(const std::vector<PlannedStep>& steps, const PieceLimits& limits);

}  // namespace thyrode::experiment
