// Current times a second parameter: which phase is where, measured finely only along the borders.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/label_map.hpp"
#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/plans/approach.hpp"
#include "daemon/experiment/plans/label_grid.hpp"
#include "daemon/experiment/plans/spending.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// A coarse grid first; then every cell along whose edge labels differ is divided in four, down to the resolution
/// (quadtree). A corner that disagrees with the three others of its cell is measured up to twice more and outvoted
/// where it was wrong. A region smaller than a coarse cell can be missed.
///
/// A change of the second parameter costs a pause at zero current, so all that is wanted at its present value comes
/// first, then the next value in the direction in which it moved last, as a lift goes from floor to floor.
///
/// A value that an operator sets is filed under the value told, so one that he does not reach is asked for once more.
/// After that what he could set stands for it, and targets() says so. The legs of such a map are the values meant.
/// Source: design page "Analysis", section 8.
class PhaseMap final : public Strategy {
 public:
  /// @param lead  how long the current waits on the approach side if the plan does not say (lead_by_rules())
  PhaseMap(const load::PhaseMapPlan& plan, Duration lead);

  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override;
  std::optional<std::size_t> most_steps() const override;
  std::vector<TargetReport> targets(std::span<const analysis::StepResult> rows) const override;
  /// What is known: rows of other currents or values than those of the grid count for the nearest ones of it.
  analysis::LabelMap map(std::span<const analysis::StepResult> rows) const;
  void complete(std::span<const analysis::StepResult> rows, analysis::RunResult& result) const override;

 private:
  using Rows = std::span<const analysis::StepResult>;
  struct Axis {
    double start = 0.0;
    double step = 0.0;
    int points = 2;
    double at(int k) const { return start + k * step; }
    /// Empty outside the axis.
    std::optional<int> nearest(double value) const;
  };
  static Axis axis(double start, double stop, double resolution);
  using Points = std::vector<std::optional<GridPoint>>;
  struct Filed {
    Points points;     // shape (rows), empty off the grid
    int in_place = 0;  // rows under a value that was meant and not reached
  };
  /// By the value told; empty off the grid.
  std::optional<GridPoint> point(const analysis::StepResult& row) const;
  /// By the value meant, where an operator sets it.
  std::optional<GridPoint> planned_point(const analysis::StepResult& row) const;
  Filed file(Rows rows) const;
  LabelGrid grid(Rows rows, const Points& points) const;
  int next_row(const std::vector<GridPoint>& wanted, const Points& points) const;
  /// @param before  current of the step before; empty where the second parameter changes
  PlannedStep step(GridPoint point, std::optional<double> before) const;
  std::string value_text(double value) const;

  load::PhaseMapPlan plan_;
  Axis currents_;  // µA
  Axis values_;    // SI
  Entry entry_;
};

}  // namespace thyrode::experiment
