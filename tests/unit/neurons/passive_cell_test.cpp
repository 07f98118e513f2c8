#include "firmware/neurons/passive_cell.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"

namespace thyrode::neurons {
namespace {

TEST(ModelCell, ChargesAndDischargesAsTheTextbookSays) {
  const auto cell = must_make("model-cell", {{"C", 1e-6}, {"R", 1e3}});
  cell->inject(0, 45.3e-6);
  EXPECT_EQ(cell->advance(0.7e-3).event, Event::none);
  const double charged = 45.3e-3 * (1.0 - std::exp(-0.7));
  EXPECT_NEAR(cell->membrane(0).at(cell->piece_time()), charged, 1e-16);
  EXPECT_NEAR(cell->output(0).at(0.2e-3), 45.3e-3 * (1.0 - std::exp(-0.2)), 1e-16);
  cell->inject(0, -10e-6);
  EXPECT_EQ(cell->piece_time(), 0.0);
  cell->advance(2e-3);
  EXPECT_NEAR(cell->output(0).at(cell->piece_time()), -10e-3 + (charged + 10e-3) * std::exp(-2.0), 1e-16);
}

TEST(Resistor, FollowsTheCurrentAtOnce) {
  const auto resistor = must_make("resistor", {{"R", 1e3}});
  for (const double current : {45.3e-6, 0.0, -200e-6}) {
    resistor->inject(0, current);
    EXPECT_EQ(resistor->membrane(0).at(0.0), 1e3 * current);
    EXPECT_EQ(resistor->output(0).at(0.0), 1e3 * current);
    EXPECT_EQ(resistor->advance(1.0).event, Event::none);
    EXPECT_EQ(resistor->output(0).at(resistor->piece_time()), 1e3 * current);
  }
}

TEST(PassiveCell, NeverSpikes) {
  const auto cell = must_make("model-cell", {{"C", 1e-6}, {"R", 1e3}});
  cell->inject(0, 1.0);
  EXPECT_EQ(cell->advance(1e9).event, Event::none);
  EXPECT_EQ(cell->advance(1e9).elapsed, 1e9);
}

TEST(PassiveCell, RefusesWhatNoComponentHas) {
  EXPECT_EQ(make_neuron("model-cell", {{"C", -1e-6}, {"R", 1e3}}, {}, 1).error().parameter, "C");
  EXPECT_EQ(make_neuron("resistor", {{"R", 0.0}}, {}, 1).error().parameter, "R");
}

}  // namespace
}  // namespace thyrode::neurons
