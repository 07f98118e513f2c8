// The truth that a circuit tells of itself.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

// Advances by `time` and collects the modes on the way, as after each event.
std::set<std::string> modes(Neuron& neuron, double time) {
  std::set<std::string> seen;
  for (Advance step{0.0, Event::piece}; step.event != Event::none; time -= step.elapsed) {
    seen.emplace(neuron.mode(0));
    step = neuron.advance(time);
  }
  return seen;
}

TEST(Mode, OfATonicSpikerSettlesInEachSpikeAndIsFreshOnlyInFastSpiking) {
  const auto tonic = must_make("thyristor", wu2023());
  tonic->inject(0, 45.3e-6);
  EXPECT_EQ(modes(*tonic, 1.0), (std::set<std::string>{"open", "fresh", "settled"}));
  const auto fast = must_make("thyristor", wu2023(3000.0));
  fast->inject(0, 60e-6);
  EXPECT_EQ(modes(*fast, 1.0), (std::set<std::string>{"open", "fresh"}));
  const auto simple = must_make("thyristor-fast", bench_fast());
  simple->inject(0, 60e-6);
  EXPECT_EQ(modes(*simple, 1.0), (std::set<std::string>{"open", "closed"}));
}

TEST(Latched, IsTrueAboveTheUpperEndUntilTheCurrentFalls) {
  for (const char* model : {"thyristor", "thyristor-fast"}) {
    const bool fast = std::string_view{model} == "thyristor-fast";
    const auto neuron = must_make(model, fast ? bench_fast() : wu2023());
    neuron->inject(0, 135e-6);
    EXPECT_FALSE(neuron->latched(0)) << model << ", still open";
    modes(*neuron, 2.0);
    EXPECT_TRUE(neuron->latched(0)) << model;
    neuron->inject(0, 60e-6);
    EXPECT_FALSE(neuron->latched(0)) << model << ", on its way to opening";
  }
}

TEST(Latched, IsFalseInAPlateauThatWillEnd) {
  const auto neuron = must_make("thyristor", wu2023(2800.0));
  neuron->inject(0, 97e-6);
  bool settled = false;
  for (int k = 0; k < 1000; ++k) {
    const Advance step = neuron->advance(1.0);
    settled = settled || neuron->mode(0) == "settled";
    EXPECT_FALSE(neuron->mode(0) == "settled" && neuron->latched(0)) << "event " << k << " " << int(step.event);
  }
  EXPECT_TRUE(settled);
}

}  // namespace
}  // namespace thyrode::neurons
