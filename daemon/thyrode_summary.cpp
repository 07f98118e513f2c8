#include "daemon/thyrode_summary.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "daemon/analysis/sweep_analysis.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/simulation/map_picture.hpp"

namespace thyrode::program {
namespace {

using analysis::Label;
using analysis::StepResult;

/// With so many decimals below 10, and one fewer for each further digit before the point.
std::string digits(double value, int decimals) {
  for (double limit = 10.0; decimals > 0 && std::abs(value) >= limit; limit *= 10.0) --decimals;
  return fmt::format("{:.{}f}", value, decimals);
}

std::string digits(const std::optional<double>& value, int decimals) {
  return value ? digits(*value, decimals) : std::string{"-"};
}

std::string direction(analysis::Direction direction) {
  switch (direction) {
    case analysis::Direction::up: return "up";
    case analysis::Direction::down: return "dn";
    case analysis::Direction::none: return "";
  }
  return "";
}

std::string interval(const analysis::Estimate& estimate) {
  if (!estimate.low && !estimate.high) return "-";
  const std::string low = digits(estimate.low, 3);
  const std::string high = digits(estimate.high, 3);
  // Too narrow for as many digits: bounds that look equal, or leave the value out, say nothing.
  if (low == high && estimate.value) return fmt::format("+-{:.1e}", 0.5 * (*estimate.high - *estimate.low));
  return low + "-" + high;
}

/// The number of a step; of a companion with the letter of its channel.
std::string index_text(const StepResult& step) {
  if (!step.relation) return fmt::format("{}", step.index);
  return fmt::format("{}{}", step.index, static_cast<char>('A' + step.channel));
}

std::string beta_text(const StepResult& step, BetaShown shown) {
  if (shown == BetaShown::later) return "...";
  if (!step.beta_n_per_ua.value) return analysis::to_string(step.beta_status);
  return fmt::format("{:.5f}{}", *step.beta_n_per_ua.value, shown == BetaShown::provisional ? "?" : "");
}

// ---------------------------------------------------------------- the summary

std::string onset_text(const analysis::SweepFit& fit) {
  return fit.onset_low_ua ? fmt::format("between {:.3f} and {:.3f} uA", *fit.onset_low_ua, *fit.onset_high_ua)
                          : fmt::format("at or below {:.3f} uA: no step below it was silent", *fit.onset_high_ua);
}

std::string end_text(const analysis::SweepFit& fit) {
  return fit.end_high_ua ? fmt::format("between {:.3f} and {:.3f} uA", *fit.end_low_ua, *fit.end_high_ua)
                         : fmt::format("at or above {:.3f} uA: no step above it was silent", *fit.end_low_ua);
}

std::string bound(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string{"unbounded"};
}

std::string lif_text(const analysis::SweepFit& fit) {
  if (!fit.lif) return "none: it needs regular steps (TS, FS) at four currents, up to twice the onset";
  const analysis::LifFit& lif = *fit.lif;
  const bool bounded = std::isfinite(lif.tau_high_ms) && std::isfinite(lif.refractory_high_ms);
  const char* verdict = lif.accepted ? "accepted"
                        : bounded    ? "not accepted (not a LIF here)"
                                     : "not accepted (the rates leave an upper bound open)";
  return fmt::format(
      "{} over {:.2f} to {:.2f} uA: rheobase {:.3f} [{:.3f}, {:.3f}] uA, tau {} [{}, {}] ms, refractory {:.2f} ms, "
      "chi2/dof {:.2f}",
      verdict, lif.range_low_ua, lif.range_high_ua, lif.rheobase_ua, lif.rheobase_low_ua, lif.rheobase_high_ua,
      bound(lif.tau_ms, 2), bound(lif.tau_low_ms, 2), bound(lif.tau_high_ms, 2), lif.refractory_ms, lif.chi2_per_dof);
}

/// Where a phase begins or f jumps.
std::string transitions_text(const std::vector<analysis::Transition>& transitions) {
  constexpr std::size_t most_lines = 20;
  if (transitions.size() > most_lines) return fmt::format("transitions    {} of them\n", transitions.size());
  std::string text;
  for (const analysis::Transition& t : transitions) {
    const char* between = t.below == t.above ? "" : " to ";
    text += fmt::format("transition     {}{}{} between {:.3f} and {:.3f} uA", analysis::to_string(t.below), between,
                        t.below == t.above ? "" : analysis::to_string(t.above), t.bracket.low_ua, t.bracket.high_ua);
    if (t.leg > 0) text += fmt::format(", leg {}", t.leg + 1);
    if (t.jump && t.ln_ratio.value) text += fmt::format(", f jumps by a factor {:.3g}", std::exp(*t.ln_ratio.value));
    text += "\n";
  }
  return text;
}

std::string direct_text(const std::vector<analysis::DirectBeta>& all) {
  std::string text;
  for (const analysis::DirectBeta& direct : all) {
    const analysis::Estimate& beta = direct.per_ua;
    if (!beta.value) continue;
    const std::string around = beta.low && beta.high ? fmt::format(" [{:.5f}, {:.5f}]", *beta.low, *beta.high) : "";
    text += fmt::format("beta_n direct  {:.5f}{} /uA at {:.3f} uA, from {} pairs\n", *beta.value, around,
                        direct.current_ua, direct.pairs);
  }
  return text;
}

std::string loops_text(const analysis::SweepFit& fit) {
  std::string text;
  for (const analysis::HysteresisLoop& loop : fit.loops) {
    const double width_ua = std::abs(loop.width_ua) < 0.0005 ? 0.0 : loop.width_ua;  // never "-0.000"
    text += fmt::format("hysteresis     {} to {}: {:.3f} +- {:.3f} uA wide{}{}\n", analysis::to_string(loop.below),
                        analysis::to_string(loop.above), width_ua, loop.half_range_ua,
                        loop.hysteretic ? ", more than the brackets allow without" : "",
                        loop.drift_separated ? "" : "; drift is not separated");
  }
  for (const analysis::Precursor& p : fit.precursors) {
    text += fmt::format("precursor      beta_n {:.5f} /uA at {:.3f} uA, {:.1f} deviations above the {:.5f} of {}\n",
                        p.beta_n_per_ua, p.current_ua, p.deviations, p.reference_per_ua,
                        p.reference == analysis::Precursor::Reference::lif ? "the LIF" : "its neighbours");
  }
  return text;
}

/// The largest beta_n of which the sign is known, of the steps and of what was measured directly.
std::string beta_line(const analysis::RunResult& result) {
  const analysis::Estimate* largest = nullptr;
  double current_ua = 0.0;
  bool direct = false;
  const auto look_at = [&](const analysis::Estimate& beta, double at_ua, bool is_direct) {
    if (!beta.value || !beta.low || !(*beta.low > 0.0)) return;
    if (largest != nullptr && *beta.value <= *largest->value) return;
    largest = &beta;
    current_ua = at_ua;
    direct = is_direct;
  };
  for (const StepResult& step : result.steps) look_at(step.beta_n_per_ua, step.current_ua, false);
  for (const analysis::DirectBeta& beta : result.direct_beta) look_at(beta.per_ua, beta.current_ua, true);
  if (largest == nullptr) return "largest beta_n none above zero: it needs five firing steps on a branch\n";
  return fmt::format("largest beta_n {:.5f} [{:.5f}, {:.5f}] /uA at {:.3f} uA{}\n", *largest->value, *largest->low,
                     *largest->high, current_ua, direct ? ", measured directly" : "");
}

/// The currents of some steps, "at 42.000 uA" or "from 42.000 to 60.000 uA".
std::string where(const std::vector<const StepResult*>& steps) {
  const auto [low, high] =
      std::minmax_element(steps.begin(), steps.end(),
                          [](const StepResult* a, const StepResult* b) { return a->current_ua < b->current_ua; });
  if (fmt::format("{:.3f}", (*low)->current_ua) == fmt::format("{:.3f}", (*high)->current_ua)) {
    return fmt::format("at {:.3f} uA", (*low)->current_ua);
  }
  return fmt::format("from {:.3f} to {:.3f} uA", (*low)->current_ua, (*high)->current_ua);
}

const char* plural(std::size_t count) {
  return count == 1 ? "" : "s";
}

template <class Predicate>
std::vector<const StepResult*> whole_steps(const std::vector<StepResult>& steps, Predicate&& predicate) {
  std::vector<const StepResult*> chosen;
  for (const StepResult& step : steps) {
    if (step.status != analysis::StepStatus::interrupted && predicate(step)) chosen.push_back(&step);
  }
  return chosen;
}

/// What is said when no step of the sweep has a rate.
std::string nothing_fires(const std::vector<StepResult>& steps) {
  const auto all = whole_steps(steps, [](const StepResult&) { return true; });
  if (all.empty()) return "no step was measured to its end\n";
  const auto high = whole_steps(steps, [](const StepResult& step) { return step.label == Label::QD; });
  const bool spikes = std::any_of(all.begin(), all.end(), [](const StepResult* step) { return step->n_spikes > 0; });
  std::string text = fmt::format("no step {}; {} step{} {}", spikes ? "kept firing" : "fired", all.size(),
                                 plural(all.size()), where(all));
  if (!high.empty()) {
    text += fmt::format(", the output stayed high (QD) in {} of them, {}", high.size(), where(high));
  }
  return text + "\n";
}

/// Warns of steps that fired and fell silent: a slow rhythm looks the same as long as nobody waits for its next burst.
std::string fell_silent(const std::vector<StepResult>& steps) {
  const auto fell = whole_steps(steps, [](const StepResult& step) {
    return (step.label == Label::transient || step.label == Label::QD) && step.n_spikes >= analysis::spikes_of_a_burst;
  });
  if (fell.empty()) return {};
  return fmt::format(
      "fell silent    {} step{} {}, after {} spikes or more: a neuron that bursts more slowly than the dwell.f_min of "
      "this run looks the same; a lower one, and dwell.max above 3/f_min, tell them apart\n",
      fell.size(), plural(fell.size()), where(fell), analysis::spikes_of_a_burst);
}

/// A condition as people write it: "tau_L 0.3 ms". Of a name that only an operator knows, the bare number.
std::string condition_text(const std::string& name, double si) {
  using load::QuantityKind;
  if (name == "tau_L") return name + " " + load::format_rounded(si, QuantityKind::duration);
  if (name == "R_L") return name + " " + load::format_rounded(si, QuantityKind::resistance);
  return fmt::format("{} {:.6g}", name, si);
}

std::string conditions_text(const std::map<std::string, double>& conditions) {
  std::string text;
  for (const auto& [name, value] : conditions) text += (text.empty() ? "" : ", ") + condition_text(name, value);
  return text.empty() ? "no conditions" : text;
}

bool conditions_vary(const std::vector<StepResult>& steps) {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const StepResult& step) { return step.conditions != steps.front().conditions; });
}

/// A measured map as a picture; most of its letters are those of the cell around them.
std::string map_text(const analysis::LabelMap& map) {
  recording::Map picture;
  const auto scale_of = [&](const std::string& name) -> recording::MapAxis {
    if (name == "tau_L") return {name, "s", map.values, "ms", 1e-3};
    if (name == "R_L") return {name, "Ohm", map.values, "Ohm", 1.0};
    return {name, "", map.values, "", 1.0};
  };
  std::vector<double> amperes;
  for (const double current_ua : map.currents_ua) amperes.push_back(1e-6 * current_ua);
  picture.description.axes = {{"I", "A", amperes, "uA", 1e-6}, scale_of(map.parameter)};
  for (const auto& label : map.labels) {
    picture.points.emplace_back();
    picture.points.back().label = label.value_or(Label::undetermined);
    picture.computed.push_back(label ? 1 : 0);
  }
  return simulation::draw_map(picture, {80, 40, false, "points are not known"});
}

/// What the plan aimed at, a line each.
std::string targets_text(const std::vector<analysis::TargetReport>& targets) {
  std::string text;
  for (const analysis::TargetReport& target : targets) {
    const std::string reached = target.reached.empty() ? "" : ": " + target.reached;
    text += fmt::format("target         {} {}{}\n", target.met ? "met" : "NOT met", target.target, reached);
  }
  return text;
}

std::string integrity_line(const analysis::Integrity& integrity) {
  const auto told = [](const std::optional<std::int64_t>& number) {
    return number ? std::to_string(*number) : std::string{"unknown"};
  };
  return fmt::format(
      "integrity      {} samples, {} gaps, {} lost frames, {} overruns, {} retransmits, {} late decisions\n",
      integrity.samples, integrity.gaps, integrity.lost_frames, integrity.overruns, told(integrity.retransmits),
      told(integrity.late_decisions));
}

}  // namespace

std::string table_head() {
  return fmt::format("{:<4}{:>10} {:>6} {:>11} {:>4} {:>6} {:<12} {:<9} {}", "step", "I [uA]", "f [Hz]", "95 % [Hz]",
                     "CV", "spikes", "status", "label", "beta_n /uA");
}

std::string table_row(const StepResult& step, BetaShown beta) {
  return fmt::format("{:>3} {:<2} {:>7.3f} {:>6} {:>11} {:>5} {:>5} {:<12} {:<9} {}", index_text(step),
                     direction(step.direction), step.current_ua, digits(step.frequency_hz.value, 4),
                     interval(step.frequency_hz), digits(step.cv, 3), step.n_spikes, analysis::to_string(step.status),
                     step.label == Label::undetermined ? "-" : analysis::to_string(step.label), beta_text(step, beta));
}

std::string summary(const analysis::RunResult& result) {
  const analysis::SweepFit& fit = result.fit;
  const bool any_fires = std::any_of(result.steps.begin(), result.steps.end(), [](const StepResult& step) {
    return step.status != analysis::StepStatus::interrupted && step.frequency_hz.value;
  });
  std::string text;
  if (result.map) {
    text = map_text(*result.map);
  } else if (fit.onset_high_ua && fit.end_low_ua) {
    text = fmt::format("firing begins  {}\nfiring ends    {}\nLIF fit        {}\n", onset_text(fit), end_text(fit),
                       lif_text(fit));
    if (conditions_vary(result.steps)) {
      text += fmt::format("these          of {} alone, where the run began\n",
                          conditions_text(result.steps.front().conditions));
    }
    text += beta_line(result);
  } else if (!any_fires) {
    text = nothing_fires(result.steps);
  }
  if (!result.map) text += transitions_text(fit.transitions);
  text += loops_text(fit);
  text += direct_text(result.direct_beta);
  text += fell_silent(result.steps);
  text += targets_text(result.targets);
  return text + integrity_line(result.integrity);
}

std::string StepTable::row(const StepResult& step, BetaShown beta) {
  const bool changed = !conditions_ || *conditions_ != step.conditions;
  const bool told = changed && (conditions_ || !step.conditions.empty());
  conditions_ = step.conditions;
  std::string text = told ? fmt::format("-- {}\n", conditions_text(step.conditions)) : std::string{};
  return text + table_row(step, beta);
}

}  // namespace thyrode::program
