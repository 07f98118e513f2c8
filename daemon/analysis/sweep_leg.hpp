// One sweep direction cut into branches: the material of everything that a sweep says. Private to this room.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/beta.hpp"
#include "daemon/analysis/result.hpp"

namespace thyrode::analysis {

using Rows = std::vector<StepResult*>;

/// Currents that differ by less, relative, are the same: no source sets them closer.
inline constexpr double same_current = 1e-6;
/// Whether a current is higher than another one, and not the same. Either may be negative.
inline bool is_above(double current_ua, double other_ua) {
  return current_ua - other_ua > same_current * std::max(std::abs(current_ua), std::abs(other_ua));
}

/// Labels QH, QD and transient.
bool is_silent(const StepResult& row);
/// A rate and no silence.
bool fires(const StepResult& row);
/// The neuron does not fire at this current: silent, and no neuron that may burst more slowly than was waited for.
bool bounds_firing(const StepResult& row);
/// TS and FS.
bool is_regular(Label label);
/// IB1 and IB2.
bool is_burst(Label label);

/// A point of a leg: the rows of one current that have a rate with an interval, and of these the ones with the label
/// that most of them have. Rates of different patterns have no mean; a row that is left out has no beta_n.
struct LegPoint {
  FiPoint fi;
  Label label = Label::undetermined;
  Rows rows;
  BetaPoint beta{};
};

/// Points [first, end) of one label without a jump inside.
struct Branch {
  std::size_t first = 0;
  std::size_t end = 0;
};

/// What lies between a branch and the next one.
struct Border {
  bool silence = false;  ///< a silent step lies between them
  std::optional<RateStep> step;
  bool jump() const { return step && step->is_jump(); }
};

/// One sweep direction of one channel under one set of conditions.
struct Leg {
  int number = 0;
  Direction direction = Direction::none;
  Rows rows;  ///< by ascending current
  std::vector<LegPoint> points;
  std::vector<Branch> branches;
  std::vector<Border> borders;  ///< shape (branches - 1)
  OnsetCoordinate coordinate;

  std::vector<FiPoint> fi(const Branch& branch) const;
  Label label_of(const Branch& branch) const { return points[branch.first].label; }
};

/// Cuts a leg where the label changes for at least two points in a row, at a silent step between two points and where
/// f jumps.
/// @param rows  by ascending current, of one leg
Leg cut_leg(int number, const Rows& rows);

/// Writes beta_n of the points, and beta_n, beta_status, kappa and sigma_current_ua of their rows.
void write_beta(Leg& leg);

/// TS and FS of regular rows, from jumps of f. Above an upward jump a regular branch is FS, whatever fires below it;
/// the regular branch below a jump to a regular one is TS. Elsewhere the rows keep their label; one that is TS then has
/// branch_unresolved.
void name_regular_branches(Leg& leg);

}  // namespace thyrode::analysis
