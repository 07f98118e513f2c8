// The rows of a scan joined by their currents: what is known at each, and how surely.
#pragma once

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
  /// The label may be an accident: other rows here say something else, or there is but one.
  bool settled() const { return votes >= 2 && 2 * votes > rows; }
};

/// Joins rows whose currents lie closer than `resolution_ua`.
///
/// A train that stopped (`transient`) counts as silence: QD where something fires at a lower current, else QH.
/// @param rows  shape (n), in the order of measuring
/// @returns by ascending current
std::vector<MeasuredPoint> join_rows(std::span<const analysis::StepResult> rows, double resolution_ua);

}  // namespace thyrode::experiment
