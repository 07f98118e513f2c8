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

/// The ends of an axis of a cell, and its middle where there is one.
std::vector<int> halved(int first, int last) {
  if (last - first < 2) return {first, last};
  return {first, (first + last) / 2, last};
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

std::vector<LabelGrid::Cell> LabelGrid::coarse_cells() const {
  std::vector<Cell> cells;
  for (std::size_t r = 0; r + 1 < coarse_rows_.size(); ++r) {
    for (std::size_t c = 0; c + 1 < coarse_columns_.size(); ++c) {
      cells.push_back({coarse_columns_[c], coarse_columns_[c + 1], coarse_rows_[r], coarse_rows_[r + 1], {}});
    }
  }
  return cells;
}

LabelGrid::Cells LabelGrid::cells() const {
  Cells found;
  for (const Cell& coarse : coarse_cells()) visit(coarse, {}, found);
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

std::optional<Label> LabelGrid::common_label(const Cell& cell) const {
  std::optional<Label> common;
  for (const GridPoint& point : edge(cell)) {
    if (at(point).rows() == 0) continue;
    if (common && at(point).label() != common) return std::nullopt;
    common = at(point).label();
  }
  return common;
}

void LabelGrid::visit(const Cell& cell, const std::vector<GridPoint>& spared, Cells& found) const {
  std::vector<GridPoint> needed;
  std::vector<GridPoint> guessed;
  for (const GridPoint& corner : missing(cell)) {
    const bool spare = std::find(spared.begin(), spared.end(), corner) != spared.end();
    (spare ? guessed : needed).push_back(corner);
  }
  const auto want = [&](const std::vector<GridPoint>& points) {
    found.wanted.insert(found.wanted.end(), points.begin(), points.end());
  };
  if (!needed.empty()) return want(needed);
  Cell leaf = cell;
  leaf.label = common_label(cell);
  if (!leaf.label && !guessed.empty()) return want(guessed);
  if (leaf.label) {
    found.cells.push_back(leaf);
    return;
  }
  const auto doubts = vote_ ? doubted(cell) : std::vector<GridPoint>{};
  const std::vector<int> columns = halved(cell.first_column, cell.last_column);
  const std::vector<int> rows = halved(cell.first_row, cell.last_row);
  want(doubts);
  if (!doubts.empty() || (columns.size() == 2 && rows.size() == 2)) {
    found.cells.push_back(leaf);
    return;
  }
  const auto uniform_middles = middles_of_uniform_edges(cell);
  for (std::size_t r = 0; r + 1 < rows.size(); ++r) {
    for (std::size_t c = 0; c + 1 < columns.size(); ++c) {
      visit({columns[c], columns[c + 1], rows[r], rows[r + 1], {}}, uniform_middles, found);
    }
  }
}

std::vector<GridPoint> LabelGrid::middles_of_uniform_edges(const Cell& cell) const {
  const auto all = corners(cell);
  std::vector<GridPoint> points;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const GridPoint& a = all[k];
    const GridPoint& b = all[(k + 1) % 4];
    if (at(a).label() != at(b).label()) continue;
    points.push_back({(a.column + b.column) / 2, (a.row + b.row) / 2});
  }
  return points;
}

void LabelGrid::fill_from_nearest(const Cell& coarse, std::vector<std::optional<Label>>& labels) const {
  std::vector<GridPoint> known;
  std::vector<GridPoint> empty;
  for (int r = coarse.first_row; r <= coarse.last_row; ++r) {
    for (int c = coarse.first_column; c <= coarse.last_column; ++c) {
      if (at({c, r}).rows() > 0) known.push_back({c, r});
      if (!labels[index({c, r})]) empty.push_back({c, r});
    }
  }
  for (const GridPoint& point : empty) {
    const auto distance = [&](const GridPoint& p) { return std::hypot(p.column - point.column, p.row - point.row); };
    const auto nearest = std::min_element(
        known.begin(), known.end(), [&](const GridPoint& a, const GridPoint& b) { return distance(a) < distance(b); });
    labels[index(point)] = at(*nearest).label();
  }
}

std::vector<std::optional<Label>> LabelGrid::fill() const {
  std::vector<std::optional<Label>> labels(votes_.size());
  for (const Cell& cell : cells().cells) {
    if (!cell.label) continue;
    for (int r = cell.first_row; r <= cell.last_row; ++r) {
      for (int c = cell.first_column; c <= cell.last_column; ++c) labels[index({c, r})] = cell.label;
    }
  }
  for (std::size_t k = 0; k < votes_.size(); ++k) {
    if (votes_[k].rows() > 0) labels[k] = votes_[k].label();
  }
  for (const Cell& coarse : coarse_cells()) {
    if (missing(coarse).empty()) fill_from_nearest(coarse, labels);
  }
  return labels;
}

}  // namespace thyrode::experiment
