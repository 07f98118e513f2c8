// What the steps of a sweep say together: plain data that every view shows.
#pragma once

#include <optional>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::analysis {

struct LifFit {
  double rheobase_ua = 0.0, rheobase_low_ua = 0.0, rheobase_high_ua = 0.0;
  double tau_ms = 0.0, tau_low_ms = 0.0, tau_high_ms = 0.0;
  double refractory_ms = 0.0, refractory_low_ms = 0.0, refractory_high_ms = 0.0;
  double range_low_ua = 0.0, range_high_ua = 0.0;  ///< currents used
  double chi2_per_dof = 0.0;
  bool accepted = false;
  bool operator==(const LifFit&) const = default;
};

/// Where firing begins and ends, as brackets: silent on one side, firing on the other.
struct SweepFit {
  std::optional<double> onset_low_ua, onset_high_ua;
  std::optional<double> end_low_ua, end_high_ua;
  std::optional<LifFit> lif;
  bool operator==(const SweepFit&) const = default;
};

}  // namespace thyrode::analysis
