// The name of a firing pattern, from what an instrument can see: times and shapes of spikes, levels between them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/output_shape.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"

namespace thyrode::analysis {

/// The numbers of the rule. All are ratios but those that say otherwise.
///
/// These are what depends on a neuron or on taste, and `labels` of an experiment sets them. Other numbers decide labels
/// too and are fixed by design. Those of burst_finder.cpp (a valley of depth 0.7, two deviations deep, five intervals
/// on each side, gaps of 2.5 inner intervals) and of vacancies.cpp (CV and residual below 0.15, median k below 4.5,
/// five clusters) were chosen together against test trains of every pattern: each sets how often one pattern is taken
/// for another, and the error rates that are told with them hold for these values alone. Those of phase_label.cpp say
/// when a few intervals are too few to be a pattern; they are the other side of the five above and move with them.
struct LabelRules {
  double tonic_cv = 0.12;        ///< CV of the intervals below which a train is tonic
  double tonic_order = 8.0;      ///< S64 above which it is tonic whatever its CV
  double irregular_cv = 0.24;    ///< CV above which a train may be irregular ("melted")
  double irregular_order = 4.0;  ///< S64 below which it is

  double fast_load_times = 10.0;  ///< FS: median interval below so many tau_L, where tau_L is known
  double fast_trough = 0.25;      ///< FS otherwise: the output falls no lower than this share of the peak,
  double fast_widths = 15.0;      ///< and the median interval is below so many median spike widths

  double plateau_widths = 4.0;      ///< a plateau is a spike so many times as wide as the narrow ones,
  double plateau_load_times = 3.0;  ///< and as so many tau_L, where tau_L is known
  double plateau_share = 0.5;       ///< IB2: plateaus for at least so many of the gaps between bursts
  double stutter_cv = 0.3;  ///< where no widths are known: IB1 if the CV of spikes per burst or of gaps exceeds it

  double latched_swing = 0.04;   ///< QD: the output rests above the trough by this share of a spike's swing,
  double latched_across = 0.85;  ///< and the voltage across the switch below this share of its highest

  double long_interval = 3.0;  ///< an interval so many times the median stands apart
  double least_share = 0.2;    ///< mixed: each of two patterns holds at least this share of the time
  bool operator==(const LabelRules&) const = default;
};

/// Names a train that fires throughout a step and does not burst.
/// TS (tonic): CV < 0.12 or S64 > 8, which also holds a regular pattern of period 2; irregular ("melted"):
/// CV > 0.24 and S64 < 4; soft in between. Without a whole block of 64 spikes the renewal value coth(pi^2 CV^2)
/// stands for S64.
/// @param spikes  fewer than 5 give `undetermined`
/// @param cv  of the inter-spike intervals
/// @param structure_factor  S64
Label order_label(std::int64_t spikes, std::optional<double> cv, std::optional<double> structure_factor,
                  const LabelRules& rules = {});

/// What was seen of a step.
struct Seen {
  const TrainStatistics& train;    ///< after the settling
  const OutputStatistics& output;  ///< of the whole step
  double seconds_per_tick = 0.0;
  std::optional<double> load_time_s;  ///< tau_L, if it is known
  bool silent = false;                ///< no spike for so long that the neuron counts as silent
};

/// What a step is called.
struct Phase {
  Label label = Label::undetermined;
  std::map<std::string, double> fractions;  ///< of the time under each label where it is `mixed`, else empty
  bool vacancies = false;                   ///< spikes are missing from a regular train
};

/// The one rule, in this order.
/// 1. Silent: QD if the output has stayed up (OutputStatistics::latched), QH if nothing fired, else transient. A single
///    spike that never ended and is no latched switch is the output that has charged up: QH.
/// 2. Fewer than 5 spikes: undetermined.
/// 3. Two patterns in stretches, each with the least share of the time: mixed. Two rates are told from bursts by their
///    long intervals, which then follow each other; a few long silences stand apart from a train by themselves. With a
///    single one that holds more than half of the time nothing is told: undetermined.
/// 4. Bursts (TrainStatistics::bursting): IB2 if there are plateaus for the gaps, else IB1. Where no widths are known,
///    IB2 is the clock-like one.
/// 5. Missing spikes: FS or TS with `vacancies`.
/// 6. order_label(). Up to four intervals that stand apart, shorter or longer, are left out of its CV: so few are
///    neither bursts nor missing spikes. A tonic train is FS if it is fast (LabelRules), else TS.
/// Source: the rule is ours. 1 and 4 follow the mechanism of Wu et al., Neuromorph. Comput. Eng. 3 (2023) 044008; 5 and
/// 6 design page "Analysis", section 5.
Phase find_phase(const Seen& seen, const LabelRules& rules = {});

/// Missing spikes, where there is a regular train that they can be missing from: the label is TS or FS, and the
/// intervals are whole multiples (Vacancies::valid). Gaps between bursts and silences are not missing spikes.
/// @param label  of find_phase()
std::optional<Vacancies> counted_vacancies(const TrainStatistics& train, Label label);

/// Why counted_vacancies() is empty, in words; null where it is not.
const char* why_not_counted(const TrainStatistics& train, Label label);

/// What spike times alone say of a pattern, without shapes, levels, tau_L or other currents.
struct TimesLabel {
  std::string word;               ///< that of the label, or `bursting`
  std::vector<Label> candidates;  ///< which of the labels it may be
  const char* open = nullptr;     ///< why more than one is left; null where there is one
};
/// Where IB1 and IB2 are bursts the same, the word is `bursting`; TS stands for FS too, QH for QD.
/// @param label  of find_phase() for a train without shapes and levels
TimesLabel label_of_times(Label label);

/// Bursts that come like a clock: neither the CV of the spikes per burst nor that of the gaps exceeds
/// LabelRules::stutter_cv; else they stutter. Where no widths are known, find_phase() tells IB2 from IB1 by it.
bool clock_like(const Bursts& bursts, const LabelRules& rules = {});

/// Intervals that stand apart, longer than LabelRules::long_interval medians: how many.
std::int64_t long_intervals(const IsiHistogram& histogram, const LabelRules& rules);

}  // namespace thyrode::analysis
