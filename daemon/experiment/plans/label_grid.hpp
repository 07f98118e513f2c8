// A grid of labels that is measured only where they change: the quadtree of a phase map.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/analysis/label_map.hpp"

namespace thyrode::experiment {

/// A point of the grid.
struct GridPoint {
  int column = 0;
  int row = 0;
  auto operator<=>(const GridPoint&) const = default;
};

/// What a point of the grid is said to be by those who measured it.
class LabelVotes {
 public:
  void add(analysis::Label label);
  int rows() const { return rows_; }
  /// Of most rows; the one told first where votes are equal; empty without a row.
  std::optional<analysis::Label> label() const;
  /// Rows that have this label.
  int agreeing() const;

 private:
  std::vector<std::pair<analysis::Label, int>> votes_;
  int rows_ = 0;
};

/// Votes on a grid, and the cells that follow from them.
class LabelGrid {
 public:
  /// @param columns, rows  points along each axis, >= 2
  /// @param coarse  points along each axis of the first grid, >= 2; at most all of them are used
  /// @param vote  a corner that disagrees with the three others of its cell is wanted until two rows agree, or three
  ///              are there
  LabelGrid(int columns, int rows, int coarse, bool vote);

  void add(GridPoint at, analysis::Label label) { votes_[index(at)].add(label); }

  /// Divides the coarse cells, and those that come of it, wherever labels differ along the edge of a cell. The middle
  /// of an edge whose ends agree is measured only where a quarter of the cell beside it has other labels too.
  struct Cells {
    std::vector<GridPoint> wanted;  ///< what has to be measured next, each once, in no order
    std::vector<analysis::LabelMap::Cell>
        cells;  ///< the leaves: uniform, or waiting for what is wanted, or as small as can be
  };
  Cells cells() const;

  /// The labels of all points: measured, or of the uniform cell around them, or, where cells have not been divided to
  /// the end, of the nearest point that is known in the coarse cell; empty where its corners are not known yet.
  /// @returns shape (rows * columns)
  std::vector<std::optional<analysis::Label>> fill() const;

  int columns() const { return columns_; }
  int rows() const { return rows_; }
  const LabelVotes& at(GridPoint point) const { return votes_[index(point)]; }

 private:
  using Cell = analysis::LabelMap::Cell;
  std::size_t index(GridPoint p) const {
    return static_cast<std::size_t>(p.row) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(p.column);
  }
  std::optional<analysis::Label> label(int column, int row) const { return at({column, row}).label(); }
  std::vector<Cell> coarse_cells() const;
  void fill_from_nearest(const Cell& coarse, std::vector<std::optional<analysis::Label>>& labels) const;
  void visit(const Cell& cell, const std::vector<GridPoint>& spared, Cells& found) const;
  /// Of all that is known along the edge of a cell; empty where it differs.
  std::optional<analysis::Label> common_label(const Cell& cell) const;
  std::vector<GridPoint> middles_of_uniform_edges(const Cell& cell) const;
  std::vector<GridPoint> missing(const Cell& cell) const;
  std::vector<GridPoint> doubted(const Cell& cell) const;
  bool doubtful(GridPoint point) const;
  std::vector<GridPoint> edge(const Cell& cell) const;

  int columns_;
  int rows_;
  std::vector<int> coarse_columns_;
  std::vector<int> coarse_rows_;
  bool vote_;
  std::vector<LabelVotes> votes_;
};

}  // namespace thyrode::experiment
