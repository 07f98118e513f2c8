#include "daemon/analysis/transitions.hpp"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <map>
#include <optional>

namespace thyrode::analysis {
namespace {

bool is_silent_label(Label label) {
  return label == Label::QH || label == Label::QD || label == Label::transient;
}

/// What a row says of the phase at its current; empty if it says nothing.
std::optional<Label> phase_of(const StepResult& row) {
  if (row.label == Label::mixed || row.label == Label::undetermined) return std::nullopt;
  if (is_silent(row) && !bounds_firing(row)) return std::nullopt;
  return row.label;
}

/// The phase that most of the rows which say one have; empty where votes are equal.
std::optional<Label> phase_of_most(const Rows& rows) {
  std::map<Label, int> votes;
  for (const StepResult* row : rows) {
    if (const auto phase = phase_of(*row)) ++votes[*phase];
  }
  std::optional<Label> label;
  int most = 0;
  for (const auto& [phase, count] : votes) {
    if (count > most) {
      label = phase;
    } else if (count == most) {
      label.reset();
    }
    most = std::max(most, count);
  }
  return label;
}

/// One entry for each current; the label stays undetermined where the rows say nothing or contradict each other.
std::vector<PhasePoint> labels_by_current(const Rows& rows) {
  std::vector<PhasePoint> points;
  for (StepResult* row : rows) {
    const bool again = !points.empty() && !is_above(row->current_ua, points.back().current_ua);
    if (!again) points.push_back({row->current_ua, Label::undetermined, {}});
    points.back().rows.push_back(row);
  }
  for (PhasePoint& point : points) point.label = phase_of_most(point.rows).value_or(Label::undetermined);
  return points;
}

/// The points [first, end) of each stretch of firing, with what counts in them.
template <class F>
void each_stretch(const std::vector<PhasePoint>& points, F&& f) {
  for (std::size_t first = 0; first < points.size();) {
    std::size_t end = first;
    while (end < points.size() && !is_silent_label(points[end].label)) ++end;
    const auto agrees = [&](std::size_t k) {
      return (k > first && points[k - 1].label == points[k].label) ||
             (k + 1 < end && points[k + 1].label == points[k].label);
    };
    bool any = false;
    for (std::size_t k = first; k < end; ++k) any = any || agrees(k);
    for (std::size_t k = first; k < end; ++k) f(k, !any || agrees(k));
    first = end + 1;
  }
}

std::vector<PhasePoint> known_labels(const Rows& rows) {
  std::vector<PhasePoint> points = labels_by_current(rows);
  std::erase_if(points, [](const PhasePoint& point) { return point.label == Label::undetermined; });
  return points;
}

const LegPoint* point_at(const Leg& leg, double current_ua) {
  const auto found = std::find_if(leg.points.begin(), leg.points.end(), [&](const LegPoint& point) {
    return std::abs(point.fi.current_ua - current_ua) <= same_current * current_ua;
  });
  return found == leg.points.end() ? nullptr : &*found;
}

/// The slope that the rates at both ends ask for at least.
std::optional<double> least_beta(const Leg& leg, const Bracket& bracket) {
  const LegPoint* low = point_at(leg, bracket.low_ua);
  const LegPoint* high = point_at(leg, bracket.high_ua);
  if (!low || !high) return std::nullopt;
  const double step = std::abs(std::log(high->fi.frequency_hz / low->fi.frequency_hz));
  const double least = step - 1.96 * std::hypot(low->fi.sigma_ln_f, high->fi.sigma_ln_f);
  return least > 0.0 ? std::optional(least / (bracket.high_ua - bracket.low_ua)) : std::nullopt;
}

Bracket bracket_of(const Leg& leg, std::size_t border) {
  return {leg.points[leg.branches[border].end - 1].fi.current_ua,
          leg.points[leg.branches[border + 1].first].fi.current_ua};
}

void add_step(Transition& transition, const Border& border) {
  transition.jump = transition.jump || border.jump();
  if (!border.step || transition.ln_ratio.value) return;
  const double half = 1.96 * border.step->sigma;
  transition.ln_ratio = {border.step->ln_ratio, border.step->ln_ratio - half, border.step->ln_ratio + half};
}

const Leg* leg_of(std::span<const Leg> legs, Direction direction, int which) {
  for (const Leg& leg : legs) {
    if (leg.direction == direction && which-- == 0) return &leg;
  }
  return nullptr;
}

/// The n-th change from one label to another in a leg, n from 0.
const Transition* find(std::span<const Transition> transitions, const Leg* leg, const Transition& like, int n) {
  if (!leg) return nullptr;
  for (const Transition& t : transitions) {
    if (t.leg == leg->number && t.below == like.below && t.above == like.above && n-- == 0) return &t;
  }
  return nullptr;
}

bool apart(const Bracket& a, const Bracket& b) {
  return a.high_ua < b.low_ua || b.high_ua < a.low_ua;
}

double time_of(const LegPoint& point) {
  double sum = 0.0;
  for (const StepResult* row : point.rows) sum += static_cast<double>(row->start.count);
  return sum / static_cast<double>(point.rows.size());
}

}  // namespace

std::vector<PhasePoint> phases_of(const Leg& leg) {
  std::vector<PhasePoint> points = known_labels(leg.rows);
  std::vector<bool> counts(points.size(), true);
  each_stretch(points, [&](std::size_t k, bool counting) { counts[k] = counting; });
  std::vector<PhasePoint> phases;
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (counts[k]) phases.push_back(std::move(points[k]));
  }
  return phases;
}

void settle_burst_labels(const Leg& leg) {
  const std::vector<PhasePoint> points = known_labels(leg.rows);
  std::vector<bool> counts(points.size(), true);
  each_stretch(points, [&](std::size_t k, bool counting) { counts[k] = counting; });
  const auto burst_next_to = [&](std::size_t k, std::ptrdiff_t step) -> std::optional<Label> {
    for (auto j = static_cast<std::ptrdiff_t>(k) + step; j >= 0 && j < std::ssize(points); j += step) {
      const auto at = static_cast<std::size_t>(j);
      if (!is_burst(points[at].label)) return std::nullopt;
      if (counts[at]) return points[at].label;
    }
    return std::nullopt;
  };
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (counts[k] || !is_burst(points[k].label)) continue;
    std::optional<Label> label = burst_next_to(k, -1);
    if (!label) label = burst_next_to(k, 1);
    for (StepResult* row : points[k].rows) {
      if (label && is_burst(row->label)) row->label = *label;
    }
  }
}

std::vector<Transition> transitions_of(const RowGroup& group, const Leg& leg) {
  std::vector<Transition> transitions;
  const std::vector<PhasePoint> phases = phases_of(leg);
  for (std::size_t k = 0; k + 1 < phases.size(); ++k) {
    if (phases[k].label == phases[k + 1].label) continue;
    Transition t{group,
                 leg.number,
                 {phases[k].current_ua, phases[k + 1].current_ua},
                 phases[k].label,
                 phases[k + 1].label,
                 false,
                 {},
                 {}};
    t.beta_n_at_least_per_ua = least_beta(leg, t.bracket);
    transitions.push_back(std::move(t));
  }
  const std::size_t changes = transitions.size();
  for (std::size_t b = 0; b < leg.borders.size(); ++b) {
    if (leg.borders[b].silence) continue;
    const Bracket bracket = bracket_of(leg, b);
    const auto end = transitions.begin() + static_cast<std::ptrdiff_t>(changes);
    const auto around = std::find_if(transitions.begin(), end, [&](const Transition& t) {
      return !is_above(t.bracket.low_ua, bracket.low_ua) && !is_above(bracket.high_ua, t.bracket.high_ua);
    });
    if (around != end) {
      add_step(*around, leg.borders[b]);
    } else if (leg.borders[b].jump()) {
      Transition t{group,
                   leg.number,
                   bracket,
                   leg.label_of(leg.branches[b]),
                   leg.label_of(leg.branches[b + 1]),
                   true,
                   {},
                   least_beta(leg, bracket)};
      add_step(t, leg.borders[b]);
      transitions.push_back(std::move(t));
    }
  }
  std::stable_sort(transitions.begin(), transitions.end(),
                   [](const Transition& a, const Transition& b) { return a.bracket.low_ua < b.bracket.low_ua; });
  return transitions;
}

std::vector<HysteresisLoop> loops_of(std::span<const Leg> legs, std::span<const Transition> transitions) {
  const Leg* up = leg_of(legs, Direction::up, 0);
  const Leg* down = leg_of(legs, Direction::down, 0);
  const Leg* again = leg_of(legs, Direction::up, 1);
  std::vector<HysteresisLoop> loops;
  if (!up || !down) return loops;
  for (const Transition& of_up : transitions) {
    if (of_up.leg != up->number) continue;
    const auto before = std::count_if(loops.begin(), loops.end(), [&](const HysteresisLoop& loop) {
      return loop.below == of_up.below && loop.above == of_up.above;
    });
    const auto n = static_cast<int>(before);
    const Transition* of_down = find(transitions, down, of_up, n);
    if (!of_down) continue;
    const Transition* of_again = find(transitions, again, of_up, n);
    HysteresisLoop loop{of_up.group, of_up.below, of_up.above, of_up.bracket, of_down->bracket, {}, 0, 0, false, false};
    if (of_again) loop.up_again = of_again->bracket;
    loop.width_ua = loop.up.middle_ua() - loop.down.middle_ua();
    loop.half_range_ua = loop.up.half_width_ua() + loop.down.half_width_ua();
    loop.drift_separated = of_again != nullptr;
    // A border that the second sweep upwards did not find again is no proof of anything.
    const bool stays = !again || (of_again && !apart(loop.up, of_again->bracket));
    loop.hysteretic = apart(loop.up, loop.down) && stays;
    loops.push_back(std::move(loop));
  }
  return loops;
}

std::vector<RateComparison> rates_of(const RowGroup& group, std::span<const Leg> legs) {
  const Leg* up = leg_of(legs, Direction::up, 0);
  const Leg* down = leg_of(legs, Direction::down, 0);
  const Leg* again = leg_of(legs, Direction::up, 1);
  if (!up || !down) return {};
  RateComparison rates;
  rates.group = group;
  rates.drift_separated = again != nullptr;
  for (const LegPoint& below : down->points) {
    const LegPoint* first = point_at(*up, below.fi.current_ua);
    const LegPoint* second = again ? point_at(*again, below.fi.current_ua) : nullptr;
    if (!first || (again && !second)) continue;
    const double passed = second ? time_of(*second) - time_of(*first) : 0.0;
    if (second && !(passed > 0.0)) continue;
    const double share = second ? (time_of(below) - time_of(*first)) / passed : 0.0;  // of the drift, by then
    double difference = std::log(below.fi.frequency_hz) - (1.0 - share) * std::log(first->fi.frequency_hz);
    double variance = std::pow(below.fi.sigma_ln_f, 2) + std::pow((1.0 - share) * first->fi.sigma_ln_f, 2);
    if (second) {
      difference -= share * std::log(second->fi.frequency_hz);
      variance += std::pow(share * second->fi.sigma_ln_f, 2);
    }
    rates.chi2 += difference * difference / variance;
    ++rates.currents;
  }
  if (rates.currents == 0) return {};
  const boost::math::chi_squared distribution(rates.currents);
  rates.p = boost::math::cdf(boost::math::complement(distribution, rates.chi2));
  rates.differs = rates.p < 0.01;
  return {rates};
}

}  // namespace thyrode::analysis
