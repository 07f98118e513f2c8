// A ramp in rows, and a free list of segments: steps whose command is known beforehand.
#pragma once

#include <vector>

#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// Rows of equal length, one after the other, over which the current moves at the plan's slope. The length of a row is
/// a multiple of 10 ms, so there are about as many as the plan says; the last one of a leg holds the end for what is
/// left of its last 10 ms.
/// @returns leg 0 from start to stop; there and back also leg 1
std::vector<PlannedStep> ramp_steps(const load::RampPlan& plan);

/// One step for each segment, in order.
///
/// hold, step: the current; a step without a length lasts as its data want. ramp: from the current that the segment
/// before has ended with. pulse: height for the width, base for the rest of each period. noise: an Ornstein-Uhlenbeck
/// process of mean and standard deviation, from its stationary distribution, straight between points a fifth of its
/// correlation time apart, at least `least_piece`; x(t + h) = m + (x(t) - m) exp(-h/tau) + s sqrt(1 - exp(-2h/tau)) n
/// is exact at the points (D. T. Gillespie, Phys. Rev. E 54, 2084, 1996). waveform: straight between its samples.
/// @param least_piece  the shortest piece that the device can be given one after the other
std::vector<PlannedStep> free_steps(const load::StepsPlan& plan, Duration least_piece);

}  // namespace thyrode::experiment
