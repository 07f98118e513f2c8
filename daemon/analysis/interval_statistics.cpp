#include "daemon/analysis/interval_statistics.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::analysis {

void IntervalStatistics::add(std::int64_t interval) {
  const auto x = static_cast<double>(interval);
  if (count_ == 0) origin_ = shortest_ = interval;
  ++count_;
  sum_ += interval;
  shortest_ = std::min(shortest_, interval);
  longest_ = std::max(longest_, interval);
  const double before = x - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (x - mean_);

  if (has_previous_) {
    const auto left = static_cast<double>(previous_ - origin_);
    const auto right = static_cast<double>(interval - origin_);
    ++products_;
    product_sum_ += left * right;
    left_sum_ += left;
    right_sum_ += right;
    const double total = x + static_cast<double>(previous_);
    if (total > 0.0) {
      const double reciprocal = 1.0 / total;
      const double contrast = static_cast<double>(interval - previous_) * reciprocal;
      ++pairs_;
      cv2_sum_ += 2.0 * std::abs(contrast);
      lv_sum_ += contrast * contrast;
      lvr_sum_ += contrast * contrast * reciprocal;
    }
  }
  previous_ = interval;
  has_previous_ = true;
}

std::optional<double> IntervalStatistics::mean() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

std::optional<double> IntervalStatistics::deviation() const {
  if (count_ == 0) return std::nullopt;
  return std::sqrt(std::max(0.0, squares_) / static_cast<double>(count_));
}

std::optional<double> IntervalStatistics::cv() const {
  if (count_ < 2 || sum_ <= 0) return std::nullopt;
  return *deviation() / *mean();
}

std::optional<double> IntervalStatistics::cv2() const {
  if (pairs_ == 0) return std::nullopt;
  return cv2_sum_ / static_cast<double>(pairs_);
}

std::optional<double> IntervalStatistics::lv() const {
  return lvr(0.0);
}

std::optional<double> IntervalStatistics::lvr(double refractory) const {
  if (pairs_ == 0) return std::nullopt;
  // 1 - 4ab/(a + b)^2 = ((a - b)/(a + b))^2, so that both terms need one sum each.
  return 3.0 * (lv_sum_ + 4.0 * refractory * lvr_sum_) / static_cast<double>(pairs_);
}

std::optional<double> IntervalStatistics::serial_correlation() const {
  if (count_ < 4 || products_ == 0 || !(squares_ > 0.0)) return std::nullopt;
  const double centre = *mean() - static_cast<double>(origin_);
  const double covariance =
      product_sum_ - centre * (left_sum_ + right_sum_) + static_cast<double>(products_) * centre * centre;
  return covariance / squares_;
}

}  // namespace thyrode::analysis
