// What every neuron promises about advance(), inject() and its waveforms.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

struct Circuit {
  const char* name;
  const char* model;
  Parameters parameters;
  NoiseParameters noise;
  double current;   // A
  bool load_jumps;  // V_out may jump when the switch moves
};

std::vector<Circuit> circuits() {
  const NoiseParameters quiet{}, noisy{1e-6, 20e-3};
  return {
      {"tonic", "thyristor", wu2023(), quiet, 45.3e-6, false},
      {"fast spiking", "thyristor", wu2023(3000.0), quiet, 60e-6, false},
      {"bursting", "thyristor", wu2023(2800.0), quiet, 39.4e-6, false},
      {"plateaus", "thyristor", wu2023(2200.0), quiet, 76.5e-6, false},
      {"noisy", "thyristor", wu2023(), noisy, 45.3e-6, false},
      {"switch", "thyristor-fast", bench_fast(), quiet, 60e-6, true},
      {"switch with load capacitor", "thyristor-fast", bench_fast(15e3, 20e-9), quiet, 41.5e-6, false},
  };
}

TEST(Advance, DoesNotDependOnHowTheTimeIsCut) {
  for (const Circuit& c : circuits()) {
    SCOPED_TRACE(c.name);
    const auto whole = must_make(c.model, c.parameters, c.noise);
    const auto cut = must_make(c.model, c.parameters, c.noise);
    whole->inject(0, c.current);
    cut->inject(0, c.current);
    const auto expected = list_events(*whole, 0.4, 1);
    const auto events = list_events(*cut, 4e-6, 100'000);
    ASSERT_GT(expected.size(), 6U);
    ASSERT_EQ(events.size(), expected.size());
    for (std::size_t k = 0; k < events.size(); ++k) {
      EXPECT_EQ(events[k].event, expected[k].event);
      EXPECT_NEAR(events[k].time, expected[k].time, 1e-12) << "event " << k;
    }
  }
}

TEST(Advance, KeepsTheWaveformsContinuousAcrossPieces) {
  for (const Circuit& c : circuits()) {
    SCOPED_TRACE(c.name);
    const auto neuron = must_make(c.model, c.parameters, c.noise);
    neuron->inject(0, c.current);
    int pieces = 0;
    for (double t = 0.0; t < 0.4;) {
      const Waveform u = neuron->membrane(0);
      const Waveform v = neuron->output(0);
      const double begin = neuron->piece_time();
      const std::uint64_t piece = neuron->piece();
      const Advance a = neuron->advance(0.05);
      t += a.elapsed;
      if (a.event == Event::none) {
        EXPECT_EQ(neuron->piece(), piece);
        EXPECT_NEAR(neuron->piece_time(), begin + a.elapsed, 1e-15);
        continue;
      }
      ++pieces;
      EXPECT_GT(neuron->piece(), piece);
      EXPECT_EQ(neuron->piece_time(), 0.0);
      EXPECT_NEAR(neuron->membrane(0).at(0.0), u.at(begin + a.elapsed), 1e-12);
      if (!c.load_jumps) {
        EXPECT_NEAR(neuron->output(0).at(0.0), v.at(begin + a.elapsed), 1e-12);
      }
    }
    EXPECT_GT(pieces, 10);
  }
}

TEST(Advance, BeginsAPieceOnlyWhenTheCurrentChanges) {
  const auto neuron = must_make("thyristor", wu2023());
  neuron->inject(0, 40e-6);
  neuron->advance(1e-3);
  const std::uint64_t piece = neuron->piece();
  neuron->inject(0, 40e-6);
  EXPECT_EQ(neuron->piece(), piece);
  EXPECT_NEAR(neuron->piece_time(), 1e-3, 1e-18);
  neuron->inject(0, 41e-6);
  EXPECT_EQ(neuron->piece(), piece + 1);
  EXPECT_EQ(neuron->piece_time(), 0.0);
}

TEST(Advance, FollowsACurrentThatIsSetManyTimesWithinAPiece) {
  const auto steady = must_make("thyristor", wu2023());
  const auto dithered = must_make("thyristor", wu2023());
  steady->inject(0, 50e-6);
  const auto expected = list_events(*steady, 0.3, 1);
  std::vector<double> fires;
  double now = 0.0;
  for (int k = 0; k < 300'000; ++k) {
    dithered->inject(0, k % 2 == 0 ? 50.05e-6 : 49.95e-6);
    double left = 1e-6;
    while (true) {
      const Advance a = dithered->advance(left);
      if (a.event == Event::fire) fires.push_back(now + (1e-6 - left) + a.elapsed);
      if (a.event == Event::none) break;
      left = std::max(left - a.elapsed, 0.0);
    }
    now += 1e-6;
  }
  std::vector<double> steady_fires;
  for (const TimedEvent& e : expected) {
    if (e.event == Event::fire) steady_fires.push_back(e.time);
  }
  ASSERT_EQ(fires.size(), steady_fires.size());
  for (std::size_t k = 0; k < fires.size(); ++k) EXPECT_NEAR(fires[k], steady_fires[k], 2e-6);
}

TEST(Advance, AddsUpAMillionSmallStepsWithoutLoss) {
  const auto neuron = must_make("thyristor", wu2023());  // silent without current: one piece
  for (int k = 0; k < 1'000'000; ++k) ASSERT_EQ(neuron->advance(1e-7).event, Event::none);
  EXPECT_NEAR(neuron->piece_time(), 0.1, 1e-16);
}

TEST(Advance, ByNoTimeDoesNothing) {
  const auto neuron = must_make("thyristor", wu2023());
  neuron->inject(0, 45.3e-6);
  const std::uint64_t piece = neuron->piece();
  const Advance a = neuron->advance(0.0);
  EXPECT_EQ(a.event, Event::none);
  EXPECT_EQ(a.elapsed, 0.0);
  EXPECT_EQ(neuron->piece(), piece);
}

}  // namespace
}  // namespace thyrode::neurons
