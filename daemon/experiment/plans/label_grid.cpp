#include "daemon/experiment/plans/label_grid.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace thyrode::experiment {
namespace {

using analysis::Label;

constexpr int most_votes = 3;

std::vector<int> coarse_axis(int points, int coarse) {
  const int n = std::clamp(coarse, 2, points);
  std::vector<int> axis;
  for (int k = 0; k < n; ++k) {
    axis.push_back(static_cast<int>(std::lround(static_cast<double>(k) * (points - 1) / (n - 1))));
  }
  return axis;
}

std::array<GridPoint, 4> corners(const analysis::LabelMap::Cell& c) {
  return {{{c.first_column, c.first_row},
           {c.last_column, c.first_row},
           {c.last_column, c.last_row},
           {c.first_column, c.last_row}}};
}

}  // namespace

void LabelVotes::add(Label label) {
  ++rows_;
  const auto known = std::find_if(votes_.begin(), votes_.end(), [&](const auto& v) { return v.first == label; });
  if (known == votes_.end()) {
    votes_.emplace_back(label, 1);
  } else {
    ++known->second;
  }
}

std::optional<Label> LabelVotes::label() const {
  const auto most =
      std::max_element(votes_.begin(), votes_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == votes_.end() ? std::nullopt : std::optional(most->first);
}

int LabelVotes::agreeing() const {
  int most = 0;
  for (const auto& [label, count] : votes_) most = std::max(most, count);
  return most;
}

LabelGrid::LabelGrid(int columns, int rows, int coarse, bool vote)
    : columns_(columns),
      rows_(rows),
      coarse_columns_(coarse_axis(columns, coarse)),
      coarse_rows_(coarse_axis(rows, coarse)),
      vote_(vote),
      votes_(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}

LabelGrid::Cells LabelGrid::cells() const {
  Cells found;
  for (std::size_t r = 0; r + 1 < coarse_rows_.size(); ++r) {
    for (std::size_t c = 0; c + 1 < coarse_columns_.size(); ++c) {
      visit({coarse_columns_[c], coarse_columns_[c + 1], coarse_rows_[r], coarse_rows_[r + 1], {}}, found);
    }
  }
  std::sort(found.wanted.begin(), found.wanted.end());
  found.wanted.erase(std::unique(found.wanted.begin(), found.wanted.end()), found.wanted.end());
  return found;
}

std::vector<GridPoint> LabelGrid::missing(const Cell& cell) const {
  std::vector<GridPoint> points;
  for (const GridPoint corner : corners(cell)) {
    if (at(corner).rows() == 0) points.push_back(corner);
  }
  return points;
}

std::vector<GridPoint> LabelGrid::edge(const Cell& cell) const {
  std::vector<GridPoint> points;
  for (int c = cell.first_column; c <= cell.last_column; ++c) {
    points.push_back({c, cell.first_row});
    points.push_back({c, cell.last_row});
  }
  for (int r = cell.first_row + 1; r < cell.last_row; ++r) {
    points.push_back({cell.first_column, r});
    points.push_back({cell.last_column, r});
  }
  return points;
}

bool LabelGrid::uniform(const Cell& cell) const {
  const auto first = label(cell.first_column, cell.first_row);
  const auto points = edge(cell);
  // Smaller cells next to this one may have measured between its corners.
  return std::all_of(points.begin(), points.end(),
                     [&](GridPoint p) { return at(p).rows() == 0 || at(p).label() == first; });
}

bool LabelGrid::doubtful(GridPoint point) const {
  const LabelVotes& votes = at(point);
  const bool majority = votes.agreeing() >= 2 && 2 * votes.agreeing() > votes.rows();
  return votes.rows() > 0 && votes.rows() < most_votes && !majority;
}

std::vector<GridPoint> LabelGrid::doubted(const Cell& cell) const {
  std::vector<GridPoint> points;
  const auto all = corners(cell);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const auto others = label(all[(k + 1) % 4].column, all[(k + 1) % 4].row);
    const bool agree = others == label(all[(k + 2) % 4].column, all[(k + 2) % 4].row) &&
                       others == label(all[(k + 3) % 4].column, all[(k + 3) % 4].row);
    const auto own = label(all[k].column, all[k].row);
    if (agree && own != others && doubtful(all[k])) points.push_back(all[k]);
    if (!agree || own != others) continue;
    // All corners agree: one that was measured between two of them does not.
    for (const GridPoint p : edge(cell)) {
      if (at(p).rows() > 0 && at(p).label() != own && doubtful(p)) points.push_back(p);
    }
    break;
  }
  return points;
}

void LabelGrid::visit(const Cell& cell, Cells& found) const {
  if (const auto points = missing(cell); !points.empty()) {
    found.wanted.insert(found.wanted.end(), points.begin(), points.end());
    return;
  }
  Cell leaf = cell;
  if (uniform(cell)) {
    leaf.label = label(cell.first_column, cell.first_row);
    found.cells.push_back(leaf);
    return;
  }
  if (vote_) {
    if (const auto points = doubted(cell); !points.empty()) {
      found.wanted.insert(found.wanted.end(), points.begin(), points.end());
      found.cells.push_back(leaf);
      return;
    }
  }
  std::vector<int> columns{cell.first_column, cell.last_column};
  std::vector<int> rows{cell.first_row, cell.last_row};
  const auto halve = [](std::vector<int>& ends) {
    if (ends[1] - ends[0] > 1) ends.insert(ends.begin() + 1, (ends[0] + ends[1]) / 2);
  };
  halve(columns);
  halve(rows);
  if (columns.size() == 2 && rows.size() == 2) {
    found.cells.push_back(leaf);
    return;
  }
  for (std::size_t r = 0; r + 1 < rows.size(); ++r) {
    for (std::size_t c = 0; c + 1 < columns.size(); ++c) {
      visit({columns[c], columns[c + 1], rows[r], rows[r + 1], {}}, found);
    }
  }
}

std::vector<std::optional<Label>> LabelGrid::fill() const {
  std::vector<std::optional<Label>> labels(votes_.size());
  for (const Cell& cell : cells().cells) {
    for (int r = cell.first_row; r <= cell.last_row; ++r) {
      for (int c = cell.first_column; c <= cell.last_column; ++c) {
        const int column = 2 * c < cell.first_column + cell.last_column ? cell.first_column : cell.last_column;
        const int row = 2 * r < cell.first_row + cell.last_row ? cell.first_row : cell.last_row;
        labels[index({c, r})] = cell.label ? cell.label : label(column, row);
      }
    }
  }
  for (std::size_t k = 0; k < votes_.size(); ++k) {
    if (votes_[k].rows() > 0) labels[k] = votes_[k].label();
  }
  return labels;
}

}  // namespace thyrode::experiment
