// How far a plan reaches: its currents, its parameters, and how long it can take.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/experiment/load/experiment.hpp"

namespace thyrode::load {

/// A current that bounds what a plan drives, and where the file says so.
struct DrivenCurrent {
  std::string path;  ///< "current.stop", "segments[3].noise" ...
  std::string what;  ///< for messages: the path, and what is added to it
  Current current;
};

/// Calls a function with every single plan of an experiment and the prefix of its paths.
template <class F>
void for_each_plan(const Experiment& experiment, F&& f) {
  const auto* sequence = std::get_if<SequencePlan>(&experiment.plan);
  if (sequence == nullptr) return f(*single_plan(experiment.plan), std::string{});
  for (std::size_t k = 0; k < sequence->parts.size(); ++k) f(sequence->parts[k].plan, fmt::format("parts[{}].", k));
}

/// The currents that bound a plan: ends of ranges, each current of a list, levels of segments. Of noise they are four
/// standard deviations from the mean.
/// @returns at least one
std::vector<DrivenCurrent> driven_currents(const Experiment& experiment);

/// A value that the device's variable part has to take.
struct PartValue {
  std::string path;
  std::string name;    ///< "tau_L" or "R_L"
  double value = 0.0;  ///< SI
};

/// What a plan asks of the device's variable part; the ends of what it varies.
std::vector<PartValue> part_values(const Experiment& experiment);

/// Whether somebody has to set something or to answer a question during the run.
bool asks_operator(const Experiment& experiment);

/// Rows of the step table over one leg of a ramp.
struct RampRows {
  Duration leg;     ///< of the whole leg
  Duration length;  ///< of a row, a multiple of 10 ms; the last one goes on with the current held at the leg's end
  int count = 0;
};
RampRows ramp_rows(const RampPlan& plan);

/// Length of the last row of a plan; empty where it is not fixed.
std::optional<Duration> last_row_length(const SinglePlan& plan);

/// How fast the current moves and decisions act.
struct Pace {
  Slew slew;
  Duration decision_latency;
};

/// What a plan takes.
struct PlanExtent {
  std::optional<std::int64_t> steps;  ///< empty: the plan decides while it runs
  std::int64_t most_steps = 0;
  int legs = 1;
  /// At most: the ceilings dwell.max, or the length of a step that has one, the ways at the slew, leads, and one
  /// decision latency a step. What an operator takes is not in it.
  Duration longest;
};
PlanExtent plan_extent(const Experiment& experiment, const Pace& pace);

/// How long the current waits on the approach side where a plan does not say: 5 tau_slow, or a quarter of 3/f_min where
/// tau_slow is not known, and at least the settling.
Duration lead_of(std::optional<Duration> tau_slow, Frequency f_min, Duration settling);
/// With a settling of 1 ms, before the channel is known.
Duration lead_of(const Dwell& dwell);

}  // namespace thyrode::load
