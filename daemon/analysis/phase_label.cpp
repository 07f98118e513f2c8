#include "daemon/analysis/phase_label.hpp"

#include <cmath>
#include <numbers>

namespace thyrode::analysis {

Label order_label(std::int64_t spikes, std::optional<double> cv, std::optional<double> structure_factor) {
  constexpr std::int64_t least_spikes = 5;
  if (spikes < least_spikes || !cv) return Label::undetermined;
  if (*cv < 0.12) return Label::TS;
  const double renewal = 1.0 / std::tanh(std::numbers::pi * std::numbers::pi * *cv * *cv);
  const double order = structure_factor.value_or(renewal);
  if (order > 8.0) return Label::TS;
  return *cv > 0.24 && order < 4.0 ? Label::irregular : Label::soft;
}

}  // namespace thyrode::analysis
