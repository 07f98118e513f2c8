// The ragged end that a dead writer leaves, cut clean. Private to this room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// Rows [first, first + count) of a series.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool operator==(const RowRange&) const = default;
};

/// The stretches of a series whose rows are NaN throughout.
std::vector<RowRange> missing_rows(hid_t file, const std::string& series);

/// Missing rows of a channel's signals that no row of invalid_times touches, as ADC samples [first, end): one hole
/// where several signals miss the same stretch.
struct Hole {
  std::int64_t first = 0;
  std::int64_t end = 0;
  std::int64_t trace_samples = 0;  ///< that are missing from the trace of V_out
  bool operator==(const Hole&) const = default;
};
std::vector<Hole> unlisted_holes(hid_t file, const std::string& label, std::int64_t channel);

struct CutRows {
  std::int64_t rows = 0;
  std::int64_t holes = 0;
};

/// Cuts every table to its whole rows and every series to its last value, and lists the holes that are left. Rows are
/// whole as far as all columns reach and the times rise. Throws Failure.
CutRows cut_ragged_end(hid_t file, std::span<const std::string> labels);

/// The first row whose key does not rise above the one before (or fall below it, where equal ones are allowed);
/// `rows` where all do.
std::int64_t first_falling(hid_t file, const std::string& column, std::int64_t rows, bool equal_allowed);

}  // namespace thyrode::recording
