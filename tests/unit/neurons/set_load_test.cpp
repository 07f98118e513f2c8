// A circuit whose load resistor is exchanged goes on as one that had it all the time, from the same charges.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

struct Circuit {
  const char* model;
  Parameters (*with_load)(double ohm);
};

Parameters fast_with(double ohm) {
  return bench_fast(ohm, 20e-9);
}

TEST(SetLoad, AtTheStartIsTheCircuitMadeWithIt) {
  for (const Circuit& circuit : {Circuit{"thyristor", wu2023}, Circuit{"thyristor-fast", fast_with}}) {
    for (const double ohm : {300.0, 2500.0, 4000.0}) {
      const auto made = must_make(circuit.model, circuit.with_load(ohm));
      const auto changed = must_make(circuit.model, circuit.with_load(900.0));
      ASSERT_TRUE(changed->load(0));
      EXPECT_EQ(changed->load(0)->resistance, 900.0);
      EXPECT_EQ(changed->load(0)->capacitance, made->load(0)->capacitance);
      changed->set_load(0, ohm);
      EXPECT_EQ(changed->load(0)->resistance, ohm);
      for (Neuron* neuron : {made.get(), changed.get()}) neuron->inject(0, 60e-6);
      const auto expected = list_events(*made, 1.0, 1, true);
      const auto events = list_events(*changed, 1.0, 1, true);
      ASSERT_EQ(events.size(), expected.size()) << circuit.model << " " << ohm;
      ASSERT_GT(events.size(), 20U);
      for (std::size_t k = 0; k < events.size(); ++k) {
        EXPECT_EQ(events[k].event, expected[k].event);
        EXPECT_EQ(events[k].time, expected[k].time);
      }
    }
  }
}

TEST(SetLoad, LeavesTheVoltagesWhereTheyAreWhateverTheDeviceDoes) {
  const auto neuron = must_make("thyristor", wu2023(2400.0));
  neuron->inject(0, 75e-6);
  double ohm = 2400.0;
  int conducting = 0;
  for (int k = 0; k < 400; ++k) {
    list_events(*neuron, 0.37e-3, 1);
    const double t = neuron->piece_time();
    const double u = neuron->membrane(0).at(t);
    const double v = neuron->output(0).at(t);
    const std::uint64_t piece = neuron->piece();
    ohm = ohm > 2000.0 ? 700.0 : 2400.0;
    neuron->set_load(0, ohm);
    EXPECT_GT(neuron->piece(), piece);
    EXPECT_NEAR(neuron->membrane(0).at(neuron->piece_time()), u, 1e-12);
    EXPECT_NEAR(neuron->output(0).at(neuron->piece_time()), v, 1e-12);
    if (neuron->mode(0) != "open") ++conducting;
  }
  EXPECT_GT(conducting, 20);
  EXPECT_TRUE(neuron->failed().empty());
}

TEST(SetLoad, MovesATonicNeuronToFastSpikingAndBack) {
  const auto neuron = must_make("thyristor", wu2023(500.0), {0.1e-6, 5e-3}, 3);
  const auto rate = [&](double ohm) {
    neuron->inject(0, 0.0);
    list_events(*neuron, 0.5, 1);
    neuron->set_load(0, ohm);
    return measure(*neuron, 60e-6, 0.5, 1.0).rate;
  };
  const double tonic = rate(500.0);
  EXPECT_LT(tonic, 100.0);
  EXPECT_GT(rate(3000.0), 1000.0);
  EXPECT_NEAR(rate(500.0), tonic, 0.05 * tonic);
}

TEST(SetLoad, IsOnlyForCircuitsThatHaveALoad) {
  EXPECT_FALSE(must_make("resistor", {{"R", 1e3}})->load(0));
  EXPECT_FALSE(must_make("thyristor-fast", bench_fast())->load(0));
}

}  // namespace
}  // namespace thyrode::neurons
