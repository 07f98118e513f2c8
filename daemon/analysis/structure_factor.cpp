#include "daemon/analysis/structure_factor.hpp"

#include <cmath>
#include <numbers>

namespace thyrode::analysis {

void StructureFactor::add(std::int64_t at) {
  times_[static_cast<std::size_t>(filled_++)] = at;
  if (filled_ < block) return;
  filled_ = 0;
  const auto span = static_cast<double>(times_.back() - times_.front());
  if (!(span > 0.0)) return;
  const double omega = 2.0 * std::numbers::pi * (block - 1) / span;
  double real = 0.0;
  double imaginary = 0.0;
  for (const std::int64_t time : times_) {
    const double phase = omega * static_cast<double>(time - times_.front());
    real += std::cos(phase);
    imaginary += std::sin(phase);
  }
  sum_ += (real * real + imaginary * imaginary) / block;
  ++blocks_;
}

std::optional<double> StructureFactor::value() const {
  if (blocks_ == 0) return std::nullopt;
  return sum_ / static_cast<double>(blocks_);
}

}  // namespace thyrode::analysis
