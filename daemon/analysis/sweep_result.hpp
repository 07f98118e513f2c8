// What the steps of a sweep say together: plain data that every view shows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::analysis {

struct LifFit {
  double rheobase_ua = 0.0, rheobase_low_ua = 0.0, rheobase_high_ua = 0.0;
  double tau_ms = 0.0, tau_low_ms = 0.0, tau_high_ms = 0.0;
  double refractory_ms = 0.0, refractory_low_ms = 0.0, refractory_high_ms = 0.0;
  Estimate ideal_slope_hz_per_ua;                  ///< df/dI far above the onset, 1/(tau Ic)
  double range_low_ua = 0.0, range_high_ua = 0.0;  ///< currents used
  double chi2_per_dof = 0.0;
  bool accepted = false;
  bool operator==(const LifFit&) const = default;
};

/// The straight line f = slope (I - intercept) through the upper half of the first regular branch.
struct StraightLine {
  Estimate slope_hz_per_ua;
  double intercept_ua = 0.0;                       ///< where the line has no rate
  double range_low_ua = 0.0, range_high_ua = 0.0;  ///< currents used
  double chi2_per_dof = 0.0;
  bool operator==(const StraightLine&) const = default;
};

/// Two currents with something between them.
struct Bracket {
  double low_ua = 0.0, high_ua = 0.0;
  double middle_ua() const { return 0.5 * (low_ua + high_ua); }
  double half_width_ua() const { return 0.5 * (high_ua - low_ua); }
  bool operator==(const Bracket&) const = default;
};

/// The rows that a statement stands on.
struct RowGroup {
  int channel = 0;
  std::map<std::string, double> conditions;
  bool operator==(const RowGroup&) const = default;
};

/// A change of the phase, or a jump of f, along one leg.
struct Transition {
  RowGroup group;
  int leg = 0;
  Bracket bracket;
  Label below = Label::undetermined, above = Label::undetermined;
  bool jump = false;  ///< f is not continuous: it differs by more than 0.1 in ln f and 5 standard deviations
  /// ln of f above over f below at the middle, by lines through three points on each side; empty without them.
  Estimate ln_ratio;
  /// beta_n somewhere in the bracket is at least this, 1/µA, in size: |ln f above - ln f below| less its noise, over
  /// the width. Empty where one side is silent, or where it is not positive.
  std::optional<double> beta_n_at_least_per_ua;
  bool operator==(const Transition&) const = default;
};

/// A border that a sweep upwards and one downwards both crossed.
struct HysteresisLoop {
  RowGroup group;
  Label below = Label::undetermined, above = Label::undetermined;
  Bracket up, down;
  std::optional<Bracket> up_again;  ///< of a second sweep upwards
  double width_ua = 0.0;            ///< middle of `up` less middle of `down`
  double half_range_ua = 0.0;       ///< of the width: half of each bracket
  /// The brackets of the two directions have no point in common, and those of the two sweeps upwards do.
  bool hysteretic = false;
  bool drift_separated = false;  ///< a second sweep upwards was there to tell drift
  bool operator==(const HysteresisLoop&) const = default;
};

/// Do rates depend on the direction? A chi2 of ln f down - ln f up over the currents that all legs have in common.
struct RateComparison {
  RowGroup group;
  int currents = 0;
  double chi2 = 0.0;             ///< with as many degrees of freedom as currents
  double p = 1.0;                ///< of a chi2 at least as large without hysteresis
  bool differs = false;          ///< p < 0.01
  bool drift_separated = false;  ///< what changed between two sweeps upwards was taken off, as a line in time
  bool operator==(const RateComparison&) const = default;
};

/// Two or more neighbouring points whose beta_n stands out from its surroundings.
struct Precursor {
  enum class Reference : std::uint8_t { lif, neighbours };
  RowGroup group;
  int leg = 0;
  Bracket range;                  ///< first and last point of them
  double current_ua = 0.0;        ///< of the point that stands out most
  double beta_n_per_ua = 0.0;     ///< there
  double reference_per_ua = 0.0;  ///< what beta_n would be there
  double deviations = 0.0;        ///< difference in standard deviations
  Reference reference = Reference::lif;
  bool operator==(const Precursor&) const = default;
};

const char* to_string(Precursor::Reference reference);

/// Onset, end, lif and upper_line: of the channel and conditions of the first row. The lists: of all.
struct SweepFit {
  /// Firing begins: most steps silent on one side, most firing on the other.
  std::optional<double> onset_low_ua, onset_high_ua;
  std::optional<double> end_low_ua, end_high_ua;  ///< and ends
  std::optional<LifFit> lif;
  std::optional<StraightLine> upper_line;
  std::vector<Transition> transitions;  ///< by channel, conditions, leg and current
  std::vector<HysteresisLoop> loops;
  std::vector<RateComparison> rates;
  std::vector<Precursor> precursors;
  bool operator==(const SweepFit&) const = default;
};

}  // namespace thyrode::analysis
