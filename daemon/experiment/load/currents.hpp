// The currents of a plan: ranges, lists and directions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/plans.hpp"

namespace thyrode::load {

/// The ends of a range, amperes; start < stop.
struct CurrentRange {
  double start = 0.0;
  double stop = 0.0;
};

/// Reads `start` and `stop` of a map. Refuses: one of them missing, equal ends, start above stop.
/// @param single  what to write for a single current, completes "make stop larger, or write ..."; "" if there is
/// nothing
/// @param downwards  what to write to begin at the larger current, completes "swap them, and write ..."; "" likewise
std::optional<CurrentRange> read_ends(MapReader& current, std::string_view single, std::string_view downwards);

/// Reads `direction` into order, if it is written.
void read_direction(MapReader& plan, Order& order);

/// Reads `current` of a sweep: {start, stop, points or step}. Refuses more than most_steps over all legs.
/// @returns shape (n), rising, both ends exact
std::vector<Current> read_range(MapReader& plan, const YamlNode& node, std::int64_t legs, std::string_view single,
                                std::string_view downwards);

/// Reads `current` as a list of `least` currents or more.
std::vector<Current> read_list(MapReader& plan, std::int64_t legs, std::size_t least = 1);

}  // namespace thyrode::load
