#include "daemon/experiment/plans/hysteresis.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace thyrode::experiment {
namespace {

TEST(Hysteresis, GoesUpDownAndUpOverTheSameCurrents) {
  const auto steps = hysteresis_steps({{40.0_uA, 50.0_uA, 60.0_uA}});
  std::vector<double> currents;
  std::vector<int> legs;
  std::vector<analysis::Direction> directions;
  for (const PlannedStep& step : steps) {
    currents.push_back(std::round(step.current.in(1.0_uA)));
    legs.push_back(step.leg);
    directions.push_back(step.direction);
  }
  EXPECT_EQ(currents, (std::vector<double>{40, 50, 60, 60, 50, 40, 40, 50, 60}));
  EXPECT_EQ(legs, (std::vector<int>{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  using enum analysis::Direction;
  EXPECT_EQ(directions, (std::vector{up, up, up, down, down, down, up, up, up}));
}

}  // namespace
}  // namespace thyrode::experiment
