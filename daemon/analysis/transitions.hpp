// Where the phase changes or f jumps along a leg, and whether two directions agree about it. Private to this room.
#pragma once

#include <span>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/analysis/sweep_leg.hpp"

namespace thyrode::analysis {

/// Labels along a leg, one for each current that has one: that of most of its rows, whatever their order. Rows labelled
/// mixed or undetermined have no vote, nor has `transient` where it may be a slow burst; without votes, or where two
/// labels have equally many, the current is left out. A silent label counts at once. A firing label counts where a
/// neighbour within the same stretch of firing has it too, or where no two neighbours of the stretch agree: one step
/// alone changes no phase.
struct PhasePoint {
  double current_ua = 0.0;
  Label label = Label::undetermined;
  Rows rows;
};
std::vector<PhasePoint> phases_of(const Leg& leg);

/// Rows labelled IB1 or IB2 whose label does not count take that of the burst next to them, of the lower one first.
void settle_burst_labels(const Leg& leg);

/// Every change of label between neighbouring phase points, and every jump of f within a label.
/// @param leg  its rows have their final labels
/// @returns by ascending current
std::vector<Transition> transitions_of(const RowGroup& group, const Leg& leg);

/// Borders that the first leg upwards and the first leg downwards both crossed; the second leg upwards, if there is
/// one, tells drift. The n-th change from one label to another belongs to the n-th of the other leg.
/// @param transitions  of all legs of one group
std::vector<HysteresisLoop> loops_of(std::span<const Leg> legs, std::span<const Transition> transitions);

/// Compares the rates of the two directions at the currents that the legs have in common. With a second leg upwards,
/// the rate upwards is that of the line in time through both at the moment of the downward step.
/// @returns empty without two directions or a common current
std::vector<RateComparison> rates_of(const RowGroup& group, std::span<const Leg> legs);

}  // namespace thyrode::analysis
