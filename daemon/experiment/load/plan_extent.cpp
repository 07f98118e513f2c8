#include "daemon/experiment/load/plan_extent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/segments.hpp"

namespace thyrode::load {
namespace {

// ---------------------------------------------------------------- currents

/// A sum of currents as the decimal number that is meant, far finer than any converter.
Current decimal(Current sum) {
  constexpr double grain = 1e15;  // per ampere
  return Current::from_si(std::round(sum.si() * grain) / grain);
}

class CurrentList {
 public:
  CurrentList(const Source& source, std::string prefix, std::vector<DrivenCurrent>& all)
      : source_{source}, prefix_{std::move(prefix)}, all_{all} {}

  void operator()(const SweepPlan& plan) { add_ends(plan.currents.front(), plan.currents.back()); }
  void operator()(const ListPlan& plan) { add_each(plan.currents); }
  void operator()(const RampPlan& plan) { add_ends(std::min(plan.start, plan.stop), std::max(plan.start, plan.stop)); }
  void operator()(const AdaptivePlan& plan) { add_ends(plan.start, plan.stop); }
  void operator()(const PhaseMapPlan& plan) { add_ends(plan.start, plan.stop); }
  void operator()(const HysteresisPlan& plan) {
    if (source_.has(prefix_ + "current.start")) {
      add_ends(plan.currents.front(), plan.currents.back());
    } else {
      add_each(plan.currents);
    }
  }
  void operator()(const BetaPlan& plan) {
    for (std::size_t k = 0; k < plan.currents.size(); ++k) {
      const std::string path = fmt::format("current[{}]", k);
      add(path, decimal(plan.currents[k] - plan.offset), " less offset");
      add(path, decimal(plan.currents[k] + plan.offset), " and offset");
    }
  }
  void operator()(const StepsPlan& plan) {
    for (std::size_t k = 0; k < plan.segments.size(); ++k)
      add_segment(plan.segments[k], fmt::format("segments[{}]", k));
  }

 private:
  void add(const std::string& path, Current current, std::string_view more = "") {
    all_.push_back({prefix_ + path, prefix_ + path + std::string{more}, current});
  }
  // Between the ends lies nothing that they do not bound.
  void add_ends(Current start, Current stop) {
    add("current.start", start);
    add("current.stop", stop);
  }
  void add_each(const std::vector<Current>& currents) {
    for (std::size_t k = 0; k < currents.size(); ++k) add(fmt::format("current[{}]", k), currents[k]);
  }
  void add_segment(const SegmentPlan& segment, const std::string& path) {
    const std::string key = fmt::format("{}.{}", path, segment_word(segment.kind));
    if (segment.kind == SegmentPlan::Kind::noise) {
      add(key, decimal(segment.current - 4.0 * segment.sd), " less 4 sd");
      add(key, decimal(segment.current + 4.0 * segment.sd), " and 4 sd");
    } else if (segment.kind == SegmentPlan::Kind::waveform) {
      const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
      const auto [low, high] = std::minmax_element(segment.samples.begin(), segment.samples.end(), less);
      add(key, low->second, fmt::format(", at {}", to_text(low->first)));
      add(key, high->second, fmt::format(", at {}", to_text(high->first)));
    } else {
      add(key, segment.current);
      if (segment.kind == SegmentPlan::Kind::pulse) add(path + ".base", segment.base);
    }
  }

  const Source& source_;
  std::string prefix_;
  std::vector<DrivenCurrent>& all_;
};

// ---------------------------------------------------------------- lengths

constexpr double grid_s = 0.01;  // of decisions

/// What the single plans add up to; the current begins and ends at zero.
class Sum {
 public:
  Sum(const Dwell& dwell, const Pace& pace) : dwell_{dwell}, pace_{pace} {}

  void operator()(const SweepPlan& plan) { add_timetable(timetable(plan)); }
  void operator()(const ListPlan& plan) { add_timetable(timetable(plan)); }
  void operator()(const HysteresisPlan& plan) {
    constexpr int passes = 3;
    for (int leg = 0; leg < passes; ++leg) {
      const Current first = leg == 1 ? plan.currents.back() : plan.currents.front();
      const Current last = leg == 1 ? plan.currents.front() : plan.currents.back();
      for (std::size_t k = 0; k < plan.currents.size(); ++k) wait(dwell_.max);
      move_to(first);
      move_to(last);
    }
    add_known(static_cast<std::int64_t>(plan.currents.size()) * passes, passes);
  }
  void operator()(const RampPlan& plan) {
    const int passes = plan.there_and_back ? 2 : 1;
    move_to(plan.start);
    const RampRows rows = ramp_rows(plan);
    seconds_ += passes * rows.count * rows.length.si() + pace_.decision_latency.si();
    if (!plan.there_and_back) present_ = plan.stop;
    add_known(static_cast<std::int64_t>(rows.count) * passes, passes);
  }
  void operator()(const StepsPlan& plan) {
    for (const SegmentPlan& segment : plan.segments) {
      using Kind = SegmentPlan::Kind;
      const bool shaped = segment.kind == Kind::pulse || segment.kind == Kind::waveform || segment.kind == Kind::ramp;
      if (!shaped) move_to(segment.current);
      if (segment.kind == Kind::step) wait(dwell_.max);
      seconds_ += std::ceil(segment.length.si() / grid_s - 1e-9) * grid_s;
      present_ = segment.kind == Kind::waveform ? segment.samples.back().second
                 : segment.kind == Kind::pulse  ? segment.base
                                                : segment.current;
    }
    add_known(static_cast<std::int64_t>(plan.segments.size()), 1);
  }
  void operator()(const AdaptivePlan& plan) {
    const double step = step_from_anywhere(plan.start, plan.stop, plan.lead.value_or(lead_of(dwell_)));
    add_deciding(*plan.budget.points, plan.budget, step, std::max(plan.start, plan.stop));
  }
  void operator()(const PhaseMapPlan& plan) {
    const auto points = [](double length, double side) { return std::llround(length / side) + 1; };
    const std::int64_t grid = points((plan.stop - plan.start).si(), plan.resolution.si()) *
                              points(plan.knob.stop - plan.knob.start, plan.knob.resolution);
    const std::int64_t most = plan.budget.points.value_or(grid * (plan.remeasure ? 3 : 1));
    const double step = step_from_anywhere(plan.start, plan.stop, plan.lead.value_or(lead_of(dwell_)));
    // Each step may need another value of the parameter, which is set at zero current.
    const Current highest = std::max(magnitude(plan.start), magnitude(plan.stop));
    const double setting = 2.0 * (way(highest) + pace_.decision_latency.si() + grid_s);
    add_deciding(most, plan.budget, step + setting, plan.stop);
  }
  void operator()(const BetaPlan& plan) {
    const std::int64_t blocks = (plan.most_pairs + 1) / 2;
    constexpr std::int64_t steps_of_a_block = 4;
    for (const Current current : plan.currents) {
      move_to(current);
      const std::int64_t steps = blocks * steps_of_a_block;
      const double step = dwell_.max.si() + pace_.decision_latency.si() + way(2.0 * plan.offset);
      seconds_ += static_cast<double>(steps) * step;
      most_steps_ += steps;
      legs_ += 1;
    }
    decides_ = true;
  }

  PlanExtent extent() {
    move_to(Current{});
    PlanExtent extent;
    if (!decides_) extent.steps = most_steps_;
    extent.most_steps = most_steps_;
    extent.legs = legs_;
    extent.longest = Duration::from_si(seconds_);
    return extent;
  }
  /// A part that may not be carried out.
  void may_be_left_out() { decides_ = true; }

 private:
  static Current magnitude(Current current) { return Current::from_si(std::abs(current.si())); }
  double way(Current change) const { return std::abs(change.si()) / pace_.slew.si(); }
  void move_to(Current current) {
    seconds_ += way(current - present_);
    present_ = current;
  }
  void wait(Duration ceiling) { seconds_ += ceiling.si() + pace_.decision_latency.si(); }
  void add_timetable(const std::vector<StepPlan>& steps) {
    for (const StepPlan& step : steps) {
      move_to(step.current);
      wait(dwell_.max);
    }
    add_known(static_cast<std::int64_t>(steps.size()), steps.back().leg + 1);
  }
  double step_from_anywhere(Current start, Current stop, Duration lead) const {
    constexpr double settling = 1e-3;
    return dwell_.max.si() + pace_.decision_latency.si() + lead.si() + 2.0 * way(stop - start) + settling + grid_s;
  }
  void add_known(std::int64_t steps, int legs) {
    most_steps_ += steps;
    legs_ += legs;
  }
  void add_deciding(std::int64_t most, const Budget& budget, double step, Current last) {
    move_to(last);
    double seconds = static_cast<double>(most) * step;
    // The budget is asked before each step.
    if (budget.time) seconds = std::min(seconds, budget.time->si() + step);
    seconds_ += seconds;
    most_steps_ += most;
    legs_ += 1;
    decides_ = true;
  }

  const Dwell& dwell_;
  Pace pace_;
  double seconds_ = 0.0;
  Current present_;
  std::int64_t most_steps_ = 0;
  int legs_ = 0;
  bool decides_ = false;
};

}  // namespace

std::vector<DrivenCurrent> driven_currents(const Experiment& experiment) {
  std::vector<DrivenCurrent> all;
  for_each_plan(experiment, [&](const SinglePlan& plan, const std::string& prefix) {
    std::visit(CurrentList{experiment.source, prefix, all}, plan);
  });
  return all;
}

std::vector<PartValue> part_values(const Experiment& experiment) {
  std::vector<PartValue> values;
  const auto add_held = [&](const std::vector<NeuronSetting>& neuron, const std::string& prefix) {
    for (const NeuronSetting& s : neuron) {
      if (!s.operator_sets) values.push_back({fmt::format("{}neuron.{}", prefix, s.name), s.name, s.value});
    }
  };
  add_held(experiment.neuron, "");
  if (const auto* sequence = std::get_if<SequencePlan>(&experiment.plan)) {
    for (std::size_t k = 0; k < sequence->parts.size(); ++k) {
      add_held(sequence->parts[k].neuron, fmt::format("parts[{}].", k));
    }
  }
  for_each_plan(experiment, [&](const SinglePlan& plan, const std::string& prefix) {
    const auto* map = std::get_if<PhaseMapPlan>(&plan);
    if (map == nullptr || map->knob.operator_sets) return;
    values.push_back({fmt::format("{}{}.start", prefix, map->knob.name), map->knob.name, map->knob.start});
    values.push_back({fmt::format("{}{}.stop", prefix, map->knob.name), map->knob.name, map->knob.stop});
  });
  return values;
}

bool asks_operator(const Experiment& experiment) {
  const auto sets = [](const NeuronSetting& setting) { return setting.operator_sets; };
  bool asks = std::any_of(experiment.neuron.begin(), experiment.neuron.end(), sets);
  for_each_plan(experiment, [&](const SinglePlan& plan, const std::string&) {
    const auto* map = std::get_if<PhaseMapPlan>(&plan);
    asks = asks || (map != nullptr && map->knob.operator_sets);
  });
  const auto* sequence = std::get_if<SequencePlan>(&experiment.plan);
  if (sequence == nullptr) return asks;
  return asks || std::any_of(sequence->parts.begin(), sequence->parts.end(), [&](const SequencePartPlan& part) {
           return part.when_answered || std::any_of(part.neuron.begin(), part.neuron.end(), sets);
         });
}

RampRows ramp_rows(const RampPlan& plan) {
  const double leg_s = std::abs((plan.stop - plan.start).si()) / plan.slope.si();
  const double row_s = std::max(1.0, std::round(leg_s / plan.rows / grid_s)) * grid_s;
  // What rounding leaves of a division is no row.
  return {Duration::from_si(leg_s), Duration::from_si(row_s), static_cast<int>(std::ceil(leg_s / row_s - 1e-6))};
}

std::optional<Duration> last_row_length(const SinglePlan& plan) {
  if (const auto* ramp = std::get_if<RampPlan>(&plan)) return ramp_rows(*ramp).length;
  const auto* list = std::get_if<StepsPlan>(&plan);
  if (list == nullptr || list->segments.empty() || !(list->segments.back().length > Duration{})) return std::nullopt;
  return Duration::from_si(std::ceil(list->segments.back().length.si() / grid_s - 1e-9) * grid_s);
}

PlanExtent plan_extent(const Experiment& experiment, const Pace& pace) {
  Sum sum{experiment.dwell, pace};
  for_each_plan(experiment, [&](const SinglePlan& plan, const std::string&) { std::visit(sum, plan); });
  if (const auto* sequence = std::get_if<SequencePlan>(&experiment.plan)) {
    for (const SequencePartPlan& part : sequence->parts) {
      if (part.when_label) sum.may_be_left_out();
    }
  }
  return sum.extent();
}

Duration lead_of(std::optional<Duration> tau_slow, Frequency f_min, Duration settling) {
  const Duration lead = tau_slow ? 5.0 * *tau_slow : Duration::from_si(0.25 * 3.0 / f_min.si());
  return std::max(lead, settling);
}

Duration lead_of(const Dwell& dwell) {
  return lead_of(dwell.settle.tau_slow, dwell.f_min, 1.0_ms);
}

}  // namespace thyrode::load
