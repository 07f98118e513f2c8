// What the engine carries out: every number checked, in the device's terms.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/station.hpp"
#include "daemon/experiment/plans/make_strategy.hpp"
#include "daemon/experiment/strategy.hpp"
#include "drivers/device.hpp"

namespace thyrode::experiment {

/// A second parameter that the steps of a plan set.
struct RunKnob {
  std::string name;            ///< key of PlannedStep::conditions: "tau_L" ...
  bool operator_sets = false;  ///< else the device does, by its variable part
  std::string unit{};          ///< in which it is told and asked for; empty: none
  double one = 1.0;            ///< that unit, SI
};

/// A step that an earlier recording holds, and its ISI histogram.
struct MeasuredBefore {
  analysis::StepResult row;
  std::vector<std::uint32_t> isi_counts;
};

/// A channel that is measured beside the one that the plan is about, as the partner of a network is.
struct Companion {
  Channel channel;
  std::optional<Current>
      holds;  ///< what flows there while current flows at all; empty: what flows in the plan's channel
  LimitSettings limits;
  /// The companion's current while `of` flows in the plan's channel.
  Current current(Current of) const { return holds && of != Current{} ? *holds : of; }
};

/// What a person asks for while a run goes on; it is taken up after a mark and before the next one.
struct OperatorRequest {
  enum class Kind : std::uint8_t { stop, pause, resume, answer_yes, answer_no };
  Kind kind = Kind::stop;
  Sample after;                   ///< the mark; the beginning of the run where there was none yet
  std::optional<double> value{};  ///< of an answer, SI
};

struct RunPlan {
  std::string name;
  Channel channel;
  std::vector<Companion> companions{};
  std::vector<PlannedStep> steps;  ///< of a plan that is known beforehand; unused where there is a strategy
  std::function<std::unique_ptr<Strategy>()> strategy{};
  std::vector<RunKnob> knobs{};
  bool asks = false;                        ///< an operator has to answer questions
  std::vector<MeasuredBefore> before{};     ///< of a run that goes on: whole steps, in their order
  std::vector<OperatorRequest> requests{};  ///< of a run that is replayed: asked for again at the same marks
  analysis::StepRules rules;
  analysis::SweepRules sweep{};
  DetectorSettings detector;
  TelemetrySettings telemetry;
  SnippetSettings snippets;
  LimitSettings limits;
  ChargeSettings charge{};              ///< of each channel
  PlausibilitySettings plausibility{};  ///< the same
  Duration roll_after;  ///< a file of the recording ends with the first step that begins so long after it; 0: never
  Duration lease;
  Duration decision_latency;
  std::uint64_t seed = 0;

  /// Every channel that is measured: the plan's own first.
  std::vector<Channel> channels() const {
    std::vector<Channel> all{channel};
    for (const Companion& companion : companions) all.push_back(companion.channel);
    return all;
  }
  /// A fresh strategy; the same one each time.
  std::unique_ptr<Strategy> make_strategy() const { return strategy ? strategy() : std::make_unique<Timetable>(steps); }
  /// Names that may stand in the conditions of a row.
  std::vector<std::string> conditions() const {
    std::vector<std::string> names;
    for (const RunKnob& each : knobs) names.push_back(each.name);
    return names;
  }
  const RunKnob* knob(const std::string& key) const {
    const auto found = std::find_if(knobs.begin(), knobs.end(), [&](const RunKnob& k) { return k.name == key; });
    return found == knobs.end() ? nullptr : &*found;
  }
};

/// A condition as a setting of the device's variable part: `tau_L` (tau_L = R_L C_L) or `R_L`, SI units.
/// Errors: bad_input (a device without the part, a name that is none of its settings, a value outside its range).
Result<PartSettings> part_setting(const std::string& name, double value, const ChannelDescription& channel);

/// The rules by which the steps of an experiment end, but for those that a step has of its own.
/// @param least_peak  of a spike that is seen whole; 0: not known
analysis::StepRules rules_of(const load::Dwell& dwell, const DeviceInfo& device,
                             const analysis::LabelRules& labels = {}, Voltage least_peak = {});

/// What the device can be told of pieces of the command in this run.
PieceLimits piece_limits(const RunPlan& plan, const DeviceInfo& device);

/// Fits an experiment to a station and a device.
/// Errors: bad_input (a current, rate or snippet that the station or the device cannot do: with place, value and
/// limit).
Result<RunPlan> make_run_plan(const load::Experiment& experiment, const load::Station& station,
                              const DeviceInfo& device, std::uint64_t seed);

}  // namespace thyrode::experiment
