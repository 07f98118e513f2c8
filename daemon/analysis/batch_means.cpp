#include "daemon/analysis/batch_means.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace thyrode::analysis {

double student_quantile(int degrees) {
  // Evaluated at every look of every step: 64 values are worth keeping.
  static const auto table = [] {
    std::array<double, 64> t{};
    for (std::size_t k = 1; k < t.size(); ++k) {
      t[k] = boost::math::quantile(boost::math::students_t(static_cast<double>(k)), 0.975);
    }
    return t;
  }();
  const auto k = static_cast<std::size_t>(degrees < 1 ? 1 : degrees);
  return k < table.size() ? table[k] : boost::math::quantile(boost::math::students_t(static_cast<double>(k)), 0.975);
}

CountInterval count_interval(std::int64_t count, double seconds) {
  if (count <= 0) return {0.0, -std::log(0.05) / seconds};
  const auto n = static_cast<double>(count);
  return {boost::math::quantile(boost::math::chi_squared(2.0 * n), 0.025) / (2.0 * seconds),
          boost::math::quantile(boost::math::chi_squared(2.0 * n + 2.0), 0.975) / (2.0 * seconds)};
}

CountInterval interval_of_sum(std::int64_t intervals, double seconds) {
  const boost::math::chi_squared law(2.0 * static_cast<double>(intervals));
  return {boost::math::quantile(law, 0.025) / (2.0 * seconds), boost::math::quantile(law, 0.975) / (2.0 * seconds)};
}

void BatchMeans::add(std::int64_t interval) {
  ++intervals_;
  sum_ += interval;
  filling_ += interval;
  if (++filled_ < batch_size_) return;
  sums_[static_cast<std::size_t>(count_++)] = filling_;
  filling_ = 0;
  filled_ = 0;
  if (count_ < capacity) return;
  for (std::size_t k = 0; k < capacity / 2; ++k) sums_[k] = sums_[2 * k] + sums_[2 * k + 1];
  count_ = capacity / 2;
  batch_size_ *= 2;
}

std::int64_t BatchMeans::sum_of_first(int batches) const {
  std::int64_t total = 0;
  for (int k = 0; k < batches && k < count_; ++k) total += sums_[static_cast<std::size_t>(k)];
  return total;
}

double BatchMeans::batch_mean(int batch) const {
  return static_cast<double>(sums_[static_cast<std::size_t>(batch)]) / static_cast<double>(batch_size_);
}

std::optional<double> BatchMeans::mean(int first) const {
  if (first >= count_) return std::nullopt;
  double total = 0.0;
  for (int k = first; k < count_; ++k) total += batch_mean(k);
  return total / static_cast<double>(count_ - first);
}

double BatchMeans::squares(int first) const {
  const double centre = mean(first).value_or(0.0);
  double total = 0.0;
  for (int k = first; k < count_; ++k) {
    const double d = batch_mean(k) - centre;
    total += d * d;
  }
  return total;
}

double BatchMeans::widening(int first) const {
  const int kept = count_ - first;
  const double all = squares(first);
  if (kept < least_batches || !(all > 0.0)) return 1.0;
  const double centre = *mean(first);
  double products = 0.0;
  for (int k = first; k + 1 < count_; ++k) products += (batch_mean(k) - centre) * (batch_mean(k + 1) - centre);
  const double r = std::clamp(products / all - 0.5 / std::sqrt(static_cast<double>(kept)), 0.0, 0.9);
  return std::sqrt((1.0 + r) / (1.0 - r));
}

std::optional<double> BatchMeans::half_width(int first) const {
  const int kept = count_ - first;
  if (kept < least_batches) return std::nullopt;
  const double deviation = std::sqrt(squares(first) / (kept - 1));
  return looking_factor * student_quantile(kept - 1) * deviation / std::sqrt(static_cast<double>(kept));
}

int BatchMeans::settling() const {
  int best = 0;
  double least = 0.0;
  for (int drop = 0; drop <= count_ / 2 && drop < count_; ++drop) {
    const double kept = count_ - drop;
    const double score = squares(drop) / (kept * kept);
    if (drop == 0 || score < least) {
      least = score;
      best = drop;
    }
  }
  return best > 0 && differs(best) ? best : 0;
}

bool BatchMeans::differs(int first) const {
  const int kept = count_ - first;
  if (kept < 2) return true;
  const double before = static_cast<double>(sum_of_first(first)) / static_cast<double>(first * batch_size_);
  const double difference = before - mean(first).value_or(0.0);
  const double variance = squares(first) / (kept - 1) * (1.0 / first + 1.0 / kept);
  return difference * difference > settling_deviations * settling_deviations * variance;
}

std::optional<Slope> BatchMeans::slope(int first) const {
  const int kept = count_ - first;
  if (kept < least_batches) return std::nullopt;
  const double centre = mean(first).value_or(0.0);
  const double middle = 0.5 * (kept - 1);
  double xy = 0.0;
  double xx = 0.0;
  for (int k = 0; k < kept; ++k) {
    xy += (k - middle) * (batch_mean(first + k) - centre);
    xx += (k - middle) * (k - middle);
  }
  const double value = xy / xx;
  const double rest = squares(first) - value * xy;
  if (value == 0.0) return Slope{};
  // Batches on one straight line leave no scatter to test against: the slope is certain.
  const double variance = rest / (kept - 2) / xx;
  if (!(variance > 0.0)) return Slope{value, 0.0};
  const boost::math::students_t distribution(kept - 2);
  return Slope{value,
               2.0 * boost::math::cdf(boost::math::complement(distribution, std::abs(value) / std::sqrt(variance)))};
}

}  // namespace thyrode::analysis
