#include "daemon/experiment/plans/phase_map.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "daemon/analysis/result.hpp"
#include "daemon/experiment/plans/measured_points.hpp"

namespace thyrode::experiment {
using analysis::StepResult;

namespace {

// Of a value that an operator did not reach: how often it is asked for once more.
constexpr int asked_again = 1;

}  // namespace

std::optional<int> PhaseMap::Axis::nearest(double value) const {
  const double k = (value - start) / step;
  if (!(k > -0.5) || !(k < points - 0.5)) return std::nullopt;
  return static_cast<int>(std::lround(k));
}

PhaseMap::Axis PhaseMap::axis(double start, double stop, double resolution) {
  Axis axis;
  const double low = std::min(start, stop);
  const double length = std::abs(stop - start);
  axis.points = std::max(2, static_cast<int>(std::lround(length / resolution)) + 1);
  axis.start = low;
  axis.step = length / (axis.points - 1);
  return axis;
}

PhaseMap::PhaseMap(const load::PhaseMapPlan& plan, Duration lead)
    : plan_(plan),
      currents_(axis(plan.start.in(1.0_uA), plan.stop.in(1.0_uA), plan.resolution.in(1.0_uA))),
      values_(axis(plan.knob.start, plan.knob.stop, plan.knob.resolution)),
      entry_(plan.approach, plan.start, plan.stop, plan.lead.value_or(lead)) {}

std::optional<GridPoint> PhaseMap::point(const StepResult& row) const {
  const auto value = row.conditions.find(plan_.knob.name);
  if (value == row.conditions.end()) return std::nullopt;
  const auto column = currents_.nearest(row.current_ua);
  const auto grid_row = values_.nearest(value->second);
  if (!column || !grid_row) return std::nullopt;
  return GridPoint{*column, *grid_row};
}

std::optional<GridPoint> PhaseMap::planned_point(const StepResult& row) const {
  const auto column = currents_.nearest(row.current_ua);
  const bool known = plan_.knob.operator_sets && row.leg >= 0 && row.leg < values_.points;
  if (!column || !known || !row.conditions.contains(plan_.knob.name)) return std::nullopt;
  return GridPoint{*column, row.leg};
}

PhaseMap::Filed PhaseMap::file(Rows rows) const {
  Filed filed;
  std::vector<int> missed(static_cast<std::size_t>(values_.points));  // rows told far from the value, of each value
  for (const StepResult& row : rows) {
    auto at = point(row);
    const auto planned = planned_point(row);
    if (planned && at != planned && ++missed[static_cast<std::size_t>(planned->row)] > asked_again) {
      at = planned;
      ++filed.in_place;
    }
    filed.points.push_back(at);
  }
  return filed;
}

LabelGrid PhaseMap::grid(Rows rows, const Points& points) const {
  std::vector<FiringRange> ranges(static_cast<std::size_t>(values_.points));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (points[k]) ranges[static_cast<std::size_t>(points[k]->row)].take(rows[k]);
  }
  LabelGrid grid(currents_.points, values_.points, plan_.coarse, plan_.remeasure);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (points[k]) grid.add(*points[k], phase_of(rows[k], ranges[static_cast<std::size_t>(points[k]->row)]));
  }
  return grid;
}

int PhaseMap::next_row(const std::vector<GridPoint>& wanted, const Points& points) const {
  std::optional<int> present;
  int direction = 1;
  for (auto at = points.rbegin(); at != points.rend(); ++at) {
    if (!*at) continue;
    if (!present) present = (*at)->row;
    if ((*at)->row == *present) continue;
    direction = (*at)->row < *present ? 1 : -1;
    break;
  }
  int best = wanted.front().row;
  double least = std::numeric_limits<double>::infinity();
  for (const GridPoint& point : wanted) {
    const int along = direction * (point.row - present.value_or(0));
    // What lies the other way comes after everything that lies on the way.
    const double rank = along >= 0 ? along : values_.points - along;
    if (rank < least) least = rank, best = point.row;
  }
  return best;
}

std::string PhaseMap::value_text(double value) const {
  const std::string& name = plan_.knob.name;
  if (!plan_.knob.unit.empty()) return fmt::format("{:.4g} {}", value / plan_.knob.one, plan_.knob.unit);
  if (name.starts_with("tau")) return fmt::format("{:.4g} ms", value * 1e3);
  if (name.starts_with("R_")) return fmt::format("{:.5g} Ohm", value);
  if (name.starts_with("C_")) return fmt::format("{:.4g} uF", value * 1e6);
  return fmt::format("{:.5g}", value);
}

PlannedStep PhaseMap::step(GridPoint at, std::optional<double> before) const {
  PlannedStep step = entry_.step({currents_.at(at.column), "map", {}}, before);
  step.conditions[plan_.knob.name] = values_.at(at.row);
  // What an operator answers may be another value: the row remembers which one was meant.
  if (plan_.knob.operator_sets) step.leg = at.row;
  if (!before && plan_.knob.operator_sets) {
    step.question =
        Question{fmt::format("Set {} to {}, within {} or as near as it can be set, and enter its value.",
                             plan_.knob.name, value_text(values_.at(at.row)), value_text(0.5 * values_.step)),
                 plan_.knob.name};
  }
  return step;
}

std::optional<PlannedStep> PhaseMap::next(Rows rows) {
  const bool from_above = plan_.approach == load::Approach::from_above;
  const double waiting_ua = (from_above ? plan_.stop : plan_.start).in(1.0_uA);
  if (!exhausted(plan_.budget, spending(rows, waiting_ua)).empty()) return std::nullopt;
  const Points points = file(rows).points;
  const auto wanted = grid(rows, points).cells().wanted;
  if (wanted.empty()) return std::nullopt;
  const int row = next_row(wanted, points);
  std::vector<Need> needs;
  for (const GridPoint& at : wanted) {
    if (at.row == row) needs.push_back({currents_.at(at.column), "", {}});
  }
  // The second parameter is changed at zero current.
  std::optional<double> before;
  if (!points.empty() && points.back() && points.back()->row == row) before = rows.back().current_ua;
  const Need& need = entry_.next(needs, before);
  return step({*currents_.nearest(need.current_ua), row}, before);
}

std::optional<std::size_t> PhaseMap::most_steps() const {
  if (!plan_.budget.points) return std::nullopt;
  return static_cast<std::size_t>(std::max<std::int64_t>(0, *plan_.budget.points));
}

analysis::LabelMap PhaseMap::map(Rows rows) const {
  const LabelGrid known = grid(rows, file(rows).points);
  analysis::LabelMap map;
  map.parameter = plan_.knob.name;
  for (int k = 0; k < currents_.points; ++k) map.currents_ua.push_back(currents_.at(k));
  for (int k = 0; k < values_.points; ++k) map.values.push_back(values_.at(k));
  map.labels = known.fill();
  map.cells = known.cells().cells;
  for (int r = 0; r < values_.points; ++r) {
    for (int c = 0; c < currents_.points; ++c) {
      map.measured_points += known.at({c, r}).rows() > 0 ? 1 : 0;
      map.measurements += known.at({c, r}).rows();
    }
  }
  const int coarse = std::max(2, plan_.coarse);
  map.coarse_current_ua = (currents_.points - 1) * currents_.step / (coarse - 1);
  map.coarse_value = (values_.points - 1) * values_.step / (coarse - 1);
  return map;
}

void PhaseMap::complete(Rows rows, analysis::RunResult& result) const {
  result.map = map(rows);
}

std::vector<TargetReport> PhaseMap::targets(Rows rows) const {
  const Filed filed = file(rows);
  const LabelGrid known = grid(rows, filed.points);
  const std::size_t wanted = known.cells().wanted.size();
  const auto all = static_cast<long>(currents_.points) * values_.points;
  std::vector<TargetReport> reports;
  reports.push_back({fmt::format("borders to {:.4g} uA and {}", currents_.step, value_text(values_.step)),
                     wanted == 0 && !rows.empty() && filed.in_place == 0,
                     fmt::format("{} measurements for a grid of {} points; regions smaller than a coarse cell "
                                 "({:.3g} uA x {}) may be missed",
                                 rows.size(), all, (currents_.points - 1) * currents_.step / (plan_.coarse - 1),
                                 value_text((values_.points - 1) * values_.step / (plan_.coarse - 1)))});
  if (wanted > 0) reports.back().reached += fmt::format("; {} points wanted next", wanted);
  if (filed.in_place > 0) {
    reports.back().reached +=
        fmt::format("; {} measurements stand for values of {} that could not be set", filed.in_place, plan_.knob.name);
  }
  const bool from_above = plan_.approach == load::Approach::from_above;
  const double waiting_ua = (from_above ? plan_.stop : plan_.start).in(1.0_uA);
  if (const std::string end = exhausted(plan_.budget, spending(rows, waiting_ua)); !end.empty()) {
    reports.push_back({"within the budget", false, end});
  }
  return reports;
}

}  // namespace thyrode::experiment
