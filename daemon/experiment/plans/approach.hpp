// The side from which steps are entered where a plan jumps about between currents.
#pragma once

#include <optional>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// A step that may come next.
struct Need {
  double current_ua = 0.0;
  const char* purpose = "";
  std::optional<double> relative_precision{};
};

/// A neuron that remembers must enter every step from one side. It does so if the current moves that way from step to
/// step, as in a sweep; a step the other way first waits at the end of the range that lies on this side.
class Entry {
 public:
  /// @param start, stop  the range scanned, in any order
  /// @param hold  how long the current waits there
  Entry(load::Approach approach, Current start, Current stop, Duration hold);

  /// @param before_ua  current of the step before, µA; empty: the current is zero
  /// @returns where to wait before the step at to_ua; empty where the current moves the right way or stays
  std::optional<Lead> lead(std::optional<double> before_ua, double to_ua) const;
  analysis::Direction direction() const;

  /// Of several steps that all have to be made, the one that lies next on the way; at its end, the first of all.
  /// @param needs  not empty
  const Need& next(const std::vector<Need>& needs, std::optional<double> before_ua) const;

  PlannedStep step(const Need& need, std::optional<double> before_ua) const;
  double range_ua() const { return high_ua_ - low_ua_; }

 private:
  bool on_the_way(double before_ua, double to_ua) const;

  load::Approach approach_;
  double low_ua_;
  double high_ua_;
  Duration hold_;
};

/// How long the current waits where the plan does not say: 5 membrane time constants if they are known, else a quarter
/// of the silence that counts as quiescence, which is 20 of them; at least the settling that every step drops.
Duration lead_by_rules(const analysis::StepRules& rules);

}  // namespace thyrode::experiment
