#include "firmware/neurons/integrate_and_fire.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"

namespace thyrode::neurons {
namespace {

Parameters ideal() {
  return {{"C", 10e-6}, {"V_th", 0.2}, {"V_reset", 0.0}, {"V_pulse", 0.15}, {"t_pulse", 1e-4}};
}
Parameters leaky() {
  Parameters p = ideal();
  p["R"] = 6460.0;
  return p;
}

// The mean interval of n spikes after the first, added up exactly enough to see the twelfth digit.
double mean_interval(Neuron& neuron, int n) {
  long double t = 0.0L, first = -1.0L;
  for (int spikes = 0; spikes <= n;) {
    const Advance a = neuron.advance(1e9);
    if (a.event == Event::none) return 0.0;
    t += a.elapsed;
    if (a.event != Event::fire) continue;
    if (first < 0.0L) first = t;
    ++spikes;
  }
  return double((t - first) / n);
}

TEST(IdealIntegrateAndFire, KeepsCurrentTimesIntervalConstant) {
  // From one spike a day to spikes shorter than their pulse.
  for (const double current : {2e-11, 1e-6, 45.3e-6, 120e-6, 0.03}) {
    const auto neuron = must_make("ideal-if", ideal());
    neuron->inject(0, current);
    EXPECT_NEAR(current * mean_interval(*neuron, 20'000) / 2e-6, 1.0, 1e-14) << current;
  }
}

TEST(LeakyIntegrateAndFire, FollowsItsActivationFunction) {
  const double critical = 0.2 / 6460.0, tau = 6460.0 * 10e-6;
  for (const double above : {1e-6, 1e-3, 0.4, 3.0, 100.0}) {
    const auto neuron = must_make("lif", leaky());
    const double current = critical * (1.0 + above);
    neuron->inject(0, current);
    const double expected = -1.0 / (tau * std::log(1.0 - critical / current));
    EXPECT_NEAR(1.0 / mean_interval(*neuron, 10'000) / expected, 1.0, 1e-9) << above;
  }
}

TEST(LeakyIntegrateAndFire, IsSilentAtItsCriticalCurrentAndBelow) {
  for (const double share : {1.0, 0.999999, 0.5, 0.0, -1.0}) {
    Parameters p = leaky();
    set_parameter("lif", p, "I_c", 32e-6);
    const auto neuron = must_make("lif", p);
    neuron->inject(0, share * 32e-6);
    EXPECT_EQ(neuron->advance(1e9).event, Event::none) << share;
  }
}

TEST(LeakyIntegrateAndFire, TakesTimeConstantAndCriticalCurrentInPlaceOfResistanceAndThreshold) {
  Parameters p = leaky();
  set_parameter("lif", p, "tau", 64.6e-3);
  set_parameter("lif", p, "I_c", 0.2 / 6460.0);
  EXPECT_FALSE(p.contains("R") || p.contains("V_th"));
  const Parameters resolved = resolve_parameters("lif", p).value();
  EXPECT_NEAR(resolved.at("R"), 6460.0, 1e-9);
  EXPECT_NEAR(resolved.at("V_th"), 0.2, 1e-15);
  EXPECT_FALSE(resolved.contains("tau") || resolved.contains("I_c"));
}

TEST(IntegrateAndFire, MarksEachSpikeByAPulseWhoseEdgesAreEvents) {
  for (const char* model : {"ideal-if", "lif"}) {
    const auto neuron = must_make(model, std::string_view{model} == "lif" ? leaky() : ideal());
    neuron->inject(0, 45.3e-6);
    EXPECT_EQ(neuron->output(0).at(0.0), 0.0);
    double fired = 0.0;
    for (const TimedEvent& e : list_events(*neuron, 1.0, 1)) {
      if (e.event == Event::fire) fired = e.time;
      if (e.event == Event::open) {
        EXPECT_NEAR(e.time - fired, 1e-4, 1e-15);
      }
    }
    while (neuron->advance(1.0).event != Event::fire) {
    }
    EXPECT_EQ(neuron->output(0).at(0.0), 0.15);
    EXPECT_EQ(neuron->membrane(0).at(0.0), 0.0);
    EXPECT_EQ(neuron->mode(0), "pulse");
    EXPECT_EQ(neuron->advance(1.0).event, Event::open);
    EXPECT_EQ(neuron->output(0).at(0.0), 0.0);
    EXPECT_EQ(neuron->mode(0), "silent");
    EXPECT_GT(neuron->membrane(0).at(0.0), 1e-4);
  }
}

TEST(IntegrateAndFire, BeginsThePulseAnewAtASpikeWithinIt) {
  const auto neuron = must_make("ideal-if", ideal());
  neuron->inject(0, 0.04);  // a spike every 50 us
  for (const TimedEvent& e : list_events(*neuron, 1e-3, 1)) EXPECT_EQ(e.event, Event::fire);
  neuron->inject(0, 0.0);
  EXPECT_EQ(neuron->advance(1.0).event, Event::open);
  EXPECT_EQ(neuron->advance(1.0).event, Event::none);
}

// Half the way at one current, half at another, and back below the threshold in between.
TEST(IntegrateAndFire, FollowsAChangingCurrent) {
  const auto neuron = must_make("ideal-if", ideal());
  neuron->inject(0, 100e-6);
  EXPECT_EQ(neuron->advance(10e-3).event, Event::none);
  neuron->inject(0, -50e-6);
  EXPECT_EQ(neuron->advance(10e-3).event, Event::none);
  EXPECT_NEAR(neuron->membrane(0).at(neuron->piece_time()), 0.05, 1e-15);
  neuron->inject(0, 200e-6);
  const Advance a = neuron->advance(1.0);
  EXPECT_EQ(a.event, Event::fire);
  EXPECT_NEAR(a.elapsed, 7.5e-3, 1e-15);
}

TEST(IntegrateAndFire, DoesNotDependOnHowTheTimeIsCut) {
  const auto whole = must_make("lif", leaky());
  const auto cut = must_make("lif", leaky());
  whole->inject(0, 45.3e-6);
  cut->inject(0, 45.3e-6);
  const auto expected = list_events(*whole, 1.0, 1);
  const auto events = list_events(*cut, 3e-6, 333'333);
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t k = 0; k < events.size(); ++k) EXPECT_NEAR(events[k].time, expected[k].time, 1e-12);
}

TEST(IntegrateAndFire, RefusesAResetAtOrAboveTheThreshold) {
  for (const char* model : {"ideal-if", "lif"}) {
    Parameters p = std::string_view{model} == "lif" ? leaky() : ideal();
    p["V_reset"] = 0.2;
    const auto made = make_neuron(model, p, {}, 1);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().parameter, "V_reset");
    EXPECT_NE(made.error().reason.find("below V_th = 0.2 V"), std::string::npos) << made.error().reason;
  }
}

}  // namespace
}  // namespace thyrode::neurons
