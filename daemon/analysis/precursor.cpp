#include "daemon/analysis/precursor.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::analysis {
namespace {

constexpr double least_ratio = 1.3;
constexpr double least_deviations = 4.0;
constexpr double reach = 1.0;                // of ln(I - Ic)
constexpr std::size_t left_out = 2;          // points on each side that a peak may cover
constexpr std::size_t least_neighbours = 3;  // on a side

/// kappa of a LIF without refractory period. @param x  Ic over I, between 0 and 1
double lif_kappa(double x) {
  return -x / ((1.0 - x) * std::log1p(-x));
}

/// A point of a branch that has a beta_n.
struct Known {
  double current_ua;
  double beta;
  double sigma;
  double u;      // ln(I - Ic)
  double shape;  // kappa of a LIF there
};

std::vector<Known> known_points(const Leg& leg, const Branch& branch) {
  std::vector<Known> known;
  for (std::size_t k = branch.first; k < branch.end; ++k) {
    const StepResult& row = *leg.points[k].rows.front();
    const Estimate& beta = row.beta_n_per_ua;
    if (!beta.value) continue;
    const double current = leg.points[k].fi.current_ua;
    const double onset = leg.coordinate.onset_ua;
    known.push_back({current, *beta.value, (*beta.high - *beta.low) / (2.0 * 1.96), std::log(current - onset),
                     lif_kappa(onset / current)});
  }
  return known;
}

std::optional<double> median(std::vector<double> values) {
  if (values.size() < least_neighbours) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// beta_n that the neighbours of a point let expect there.
std::optional<double> from_neighbours(const std::vector<Known>& points, std::size_t centre) {
  std::vector<double> left;
  std::vector<double> right;
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (std::abs(points[k].u - points[centre].u) > reach) continue;
    const double ratio = points[k].beta * points[k].current_ua / points[k].shape;
    if (k + left_out < centre) left.push_back(ratio);
    if (k > centre + left_out) right.push_back(ratio);
  }
  const auto of_left = median(std::move(left));
  const auto of_right = median(std::move(right));
  if (!of_left && !of_right) return std::nullopt;
  const double ratio = std::max(of_left.value_or(*of_right), of_right.value_or(*of_left));
  return ratio * points[centre].shape / points[centre].current_ua;
}

/// How a point stands out.
struct Excess {
  double reference = 0.0;
  double deviations = 0.0;
  Precursor::Reference kind = Precursor::Reference::lif;
  bool stands_out = false;
};

Excess excess_at(const std::vector<Known>& points, std::size_t k, const std::optional<LifFit>& lif) {
  const Known& point = points[k];
  Excess excess;
  const bool by_lif =
      lif && lif->accepted && point.current_ua >= lif->range_low_ua && point.current_ua <= lif->range_high_ua;
  const std::optional<double> reference = by_lif ? lif_beta(*lif, point.current_ua) : from_neighbours(points, k);
  if (!reference || !(*reference > 0.0)) return excess;
  excess.reference = *reference;
  excess.kind = by_lif ? Precursor::Reference::lif : Precursor::Reference::neighbours;
  excess.deviations = (point.beta - *reference) / point.sigma;
  excess.stands_out = excess.deviations > least_deviations && point.beta > least_ratio * *reference;
  return excess;
}

}  // namespace

double lif_beta(const LifFit& fit, double current_ua) {
  const double onset = fit.rheobase_ua;
  const double period = fit.refractory_ms + fit.tau_ms * std::log(current_ua / (current_ua - onset));
  return fit.tau_ms * onset / (current_ua * (current_ua - onset) * period);
}

std::vector<Precursor> precursors_of(const RowGroup& group, const Leg& leg, const std::optional<LifFit>& lif) {
  std::vector<Precursor> found;
  for (const Branch& branch : leg.branches) {
    const std::vector<Known> points = known_points(leg, branch);
    std::vector<Excess> excess;
    for (std::size_t k = 0; k < points.size(); ++k) excess.push_back(excess_at(points, k, lif));
    for (std::size_t first = 0; first < points.size();) {
      std::size_t end = first;
      while (end < points.size() && excess[end].stands_out) ++end;
      if (end - first >= 2) {
        const auto top = static_cast<std::size_t>(
            std::max_element(excess.begin() + static_cast<std::ptrdiff_t>(first),
                             excess.begin() + static_cast<std::ptrdiff_t>(end),
                             [](const Excess& a, const Excess& b) { return a.deviations < b.deviations; }) -
            excess.begin());
        found.push_back({group,
                         leg.number,
                         {points[first].current_ua, points[end - 1].current_ua},
                         points[top].current_ua,
                         points[top].beta,
                         excess[top].reference,
                         excess[top].deviations,
                         excess[top].kind});
      }
      first = end + 1;
    }
  }
  return found;
}

}  // namespace thyrode::analysis
