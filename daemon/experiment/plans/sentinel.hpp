// A current that is measured again and again, so that a drift of the neuron shows.
#pragma once

#include <optional>
#include <span>

#include "daemon/experiment/plans/approach.hpp"
#include "daemon/experiment/plans/measured_points.hpp"

namespace thyrode::experiment {

/// Follows the rows of a scan. When the sentinel has moved by more than 3 standard deviations, the step before it and
/// the sentinel itself are due once more (ABA): if it has moved then too, the neuron drifts, else it was chance.
class Sentinel {
 public:
  /// @param first  shape (n), the rows to choose the sentinel from: the regular one (TS, FS) that took the least time
  /// @param every  steps from one look to the next
  /// @param resolution_ua  rows closer than this are of one current
  /// @returns empty if none of them is regular, or `every` is 0
  static std::optional<Sentinel> choose(std::span<const analysis::StepResult> first, int every, double resolution_ua);

  /// Takes the rows after the first ones, in the order of measuring.
  void take(const analysis::StepResult& row);
  /// @returns what has to be measured before anything else
  std::optional<Need> due() const;

  double current_ua() const { return current_ua_; }
  int looks() const { return looks_; }
  /// Times that it had moved, and had moved in the second look too.
  int drifts() const { return drifts_; }
  /// Largest confirmed change of ln f; infinite where it fell silent.
  double largest_change() const { return largest_change_; }

 private:
  enum class Stage { watching, has_moved, between };
  Sentinel(const analysis::StepResult& chosen, int every, double resolution_ua);
  void look(const analysis::StepResult& row);
  std::optional<analysis::FiPoint> point(const analysis::StepResult& row) const;

  double current_ua_;
  int every_;
  double resolution_ua_;
  analysis::FiPoint reference_;
  Stage stage_ = Stage::watching;
  int since_ = 0;
  double other_ua_;  // of the last step elsewhere
  int looks_ = 0;
  int drifts_ = 0;
  double largest_change_ = 0.0;
};

}  // namespace thyrode::experiment
