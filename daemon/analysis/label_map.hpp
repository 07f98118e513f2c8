// Labels over the plane of current and a second parameter: plain data that every view shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::analysis {

/// A phase map on a regular grid. Most of its labels are those of the cell around them, not measured.
struct LabelMap {
  std::vector<double> currents_ua;  ///< shape (columns), rising
  std::string parameter;            ///< "tau_L"
  std::vector<double> values;       ///< shape (rows), SI, rising
  /// shape (rows * columns), row by row; empty where nothing is known yet.
  std::vector<std::optional<Label>> labels;

  /// A rectangle of the grid whose corners, all measured, have this label; those of a cell without a label differ.
  struct Cell {
    int first_column = 0;
    int last_column = 0;
    int first_row = 0;
    int last_row = 0;
    std::optional<Label> label;
    bool operator==(const Cell&) const = default;
  };
  std::vector<Cell> cells;           ///< the plane without overlap; adjacent cells share an edge
  std::int64_t measured_points = 0;  ///< of the grid
  std::int64_t measurements = 0;     ///< some points were measured more than once
  double coarse_current_ua = 0.0;    ///< a region smaller than a cell of the first grid may have been missed
  double coarse_value = 0.0;
  bool operator==(const LabelMap&) const = default;
};

}  // namespace thyrode::analysis
