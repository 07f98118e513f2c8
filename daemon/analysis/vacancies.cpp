#include "daemon/analysis/vacancies.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

namespace thyrode::analysis {
namespace {

constexpr double most_cv = 0.15;
constexpr double most_residual = 0.15;
constexpr double most_median_k = 4.5;
constexpr std::int64_t least_clusters = 5;
constexpr std::int64_t single_for_each = 10;  // clusters: what misses spikes by chance misses single ones too

/// Calls f(number, mean in µs) for every counter that holds intervals, from short to long.
template <class F>
void for_each_counter(const IsiHistogram& histogram, F&& f) {
  for (int k = 0; k < IsiHistogram::size; ++k) {
    const std::int64_t number = histogram.counters()[static_cast<std::size_t>(k)];
    if (number > 0) f(number, histogram.mean_us(k));
  }
}

std::int64_t multiple(double isi_us, double isi0_us) {
  return std::max<std::int64_t>(1, std::llround(isi_us / isi0_us));
}

/// The usual interval, from the median in three passes over the histogram.
double usual_interval(const IsiHistogram& histogram) {
  double usual = *histogram.quantile_us(0.5);
  for (int pass = 0; pass < 3; ++pass) {
    double sum = 0.0;
    std::int64_t count = 0;
    for_each_counter(histogram, [&](std::int64_t number, double isi_us) {
      if (std::llround(isi_us / usual) != 1) return;
      sum += static_cast<double>(number) * isi_us;
      count += number;
    });
    if (count == 0) break;
    usual = sum / static_cast<double>(count);
  }
  return usual;
}

std::optional<Vacancies::Clustering> clustering(const Vacancies& v) {
  if (v.clusters == 0 || !(v.fraction > 0.0)) return std::nullopt;
  const auto n = static_cast<double>(v.clusters);
  const auto large = static_cast<double>(v.clusters - v.sizes[1]);
  using boost::math::binomial;
  return Vacancies::Clustering{large / n / v.fraction, binomial::find_lower_bound_on_p(n, large, 0.025) / v.fraction,
                               binomial::find_upper_bound_on_p(n, large, 0.025) / v.fraction};
}

}  // namespace

bool Vacancies::found() const {
  return valid && clusters >= least_clusters && median_k.value_or(0.0) < most_median_k &&
         gap_residual.value_or(1.0) < most_residual && single_for_each * sizes[1] >= clusters;
}

std::optional<Vacancies> find_vacancies(const IsiHistogram& histogram) {
  if (histogram.total() == 0) return std::nullopt;
  Vacancies v;
  v.intervals = histogram.total();
  v.isi0_us = usual_interval(histogram);
  std::int64_t usual = 0;
  double usual_squares = 0.0;
  double squares = 0.0;
  double gap_squares = 0.0;
  for_each_counter(histogram, [&](std::int64_t number, double isi_us) {
    const std::int64_t k = multiple(isi_us, v.isi0_us);
    const auto n = static_cast<double>(number);
    const double rest = isi_us / v.isi0_us - static_cast<double>(k);
    squares += n * rest * rest;
    if (k == 1) {
      if (std::llround(isi_us / v.isi0_us) == 1) {
        usual += number;
        usual_squares += n * rest * rest;
      }
      return;
    }
    gap_squares += n * rest * rest;
    v.clusters += number;
    v.missing += number * (k - 1);
    v.largest = k - 1;
    if (v.largest <= Vacancies::largest_counted) v.sizes[static_cast<std::size_t>(k - 1)] += number;
  });
  v.fraction = static_cast<double>(v.missing) / static_cast<double>(v.missing + v.intervals);
  if (usual > 0) v.cv_usual = std::sqrt(usual_squares / static_cast<double>(usual));
  v.residual = std::sqrt(squares / static_cast<double>(v.intervals));
  v.valid = usual > 0 && v.cv_usual < most_cv && v.residual < most_residual;
  if (v.clusters > 0) {
    const auto clusters = static_cast<double>(v.clusters);
    v.mean_size = static_cast<double>(v.missing) / clusters;
    v.gap_residual = std::sqrt(gap_squares / clusters);
    std::int64_t below = 0;
    for_each_counter(histogram, [&](std::int64_t number, double isi_us) {
      const std::int64_t k = multiple(isi_us, v.isi0_us);
      if (k > 1 && 2 * below < v.clusters) v.median_k = static_cast<double>(k);
      if (k > 1) below += number;
    });
  }
  v.clustering = clustering(v);
  return v;
}

}  // namespace thyrode::analysis
