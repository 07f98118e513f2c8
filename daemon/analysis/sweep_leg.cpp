#include "daemon/analysis/sweep_leg.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "daemon/analysis/sweep_analysis.hpp"

namespace thyrode::analysis {
namespace {

/// Fired for a while, then no more, and the output came down: it latched, or it bursts more slowly than the silence
/// that was waited for. A few spikes before the silence are a neuron on its way to it.
bool may_burst_slowly(const StepResult& row) {
  return row.label == Label::transient && row.n_spikes >= spikes_of_a_burst;
}

/// A rate with an interval that a fit may stand on.
bool is_point(const StepResult& row) {
  const bool usable = row.status == StepStatus::ok || row.status == StepStatus::timeout;
  const Estimate& f = row.frequency_hz;
  return usable && fires(row) && row.label != Label::mixed && row.current_ua > 0.0 && f.low && f.high &&
         *f.high > *f.low;
}

FiPoint to_fi(const StepResult& row) {
  const double f = *row.frequency_hz.value;
  return {row.current_ua, f, (*row.frequency_hz.high - *row.frequency_hz.low) / (2.0 * 1.96 * f)};
}

/// Joins two measurements of one current by their weights.
FiPoint join(const FiPoint& a, const FiPoint& b) {
  const double wa = 1.0 / (a.sigma_ln_f * a.sigma_ln_f);
  const double wb = 1.0 / (b.sigma_ln_f * b.sigma_ln_f);
  const double ln_f = (wa * std::log(a.frequency_hz) + wb * std::log(b.frequency_hz)) / (wa + wb);
  return {a.current_ua, std::exp(ln_f), 1.0 / std::sqrt(wa + wb)};
}

/// The rows of one current as a point: those of the label that most of them have, of equal votes the more precise one.
LegPoint to_point(const Rows& rows) {
  struct Votes {
    int rows = 0;
    double weight = 0.0;
  };
  std::map<Label, Votes> votes;
  for (const StepResult* row : rows) {
    Votes& of_label = votes[row->label];
    ++of_label.rows;
    of_label.weight += std::pow(to_fi(*row).sigma_ln_f, -2);
  }
  const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.rows, a.second.weight) < std::tie(b.second.rows, b.second.weight);
  });
  LegPoint point;
  point.label = most->first;
  for (StepResult* row : rows) {
    if (row->label != point.label) continue;
    point.fi = point.rows.empty() ? to_fi(*row) : join(point.fi, to_fi(*row));
    point.rows.push_back(row);
  }
  return point;
}

std::vector<LegPoint> points_of(const Rows& rows) {
  std::vector<Rows> by_current;
  for (StepResult* row : rows) {
    if (!is_point(*row)) continue;
    const bool again = !by_current.empty() &&
                       row->current_ua - by_current.back().front()->current_ua <= same_current * row->current_ua;
    if (again) {
      by_current.back().push_back(row);
    } else {
      by_current.push_back({row});
    }
  }
  std::vector<LegPoint> points;
  for (const Rows& of_current : by_current) points.push_back(to_point(of_current));
  // A label that one point has alone, between others or at an end, is no change of phase.
  for (std::size_t k = 0; k < points.size(); ++k) {
    const bool like_left = k > 0 && points[k - 1].label == points[k].label;
    const bool like_right = k + 1 < points.size() && points[k + 1].label == points[k].label;
    if (like_left || like_right || points.size() < 2) continue;
    points[k].label = points[k > 0 ? k - 1 : 1].label;
  }
  return points;
}

bool silent_between(const Rows& rows, double low_ua, double high_ua) {
  return std::any_of(rows.begin(), rows.end(), [&](const StepResult* row) {
    return is_silent(*row) && row->current_ua > low_ua && row->current_ua < high_ua;
  });
}

double highest_silent_below(const Rows& rows, double current_ua) {
  double highest = 0.0;
  for (const StepResult* row : rows) {
    if (bounds_firing(*row) && row->current_ua < current_ua) highest = std::max(highest, row->current_ua);
  }
  return highest;
}

/// Cuts by label and silence alone.
std::vector<Branch> stretches_of(const Leg& leg) {
  std::vector<Branch> stretches;
  for (std::size_t k = 0; k < leg.points.size(); ++k) {
    const bool cut = k == 0 || leg.points[k].label != leg.points[k - 1].label ||
                     silent_between(leg.rows, leg.points[k - 1].fi.current_ua, leg.points[k].fi.current_ua);
    if (cut) stretches.push_back({k, k});
    stretches.back().end = k + 1;
  }
  return stretches;
}

Border border_between(const Leg& leg, const Branch& below, const Branch& above) {
  const auto left = leg.fi(below);
  const auto right = leg.fi(above);
  return {silent_between(leg.rows, left.back().current_ua, right.front().current_ua),
          rate_step(left, right, leg.coordinate)};
}

Estimate scaled(const Estimate& estimate, double factor) {
  const auto times = [&](const std::optional<double>& x) { return x ? std::optional(*x * factor) : std::nullopt; };
  return {times(estimate.value), times(estimate.low), times(estimate.high)};
}

/// Points too far apart: neither the sign is known nor I beta_n to better than +-1.
bool tells_nothing(const BetaPoint& beta, double current_ua) {
  const Estimate& e = beta.per_ua;
  return e.low && e.high && *e.low < 0.0 && *e.high > 0.0 && 0.5 * (*e.high - *e.low) * current_ua > 1.0;
}

void write_row(StepResult& row, const BetaPoint& beta) {
  row.beta_n_per_ua = beta.per_ua;
  row.beta_status = beta.status;
  row.kappa = scaled(beta.per_ua, row.current_ua);
  // Within bursts the intervals are not those of a rate that the current sets.
  if (row.cv && !is_burst(row.label) && beta.per_ua.value && *beta.per_ua.value > 0.0) {
    row.sigma_current_ua = *row.cv / *beta.per_ua.value;
  }
}

}  // namespace

bool is_silent(const StepResult& row) {
  return row.label == Label::QH || row.label == Label::QD || row.label == Label::transient;
}

bool fires(const StepResult& row) {
  return !is_silent(row) && row.frequency_hz.value && *row.frequency_hz.value > 0.0;
}

bool bounds_firing(const StepResult& row) {
  return is_silent(row) && !may_burst_slowly(row);
}

bool is_regular(Label label) {
  return label == Label::TS || label == Label::FS;
}

bool is_burst(Label label) {
  return label == Label::IB1 || label == Label::IB2;
}

std::vector<FiPoint> Leg::fi(const Branch& branch) const {
  std::vector<FiPoint> fi;
  for (std::size_t k = branch.first; k < branch.end; ++k) fi.push_back(points[k].fi);
  return fi;
}

Leg cut_leg(int number, const Rows& rows) {
  Leg leg;
  leg.number = number;
  leg.direction = rows.front()->direction;
  leg.rows = rows;
  leg.points = points_of(rows);
  const std::vector<Branch> stretches = stretches_of(leg);
  if (stretches.empty()) return leg;
  const double first_ua = leg.points[0].fi.current_ua;
  const double silent = highest_silent_below(rows, first_ua);
  const auto lowest = leg.fi(stretches[0]);
  leg.coordinate.onset_ua = lowest.size() >= 4 ? straightening_current(lowest, silent) : 0.5 * (silent + first_ua);
  for (const Branch& stretch : stretches) {
    Branch rest = stretch;
    for (const std::size_t jump : find_jumps(leg.fi(stretch), leg.coordinate)) {
      const std::size_t border = stretch.first + jump + 1;
      leg.branches.push_back({rest.first, border});
      rest.first = border;
    }
    leg.branches.push_back(rest);
  }
  for (std::size_t k = 0; k + 1 < leg.branches.size(); ++k) {
    leg.borders.push_back(border_between(leg, leg.branches[k], leg.branches[k + 1]));
  }
  return leg;
}

void write_beta(Leg& leg) {
  for (std::size_t b = 0; b < leg.branches.size(); ++b) {
    const Branch& branch = leg.branches[b];
    const auto beta = local_beta(leg.fi(branch), leg.coordinate);
    const auto jumps_at = [&](std::size_t border) {
      return leg.borders[border].jump() && !leg.borders[border].silence;
    };
    const bool jump_before = b > 0 && jumps_at(b - 1);
    const bool jump_after = b + 1 < leg.branches.size() && jumps_at(b);
    for (std::size_t k = branch.first; k < branch.end; ++k) {
      BetaPoint point = beta[k - branch.first];
      const bool beside_jump = (k == branch.first && jump_before) || (k + 1 == branch.end && jump_after);
      if (tells_nothing(point, leg.points[k].fi.current_ua)) point = {{}, BetaStatus::few_points, 0.0};
      if (beside_jump) point = {{}, BetaStatus::jump, 0.0};
      leg.points[k].beta = point;
      for (StepResult* row : leg.points[k].rows) write_row(*row, point);
    }
  }
}

void name_regular_branches(Leg& leg) {
  for (StepResult* row : leg.rows) row->branch_unresolved = row->label == Label::TS;
  const auto upward = [&](std::size_t border) {
    return leg.borders[border].jump() && !leg.borders[border].silence && leg.borders[border].step->ln_ratio > 0.0;
  };
  for (std::size_t b = 0; b < leg.branches.size(); ++b) {
    const Branch& branch = leg.branches[b];
    if (!is_regular(leg.label_of(branch))) continue;
    const bool above_jump = b > 0 && upward(b - 1);
    const bool below_jump = b + 1 < leg.branches.size() && upward(b) && is_regular(leg.label_of(leg.branches[b + 1]));
    if (!above_jump && !below_jump) continue;
    const double low = leg.points[branch.first].fi.current_ua;
    const double high = leg.points[branch.end - 1].fi.current_ua;
    for (StepResult* row : leg.rows) {
      if (row->label != Label::TS || row->current_ua < low || row->current_ua > high * (1.0 + same_current)) continue;
      if (above_jump) row->label = Label::FS;
      row->branch_unresolved = false;
    }
    for (std::size_t k = branch.first; k < branch.end && above_jump; ++k) leg.points[k].label = Label::FS;
  }
}

}  // namespace thyrode::analysis
