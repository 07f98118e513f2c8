#include "daemon/experiment/plans/scan_survey.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace thyrode::experiment {
namespace {

using analysis::FiPoint;
using analysis::Label;

// Of the interval's width: the nearer a neighbour lies, the more its noise counts, below the second limit too much.
constexpr double good_distance = 0.5;
constexpr double least_distance = 0.15;

/// Points [first, end) of one label, each with an f.
struct Stretch {
  std::size_t first = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - first; }
};

std::vector<Stretch> stretches_of(const std::vector<MeasuredPoint>& points) {
  std::vector<Stretch> stretches;
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (!points[k].fi) continue;
    const bool goes_on = k > 0 && points[k - 1].fi && points[k - 1].label == points[k].label;
    if (!goes_on) stretches.push_back({k, k});
    stretches.back().end = k + 1;
  }
  return stretches;
}

std::vector<FiPoint> fi_of(const std::vector<MeasuredPoint>& points, Stretch stretch) {
  std::vector<FiPoint> fi;
  for (std::size_t k = stretch.first; k < stretch.end; ++k) fi.push_back(*points[k].fi);
  return fi;
}

analysis::OnsetCoordinate coordinate_of(const std::vector<MeasuredPoint>& points, Stretch lowest) {
  double silent = 0.0;
  for (const MeasuredPoint& point : points) {
    const bool quiet = point.label == Label::QH || point.label == Label::QD;
    if (quiet && point.current_ua < points[lowest.first].current_ua) silent = std::max(silent, point.current_ua);
  }
  const auto fi = fi_of(points, lowest);
  if (fi.size() >= 4) return {analysis::straightening_current(fi, silent)};
  return {0.5 * (silent + fi.front().current_ua)};
}

/// A slope of ln f with its variance.
struct Slope {
  double value;
  double left_weight;   // d value / d y of the left point
  double right_weight;  // of the right one
};

Slope slope(const FiPoint& a, const FiPoint& b) {
  const double h = b.current_ua - a.current_ua;
  return {(std::log(b.frequency_hz) - std::log(a.frequency_hz)) / h, -1.0 / h, 1.0 / h};
}

double square(double x) {
  return x * x;
}

/// Second derivative of ln f over three points, less its standard deviation, at least 0.
double certain_bend(const FiPoint& a, const FiPoint& b, const FiPoint& c) {
  const Slope left = slope(a, b);
  const Slope right = slope(b, c);
  const double factor = 2.0 / (c.current_ua - a.current_ua);
  const double bend = factor * (right.value - left.value);
  const double variance = square(factor) * (square(left.left_weight * a.sigma_ln_f) +
                                            square((right.left_weight - left.right_weight) * b.sigma_ln_f) +
                                            square(right.right_weight * c.sigma_ln_f));
  return std::max(0.0, std::abs(bend) - std::sqrt(variance));
}

/// What two points alone say: ln f may bend as much as it rises.
double possible_bend(const FiPoint& a, const FiPoint& b) {
  const double rise = std::log(b.frequency_hz / a.frequency_hz);
  const double certain = std::max(0.0, std::abs(rise) - std::hypot(a.sigma_ln_f, b.sigma_ln_f));
  return certain / square(b.current_ua - a.current_ua);
}

/// What the interval k and its neighbours at `distance` widths or more say; empty where there is none.
std::optional<double> bend_of(std::span<const FiPoint> branch, std::size_t k, double distance) {
  const double least = distance * (branch[k + 1].current_ua - branch[k].current_ua);
  std::optional<double> bend;
  for (std::size_t left = k; left-- > 0;) {
    if (branch[k].current_ua - branch[left].current_ua < least) continue;
    bend = certain_bend(branch[left], branch[k], branch[k + 1]);
    break;
  }
  for (std::size_t right = k + 2; right < branch.size(); ++right) {
    if (branch[right].current_ua - branch[k + 1].current_ua < least) continue;
    bend = std::max(bend.value_or(0.0), certain_bend(branch[k], branch[k + 1], branch[right]));
    break;
  }
  return bend;
}

/// The losses of a branch: one for each of its intervals.
std::vector<double> losses_of(std::span<const FiPoint> branch) {
  std::vector<double> losses;
  for (std::size_t k = 0; k + 1 < branch.size(); ++k) {
    auto bend = bend_of(branch, k, good_distance);
    if (!bend) bend = bend_of(branch, k, least_distance);
    if (!bend) bend = possible_bend(branch[k], branch[k + 1]);
    losses.push_back(*bend * square(branch[k + 1].current_ua - branch[k].current_ua) / 8.0);
  }
  return losses;
}

void describe_branch(ScanSurvey& s, Stretch branch, const analysis::OnsetCoordinate& coordinate, bool with_beta) {
  const auto fi = fi_of(s.points, branch);
  const auto losses = losses_of(fi);
  for (std::size_t k = 0; k < losses.size(); ++k) s.intervals[branch.first + k].loss = losses[k];
  if (!with_beta) return;
  const auto beta = analysis::local_beta(fi, coordinate);
  std::copy(beta.begin(), beta.end(), s.beta.begin() + static_cast<std::ptrdiff_t>(branch.first));
}

}  // namespace

bool ScanSurvey::lonely(std::size_t point) const {
  if (point == 0 || point + 1 >= points.size()) return false;
  const Label left = points[point - 1].label;
  return left == points[point + 1].label && left != points[point].label;
}

ScanSurvey survey(std::span<const analysis::StepResult> rows, double resolution_ua, bool with_beta) {
  ScanSurvey s;
  s.points = join_rows(rows, resolution_ua);
  s.beta.resize(s.points.size());
  for (std::size_t k = 0; k + 1 < s.points.size(); ++k) {
    const MeasuredPoint& a = s.points[k];
    const MeasuredPoint& b = s.points[k + 1];
    s.intervals.push_back({a.current_ua, b.current_ua, a.label != b.label, false, std::nullopt});
  }
  const auto stretches = stretches_of(s.points);
  if (stretches.empty()) return s;
  const auto coordinate = coordinate_of(s.points, stretches.front());
  for (const Stretch& stretch : stretches) {
    Stretch branch = stretch;
    for (const std::size_t jump : analysis::find_jumps(fi_of(s.points, stretch), coordinate)) {
      s.intervals[stretch.first + jump].jump = true;
      branch.end = stretch.first + jump + 1;
      describe_branch(s, branch, coordinate, with_beta);
      branch = {branch.end, stretch.end};
    }
    describe_branch(s, branch, coordinate, with_beta);
  }
  return s;
}

}  // namespace thyrode::experiment
