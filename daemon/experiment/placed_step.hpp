// A step on the device's time: when its current moves, when its data count, what the device is told.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/experiment/run_plan.hpp"
#include "drivers/device.hpp"

namespace thyrode::experiment {

/// A step that the strategy has asked for, kept until it is measured whole.
struct AskedStep {
  int index = 0;  ///< how many steps were asked for before it
  PlannedStep step;
  Current before;      ///< the current of the step before it
  bool again = false;  ///< it was cut short by a pause, so it is entered from `before` once more
  std::map<std::string, double> conditions{};  ///< as they were set: what an operator told instead of what was planned
};

/// A step that has its place in time.
struct PlacedStep {
  AskedStep asked;
  Sample entered;                 ///< the current leaves the step before: for the lead, if there is one
  Sample start;                   ///< the command begins to move for the step itself
  Sample settled;                 ///< the slew is over: data count from here
  std::optional<Sample> end;      ///< the current moves on, once decided
  bool fixed = false;             ///< the end was known when the step was placed
  bool cut_short = false;         ///< ended by a request, not by its data
  Current last;                   ///< of its command
  std::vector<Segment> segments;  ///< of lead and step, by time
};

/// Length of a step whose end does not depend on its data, whole periods of the decision grid; empty for any other.
std::optional<std::int64_t> fixed_length(const PlannedStep& step, const DeviceInfo& device);

/// Gives a step its place.
///
/// A lead begins at `at`: the current goes there at the slew limit, settles for a millisecond and waits for the hold.
/// A step that is measured again and has no lead is entered from the current before it, for as long as silence must
/// last to be told from slow firing (3 / f_min), at least the decision latency: where a neuron remembers, the side
/// matters, and it has then found its state.
/// @param at       a multiple of the decision grid; so are start and end
/// @param present  the current that flows until then
PlacedStep place(AskedStep asked, Sample at, Current present, const RunPlan& plan, const DeviceInfo& device);

/// The rules of a placed step: those of the plan, but for its own precision and its own length.
analysis::StepRules rules_of(const PlacedStep& placed, const RunPlan& plan, const DeviceInfo& device);

}  // namespace thyrode::experiment
