#include "daemon/analysis/sweep_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "daemon/analysis/beta.hpp"
#include "daemon/analysis/lif_fit.hpp"

namespace thyrode::analysis {
namespace {

using Rows = std::vector<StepResult*>;

bool is_silent(const StepResult& row) {
  return row.label == Label::QH || row.label == Label::QD || row.label == Label::transient;
}

bool fires(const StepResult& row) {
  return !is_silent(row) && row.frequency_hz.value && *row.frequency_hz.value > 0.0;
}

/// Fired for a while, then no more, and the output came down: it latched, or it bursts more slowly than the silence
/// that was waited for. A few spikes before the silence are a neuron on its way to it.
bool may_burst_slowly(const StepResult& row) {
  return row.label == Label::transient && row.n_spikes >= spikes_of_a_burst;
}

/// The neuron does not fire at this current.
bool bounds_firing(const StepResult& row) {
  return is_silent(row) && !may_burst_slowly(row);
}

bool is_regular(Label label) {
  return label == Label::TS || label == Label::FS;
}

/// A rate with an interval that a fit may stand on.
bool is_point(const StepResult& row) {
  const bool usable = row.status == StepStatus::ok || row.status == StepStatus::timeout;
  const Estimate& f = row.frequency_hz;
  return usable && fires(row) && row.label != Label::mixed && row.current_ua > 0.0 && f.low && f.high &&
         *f.high > *f.low;
}

/// A point of a leg: all rows of one current.
struct LegPoint {
  FiPoint fi;
  Label label = Label::undetermined;
  Rows rows;
};

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

std::vector<LegPoint> points_of(const Rows& rows) {
  constexpr double same_current = 1e-6;  // relative: closer than any source can set
  std::vector<LegPoint> points;
  for (StepResult* row : rows) {  // by ascending current
    if (!is_point(*row)) continue;
    const FiPoint fi = to_fi(*row);
    if (!points.empty() && fi.current_ua - points.back().fi.current_ua <= same_current * fi.current_ua) {
      points.back().fi = join(points.back().fi, fi);
      points.back().rows.push_back(row);
    } else {
      points.push_back({fi, row->label, {row}});
    }
  }
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

/// A stretch of points [first, end) without a cut inside.
struct Branch {
  std::size_t first = 0;
  std::size_t end = 0;
  bool jump_before = false;
  bool jump_after = false;
};

std::vector<FiPoint> fi_of(const std::vector<LegPoint>& points, std::size_t first, std::size_t end) {
  std::vector<FiPoint> fi;
  for (std::size_t k = first; k < end; ++k) fi.push_back(points[k].fi);
  return fi;
}

struct Leg {
  std::vector<LegPoint> points;
  std::vector<Branch> branches;
  OnsetCoordinate coordinate;
};

Leg cut_leg(const Rows& rows) {
  Leg leg;
  leg.points = points_of(rows);
  const auto& points = leg.points;
  std::vector<Branch> stretches;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const bool cut = k == 0 || points[k].label != points[k - 1].label ||
                     silent_between(rows, points[k - 1].fi.current_ua, points[k].fi.current_ua);
    if (cut) stretches.push_back({k, k, false, false});
    stretches.back().end = k + 1;
  }
  if (stretches.empty()) return leg;
  const double silent = highest_silent_below(rows, points[0].fi.current_ua);
  const auto lowest = fi_of(points, stretches[0].first, stretches[0].end);
  leg.coordinate.onset_ua =
      lowest.size() >= 4 ? straightening_current(lowest, silent) : 0.5 * (silent + points[0].fi.current_ua);
  for (const Branch& stretch : stretches) {
    const auto fi = fi_of(points, stretch.first, stretch.end);
    Branch rest = stretch;
    for (const std::size_t jump : find_jumps(fi, leg.coordinate)) {
      const std::size_t border = stretch.first + jump + 1;
      leg.branches.push_back({rest.first, border, rest.jump_before, true});
      rest = {border, stretch.end, true, false};
    }
    leg.branches.push_back(rest);
  }
  return leg;
}

void write_beta(const Leg& leg) {
  for (const Branch& branch : leg.branches) {
    const auto beta = local_beta(fi_of(leg.points, branch.first, branch.end), leg.coordinate);
    for (std::size_t k = branch.first; k < branch.end; ++k) {
      BetaPoint point = beta[k - branch.first];
      const bool beside_jump = (k == branch.first && branch.jump_before) || (k + 1 == branch.end && branch.jump_after);
      if (beside_jump) point = {{}, BetaStatus::jump};
      for (StepResult* row : leg.points[k].rows) {
        row->beta_n_per_ua = point.per_ua;
        row->beta_status = point.status;
      }
    }
  }
}

std::optional<std::pair<double, double>> firing_range(const Rows& rows) {
  std::optional<std::pair<double, double>> range;
  for (const StepResult* row : rows) {
    if (!fires(*row)) continue;
    if (!range) range = {row->current_ua, row->current_ua};
    range->first = std::min(range->first, row->current_ua);
    range->second = std::max(range->second, row->current_ua);
  }
  return range;
}

void resolve_silence(const Rows& rows) {
  const auto range = firing_range(rows);
  if (!range) return;
  for (StepResult* row : rows) {
    if (!bounds_firing(*row)) continue;
    const bool stayed_high = row->label == Label::QD && row->n_spikes > 0;
    if (row->current_ua > range->second) row->label = Label::QD;
    if (row->current_ua < range->first && !stayed_high) row->label = Label::QH;
  }
}

/// Adds the points of the leg's first regular branch, up to a current. A single irregular step inside it is left out.
void add_regular_points(const Leg& leg, double highest_ua, std::vector<FiPoint>& points) {
  const auto branch = std::find_if(leg.branches.begin(), leg.branches.end(),
                                   [&](const Branch& b) { return is_regular(leg.points[b.first].label); });
  if (branch == leg.branches.end()) return;
  for (std::size_t k = branch->first; k < branch->end; ++k) {
    const LegPoint& point = leg.points[k];
    const bool regular =
        std::all_of(point.rows.begin(), point.rows.end(), [](const StepResult* row) { return is_regular(row->label); });
    if (regular && point.fi.current_ua <= highest_ua) points.push_back(point.fi);
  }
}

SweepFit describe(const Rows& rows, const std::vector<Leg>& legs) {
  SweepFit fit;
  const auto range = firing_range(rows);
  if (!range) return fit;
  fit.onset_high_ua = range->first;
  fit.end_low_ua = range->second;
  for (const StepResult* row : rows) {
    if (!bounds_firing(*row)) continue;
    if (row->current_ua < range->first) fit.onset_low_ua = std::max(row->current_ua, fit.onset_low_ua.value_or(0.0));
    if (row->current_ua > range->second) {
      fit.end_high_ua = std::min(row->current_ua, fit.end_high_ua.value_or(row->current_ua));
    }
  }
  std::vector<FiPoint> points;
  for (const Leg& leg : legs) add_regular_points(leg, 2.0 * range->first, points);
  fit.lif = fit_lif(points, fit.onset_low_ua.value_or(0.0));
  return fit;
}

}  // namespace

SweepFit analyze_sweep(std::vector<StepResult>& steps) {
  if (steps.empty()) return {};
  std::map<std::pair<int, std::map<std::string, double>>, Rows> groups;
  for (StepResult& row : steps) {
    row.beta_n_per_ua = {};
    row.beta_status = BetaStatus::few_points;
    // A step that was cut short may call a neuron silent that is not.
    if (row.status == StepStatus::interrupted) continue;
    groups[{row.channel, row.conditions}].push_back(&row);
  }
  SweepFit fit;
  for (auto& [key, rows] : groups) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const StepResult* a, const StepResult* b) { return a->current_ua < b->current_ua; });
    resolve_silence(rows);
    std::map<int, Rows> by_leg;
    for (StepResult* row : rows) by_leg[row->leg].push_back(row);
    std::vector<Leg> legs;
    for (const auto& [number, leg_rows] : by_leg) {
      legs.push_back(cut_leg(leg_rows));
      write_beta(legs.back());
    }
    if (key.first == steps.front().channel && key.second == steps.front().conditions) fit = describe(rows, legs);
  }
  return fit;
}

}  // namespace thyrode::analysis
