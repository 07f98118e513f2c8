#include "firmware/boards/native/noise.hpp"

#include <cmath>

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

}  // namespace

GaussianTable::GaussianTable() : half_{} {
  double variance = 0.0;
  for (std::size_t k = 0; k < half_.size(); ++k) {
    const double q = normal_quantile((static_cast<double>(k) + 0.5) / static_cast<double>(half_.size()));
    half_[k] = static_cast<float>(q);
    variance += q * q / static_cast<double>(half_.size());
  }
  for (float& value : half_) value = static_cast<float>(value / std::sqrt(2.0 * variance));
}

}  // namespace thyrode::native
