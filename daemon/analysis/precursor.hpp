// Peaks of beta_n that no smooth f(I) explains. Private to this room.
#pragma once

#include <optional>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/analysis/sweep_leg.hpp"

namespace thyrode::analysis {

/// Finds places where beta_n is more than 1.3 times and more than 4 standard deviations above its reference, at two
/// neighbouring points of a branch at least. The deviation is that of noise: smoothing makes a peak smaller, not
/// larger.
///
/// The reference is the beta_n of the LIF within the currents of an accepted fit. Elsewhere it comes from the branch
/// itself: kappa over that of a LIF without refractory period varies little along it, so the median of that ratio over
/// one unit of ln(I - Ic) on each side, taken side by side, times the LIF's kappa. The larger of the two sides counts:
/// a steady slope is no peak. Where only one side has points, its trend counts too. Points next to the one in question,
/// which would share its peak, are left out.
/// @param leg  with its beta_n written
/// @param lif  of the leg's first regular branch, empty if there is none
std::vector<Precursor> precursors_of(const RowGroup& group, const Leg& leg, const std::optional<LifFit>& lif);

/// beta_n of a LIF, 1/µA.
/// Source: design page "Analysis", section 7.
double lif_beta(const LifFit& fit, double current_ua);

}  // namespace thyrode::analysis
