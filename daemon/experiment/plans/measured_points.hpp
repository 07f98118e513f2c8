// The rows of a scan joined by their currents: what is known at each, and how surely.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/beta.hpp"
#include "daemon/analysis/step_result.hpp"

namespace thyrode::experiment {

/// All that was measured at one current.
struct MeasuredPoint {
  double current_ua = 0.0;
  analysis::Label label = analysis::Label::undetermined;  ///< of most rows; of the first one where votes are equal
  int rows = 0;
  int votes = 0;                        ///< rows that have this label
  std::optional<analysis::FiPoint> fi;  ///< of these, joined by their weights; empty without an interval of f
  /// Neither silent nor undetermined.
  bool fires() const;
  /// False where the label may be an accident: other rows here say something else, or there is but one.
  bool settled() const { return votes >= 2 && 2 * votes > rows; }
};

/// The currents between which something fires; nothing does where low is above high.
struct FiringRange {
  double low_ua = std::numeric_limits<double>::infinity();
  double high_ua = -std::numeric_limits<double>::infinity();
  /// Widens it by a row that fires.
  void take(const analysis::StepResult& row);
};

/// The phase of a row by what the step said by itself. Silence below the firing range is QH, above it QD; inside it,
/// and where nothing fires, it is what the step said, and a train that stopped (`transient`) is QH. A step after whose
/// last spike the output stayed high is QD wherever it lies.
analysis::Label phase_of(const analysis::StepResult& row, const FiringRange& range);

/// Joins rows whose currents lie closer than `resolution_ua`, by their phases.
/// @param rows  shape (n), in the order of measuring
/// @returns by ascending current
std::vector<MeasuredPoint> join_rows(std::span<const analysis::StepResult> rows, double resolution_ua);

}  // namespace thyrode::experiment
