// beta_n = d ln f/dI, the compressibility of the spike train, from neighbouring points of f(I).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/lif_fit.hpp"
#include "daemon/analysis/result.hpp"

namespace thyrode::analysis {

/// beta_n at one point, 1/µA.
struct BetaPoint {
  Estimate per_ua;
  BetaStatus status = BetaStatus::few_points;
  double noise_per_ua = 0.0;  ///< standard deviation from the errors of f alone; the interval holds bias too
  bool operator==(const BetaPoint&) const = default;
};

/// The coordinate L = ln(I/(I - onset)) in which the period 1/f of a LIF is a straight line, so that a local
/// polynomial in it has next to nothing to smooth away, even where f(I) is steepest.
struct OnsetCoordinate {
  double onset_ua = 0.0;
  double at(double current_ua) const;
  /// dL/dI, 1/µA.
  double slope(double current_ua) const;
};

/// How much f differs between two sides, where both are extrapolated to the middle between them.
struct RateStep {
  double ln_ratio = 0.0;  ///< ln of f above over f below
  double sigma = 0.0;     ///< noise, and the curvature that a line leaves out
  /// More than 0.1 in ln f and more than 5 standard deviations.
  bool is_jump() const;
};

/// Compares two sides by lines through the 3 points of each that lie next to the middle.
/// @param below, above  by ascending current, below.back() under above.front()
/// @returns empty with fewer than 3 points on a side, or where a line reaches no positive period
std::optional<RateStep> rate_step(std::span<const FiPoint> below, std::span<const FiPoint> above,
                                  const OnsetCoordinate& coordinate);

/// Finds the intervals at which f jumps (rate_step).
/// @param points  shape (n), by ascending current, all different
/// @returns numbers k of the intervals (points[k], points[k + 1]), ascending; none below 6 points
std::vector<std::size_t> find_jumps(std::span<const FiPoint> points, const OnsetCoordinate& coordinate);

/// Estimates beta_n at every point of one branch: one label, no jump inside.
///
/// The period T = 1/f is smoothed against L by local polynomials with tricube weights times 1/sigma^2; beta_n is
/// -T'/T dL/dI, its error follows from the exact linear weights. Of several windows and degrees the one with the least
/// estimated error is taken: noise, plus what it clearly differs from the most flexible one. The interval holds the
/// noise, that difference, and what the two most flexible ones disagree about. A difference that may be noise counts
/// for 0.6 % of beta_n at most, and for nothing where the points around lie on a straight line. At the three points
/// next to an end, where windows are shifted, more points must lie on it, and bias counts three times. sigma is widened
/// where the points scatter more than it says. Decision 0004 holds the measurements behind this.
/// @param points  shape (n), by ascending current, all different
/// @returns shape (n); the two end points, and their neighbours where they cannot be
///          told (the flexible ones disagree by more than 2 % or by 0.03 in I beta_n), are `edge` without a value; all
///          are `few_points` below 5 points
std::vector<BetaPoint> local_beta(std::span<const FiPoint> points, const OnsetCoordinate& coordinate);

}  // namespace thyrode::analysis
