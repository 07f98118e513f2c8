// What an experiment file says of its plan, as plain numbers: one struct for each plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/analysis/step_result.hpp"
#include "protocols/units.hpp"

namespace thyrode::load {

/// The order of the currents. A sweep without `direction` goes up; a list without it keeps its own order.
enum class Order : std::uint8_t { as_listed, up, down, both };

/// Currents from start to stop, both ends exact.
struct SweepPlan {
  std::vector<Current> currents;  ///< rising
  Order order = Order::up;
};

/// Currents one by one.
struct ListPlan {
  std::vector<Current> currents;  ///< as listed
  Order order = Order::as_listed;
};

/// What a plan may use up; empty is without limit.
struct Budget {
  std::optional<std::int64_t> points;  ///< steps measured
  std::optional<Duration> time;        ///< of the device, leads included; waiting for a turn of the knob is not
  std::optional<Charge> charge;        ///< through the neuron, sum of |I| t
};

/// The side from which every step is entered, where the plan jumps about between currents.
enum class Approach : std::uint8_t { from_below, from_above, direct };

/// A constant slope from start to stop, cut into rows of equal length.
struct RampPlan {
  Current start;
  Current stop;
  Slew slope;      ///< > 0
  int rows = 100;  ///< rows of the step table over the ramp
  bool there_and_back = false;
};

/// A sweep that finds the transitions by itself (design page "Analysis", section 8).
struct AdaptivePlan {
  Current start;
  Current stop;
  Current min_step;                    ///< no interval is cut below it
  Current max_step;                    ///< no interval is left wider; zero: no such rule
  int first_points = 9;                ///< uniform points to begin with
  double transition = 0.002;           ///< target width of a bracket, share of stop - start
  std::optional<double> curve = 0.03;  ///< target relative error of f between points
  std::optional<double> ci_rel_beta;   ///< target relative half width of the interval of beta_n
  Approach approach = Approach::from_below;
  std::optional<Duration> lead;  ///< how long the current waits on the approach side; empty: by the dwell's rules
  int sentinel_every = 10;       ///< steps between two measurements of the sentinel current; 0: none
  Budget budget;
};

/// Up, down and up again over the same currents.
struct HysteresisPlan {
  std::vector<Current> currents;  ///< rising
};

/// A parameter that is set before the first step and stays: by the device's variable part, or by an operator.
struct NeuronSetting {
  std::string name;  ///< "tau_L" or "R_L"; of an operator any word
  bool operator_sets = false;
  double value = 0.0;  ///< SI
  std::string unit;    ///< in which it is told and asked for; empty: none
  double one = 1.0;    ///< that unit, SI; 1 for a unit that is not known here
};

/// The second parameter of a map.
struct Knob {
  std::string name;  ///< "tau_L", "R_L", or any word the operator is asked for
  bool operator_sets = false;
  double start = 0.0;       ///< SI, below stop
  double stop = 0.0;        ///< SI
  double resolution = 0.0;  ///< SI: side of the smallest cell
  std::string unit{};       ///< in which it is told and asked for; empty: none
  double one = 1.0;         ///< that unit, SI; 1 for a unit that is not known here
};

/// Current times a second parameter, refined where labels differ.
struct PhaseMapPlan {
  Current start;
  Current stop;
  Current resolution;
  Knob knob;
  int coarse = 9;         ///< points along each axis to begin with
  bool remeasure = true;  ///< a corner that disagrees with the three others is measured twice more and outvoted
  Approach approach = Approach::from_below;
  std::optional<Duration> lead;
  Budget budget;
};

/// The direct measurement of beta_n: pairs I - d, I + d in the order ABBA.
struct BetaPlan {
  std::vector<Current> currents;
  Current offset;                 ///< d
  double ci_rel_beta = 0.1;       ///< target relative half width of the interval of beta_n
  std::int64_t most_pairs = 100;  ///< pairs at one current
};

/// One piece of a free list.
struct SegmentPlan {
  enum class Kind : std::uint8_t { hold, step, ramp, pulse, noise, waveform };
  Kind kind = Kind::hold;
  Current current;         ///< level; of a ramp where it ends; of a pulse its height; of noise its mean
  Current base;            ///< of a pulse: level between pulses
  Current sd;              ///< of noise
  Duration length;         ///< of the whole segment; zero for `step`: as long as the dwell's rules want
  Duration width;          ///< of a pulse
  Duration period;         ///< of a pulse
  Duration tau;            ///< correlation time of noise
  std::uint64_t seed = 0;  ///< of noise
  std::vector<std::pair<Duration, Current>> samples;  ///< of a waveform: times from its beginning, rising
};

/// A free list, one step for each segment.
struct StepsPlan {
  std::vector<SegmentPlan> segments;
};

/// Any plan that can be a part of a sequence.
using SinglePlan =
    std::variant<SweepPlan, ListPlan, RampPlan, AdaptivePlan, HysteresisPlan, PhaseMapPlan, BetaPlan, StepsPlan>;

/// A plan in a sequence and what must be so before it begins.
struct SequencePartPlan {
  std::string name;  ///< one of its own in the sequence
  SinglePlan plan;
  std::vector<NeuronSetting> neuron{};  ///< beside those of the experiment, and instead of one with the same name
  std::optional<analysis::Label> when_label{};  ///< of the last step before it
  std::optional<std::string> when_answered{};   ///< what an operator is asked before its first step
};

/// Plans one after the other.
struct SequencePlan {
  std::vector<SequencePartPlan> parts;
};

/// The plan of an experiment.
using Plan = std::variant<SweepPlan, ListPlan, RampPlan, AdaptivePlan, HysteresisPlan, PhaseMapPlan, BetaPlan,
                          StepsPlan, SequencePlan>;

/// The plan of an experiment unless it is a sequence.
std::optional<SinglePlan> single_plan(const Plan& plan);

/// The word for a plan in an experiment file: "sweep", "adaptive_sweep" ...
std::string_view plan_word(const SinglePlan& plan);
std::string_view plan_word(const Plan& plan);

}  // namespace thyrode::load
