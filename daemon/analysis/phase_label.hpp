// The name of a firing pattern, from the order of its intervals.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/analysis/result.hpp"

namespace thyrode::analysis {

/// Names a train that fires throughout a step and does not burst.
/// TS (tonic): CV < 0.12 or S64 > 8, which also holds a regular pattern of period 2; irregular ("melted"):
/// CV > 0.24 and S64 < 4; soft in between. Without a whole block of 64 spikes the renewal value coth(pi^2 CV^2)
/// stands for S64.
/// @param spikes  fewer than 5 give `undetermined`
/// @param cv  of the inter-spike intervals
/// @param structure_factor  S64
Label order_label(std::int64_t spikes, std::optional<double> cv, std::optional<double> structure_factor);

}  // namespace thyrode::analysis
