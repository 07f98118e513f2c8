#include "daemon/experiment/plans/make_strategy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/plans/adaptive_sweep.hpp"
#include "daemon/experiment/plans/approach.hpp"
#include "daemon/experiment/plans/beta_pairs.hpp"
#include "daemon/experiment/plans/free_steps.hpp"
#include "daemon/experiment/plans/hysteresis.hpp"
#include "daemon/experiment/plans/phase_map.hpp"
#include "daemon/experiment/plans/sequence.hpp"

namespace thyrode::experiment {
namespace {

using Conditions = std::map<std::string, double>;
using Steps = std::vector<PlannedStep>;

/// A plan under conditions that stay. What the plan itself sets comes before them.
class Held final : public Strategy {
 public:
  Held(std::unique_ptr<Strategy> plan, Conditions conditions)
      : plan_{std::move(plan)}, conditions_{std::move(conditions)} {}

  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override {
    auto step = plan_->next(rows);
    if (step) step->conditions.insert(conditions_.begin(), conditions_.end());
    return step;
  }
  std::optional<std::size_t> known_steps() const override { return plan_->known_steps(); }
  std::optional<std::size_t> most_steps() const override { return plan_->most_steps(); }
  std::vector<TargetReport> targets(std::span<const analysis::StepResult> rows) const override {
    return plan_->targets(rows);
  }
  void complete(std::span<const analysis::StepResult> rows, analysis::RunResult& result) const override {
    plan_->complete(rows, result);
  }

 private:
  std::unique_ptr<Strategy> plan_;
  Conditions conditions_;
};

void add(const std::vector<load::NeuronSetting>& neuron, Conditions& conditions) {
  for (const load::NeuronSetting& setting : neuron) conditions[setting.name] = setting.value;
}

std::unique_ptr<Strategy> held(std::unique_ptr<Strategy> plan, Conditions conditions) {
  if (conditions.empty()) return plan;
  return std::make_unique<Held>(std::move(plan), std::move(conditions));
}

Steps planned(const std::vector<load::StepPlan>& timetable) {
  Steps steps;
  for (const load::StepPlan& entry : timetable) {
    PlannedStep step;
    step.current = entry.current;
    step.direction = entry.direction;
    step.leg = entry.leg;
    steps.push_back(std::move(step));
  }
  return steps;
}

/// The strategies of plans that decide.
struct Deciding {
  const analysis::StepRules& rules;
  const analysis::SweepRules& sweep;
  std::unique_ptr<Strategy> operator()(const load::AdaptivePlan& plan) const {
    return std::make_unique<AdaptiveSweep>(plan, lead_by_rules(rules), rules.relative_precision, sweep);
  }
  std::unique_ptr<Strategy> operator()(const load::PhaseMapPlan& plan) const {
    return std::make_unique<PhaseMap>(plan, lead_by_rules(rules));
  }
  std::unique_ptr<Strategy> operator()(const load::BetaPlan& plan) const { return std::make_unique<BetaPairs>(plan); }
  template <class Known>
  std::unique_ptr<Strategy> operator()(const Known&) const {
    return nullptr;  // its steps are known: see single()
  }
};

std::unique_ptr<Strategy> single(const load::SinglePlan& plan, const analysis::StepRules& rules,
                                 const analysis::SweepRules& sweep, Duration least_piece) {
  if (auto steps = known_steps(plan, least_piece)) return std::make_unique<Timetable>(*std::move(steps));
  return std::visit(Deciding{rules, sweep}, plan);
}

std::unique_ptr<Strategy> sequence(const load::Experiment& experiment, const load::SequencePlan& plan,
                                   const analysis::StepRules& rules, Duration least_piece) {
  std::vector<SequencePart> parts;
  for (const load::SequencePartPlan& part : plan.parts) {
    Conditions conditions;
    add(experiment.neuron, conditions);
    add(part.neuron, conditions);
    SequencePart made{part.name, held(single(part.plan, rules, experiment.sweep, least_piece), std::move(conditions))};
    made.when_label = part.when_label;
    if (part.when_answered) made.when_answered = Question{*part.when_answered, ""};
    parts.push_back(std::move(made));
  }
  return std::make_unique<Sequence>(std::move(parts));
}

std::string text(Current current) {
  return load::format_rounded(current.si(), load::QuantityKind::current);
}
std::string text(Duration duration) {
  return load::format_rounded(duration.si(), load::QuantityKind::duration);
}
std::string text(Slew slew) {
  return load::format_rounded(slew.si(), load::QuantityKind::slew);
}

std::optional<std::string> problem_of(const Piece& piece, Current before, const PieceLimits& limits) {
  constexpr double slack = 1.0 + 1e-6;  // for the rounding of decimal fractions
  for (const Current end : {piece.from, piece.to}) {
    if (end > limits.highest || end < limits.lowest) {
      return fmt::format("the current gets to {}, outside the station's limits of {} to {}; make it smaller", text(end),
                         text(limits.lowest), text(limits.highest));
    }
  }
  const double change = std::abs((piece.to - piece.from).si());
  if (change > limits.slew.si() * piece.length.si() * slack) {
    return fmt::format(
        "the current changes by {} within {}, faster than the station's slew of {}; make it slower or "
        "raise the slew",
        text(piece.to - piece.from), text(piece.length), text(limits.slew));
  }
  const Duration way = Duration::from_si(std::abs((piece.from - before).si()) / limits.slew.si());
  if (way.si() > piece.length.si() * slack) {
    return fmt::format(
        "from {} to {} takes {} at the station's slew of {}, longer than the {} that it lasts; make it "
        "longer or raise the slew",
        text(before), text(piece.from), text(way), text(limits.slew), text(piece.length));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Steps> known_steps(const load::SinglePlan& plan, Duration least_piece) {
  struct Known {
    Duration least_piece;
    std::optional<Steps> operator()(const load::SweepPlan& sweep) const { return planned(load::timetable(sweep)); }
    std::optional<Steps> operator()(const load::ListPlan& list) const { return planned(load::timetable(list)); }
    std::optional<Steps> operator()(const load::RampPlan& ramp) const { return ramp_steps(ramp); }
    std::optional<Steps> operator()(const load::HysteresisPlan& loop) const { return hysteresis_steps(loop); }
    std::optional<Steps> operator()(const load::StepsPlan& list) const { return free_steps(list, least_piece); }
    std::optional<Steps> operator()(const load::AdaptivePlan&) const { return std::nullopt; }
    std::optional<Steps> operator()(const load::PhaseMapPlan&) const { return std::nullopt; }
    std::optional<Steps> operator()(const load::BetaPlan&) const { return std::nullopt; }
  };
  return std::visit(Known{least_piece}, plan);
}

std::unique_ptr<Strategy> make_strategy(const load::Experiment& experiment, const analysis::StepRules& rules,
                                        Duration least_piece) {
  if (const auto* parts = std::get_if<load::SequencePlan>(&experiment.plan)) {
    return sequence(experiment, *parts, rules, least_piece);
  }
  Conditions conditions;
  add(experiment.neuron, conditions);
  return held(single(*load::single_plan(experiment.plan), rules, experiment.sweep, least_piece), std::move(conditions));
}

Duration PieceLimits::least_piece() const {
  constexpr Duration shortest = 1.0_ms;
  return depth > 1 ? std::max(shortest, ahead / static_cast<double>(depth - 1)) : shortest;
}

std::optional<PieceProblem> find_problem(const Steps& steps, const PieceLimits& limits) {
  struct Begun {
    Duration at;
    std::size_t step;
  };
  std::vector<Begun> begun;
  Duration now;
  Current present;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const PlannedStep& step = steps[k];
    // A step without pieces is one; where its end is not known, whatever follows is told once it is.
    if (step.lead || (step.pieces.empty() && !step.lasts)) begun.clear();
    if (step.lead) present = step.lead->current;
    if (step.pieces.empty()) {
      begun.push_back({now, k});
      now += step.lasts.value_or(Duration{});
      present = step.current;
      continue;
    }
    const Duration begin = now;
    for (const Piece& piece : step.pieces) {
      if (auto wrong = problem_of(piece, present, limits)) {
        const bool first = now == begin;
        return PieceProblem{k, first ? *std::move(wrong) : fmt::format("at {} of it, {}", text(now - begin), *wrong)};
      }
      begun.push_back({now, k});
      now += piece.length;
      present = piece.to;
    }
  }
  if (limits.depth <= 1) return std::nullopt;
  const auto most = static_cast<std::size_t>(limits.depth - 1);
  for (std::size_t k = most; k < begun.size(); ++k) {
    const Duration span = begun[k].at - begun[k - most].at;
    if (span.si() > limits.ahead.si() * (1.0 - 1e-6)) continue;
    return PieceProblem{
        begun[k].step,
        fmt::format("{} pieces of the command (holds, pulses, samples of a waveform) begin within {}; the "
                    "device takes {} within the {} that they are told ahead, so make each {} long or more, "
                    "or lower the station's decision_latency",
                    most + 1, text(span), most, text(limits.ahead), text(limits.least_piece()))};
  }
  return std::nullopt;
}

}  // namespace thyrode::experiment
