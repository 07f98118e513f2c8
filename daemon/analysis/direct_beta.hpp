// beta_n at one current from pairs of steps beside it: the direct measurement.
#pragma once

#include <span>
#include <vector>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::analysis {

/// beta_n at one current.
struct DirectBeta {
  double current_ua = 0.0;  ///< the middle of the pairs
  double offset_ua = 0.0;   ///< half the distance of a pair, as it was applied
  Estimate per_ua;          ///< beta_n, 1/µA
  int pairs = 0;            ///< with an f on both sides
  int pairs_without = 0;    ///< with a side that has no f: they say nothing
  Estimate drift;           ///< of ln f from step to step
  /// ok; `jump` without a value where the two sides of most pairs have different labels; `few_points` with a value, if
  /// any, but without an interval.
  BetaStatus status = BetaStatus::few_points;
  bool operator==(const DirectBeta&) const = default;
};

/// Pairs below which beta_n has no interval.
inline constexpr int least_pairs = 6;

/// beta_n = (ln f+ - ln f-)/(2 d), the mean over pairs that were measured in the order - + + - - + ... (ABBA).
///
/// A drift adds to one pair what it takes from the next, so it is fitted beside beta_n and widens no interval. The
/// interval is that of the mean over pairs (Student, pairs - 2 degrees of freedom, times BatchMeans::looking_factor),
/// but never narrower than what the intervals of f say: few pairs may agree by chance.
/// @param rows  shape (n), the rows around one current in the order of measuring; rows 2k and 2k + 1 are a pair
/// @param current_ua  between the two sides
/// Source: design page "Analysis", section 7.
DirectBeta direct_beta(std::span<const StepResult> rows, double current_ua);

}  // namespace thyrode::analysis
