// Mean and variation of a running series.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace thyrode::analysis {

/// Count, mean and population standard deviation in one pass. Source: Welford, Technometrics 4:419 (1962).
class Moments {
 public:
  void add(double value) {
    ++count_;
    const double before = value - mean_;
    mean_ += before / static_cast<double>(count_);
    squares_ += before * (value - mean_);
  }
  std::int64_t count() const { return count_; }
  /// @returns empty without values
  std::optional<double> mean() const { return count_ > 0 ? std::optional(mean_) : std::nullopt; }
  /// @returns population standard deviation/mean; empty below 2 values or with mean 0
  std::optional<double> cv() const {
    if (count_ < 2 || mean_ == 0.0) return std::nullopt;
    return std::sqrt(squares_ / static_cast<double>(count_)) / std::abs(mean_);
  }
  bool operator==(const Moments&) const = default;

 private:
  std::int64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;
};

}  // namespace thyrode::analysis
