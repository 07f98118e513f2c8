// A sweep that decides, from what it has measured, at which current to measure next.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/analysis/sweep_analysis.hpp"
#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/plans/approach.hpp"
#include "daemon/experiment/plans/scan_survey.hpp"
#include "daemon/experiment/plans/sentinel.hpp"
#include "daemon/experiment/plans/spending.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// Begins with uniform points, then, as long as there is something to do at a stage:
///
/// 1. Transitions: an interval whose ends have different labels, or in which f jumps, is halved until it is as narrow
///    as the target. A point that disagrees with two neighbours that agree is measured again first, and so is each end
///    of a border that is narrow enough, until two rows agree or three are there: the label of most rows holds. So one
///    wrong label costs a few steps and makes no border.
/// 2. Curve: the intervals in which ln f bends most, beyond its noise, are halved until the rms of what the straight
///    lines between points lose is below the target, and none loses more than 3 times that; so is one wider than
///    max_step.
/// 3. Precision: a point whose f is less sure than the curve wants, or whose beta_n is less sure than wanted, is
///    measured again, more precisely; where ln f changes by more than 0.3 from neighbour to neighbour, or where the
///    points lie too unevenly to tell, a neighbour is added instead.
///
/// Each stage makes its steps in passes from the approach side, so that most steps need no lead. A sentinel current,
/// the regular point of the first ones that takes the least time, is measured again every so many steps. When it has
/// moved by more than 3 standard deviations, the step before and the sentinel are measured once more (ABA): a drift is
/// there if the sentinel has moved then too, and targets() says so.
/// Source: design page "Analysis", section 8.
class AdaptiveSweep final : public Strategy {
 public:
  /// @param lead  how long the current waits on the approach side if the plan does not say (lead_by_rules())
  /// @param relative_precision  the dwell's: half width of the interval of f over f
  /// @param rules  of the sweep, by which the result names its transitions
  AdaptiveSweep(const load::AdaptivePlan& plan, Duration lead, double relative_precision,
                const analysis::SweepRules& rules = {});

  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override;
  std::optional<std::size_t> most_steps() const override;
  /// Transitions, curve, beta_n as far as they are asked for; the sentinel; the budget if it ended the plan.
  std::vector<TargetReport> targets(std::span<const analysis::StepResult> rows) const override;

 private:
  using Rows = std::span<const analysis::StepResult>;
  std::optional<Sentinel> watch(Rows rows) const;
  Spending spent(Rows rows) const;
  ScanSurvey survey_of(Rows rows) const;
  bool can_cut(const ScanInterval& interval) const { return interval.width() >= 2.0 * min_step_ua_; }
  bool wide(const ScanInterval& interval) const;
  std::vector<Need> first_needs(std::size_t done) const;
  std::vector<Need> transition_needs(const ScanSurvey& s) const;
  std::vector<Need> curve_needs(const ScanSurvey& s) const;
  std::vector<Need> precision_needs(const ScanSurvey& s) const;
  std::optional<Need> beta_need(const ScanSurvey& s) const;
  std::optional<Need> better_spacing(const ScanSurvey& s, std::size_t k, double too_wide) const;
  TargetReport transition_report(const ScanSurvey& s, Rows rows) const;
  TargetReport curve_report(const ScanSurvey& s) const;
  TargetReport beta_report(const ScanSurvey& s) const;
  std::optional<Need> sharper(const MeasuredPoint& point, double half_width, const char* purpose) const;

  load::AdaptivePlan plan_;
  Entry entry_;
  double relative_precision_;
  analysis::SweepRules rules_;
  double min_step_ua_;
  double max_step_ua_;  // infinite: no such rule
  double target_ua_;
  double resolution_ua_;
};

}  // namespace thyrode::experiment
