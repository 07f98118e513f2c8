#include "daemon/thyrode_outline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::program {
namespace {

using experiment::PlannedStep;
using load::QuantityKind;

std::string text(Current current) {
  return load::format_rounded(current.si(), QuantityKind::current);
}
std::string text(Duration duration) {
  return load::format_rounded(duration.si(), QuantityKind::duration);
}
std::string percent(double ratio) {
  return load::format_rounded(ratio, QuantityKind::ratio);
}
std::string value_text(double si, const std::string& unit, double one) {
  return fmt::format("{:.6g}{}{}", si / one, unit.empty() ? "" : " ", unit);
}

std::string currents(std::size_t count) {
  return fmt::format("{} current{}", count, count == 1 ? "" : "s");
}

std::string step_end(const load::Dwell& dwell) {
  return fmt::format("a step ends when f is known to {}, at silence, or after {}", percent(dwell.ci_rel_f),
                     text(dwell.max));
}

std::string plural(std::size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

/// Each plan in words.
struct Rule {
  const load::Dwell& dwell;

  std::string operator()(const load::SweepPlan& plan) const {
    const char* way = plan.order == load::Order::both   ? "up and down again"
                      : plan.order == load::Order::down ? "down"
                                                        : "up";
    return fmt::format("{}, {}; {}", currents(plan.currents.size()), way, step_end(dwell));
  }
  std::string operator()(const load::ListPlan& plan) const {
    return fmt::format("{}; {}", currents(plan.currents.size()), step_end(dwell));
  }
  std::string operator()(const load::RampPlan& plan) const {
    const load::RampRows rows = load::ramp_rows(plan);
    return fmt::format(
        "the current moves from {} to {}{} at {}, in {} of {}{}", text(plan.start), text(plan.stop),
        plan.there_and_back ? " and back" : "", load::format_rounded(plan.slope.si(), QuantityKind::slew),
        plural(static_cast<std::size_t>(rows.count), "row"), text(rows.length), plan.there_and_back ? " each way" : "");
  }
  std::string operator()(const load::HysteresisPlan& plan) const {
    return fmt::format("{}, up, down and up again; {}", currents(plan.currents.size()), step_end(dwell));
  }
  std::string operator()(const load::StepsPlan& plan) const {
    const bool waits = std::any_of(plan.segments.begin(), plan.segments.end(), [](const load::SegmentPlan& segment) {
      return segment.kind == load::SegmentPlan::Kind::step;
    });
    return fmt::format("{}, {}{}", plural(plan.segments.size(), "segment"),
                       plan.segments.size() == 1 ? "one row" : "a row each", waits ? "; " + step_end(dwell) : "");
  }
  std::string operator()(const load::AdaptivePlan& plan) const {
    const Current range = plan.stop - plan.start;
    std::string rule = fmt::format(
        "{} uniform steps; then each interval whose ends differ in their label, or in which f jumps, is halved until "
        "it is no wider than {}",
        plan.first_points, text(plan.transition * range));
    if (plan.curve) rule += fmt::format("; then each in which ln f bends by more than {}", percent(*plan.curve));
    if (plan.max_step.si() > 0.0) rule += fmt::format("; then each wider than {}", text(plan.max_step));
    rule += "; then steps that know less than the targets want are made again";
    if (plan.sentinel_every > 0) {
      rule += fmt::format("; one current is measured again every {} steps, to see a drift", plan.sentinel_every);
    }
    return rule + "; " + step_end(dwell);
  }
  std::string operator()(const load::PhaseMapPlan& plan) const {
    const auto points = [](double length, double side) { return std::llround(length / side) + 1; };
    const bool whole = points((plan.stop - plan.start).si(), plan.resolution.si()) == plan.coarse &&
                       points(plan.knob.stop - plan.knob.start, plan.knob.resolution) == plan.coarse;
    if (whole) {
      return fmt::format("the whole grid of {0} x {0}{1}; all steps at one {2} come together; {3}", plan.coarse,
                         plan.remeasure ? "; a corner that stands alone is measured up to twice more" : "",
                         plan.knob.name, step_end(dwell));
    }
    return fmt::format(
        "a grid of {0} x {0}; then each cell along whose edge the label changes is divided in four, down to {1} and "
        "{2} ({3} x {4} points){5}; all steps at one {6} come together; {7}",
        plan.coarse, text(plan.resolution), value_text(plan.knob.resolution, plan.knob.unit, plan.knob.one),
        points((plan.stop - plan.start).si(), plan.resolution.si()),
        points(plan.knob.stop - plan.knob.start, plan.knob.resolution),
        plan.remeasure ? "; a corner that stands alone is measured up to twice more" : "", plan.knob.name,
        step_end(dwell));
  }
  std::string operator()(const load::BetaPlan& plan) const {
    return fmt::format(
        "{}; at each, steps {} below and above it in the order - + + -, two pairs at a time, until beta_n is known to "
        "{} or {} pairs are made; {}",
        currents(plan.currents.size()), text(plan.offset), percent(plan.ci_rel_beta), (plan.most_pairs + 1) / 2 * 2,
        step_end(dwell));
  }
};

std::string entry_of(const load::SinglePlan& plan, const load::Dwell& dwell) {
  const auto words = [&](load::Approach approach, Current start, Current stop, const std::optional<Duration>& lead) {
    if (approach == load::Approach::direct) return std::string{"each step follows the one before it from where it is"};
    const bool below = approach == load::Approach::from_below;
    return fmt::format("each step is entered from {}: where the current would have to {}, it waits at {} for {} first",
                       below ? "below" : "above", below ? "fall" : "rise", text(below ? start : stop),
                       text(lead.value_or(load::lead_of(dwell))));
  };
  if (const auto* adaptive = std::get_if<load::AdaptivePlan>(&plan)) {
    return words(adaptive->approach, adaptive->start, adaptive->stop, adaptive->lead);
  }
  if (const auto* map = std::get_if<load::PhaseMapPlan>(&plan)) {
    return words(map->approach, map->start, map->stop, map->lead);
  }
  return {};
}

/// Targets of a plan, as they are called in the result.
std::vector<std::string> targets_of(const experiment::Strategy& strategy) {
  std::vector<std::string> names;
  for (const analysis::TargetReport& report : strategy.targets({})) names.push_back(report.target);
  return names;
}

std::size_t shown_of(const load::SinglePlan& plan) {
  if (const auto* adaptive = std::get_if<load::AdaptivePlan>(&plan)) {
    return static_cast<std::size_t>(adaptive->first_points);
  }
  if (const auto* map = std::get_if<load::PhaseMapPlan>(&plan)) return static_cast<std::size_t>(map->coarse);
  constexpr std::size_t block = 4;  // of pairs
  return block;
}

/// What a plan that decides begins with: the steps that it asks for whatever the ones before them say.
std::vector<PlannedStep> first_steps(experiment::Strategy& strategy, std::size_t count) {
  std::vector<PlannedStep> steps;
  std::vector<analysis::StepResult> rows;
  while (steps.size() < count) {
    auto step = strategy.next(rows);
    if (!step) break;
    analysis::StepResult row;
    row.index = static_cast<int>(rows.size());
    row.current_ua = step->current.in(1.0_uA);
    row.conditions = step->conditions;
    row.leg = step->leg;
    rows.push_back(std::move(row));
    steps.push_back(*std::move(step));
  }
  return steps;
}

std::vector<OutlinedStep> timed(std::vector<PlannedStep> steps, const experiment::RunPlan& run,
                                const DeviceInfo& device) {
  std::vector<OutlinedStep> outlined;
  Current present;
  double now = 0.0;
  const auto way = [&](Current to) { return std::abs((to - present).si()) / run.limits.slew.si(); };
  for (PlannedStep& step : steps) {
    OutlinedStep entry;
    entry.first = step.pieces.empty() ? step.current : step.pieces.front().from;
    entry.last = step.pieces.empty() ? step.current : step.pieces.back().to;
    if (step.lead) {
      now += way(step.lead->current) + step.lead->hold.si();
      present = step.lead->current;
    }
    entry.latest_start_s = now;
    if (const auto length = experiment::fixed_length(step, device)) {
      entry.lasts_s = static_cast<double>(*length) / device.sample_rate_hz;
      now += *entry.lasts_s;
    } else {
      now += way(entry.first) + run.rules.longest_s + run.decision_latency.si();
    }
    present = entry.last;
    entry.step = std::move(step);
    outlined.push_back(std::move(entry));
  }
  return outlined;
}

load::Budget budget_of(const load::SinglePlan& plan) {
  if (const auto* adaptive = std::get_if<load::AdaptivePlan>(&plan)) return adaptive->budget;
  if (const auto* map = std::get_if<load::PhaseMapPlan>(&plan)) return map->budget;
  return {};
}

/// What a segment does between its ends.
std::string course_of(const load::SegmentPlan& segment) {
  using Kind = load::SegmentPlan::Kind;
  if (segment.kind == Kind::pulse) {
    return fmt::format("{} for {} every {}, from {}", text(segment.current), text(segment.width), text(segment.period),
                       text(segment.base));
  }
  if (segment.kind == Kind::noise) {
    return fmt::format("around {}, sd {}, tau {}, seed {}", text(segment.current), text(segment.sd), text(segment.tau),
                       segment.seed);
  }
  if (segment.kind != Kind::waveform) return {};
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [low, high] = std::minmax_element(segment.samples.begin(), segment.samples.end(), less);
  return fmt::format("{} samples from {} to {}", segment.samples.size(), text(low->second), text(high->second));
}

std::string setting_text(const load::NeuronSetting& setting) {
  return fmt::format("{} sets {} to {}", setting.operator_sets ? "an operator" : "the device", setting.name,
                     value_text(setting.value, setting.unit, setting.one));
}

/// Outline of a plan that stands alone.
/// @param alone  the experiment with this plan as its only one
PlanOutline outline_of(const load::Experiment& alone, const experiment::RunPlan& run, const DeviceInfo& device) {
  const load::SinglePlan plan = *load::single_plan(alone.plan);
  PlanOutline outline;
  outline.word = load::plan_word(plan);
  outline.rule = std::visit(Rule{alone.dwell}, plan);
  outline.entry = entry_of(plan, alone.dwell);
  for (const load::NeuronSetting& setting : alone.neuron) outline.conditions.push_back(setting_text(setting));
  if (const auto* map = std::get_if<load::PhaseMapPlan>(&plan)) {
    outline.conditions.push_back(fmt::format("{} sets {} from {} to {}, at zero current",
                                             map->knob.operator_sets ? "an operator" : "the device", map->knob.name,
                                             value_text(map->knob.start, map->knob.unit, map->knob.one),
                                             value_text(map->knob.stop, map->knob.unit, map->knob.one)));
  }
  outline.budget = budget_of(plan);
  const load::PlanExtent extent = load::plan_extent(alone, {run.limits.slew, run.decision_latency});
  outline.points = extent.steps;
  outline.most_points = extent.most_steps;
  outline.longest_s = extent.longest.si();
  const Duration least_piece = experiment::piece_limits(run, device).least_piece();
  const auto strategy = experiment::make_strategy(alone, run.rules, least_piece);
  outline.targets = targets_of(*strategy);
  const std::size_t count = extent.steps ? static_cast<std::size_t>(*extent.steps) : shown_of(plan);
  outline.steps = timed(first_steps(*strategy, count), run, device);
  if (const auto* list = std::get_if<load::StepsPlan>(&plan)) {
    for (std::size_t k = 0; k < outline.steps.size(); ++k) outline.steps[k].what = course_of(list->segments[k]);
  }
  outline.longest_step_s = run.rules.longest_s;
  return outline;
}

}  // namespace

std::vector<PlanOutline> outline(const Job& job, const experiment::RunPlan& run, const DeviceInfo& device) {
  const auto* sequence = std::get_if<load::SequencePlan>(&job.experiment.plan);
  if (sequence == nullptr) return {outline_of(job.experiment, run, device)};
  std::vector<PlanOutline> outlines;
  for (const load::SequencePartPlan& part : sequence->parts) {
    load::Experiment alone = job.experiment;
    alone.plan = std::visit([](const auto& plan) { return load::Plan{plan}; }, part.plan);
    for (const load::NeuronSetting& setting : part.neuron) {
      std::erase_if(alone.neuron, [&](const load::NeuronSetting& other) { return other.name == setting.name; });
      alone.neuron.push_back(setting);
    }
    // What the part varies is not held.
    if (const auto* map = std::get_if<load::PhaseMapPlan>(&part.plan)) {
      std::erase_if(alone.neuron, [&](const load::NeuronSetting& other) { return other.name == map->knob.name; });
    }
    PlanOutline outline = outline_of(alone, run, device);
    outline.name = part.name;
    if (part.when_answered) {
      outline.conditions.insert(outline.conditions.begin(),
                                fmt::format("an operator is asked: {}", *part.when_answered));
    }
    if (part.when_label) {
      outline.conditions.insert(outline.conditions.begin(),
                                fmt::format("only if the step before it is {}; else the run ends there",
                                            analysis::to_string(*part.when_label)));
    }
    outlines.push_back(std::move(outline));
  }
  return outlines;
}

}  // namespace thyrode::program
