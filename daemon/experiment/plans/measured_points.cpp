#include "daemon/experiment/plans/measured_points.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace thyrode::experiment {
namespace {

using analysis::Label;
using analysis::StepResult;

bool is_silent(Label label) {
  return label == Label::QH || label == Label::QD || label == Label::transient;
}

std::optional<analysis::FiPoint> point_of(const StepResult& row) {
  using analysis::StepStatus;
  const bool usable = row.status == StepStatus::ok || row.status == StepStatus::timeout;
  const analysis::Estimate& f = row.frequency_hz;
  if (!usable || !f.value || !f.low || !f.high || !(*f.value > 0.0) || !(*f.high > *f.low)) return std::nullopt;
  return analysis::FiPoint{row.current_ua, *f.value, (*f.high - *f.low) / (2.0 * 1.96 * *f.value)};
}

/// Joins the rows of one current.
MeasuredPoint join(std::span<const StepResult* const> group, const FiringRange& range) {
  MeasuredPoint point;
  std::map<Label, int> votes;
  const auto label_of = [&](const StepResult& row) { return phase_of(row, range); };
  for (const StepResult* row : group) {
    point.current_ua += row->current_ua / static_cast<double>(group.size());
    ++votes[label_of(*row)];
  }
  for (const StepResult* row : group) {
    const int of_label = votes[label_of(*row)];
    if (of_label > point.votes) point.votes = of_label, point.label = label_of(*row);
  }
  point.rows = static_cast<int>(group.size());
  double weights = 0.0;
  double sum = 0.0;
  for (const StepResult* row : group) {
    const auto fi = label_of(*row) == point.label && !is_silent(point.label) ? point_of(*row) : std::nullopt;
    if (!fi) continue;
    const double weight = 1.0 / (fi->sigma_ln_f * fi->sigma_ln_f);
    weights += weight;
    sum += weight * std::log(fi->frequency_hz);
  }
  if (weights > 0.0) point.fi = analysis::FiPoint{point.current_ua, std::exp(sum / weights), 1.0 / std::sqrt(weights)};
  return point;
}

Label own_label(const StepResult& row) {
  return row.label_of_step.value_or(row.label);
}

}  // namespace

bool MeasuredPoint::fires() const {
  return !is_silent(label) && label != Label::undetermined;
}

void FiringRange::take(const StepResult& row) {
  const Label label = own_label(row);
  if (is_silent(label) || label == Label::undetermined) return;
  low_ua = std::min(low_ua, row.current_ua);
  high_ua = std::max(high_ua, row.current_ua);
}

Label phase_of(const StepResult& row, const FiringRange& range) {
  const Label label = own_label(row);
  const bool stayed_high = label == Label::QD && row.n_spikes > 0;
  if (!is_silent(label) || stayed_high) return label;
  if (row.current_ua < range.low_ua && row.current_ua > range.high_ua) return label == Label::QD ? label : Label::QH;
  if (row.current_ua < range.low_ua) return Label::QH;
  if (row.current_ua > range.high_ua) return Label::QD;
  return label == Label::QD ? label : Label::QH;
}

std::vector<MeasuredPoint> join_rows(std::span<const StepResult> rows, double resolution_ua) {
  std::vector<const StepResult*> sorted;
  FiringRange range;
  for (const StepResult& row : rows) {
    sorted.push_back(&row);
    range.take(row);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const StepResult* a, const StepResult* b) { return a->current_ua < b->current_ua; });
  std::vector<MeasuredPoint> points;
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t end = first + 1;
    while (end < sorted.size() && sorted[end]->current_ua - sorted[first]->current_ua < resolution_ua) ++end;
    // The first row measured decides between equal votes.
    std::sort(sorted.begin() + static_cast<std::ptrdiff_t>(first), sorted.begin() + static_cast<std::ptrdiff_t>(end));
    points.push_back(join(std::span(sorted).subspan(first, end - first), range));
    first = end;
  }
  return points;
}

}  // namespace thyrode::experiment
