// How good a scan is against the truth.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::support {

/// The truth on a fine grid.
struct TrueCurve {
  std::vector<double> currents_ua;               ///< rising
  std::vector<std::optional<double>> frequency;  ///< Hz; empty: silent
  std::vector<double> transitions_ua;            ///< borders of labels and jumps of f that have to be found
  std::vector<double> doubt_ua{};                ///< of each, half of where it may lie; empty: they are exact
};

struct ScanScore {
  /// Widest bracket of the transitions, of each the nearest one; infinite where none is within two of its widths.
  double widest_ua = 0.0;
  std::size_t contained = 0;  ///< transitions inside the bracket nearest to them: those that were found
  double rms = 0.0;           ///< of f between and at points, relative; brackets left out
  double within_5 = 0.0;      ///< share of the curve that is closer than 5 %
};

/// @param rows  shape (n), any order; f between points is read off straight lines of ln f within one label
/// @param resolution_ua  rows closer than this are one point
ScanScore score(std::span<const analysis::StepResult> rows, const TrueCurve& truth, double resolution_ua);

}  // namespace thyrode::support
