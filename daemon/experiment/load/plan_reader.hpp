// The part of an experiment file that says what is measured: the plan and its keys.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/map_reader.hpp"

namespace thyrode::load {

/// What plans are made of beside their keys.
struct PlanSources {
  const ReadNamedFile& read;                  ///< gives the bytes of a named file; may be empty
  std::map<std::string, std::string>& files;  ///< takes what was read
};

/// The words for `plan`, in the order of Plan.
const std::vector<std::string>& plan_words();

/// The plan that a map names; refuses another word, and keys that belong to other plans only. Comes before the check of
/// keys, since each plan has its own. A missing `plan` is left to read_plan(), for whose sake sweep is assumed.
/// @param inside  of a sequence, which takes no sequence
std::size_t plan_of(Reading& reading, const YamlNode& map, bool inside);

/// The keys of a plan, `plan` not among them.
std::vector<std::string> keys_of_plan(std::size_t plan);

/// Reads the keys of a plan.
///
/// sweep: current: {start, stop, points | step}, direction: up | down | both (up).
/// list: current: [CURRENT, ...], direction (as listed).
/// ramp: current: {start, stop, slope}, direction (up), rows: 100.
/// adaptive_sweep: current: {start, stop, min_step (a quarter of the transition's target), max_step (none),
///   first_points: 9}, targets: {transition: 0.2 %, curve: 3 % | off, ci_rel_beta (off)}, budget: {points: 1000, time,
///   charge}, approach: from_below | from_above | direct (from_below), lead (by the dwell's rules), sentinel: 10 | off.
/// hysteresis: current: {start, stop, points | step}, or a list that rises.
/// phase_map: current: {start, stop, resolution}; one of tau_L: {start, stop, resolution}, R_L: {...} and
///   operator: {quantity, unit, start, stop, resolution}; coarse: 9, remeasure: true | false (true), budget, approach,
///   lead.
/// beta_n: current: [CURRENT, ...], offset, targets: {ci_rel_beta: 10 %}, max_pairs: 100.
/// steps: segments: a list of {hold: CURRENT, for}, {step: CURRENT}, {ramp: CURRENT, for}, {pulse: CURRENT, base: 0 A,
///   width, period, for}, {noise: CURRENT, sd, tau, seed: 1, for} and {waveform: FILE.csv}.
/// sequence: parts: a list of maps with a name, a plan other than sequence and its keys, neuron, and
///   when: {label: LABEL, operator: QUESTION}.
/// @param map  made with these keys among its own
Plan read_plan(MapReader& map, std::size_t plan, const PlanSources& sources);

}  // namespace thyrode::load
