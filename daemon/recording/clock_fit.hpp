// How the clock of the device ran against that of the host. Private to this room.
#pragma once

#include <optional>
#include <span>

#include "daemon/recording/builder.hpp"

namespace thyrode::recording {

/// host seconds = offset + ticks / ticks_per_second, fitted by least squares.
struct ClockFit {
  double ticks_per_second = 0.0;
  double offset_s = 0.0;    ///< host time of tick 0
  double residual_s = 0.0;  ///< root of the mean square of what the line leaves
};

/// @param ticks, seconds  shape (n), readings of both clocks at the same moments
/// @returns empty for fewer than three readings, or where one clock stood still
std::optional<ClockFit> fit_clock(std::span<const std::int64_t> ticks, std::span<const double> seconds);

/// Fits the readings of /general/wall_clock, where there are any, and writes the line beside them.
void write_clock_fit(Builder& builder);

}  // namespace thyrode::recording
