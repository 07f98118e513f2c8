#include "daemon/analysis/precursor.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::analysis {
namespace {

constexpr double least_ratio = 1.3;
constexpr double least_deviations = 4.0;
constexpr double reach = 1.0;                // of ln(I - Ic)
constexpr std::size_t left_out = 2;          // points on each side that a peak may cover
constexpr std::size_t least_neighbours = 2;  // on a side; one more where the other side has too few

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
    const BetaPoint& beta = leg.points[k].beta;
    if (!beta.per_ua.value) continue;
    const double current = leg.points[k].fi.current_ua;
    const double onset = leg.coordinate.onset_ua;
    known.push_back(
        {current, *beta.per_ua.value, beta.noise_per_ua, std::log(current - onset), lif_kappa(onset / current)});
  }
  return known;
}

/// beta_n over that of a LIF without refractory period, at some u.
struct Ratio {
  double u;
  double value;
};

double median(std::vector<Ratio> side) {
  const auto middle = side.begin() + static_cast<std::ptrdiff_t>(side.size() / 2);
  std::nth_element(side.begin(), middle, side.end(), [](const Ratio& a, const Ratio& b) { return a.value < b.value; });
  return middle->value;
}

/// The straight line through a side, at some u.
double line_at(const std::vector<Ratio>& side, double u) {
  double mean_u = 0.0;
  double mean = 0.0;
  for (const Ratio& r : side) {
    mean_u += r.u / static_cast<double>(side.size());
    mean += r.value / static_cast<double>(side.size());
  }
  double uu = 0.0;
  double uv = 0.0;
  for (const Ratio& r : side) {
    uu += (r.u - mean_u) * (r.u - mean_u);
    uv += (r.u - mean_u) * (r.value - mean);
  }
  return mean + uv / uu * (u - mean_u);
}

/// beta_n that the neighbours of a point let expect there.
std::optional<double> from_neighbours(const std::vector<Known>& points, std::size_t centre) {
  std::vector<Ratio> left;
  std::vector<Ratio> right;
  const double u = points[centre].u;
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (std::abs(points[k].u - u) > reach) continue;
    const Ratio ratio{points[k].u, points[k].beta * points[k].current_ua / points[k].shape};
    if (k + left_out < centre) left.push_back(ratio);
    if (k > centre + left_out) right.push_back(ratio);
  }
  const bool known_left = left.size() >= least_neighbours;
  const bool known_right = right.size() >= least_neighbours;
  double ratio = 0.0;
  if (known_left && known_right) {
    ratio = std::max(median(std::move(left)), median(std::move(right)));
  } else if (std::max(left.size(), right.size()) > least_neighbours) {
    // A trend on one side would be a peak without the other side.
    std::vector<Ratio>& side = known_left ? left : right;
    const double trend = line_at(side, u);
    ratio = std::max(median(std::move(side)), trend);
  } else {
    return std::nullopt;
  }
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
