#include "firmware/boards/native/noise.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace thyrode::native {
namespace {

/// The normal quantile by Newton's method on erfc: exact enough for a table made once.
double normal_quantile(double p) {
  double x = 0.0;
  for (int k = 0; k < 60; ++k) {
    const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * 3.14159265358979323846);
    const double step = error / density;
    x -= step > 0.5 ? 0.5 : step < -0.5 ? -0.5 : step;
  }
  return x;
}

std::vector<float> sorted_sums(std::span<const float> half) {
  std::vector<float> sums;
  sums.reserve(half.size() * half.size());
  for (const float a : half) {
    for (const float b : half) sums.push_back(a + b);
  }
  std::sort(sums.begin(), sums.end());
  return sums;
}

}  // namespace

GaussianTable::GaussianTable() : half_{} {
  double variance = 0.0;
  for (std::size_t k = 0; k < half_.size(); ++k) {
    const double q = normal_quantile((static_cast<double>(k) + 0.5) / static_cast<double>(half_.size()));
    half_[k] = static_cast<float>(q);
    variance += q * q / static_cast<double>(half_.size());
  }
  for (float& value : half_) value = static_cast<float>(value / std::sqrt(2.0 * variance));
  // The table is the same in every instrument, and so is what follows from it.
  static const std::vector<float> sums = sorted_sums(half_);
  values_ = sums;
}

float GaussianTable::largest(double u, double n) const noexcept {
  // 1 - u^(1/n), the part of the values above the one that is wanted, without losing the digits of a small one.
  const double exponent = -std::log(u) / n;
  const double above = exponent < 1e-3 ? exponent * (1.0 - 0.5 * exponent) : -std::expm1(-exponent);
  const auto count = static_cast<double>(values_.size());
  const auto skipped = static_cast<std::size_t>(std::min(above * count, count - 1.0));
  return values_[values_.size() - 1 - skipped];
}

}  // namespace thyrode::native
