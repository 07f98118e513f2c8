#include "daemon/experiment/plans/adaptive_sweep.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace thyrode::experiment {
namespace {

using analysis::BetaStatus;
using analysis::StepResult;

constexpr double normal_quantile = 1.96;
constexpr int most_votes = 3;
// Of the rms that is wanted: second differences tell a bend roughly.
constexpr double curve_reserve = 0.8;
// Times the rms that is wanted of the curve: the most that one interval may bend.
constexpr double largest_loss = 3.0;
// A point that stays unsure after these keeps its interval.
constexpr int most_rows_for_curve = 4;
constexpr int most_rows_for_beta = 8;
constexpr double aim_below = 0.9;            // of a wanted half width, so that a repetition need not be repeated
constexpr double steepest_repetition = 4.0;  // times the dwell's precision: the most that one step is asked for
// Change of ln f between the neighbours of a point.
constexpr double coarse_beta_span = 0.3;
// And within one interval: closer points add nothing but their noise.
constexpr double fine_beta_span = 0.12;
constexpr double far_from_sure = 3.0;  // times the half width wanted
constexpr std::size_t beta_reach = 3;  // intervals on either side that local_beta() looks at

double half_width(const MeasuredPoint& point) {
  return normal_quantile * point.fi->sigma_ln_f;
}

/// Relative half width of the interval of beta_n; empty where there is none.
std::optional<double> half_width(const analysis::BetaPoint& beta) {
  const analysis::Estimate& e = beta.per_ua;
  if (beta.status != BetaStatus::ok || !e.value || !e.low || !e.high || *e.value == 0.0) return std::nullopt;
  return (*e.high - *e.low) / (2.0 * std::abs(*e.value));
}

/// Whether the curve is drawn through an interval, so that its error counts.
bool carries_curve(const ScanInterval& interval) {
  return interval.loss && !interval.border && !interval.jump;
}

/// Square of the relative error over an interval, integrated: that of a parabola of this height, 8/15 h loss^2.
double square_loss(const ScanInterval& interval) {
  return 8.0 / 15.0 * interval.width() * *interval.loss * *interval.loss;
}

/// Of the curve over several intervals.
struct CurveError {
  double length = 0.0;
  double squares = 0.0;
  void add(const ScanInterval& interval) {
    length += interval.width();
    squares += square_loss(interval);
  }
};

}  // namespace

AdaptiveSweep::AdaptiveSweep(const load::AdaptivePlan& plan, Duration lead, double relative_precision,
                             const analysis::SweepRules& rules)
    : plan_(plan),
      entry_(plan.approach, plan.start, plan.stop, plan.lead.value_or(lead)),
      relative_precision_(relative_precision),
      rules_(rules) {
  target_ua_ = plan.transition * entry_.range_ua();
  // Without a least step, four of them make a bracket of the width wanted.
  min_step_ua_ = plan.min_step.si() > 0.0 ? plan.min_step.in(1.0_uA) : 0.25 * target_ua_;
  max_step_ua_ = plan.max_step.si() > 0.0 ? plan.max_step.in(1.0_uA) : std::numeric_limits<double>::infinity();
  resolution_ua_ = 0.25 * std::min(min_step_ua_, entry_.range_ua() / std::max(1, plan.first_points - 1));
}

ScanSurvey AdaptiveSweep::survey_of(Rows rows) const {
  return survey(rows, resolution_ua_, plan_.ci_rel_beta.has_value());
}

std::optional<std::size_t> AdaptiveSweep::most_steps() const {
  if (!plan_.budget.points) return std::nullopt;
  return static_cast<std::size_t>(std::max<std::int64_t>(0, *plan_.budget.points));
}

Spending AdaptiveSweep::spent(Rows rows) const {
  const bool from_above = plan_.approach == load::Approach::from_above;
  return spending(rows, (from_above ? plan_.stop : plan_.start).in(1.0_uA));
}

std::optional<PlannedStep> AdaptiveSweep::next(Rows rows) {
  std::optional<double> before;
  if (!rows.empty()) before = rows.back().current_ua;
  if (!exhausted(plan_.budget, spent(rows)).empty()) return std::nullopt;
  if (static_cast<int>(rows.size()) < plan_.first_points) {
    return entry_.step(first_needs(rows.size()).front(), before);
  }
  if (const auto sentinel = watch(rows)) {
    if (const auto due = sentinel->due()) return entry_.step(*due, before);
  }
  const ScanSurvey s = survey_of(rows);
  auto needs = transition_needs(s);
  if (needs.empty()) needs = curve_needs(s);
  if (needs.empty()) needs = precision_needs(s);
  if (needs.empty()) return std::nullopt;
  return entry_.step(entry_.next(needs, before), before);
}

std::vector<Need> AdaptiveSweep::first_needs(std::size_t done) const {
  const double start = plan_.start.in(1.0_uA);
  const double stop = plan_.stop.in(1.0_uA);
  const bool falling = plan_.approach == load::Approach::from_above;
  const double share = plan_.first_points > 1 ? static_cast<double>(done) / (plan_.first_points - 1) : 0.0;
  return {{std::lerp(start, stop, falling != (start > stop) ? 1.0 - share : share), "first"}};
}

bool AdaptiveSweep::wide(const ScanInterval& interval) const {
  return interval.width() > target_ua_ * (1.0 + 1e-9) && can_cut(interval);
}

std::vector<Need> AdaptiveSweep::transition_needs(const ScanSurvey& s) const {
  std::vector<Need> needs;
  const auto ask_again = [&](std::size_t k, const char* purpose) {
    const MeasuredPoint& point = s.points[k];
    if (point.settled() || point.rows >= most_votes) return false;
    needs.push_back({point.current_ua, purpose});
    return true;
  };
  for (std::size_t k = 0; k < s.intervals.size(); ++k) {
    const ScanInterval& interval = s.intervals[k];
    if (interval.border && !wide(interval)) {
      ask_again(k, "confirm");
      ask_again(k + 1, "confirm");
    } else if (interval.border || (interval.jump && wide(interval))) {
      const bool doubted = (s.lonely(k) && ask_again(k, "vote")) || (s.lonely(k + 1) && ask_again(k + 1, "vote"));
      if (!doubted) needs.push_back({interval.middle(), interval.border ? "bracket" : "jump"});
    }
  }
  return needs;
}

std::vector<Need> AdaptiveSweep::curve_needs(const ScanSurvey& s) const {
  std::vector<Need> needs;
  std::vector<const ScanInterval*> bent;
  CurveError error;
  for (const ScanInterval& interval : s.intervals) {
    if (interval.width() > max_step_ua_ * (1.0 + 1e-9) && can_cut(interval)) {
      needs.push_back({interval.middle(), "curve", {}});
      continue;
    }
    if (!carries_curve(interval)) continue;
    error.add(interval);
    if (can_cut(interval)) bent.push_back(&interval);
  }
  if (!plan_.curve) return needs;
  std::sort(bent.begin(), bent.end(),
            [](const ScanInterval* a, const ScanInterval* b) { return square_loss(*a) > square_loss(*b); });
  const double aim = curve_reserve * *plan_.curve;
  const double allowed = aim * aim * error.length;
  for (const ScanInterval* interval : bent) {
    const bool too_bent = *interval->loss > largest_loss * *plan_.curve;
    if (error.squares > allowed)
      error.squares -= square_loss(*interval);
    else if (!too_bent)
      continue;
    needs.push_back({interval->middle(), "curve", {}});
  }
  return needs;
}

std::optional<Need> AdaptiveSweep::sharper(const MeasuredPoint& point, double wanted, const char* purpose) const {
  const double present = half_width(point);
  const double aim = aim_below * wanted;
  if (present <= aim) return std::nullopt;
  // What the new row must bring, so that both together reach the aim.
  const double missing = 1.0 / std::sqrt(1.0 / (aim * aim) - 1.0 / (present * present));
  const double least = relative_precision_ / steepest_repetition;
  return Need{point.current_ua, purpose, std::max(least, std::min(missing, present))};
}

std::vector<Need> AdaptiveSweep::precision_needs(const ScanSurvey& s) const {
  std::vector<Need> needs;
  for (const MeasuredPoint& point : s.points) {
    if (!plan_.curve || point.rows >= most_rows_for_curve) continue;
    if (!point.fi && point.fires()) needs.push_back({point.current_ua, "precision", {}});
    if (!point.fi || half_width(point) <= *plan_.curve) continue;
    if (const auto need = sharper(point, *plan_.curve, "precision")) needs.push_back(*need);
  }
  if (!needs.empty()) return needs;
  if (const auto need = beta_need(s)) needs.push_back(*need);
  return needs;
}

std::optional<Need> AdaptiveSweep::better_spacing(const ScanSurvey& s, std::size_t k, double too_wide) const {
  const ScanInterval& left = s.intervals[k - 1];
  const ScanInterval& right = s.intervals[k];
  const ScanInterval& wider = left.width() > right.width() ? left : right;
  const double change = std::abs(*s.beta[k].per_ua.value) * (left.width() + right.width());
  if (change > coarse_beta_span && can_cut(wider)) return Need{wider.middle(), "beta", {}};
  if (too_wide < far_from_sure) return std::nullopt;
  // An interval this wide comes of points that lie unevenly: the widest stretch that the estimate stands on is halved.
  std::optional<Need> need;
  double widest = 0.0;
  for (std::size_t j = k - std::min(k, beta_reach); j < std::min(k + beta_reach, s.intervals.size()); ++j) {
    const ScanInterval& interval = s.intervals[j];
    if (!interval.loss || interval.width() <= widest || !can_cut(interval)) continue;
    const double rise = std::log(s.points[j + 1].fi->frequency_hz / s.points[j].fi->frequency_hz);
    if (std::abs(rise) < fine_beta_span) continue;
    widest = interval.width();
    need = Need{interval.middle(), "beta", {}};
  }
  return need;
}

std::optional<Need> AdaptiveSweep::beta_need(const ScanSurvey& s) const {
  if (!plan_.ci_rel_beta) return std::nullopt;
  std::optional<Need> worst;
  double largest = *plan_.ci_rel_beta;
  for (std::size_t k = 1; k + 1 < s.points.size(); ++k) {
    const auto present = half_width(s.beta[k]);
    if (!present || *present <= largest) continue;
    auto need = better_spacing(s, k, *present / *plan_.ci_rel_beta);
    if (!need) {
      // Of the points that beta_n stands on, the least sure one.
      const MeasuredPoint* least_sure = nullptr;
      for (std::size_t j = k - 1; j <= k + 1; ++j) {
        const MeasuredPoint& point = s.points[j];
        if (!point.fi || point.rows >= most_rows_for_beta) continue;
        if (least_sure == nullptr || half_width(point) > half_width(*least_sure)) least_sure = &point;
      }
      if (least_sure == nullptr) continue;
      const double shrink = std::max(*plan_.ci_rel_beta / *present, 0.5);
      need = sharper(*least_sure, shrink * half_width(*least_sure), "beta");
    }
    if (!need) continue;
    largest = *present;
    worst = need;
  }
  return worst;
}

std::optional<Sentinel> AdaptiveSweep::watch(Rows rows) const {
  const auto first = static_cast<std::size_t>(plan_.first_points);
  if (rows.size() < first) return std::nullopt;
  auto sentinel = Sentinel::choose(rows.first(first), plan_.sentinel_every, resolution_ua_);
  if (!sentinel) return std::nullopt;
  for (const StepResult& row : rows.subspan(first)) sentinel->take(row);
  return sentinel;
}

/// By the transitions that the result names, and by the borders that are still to be cut.
TargetReport AdaptiveSweep::transition_report(const ScanSurvey& s, Rows rows) const {
  std::vector<StepResult> copies(rows.begin(), rows.end());
  const std::vector<analysis::Transition> transitions = analysis::analyze_sweep(copies, rules_).transitions;
  const analysis::Transition* widest = nullptr;
  for (const analysis::Transition& t : transitions) {
    if (widest == nullptr || t.bracket.half_width_ua() > widest->bracket.half_width_ua()) widest = &t;
  }
  double width = widest ? 2.0 * widest->bracket.half_width_ua() : 0.0;
  for (const ScanInterval& interval : s.intervals) {
    if (interval.border || interval.jump) width = std::max(width, interval.width());
  }
  TargetReport report{fmt::format("transitions to {:.4g} %", 100.0 * plan_.transition),
                      widest != nullptr && width <= target_ua_ * (1.0 + 1e-9), "no transition seen"};
  if (!widest) return report;
  report.reached = fmt::format("{} seen, widest bracket {:.4g} uA of {:.4g} uA", transitions.size(), width, target_ua_);
  const auto [low_ua, high_ua] = widest->bracket;
  const bool between = std::any_of(s.points.begin(), s.points.end(), [&](const MeasuredPoint& point) {
    return point.current_ua > low_ua + resolution_ua_ && point.current_ua < high_ua - resolution_ua_;
  });
  if (!report.met && between) {
    report.reached +=
        fmt::format(", {} to {} between {:.3f} and {:.3f} uA: steps in between contradict each other",
                    analysis::to_string(widest->below), analysis::to_string(widest->above), low_ua, high_ua);
  }
  return report;
}

TargetReport AdaptiveSweep::curve_report(const ScanSurvey& s) const {
  CurveError error;
  for (const ScanInterval& interval : s.intervals) {
    if (carries_curve(interval)) error.add(interval);
  }
  const double between = error.length > 0.0 ? std::sqrt(error.squares / error.length) : 0.0;
  const MeasuredPoint* least_sure = nullptr;
  for (const MeasuredPoint& point : s.points) {
    if (point.fi && (!least_sure || half_width(point) > half_width(*least_sure))) least_sure = &point;
  }
  const double at_points = least_sure ? half_width(*least_sure) : 0.0;
  TargetReport report{fmt::format("curve to {:.4g} % rms", 100.0 * *plan_.curve),
                      std::max(between, at_points) <= *plan_.curve,
                      fmt::format("{:.3g} % rms between points", 100.0 * between)};
  if (least_sure) {
    report.reached +=
        fmt::format(", f known to {:.3g} % at points at most: {:.3f} uA, measured {} time{}", 100.0 * at_points,
                    least_sure->current_ua, least_sure->rows, least_sure->rows == 1 ? "" : "s");
  }
  return report;
}

TargetReport AdaptiveSweep::beta_report(const ScanSurvey& s) const {
  int known = 0;
  int good = 0;
  double worst = 0.0;
  for (const analysis::BetaPoint& beta : s.beta) {
    const auto present = half_width(beta);
    if (!present) continue;
    ++known;
    good += *present <= *plan_.ci_rel_beta ? 1 : 0;
    worst = std::max(worst, *present);
  }
  return {fmt::format("beta_n to {:.4g} %", 100.0 * *plan_.ci_rel_beta), known > 0 && good == known,
          fmt::format("{} of {} points, the worst {:.3g} %", good, known, 100.0 * worst)};
}

std::vector<TargetReport> AdaptiveSweep::targets(Rows rows) const {
  const ScanSurvey s = survey_of(rows);
  std::vector<TargetReport> reports{transition_report(s, rows)};
  if (plan_.curve) reports.push_back(curve_report(s));
  if (plan_.ci_rel_beta) reports.push_back(beta_report(s));
  const bool begun = static_cast<int>(rows.size()) >= plan_.first_points;
  for (TargetReport& report : reports) report.met = report.met && begun;
  if (const auto sentinel = watch(rows); sentinel && sentinel->looks() > 0) {
    const int drifts = sentinel->drifts();
    reports.push_back({fmt::format("sentinel at {:.4g} uA steady", sentinel->current_ua()), drifts == 0,
                       drifts == 0 ? fmt::format("{} looks", sentinel->looks())
                                   : fmt::format("drifted {} times, f by {:.3g} % at most", drifts,
                                                 100.0 * sentinel->largest_change())});
  }
  if (const std::string end = exhausted(plan_.budget, spent(rows)); !end.empty()) {
    reports.push_back({"within the budget", false, end});
  }
  return reports;
}

}  // namespace thyrode::experiment
