// What a scan in one current knows so far: branches of f(I), the borders between them, and what is wanting.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "daemon/experiment/plans/measured_points.hpp"

namespace thyrode::experiment {

/// The stretch between two neighbouring points.
struct ScanInterval {
  double low_ua = 0.0;
  double high_ua = 0.0;
  bool border = false;  ///< its ends have different labels
  bool jump = false;    ///< f jumps inside (find_jumps)
  /// How far ln f may lie from the straight line between its ends; empty where there is no f or where it is cut.
  std::optional<double> loss;
  double width() const { return high_ua - low_ua; }
  double middle() const { return 0.5 * (low_ua + high_ua); }
};

/// Points and the intervals between them; interval k lies between points k and k + 1.
struct ScanSurvey {
  std::vector<MeasuredPoint> points;
  std::vector<ScanInterval> intervals;
  /// beta_n of every point: local_beta over its branch.
  std::vector<analysis::BetaPoint> beta;
  /// A point whose neighbours agree with each other and not with it.
  bool lonely(std::size_t point) const;
};

/// Joins the rows, finds borders and jumps, and estimates the losses.
///
/// The loss is max(|y''| - its sigma, 0) h^2/8 with y = ln f and y'' from divided differences over the interval and the
/// nearest point on either side, within the branch, that lies half the interval's width or more away, or 0.15 of it
/// where there is none: closer ones say more of their noise than of the curve. Where there is none at all, ln f may
/// bend as much as it rises.
/// @param rows  shape (n), in the order of measuring
/// @param resolution_ua  rows closer than this are one point
/// @param with_beta  beta_n is wanted; else every point has `few_points`
/// Source: design page "Analysis", section 8.
ScanSurvey survey(std::span<const analysis::StepResult> rows, double resolution_ua, bool with_beta);

}  // namespace thyrode::experiment
