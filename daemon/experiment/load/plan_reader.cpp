#include "daemon/experiment/load/plan_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/experiment/load/currents.hpp"
#include "daemon/experiment/load/parameters.hpp"
#include "daemon/experiment/load/segments.hpp"
#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

// Rows are as long as a decision at least.
constexpr Duration ramp_row = 10.0_ms;
constexpr double longest_lead = 3600.0;
constexpr double longest_budget = 30.0 * 24.0 * 3600.0;
constexpr std::size_t most_parts = 100;
// A map of more points is no map that somebody waits for; its grid is kept in memory.
constexpr double most_map_points = 4097.0;

/// The labels, in the order of analysis::Label.
const std::vector<std::string>& label_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> all;
    for (int k = 0; k <= static_cast<int>(analysis::Label::undetermined); ++k) {
      all.emplace_back(analysis::to_string(static_cast<analysis::Label>(k)));
    }
    return all;
  }();
  return words;
}

enum : std::size_t { sweep, list, ramp, adaptive_sweep, hysteresis, phase_map, beta_n, steps, sequence };

// ---------------------------------------------------------------- what several plans share

void refuse_shape(MapReader& map, const YamlNode& node, std::string_view plan, std::string_view example) {
  map.reading().refuse(node.at, fmt::format("{} is {}, but plan is {}; write for example \"{}\"", map.path("current"),
                                            node.kind == YamlNode::Kind::list ? "a list" : "no map", plan, example));
}

/// The map at `current`; empty after an error.
std::optional<MapReader> current_map(MapReader& map, std::string_view plan, std::string_view example,
                                     std::vector<std::string> keys) {
  const YamlNode* node = map.require("current", example);
  if (node == nullptr) return std::nullopt;
  if (node->kind != YamlNode::Kind::map) {
    refuse_shape(map, *node, plan, example);
    return std::nullopt;
  }
  return std::optional<MapReader>(std::in_place, map.reading(), *node, map.path("current"), std::move(keys));
}

Budget read_budget(MapReader& map, std::optional<std::int64_t> points) {
  Budget budget;
  budget.points = points;
  const YamlNode* node = map.find("budget");
  if (node == nullptr) return budget;
  MapReader limits(map.reading(), *node, map.path("budget"), {"points", "time", "charge"});
  if (const auto n = limits.whole_number("points", 1, most_steps)) budget.points = n;
  if (const auto time = limits.quantity("time", QuantityKind::duration, above_zero_to(longest_budget))) {
    budget.time = Duration::from_si(*time);
  }
  if (const auto charge = limits.quantity("charge", QuantityKind::charge, above_zero())) {
    budget.charge = Charge::from_si(*charge);
  }
  return budget;
}

Approach read_approach(MapReader& map) {
  constexpr Approach approaches[] = {Approach::from_below, Approach::from_above, Approach::direct};
  return approaches[map.word("approach", {"from_below", "from_above", "direct"}).value_or(0)];
}

std::optional<Duration> read_lead(MapReader& map) {
  const auto lead = map.quantity("lead", QuantityKind::duration, between(0.0, longest_lead));
  return lead ? std::optional(Duration::from_si(*lead)) : std::nullopt;
}

bool is_off(const YamlNode* node) {
  return node != nullptr && node->kind == YamlNode::Kind::text && node->text == "off";
}

double relative(MapReader& targets, std::string_view key, double otherwise) {
  return targets.quantity(key, QuantityKind::ratio, between(1e-5, 0.5)).value_or(otherwise);
}

// ---------------------------------------------------------------- the plans

SweepPlan read_sweep(MapReader& map) {
  SweepPlan plan;
  read_direction(map, plan.order);
  constexpr std::string_view example = "current: {start: 34 uA, stop: 126 uA, points: 47}";
  const YamlNode* node = map.require("current", example);
  if (node == nullptr) return plan;
  if (node->kind == YamlNode::Kind::list) {
    map.reading().refuse(node->at, fmt::format("{} is a list, but plan is sweep; write plan: list, or for example "
                                               "\"{}\"",
                                               map.path("current"), example));
    return plan;
  }
  plan.currents = read_range(map, *node, plan.order == Order::both ? 2 : 1, "plan: list for a single current",
                             "direction: down to begin at the larger current");
  return plan;
}

ListPlan read_list_plan(MapReader& map) {
  ListPlan plan;
  read_direction(map, plan.order);
  const YamlNode* node = map.require("current", "current: [36.4 uA, 45.3 uA]");
  if (node != nullptr && node->kind == YamlNode::Kind::map) {
    map.reading().refuse(node->at, fmt::format("{} is a map, but plan is list; write plan: sweep, or for example "
                                               "\"current: [36.4 uA, 45.3 uA]\"",
                                               map.path("current")));
    return plan;
  }
  plan.currents = read_list(map, plan.order == Order::both ? 2 : 1);
  return plan;
}

/// Rows that somebody asked for are as many as that.
void check_rows(MapReader& map, int rows, double seconds) {
  if (map.find("rows") == nullptr || seconds < ramp_row.si()) return;
  const double most = std::floor(seconds / ramp_row.si() * (1.0 + 1e-9));
  if (rows <= most) return;
  map.reading().refuse(map.path("rows"),
                       fmt::format("{}: {} rows of a ramp of {} last {} each; a row lasts {} at least, write at most "
                                   "{:.0f} or a smaller slope",
                                   map.path("rows"), rows, format_rounded(seconds, QuantityKind::duration),
                                   format_rounded(seconds / rows, QuantityKind::duration), to_text(ramp_row), most));
}

RampPlan read_ramp(MapReader& map) {
  RampPlan plan;
  Order order = Order::up;
  read_direction(map, order);
  auto current =
      current_map(map, "ramp", "current: {start: 30 uA, stop: 60 uA, slope: 1 uA/s}", {"start", "stop", "slope"});
  if (!current) return plan;
  const auto ends = read_ends(*current, "", "direction: down to begin at the larger current");
  current->require("slope", "slope: 1 uA/s");
  const auto slope = current->quantity("slope", QuantityKind::slew, above_zero());
  const std::int64_t legs = order == Order::both ? 2 : 1;
  plan.rows = static_cast<int>(map.whole_number("rows", 1, most_steps / legs).value_or(plan.rows));
  if (!ends || !slope) return plan;
  check_rows(map, plan.rows, (ends->stop - ends->start) / *slope);
  plan.start = Current::from_si(order == Order::down ? ends->stop : ends->start);
  plan.stop = Current::from_si(order == Order::down ? ends->start : ends->stop);
  plan.slope = Slew::from_si(*slope);
  plan.there_and_back = order == Order::both;
  const double seconds = (ends->stop - ends->start) / *slope;
  if (seconds > longest_budget || seconds < ramp_row.si()) {
    map.reading().refuse(
        current->path("slope"),
        fmt::format("{}: at {} the ramp takes {}; it must take {} to {}; write {} slope", current->path("slope"),
                    format_rounded(*slope, QuantityKind::slew), format_rounded(seconds, QuantityKind::duration),
                    to_text(ramp_row), format_rounded(longest_budget, QuantityKind::duration),
                    seconds > longest_budget ? "a larger" : "a smaller"));
  }
  return plan;
}

void read_adaptive_targets(MapReader& map, AdaptivePlan& plan) {
  const YamlNode* node = map.find("targets");
  if (node == nullptr) return;
  MapReader targets(map.reading(), *node, map.path("targets"), {"transition", "curve", "ci_rel_beta"});
  plan.transition = relative(targets, "transition", plan.transition);
  if (is_off(targets.find("curve"))) {
    plan.curve.reset();
  } else {
    plan.curve = relative(targets, "curve", *plan.curve);
  }
  const YamlNode* beta = targets.find("ci_rel_beta");
  if (beta != nullptr && !is_off(beta)) plan.ci_rel_beta = relative(targets, "ci_rel_beta", 0.1);
}

/// Intervals are halved, so a bracket of the width wanted needs steps of half of it.
void check_least_step(MapReader& map, MapReader& current, const AdaptivePlan& plan) {
  const double needed = 0.5 * plan.transition * (plan.stop - plan.start).si();
  if (plan.min_step.si() > needed * (1.0 + 1e-9)) {
    map.reading().refuse(
        current.path("min_step"),
        fmt::format("{}: {} is too large for {}: {}, which needs steps of {}; write that, or a wider target",
                    current.path("min_step"), to_text(plan.min_step), map.path("targets.transition"),
                    format_rounded(plan.transition, QuantityKind::ratio),
                    format_rounded(needed, QuantityKind::current)));
  }
  if (plan.max_step.si() > 0.0 && plan.max_step < plan.min_step) {
    map.reading().refuse(current.path("max_step"),
                         fmt::format("{}: {} is below {}: {}; write a larger one", current.path("max_step"),
                                     to_text(plan.max_step), current.path("min_step"), to_text(plan.min_step)));
  }
}

/// The plan decides by the points that it begins with.
void check_first_points(MapReader& map, const AdaptivePlan& plan) {
  if (*plan.budget.points >= plan.first_points) return;
  map.reading().refuse(
      map.path("budget.points"),
      fmt::format("{}: {} are fewer than the {} points with which the plan begins; write {} at least, or a smaller {}",
                  map.path("budget.points"), *plan.budget.points, plan.first_points, plan.first_points,
                  map.path("current.first_points")));
}

AdaptivePlan read_adaptive(MapReader& map) {
  AdaptivePlan plan;
  read_adaptive_targets(map, plan);
  plan.budget = read_budget(map, 1000);
  plan.approach = read_approach(map);
  plan.lead = read_lead(map);
  if (is_off(map.find("sentinel"))) {
    plan.sentinel_every = 0;
  } else {
    plan.sentinel_every = static_cast<int>(map.whole_number("sentinel", 1, 10000).value_or(plan.sentinel_every));
  }
  auto current = current_map(map, "adaptive_sweep", "current: {start: 30 uA, stop: 120 uA, min_step: 20 nA}",
                             {"start", "stop", "min_step", "max_step", "first_points"});
  if (!current) return plan;
  const auto ends = read_ends(*current, "", "approach: from_above to enter each step from the larger current");
  // Far finer than any source.
  constexpr double finest_step = 1e-12;
  const Bounds steps = between(finest_step, possible_currents().high);
  const auto least = current->quantity("min_step", QuantityKind::current, steps);
  const auto largest = current->quantity("max_step", QuantityKind::current, steps);
  plan.first_points = static_cast<int>(current->whole_number("first_points", 2, 1000).value_or(plan.first_points));
  if (!ends) return plan;
  plan.start = Current::from_si(ends->start);
  plan.stop = Current::from_si(ends->stop);
  plan.min_step = Current::from_si(least.value_or(0.0));
  plan.max_step = Current::from_si(largest.value_or(0.0));
  check_least_step(map, *current, plan);
  check_first_points(map, plan);
  return plan;
}

HysteresisPlan read_hysteresis(MapReader& map) {
  constexpr std::int64_t legs = 3;
  const YamlNode* node = map.require("current", "current: {start: 100 uA, stop: 130 uA, points: 31}");
  if (node == nullptr) return {};
  if (node->kind == YamlNode::Kind::map) return {read_range(map, *node, legs, "", "")};
  HysteresisPlan plan{read_list(map, legs, 2)};
  for (std::size_t k = 1; k < plan.currents.size(); ++k) {
    if (plan.currents[k] > plan.currents[k - 1]) continue;
    const std::string path = fmt::format("{}[{}]", map.path("current"), k);
    map.reading().refuse(path, fmt::format("{}: {} does not lie above {} before it; write the currents from the lowest "
                                           "to the highest, they are measured up, down and up again",
                                           path, to_text(plan.currents[k]), to_text(plan.currents[k - 1])));
  }
  return plan;
}

void check_map_axis(MapReader& axis, double length, double resolution, int coarse, QuantityKind kind) {
  const double cells = length / resolution;
  const std::string path = axis.path("resolution");
  const std::string value = shortened(axis.text("resolution").value_or(""));
  if (cells < 1.0 - 1e-9) {
    axis.reading().refuse(path, fmt::format("{}: {} is larger than the range of {}; write a smaller one", path, value,
                                            format_rounded(length, kind)));
  } else if (cells + 1.0 > most_map_points) {
    axis.reading().refuse(path, fmt::format("{}: {} gives {:.0f} points along this axis; at most {:.0f} are measured, "
                                            "write {} or a larger one",
                                            path, value, cells + 1.0, most_map_points,
                                            format_rounded(length / (most_map_points - 1.0), kind)));
  } else if (std::abs(cells - std::round(cells)) > 1e-3) {
    const double fitting = std::max(std::round(cells), coarse - 1.0);
    axis.reading().refuse(path, fmt::format("{}: {} does not divide the range of {}; write for example {}", path, value,
                                            format_rounded(length, kind), format_rounded(length / fitting, kind, 6)));
  } else if (coarse > std::lround(cells) + 1) {
    axis.reading().refuse(path, fmt::format("{}: {} gives {} points along this axis, fewer than the {} to begin with; "
                                            "write a smaller one, or \"coarse: {}\"",
                                            path, value, std::lround(cells) + 1, coarse, std::lround(cells) + 1));
  }
}

PhaseMapPlan read_phase_map(MapReader& map) {
  PhaseMapPlan plan;
  plan.coarse = static_cast<int>(map.whole_number("coarse", 2, 1000).value_or(plan.coarse));
  plan.remeasure = map.word("remeasure", {"true", "false"}).value_or(0) == 0;
  plan.budget = read_budget(map, std::nullopt);
  plan.approach = read_approach(map);
  plan.lead = read_lead(map);
  auto current = current_map(map, "phase_map", "current: {start: 10 uA, stop: 138 uA, resolution: 1 uA}",
                             {"start", "stop", "resolution"});
  if (!current) return plan;
  const auto ends = read_ends(*current, "", "");
  current->require("resolution", "resolution: 1 uA");
  const auto resolution = current->quantity("resolution", QuantityKind::current, above_zero());
  if (!ends || !resolution) return plan;
  plan.start = Current::from_si(ends->start);
  plan.stop = Current::from_si(ends->stop);
  plan.resolution = Current::from_si(*resolution);
  check_map_axis(*current, ends->stop - ends->start, *resolution, plan.coarse, QuantityKind::current);
  if (auto knob = read_knob(map)) {
    plan.knob = knob->knob;
    check_map_axis(knob->map, plan.knob.stop - plan.knob.start, plan.knob.resolution, plan.coarse, knob->kind);
  }
  return plan;
}

/// Pairs are told apart by their current.
void check_once(MapReader& map, const std::vector<Current>& currents) {
  for (std::size_t k = 1; k < currents.size(); ++k) {
    if (std::find(currents.begin(), currents.begin() + static_cast<std::ptrdiff_t>(k), currents[k]) ==
        currents.begin() + static_cast<std::ptrdiff_t>(k)) {
      continue;
    }
    const std::string path = fmt::format("{}[{}]", map.path("current"), k);
    map.reading().refuse(path, fmt::format("{}: {} stands before it already; its pairs would be counted together, "
                                           "write each current once, with more max_pairs",
                                           path, to_text(currents[k])));
  }
}

BetaPlan read_beta(MapReader& map) {
  BetaPlan plan;
  map.require("current", "current: [36.4 uA, 45.3 uA]");
  plan.currents = read_list(map, 1);
  check_once(map, plan.currents);
  map.require("offset", "offset: 500 nA");
  plan.offset = Current::from_si(map.quantity("offset", QuantityKind::current, between(10e-9, 0.05)).value_or(0.0));
  if (const YamlNode* node = map.find("targets")) {
    MapReader targets(map.reading(), *node, map.path("targets"), {"ci_rel_beta"});
    plan.ci_rel_beta = relative(targets, "ci_rel_beta", plan.ci_rel_beta);
  }
  plan.most_pairs = map.whole_number("max_pairs", 4, 10000).value_or(plan.most_pairs);
  return plan;
}

// ---------------------------------------------------------------- sequences

void read_when(MapReader& map, SequencePartPlan& part) {
  const YamlNode* node = map.find("when");
  if (node == nullptr) return;
  if (const YamlNode* temperature = child(*node, "temperature")) {
    map.reading().refuse(temperature->at,
                         fmt::format("{}.temperature: no device measures a temperature; ask somebody who does, for "
                                     "example \"when: {{operator: 'Is the circuit at 25 degC?'}}\"",
                                     map.path("when")));
    return;
  }
  MapReader when(map.reading(), *node, map.path("when"), {"label", "operator"});
  const auto& labels = label_words();
  if (const auto label = when.word("label", labels)) part.when_label = static_cast<analysis::Label>(*label);
  part.when_answered = when.text("operator");
  if (!part.when_label && !part.when_answered) {
    map.reading().refuse(
        node->at, fmt::format("{} says no condition; write \"label: FS\" or \"operator: QUESTION\"", map.path("when")));
  }
}

SinglePlan read_single(MapReader& map, std::size_t plan, const PlanSources& sources);

SequencePlan read_sequence(MapReader& map, const PlanSources& sources) {
  SequencePlan plan;
  const YamlNode* node = map.require("parts", "parts: [{name: first, plan: list, current: [45.3 uA]}]");
  if (node == nullptr) return plan;
  if (node->kind != YamlNode::Kind::list || node->items.empty() || node->items.size() > most_parts) {
    map.reading().refuse(node->at,
                         fmt::format("{} must be a list of 1 to {} maps, each with a name, a plan and its keys",
                                     map.path("parts"), most_parts));
    return plan;
  }
  for (std::size_t k = 0; k < node->items.size() && !map.reading().failed(); ++k) {
    const YamlNode& item = node->items[k];
    const std::string path = fmt::format("{}[{}]", map.path("parts"), k);
    const std::size_t which = plan_of(map.reading(), item, true);
    std::vector<std::string> keys{"name", "plan"};
    for (const std::string& key : keys_of_plan(which)) keys.push_back(key);
    keys.insert(keys.end(), {"neuron", "when"});
    MapReader reader(map.reading(), item, path, std::move(keys));
    SequencePartPlan part;
    part.name = read_name(reader).value_or("");
    // The column of the step table is so wide.
    constexpr std::size_t longest_part_name = 16;
    if (part.name.size() > longest_part_name) {
      map.reading().refuse(reader.path("name"),
                           fmt::format("{}: '{}' has {} letters; every row carries it, write {} at most",
                                       reader.path("name"), part.name, part.name.size(), longest_part_name));
    }
    reader.require("plan", "plan: sweep");
    part.plan = read_single(reader, which, sources);
    part.neuron = read_neuron(reader);
    read_when(reader, part);
    if (k == 0 && part.when_label) {
      map.reading().refuse(reader.path("when.label"),
                           fmt::format("{}: nothing is measured before the first part; remove "
                                       "the key",
                                       reader.path("when.label")));
    }
    for (const SequencePartPlan& other : plan.parts) {
      if (other.name != part.name) continue;
      map.reading().refuse(reader.path("name"), fmt::format("{}: '{}' is the name of a part before it; write another, "
                                                            "rows are told apart by it",
                                                            reader.path("name"), part.name));
    }
    plan.parts.push_back(std::move(part));
  }
  return plan;
}

SinglePlan read_single(MapReader& map, std::size_t plan, const PlanSources& sources) {
  switch (plan) {
    case list: return read_list_plan(map);
    case ramp: return read_ramp(map);
    case adaptive_sweep: return read_adaptive(map);
    case hysteresis: return read_hysteresis(map);
    case phase_map: return read_phase_map(map);
    case beta_n: return read_beta(map);
    case steps: return StepsPlan{read_segments(map, sources)};
    default: return read_sweep(map);
  }
}

}  // namespace

const std::vector<std::string>& plan_words() {
  static const std::vector<std::string> words{"sweep",     "list",   "ramp",  "adaptive_sweep", "hysteresis",
                                              "phase_map", "beta_n", "steps", "sequence"};
  return words;
}

std::vector<std::string> keys_of_plan(std::size_t plan) {
  switch (plan) {
    case ramp: return {"current", "direction", "rows"};
    case adaptive_sweep: return {"current", "targets", "budget", "approach", "lead", "sentinel"};
    case hysteresis: return {"current"};
    case phase_map: return {"current", "tau_L", "R_L", "operator", "coarse", "remeasure", "budget", "approach", "lead"};
    case beta_n: return {"current", "offset", "targets", "max_pairs"};
    case steps: return {"segments"};
    case sequence: return {"parts"};
    default: return {"current", "direction"};
  }
}

namespace {
/// What to do about a key that belongs to another plan.
std::string_view instead_of(std::string_view key) {
  if (key == "operator") {
    return "what an operator sets once, before the first step, stands in `neuron`: \"neuron: {operator: {quantity: "
           "C_L, "
           "unit: uF, value: 1 uF}}\"";
  }
  if (key == "tau_L") return "what the instrument sets once, before the first step: \"neuron: {tau_L: 0.3 ms}\"";
  if (key == "R_L") return "what the instrument sets once, before the first step: \"neuron: {R_L: 3 kOhm}\"";
  return "remove it or change the plan";
}
}  // namespace

std::size_t plan_of(Reading& reading, const YamlNode& map, bool inside) {
  const YamlNode* node = child(map, "plan");
  if (node == nullptr || node->kind != YamlNode::Kind::text) return sweep;
  const auto& words = plan_words();
  const std::vector<std::string> allowed(words.begin(), inside ? words.end() - 1 : words.end());
  const auto found = std::find(allowed.begin(), allowed.end(), node->text);
  if (found == allowed.end()) {
    reading.refuse(node->at, inside && node->text == words.back()
                                 ? std::string{"a sequence cannot be a part of a sequence; write its parts here"}
                                 : fmt::format("plan '{}' is not known; this version knows {}", shortened(node->text),
                                               list_of_words(allowed)));
    return sweep;
  }
  const auto plan = static_cast<std::size_t>(found - allowed.begin());
  const auto own = keys_of_plan(plan);
  for (const YamlNode::Key& key : map.keys) {
    if (std::find(own.begin(), own.end(), key.name) != own.end()) continue;
    std::vector<std::string> owners;
    for (std::size_t other = 0; other < words.size(); ++other) {
      const auto keys = keys_of_plan(other);
      if (std::find(keys.begin(), keys.end(), key.name) != keys.end()) owners.push_back(words[other]);
    }
    if (owners.empty()) continue;
    reading.refuse(key.at, fmt::format("key '{}' belongs to plan {}, and plan is {}; {}", key.name,
                                       list_of_words(owners, " or "), words[plan], instead_of(key.name)));
  }
  return plan;
}

Plan read_plan(MapReader& map, std::size_t plan, const PlanSources& sources) {
  map.require("plan", "plan: sweep");
  if (plan == sequence) return read_sequence(map, sources);
  return std::visit([](auto&& single) { return Plan{std::forward<decltype(single)>(single)}; },
                    read_single(map, plan, sources));
}

}  // namespace thyrode::load
