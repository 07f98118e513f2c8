// The quadtree of a phase map.
#include "daemon/experiment/plans/label_grid.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace thyrode::experiment {
namespace {

using analysis::Label;
using Truth = std::function<Label(GridPoint)>;

/// Measures what is wanted until nothing is. @returns measurements made
int measure_all(LabelGrid& grid, const Truth& truth) {
  int measurements = 0;
  for (auto cells = grid.cells(); !cells.wanted.empty(); cells = grid.cells()) {
    for (const GridPoint& point : cells.wanted) grid.add(point, truth(point)), ++measurements;
  }
  return measurements;
}

int wrong(const LabelGrid& grid, const Truth& truth) {
  const auto labels = grid.fill();
  int count = 0;
  for (int r = 0; r < grid.rows(); ++r) {
    for (int c = 0; c < grid.columns(); ++c) {
      count += labels[static_cast<std::size_t>(r * grid.columns() + c)] != truth({c, r}) ? 1 : 0;
    }
  }
  return count;
}

TEST(LabelVotes, TheLabelOfMostRowsHoldsAndTheFirstOfEqualOnes) {
  LabelVotes votes;
  EXPECT_FALSE(votes.label());
  votes.add(Label::FS);
  votes.add(Label::TS);
  EXPECT_EQ(votes.label(), Label::FS);
  votes.add(Label::TS);
  EXPECT_EQ(votes.label(), Label::TS);
  EXPECT_EQ(votes.agreeing(), 2);
  EXPECT_EQ(votes.rows(), 3);
}

TEST(LabelGrid, OfOneLabelNeedsItsCoarsePointsOnly) {
  LabelGrid grid(33, 17, 5, true);
  const auto truth = [](GridPoint) { return Label::TS; };
  EXPECT_EQ(measure_all(grid, truth), 25);
  EXPECT_EQ(wrong(grid, truth), 0);
}

TEST(LabelGrid, FollowsABorderDownToTheResolution) {
  LabelGrid grid(65, 65, 9, false);
  const auto truth = [](GridPoint p) { return p.column * p.column + p.row * p.row < 40 * 40 ? Label::TS : Label::FS; };
  const int measurements = measure_all(grid, truth);
  EXPECT_EQ(wrong(grid, truth), 0);
  EXPECT_LT(measurements, 65 * 65 / 8);
}

TEST(LabelGrid, AnyNumberOfPointsWillDo) {
  LabelGrid grid(50, 23, 4, true);
  const auto truth = [](GridPoint p) { return p.column > 2 * p.row ? Label::TS : Label::FS; };
  measure_all(grid, truth);
  EXPECT_EQ(wrong(grid, truth), 0);
}

TEST(LabelGrid, AWrongLabelIsMeasuredAgainAndOutvoted) {
  LabelGrid grid(33, 33, 5, true);
  bool told = false;
  const auto liar = [&](GridPoint p) {
    const bool lies = p == GridPoint{16, 16} && !told;
    told = told || lies;
    return lies ? Label::IB2 : Label::TS;
  };
  EXPECT_EQ(measure_all(grid, liar), 27);
  EXPECT_EQ(wrong(grid, [](GridPoint) { return Label::TS; }), 0);
}

TEST(LabelGrid, WithoutAVoteAWrongLabelIsAnIsland) {
  LabelGrid grid(33, 33, 5, false);
  const auto liar = [](GridPoint p) { return p == GridPoint{16, 16} ? Label::IB2 : Label::TS; };
  EXPECT_GT(measure_all(grid, liar), 40);
}

TEST(LabelGrid, ATrueCornerOutlivesTheVote) {
  LabelGrid grid(33, 33, 5, true);
  const auto truth = [](GridPoint p) { return p.column + p.row < 12 ? Label::IB1 : Label::TS; };
  measure_all(grid, truth);
  EXPECT_EQ(wrong(grid, truth), 0);
}

TEST(LabelGrid, CellsCoverThePlaneOnce) {
  LabelGrid grid(33, 33, 5, true);
  const auto truth = [](GridPoint p) { return p.column > p.row ? Label::TS : Label::FS; };
  measure_all(grid, truth);
  int area = 0;
  for (const auto& cell : grid.cells().cells) {
    area += (cell.last_column - cell.first_column) * (cell.last_row - cell.first_row);
  }
  EXPECT_EQ(area, 32 * 32);
}

TEST(LabelGrid, WhatIsNotDividedToTheEndTakesTheNearestKnownLabel) {
  LabelGrid grid(33, 33, 2, true);
  for (const GridPoint p : {GridPoint{0, 0}, GridPoint{0, 32}}) grid.add(p, Label::TS);
  EXPECT_FALSE(grid.fill()[5]);
  for (const GridPoint p : {GridPoint{32, 0}, GridPoint{32, 32}}) grid.add(p, Label::FS);
  EXPECT_EQ(grid.fill()[5], Label::TS);
  EXPECT_EQ(grid.fill()[28], Label::FS);
}

}  // namespace
}  // namespace thyrode::experiment
