// The closed form of the switch without load capacitor, against small steps and against its neighbour with a capacitor.
#include <gtest/gtest.h>

#include <cmath>

#include "firmware/neurons/random.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

// The first moment after opening at which w + th reaches V_th and the dead time is over, by Runge-Kutta steps of the
// differential equation and bisection; `limit` when it does not come before.
double stepped_interval(const Parameters& p, double u, double th, double current, double limit) {
  const auto at = [&](const char* name) { return p.find(name)->second; };
  const double whole = at("R") + at("R_L");
  const auto slope = [&](double x) { return (current - x / whole) / at("C_m"); };
  const auto step = [&](double& x, double& y, double h) {
    const double k1 = slope(x), k2 = slope(x + h / 2 * k1), k3 = slope(x + h / 2 * k2), k4 = slope(x + h * k3);
    x += h / 6 * (k1 + 2 * (k2 + k3) + k4);
    const double r = h / at("tau_q");
    y *= 1 - r + r * r / 2 - r * r * r / 6 + r * r * r * r / 24;
  };
  const auto fires = [&](double x, double y) { return x * at("R") / whole + y >= at("V_th"); };
  const double h = std::min({at("C_m") * whole, at("tau_q"), at("t_dead")}) / 20.0;
  for (int k = 0; k < 200; ++k) step(u, th, at("t_dead") / 200.0);
  double t = at("t_dead");
  while (t < limit) {
    if (fires(u, th)) return t;
    double x = u, y = th;
    step(x, y, h);
    if (fires(x, y)) {
      double low = 0.0, high = h;
      for (int k = 0; k < 60; ++k) {
        const double middle = (low + high) / 2;
        x = u, y = th;
        step(x, y, middle);
        (fires(x, y) ? high : low) = middle;
      }
      return t + high;
    }
    u = x, th = y, t += h;
  }
  return limit;
}

// Recovery slower and faster than the membrane, currents below and above the rheobase: with a slow recovery the
// firing voltage may be met once, below the rheobase, or never again.
TEST(RelaxationSwitch, FiresWhenTheDifferentialEquationDoes) {
  int fired = 0, silent = 0, below_rheobase = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random random{seed};
    const auto vary = [&](double low, double high) { return low * std::pow(high / low, random.uniform()); };
    Parameters p = bench_fast(vary(50.0, 1e3));
    for (const char* name : {"C_m", "R", "R_on", "I_H"}) p[name] *= vary(0.5, 2.0);
    p["dV"] = vary(0.05, 1.1);
    p["tau_q"] = vary(0.2e-3, 50e-3);
    p["t_dead"] = vary(20e-6, 2e-3);
    p["u_start"] = p["V_th"] * 0.99;
    const double rheobase = p["V_th"] / p["R"];
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const auto neuron = must_make("thyristor-fast", p);
    neuron->inject(0, 3.0 * rheobase);
    ASSERT_EQ(neuron->advance(1.0).event, Event::fire);
    const double current = vary(0.3, 2.0) * rheobase;
    neuron->inject(0, current);
    // Some of these loads hold the switch closed.
    if (neuron->latched(0)) continue;
    ASSERT_EQ(neuron->advance(1.0).event, Event::open);
    const double limit = 0.05;
    const double expected = stepped_interval(p, neuron->membrane(0).at(0.0), p["dV"], current, limit);
    const Advance a = neuron->advance(limit);
    if (expected >= limit * (1.0 - 1e-6)) {
      silent += a.event == Event::none;
      continue;
    }
    ASSERT_EQ(a.event, Event::fire);
    ASSERT_NEAR(a.elapsed, expected, 1e-9 + 1e-6 * expected);
    ++fired;
    below_rheobase += current < rheobase;
  }
  EXPECT_GT(fired, 250);
  EXPECT_GT(silent, 30);
  EXPECT_GT(below_rheobase, 10);
}

TEST(RelaxationSwitch, IsTheLimitOfAVanishingLoadCapacitor) {
  for (const double current : {37e-6, 45.3e-6, 80e-6}) {
    const auto without = must_make("thyristor-fast", bench_fast(100.0, 0.0));
    const auto with = must_make("thyristor-fast", bench_fast(100.0, 1e-12));
    without->inject(0, current);
    with->inject(0, current);
    const auto events = list_events(*without, 0.1, 1);
    const auto limit = list_events(*with, 0.1, 1);
    ASSERT_EQ(events.size(), limit.size());
    ASSERT_GT(events.size(), 6U);
    for (std::size_t k = 0; k < events.size(); ++k) {
      ASSERT_EQ(events[k].event, limit[k].event);
      ASSERT_NEAR(events[k].time, limit[k].time, 1e-9 * double(k + 1));
    }
  }
}

TEST(RelaxationSwitch, GoesOnFromWhereAChangeOfCurrentFoundIt) {
  const auto neuron = must_make("thyristor-fast", bench_fast());
  const auto twin = must_make("thyristor-fast", bench_fast());
  neuron->inject(0, 50e-6);
  twin->inject(0, 50e-6);
  // Every 10 us another current for a moment of no length: nothing may change but the number of pieces.
  double expected = 0.0, found = 0.0;
  while (expected < 0.02) {
    Advance a;
    do {
      a = twin->advance(1.0);
      expected += a.elapsed;
    } while (a.event != Event::fire);
    do {
      a = neuron->advance(10e-6);
      found += a.elapsed;
      neuron->inject(0, 90e-6);
      neuron->inject(0, 50e-6);
    } while (a.event != Event::fire);
    ASSERT_NEAR(found, expected, 1e-12);
  }
  EXPECT_GT(neuron->piece(), 4000U);
}

TEST(RelaxationSwitch, IsLatchedWhenItsCurrentHoldsItClosed) {
  const auto neuron = must_make("thyristor-fast", bench_fast());
  neuron->inject(0, 100e-6);
  Advance a;
  while (a.event != Event::fire) a = neuron->advance(1.0);
  EXPECT_EQ(neuron->advance(10.0).event, Event::none);
  EXPECT_TRUE(neuron->latched(0));
  EXPECT_EQ(neuron->mode(0), "closed");
  neuron->inject(0, 50e-6);
  EXPECT_FALSE(neuron->latched(0));
  EXPECT_EQ(neuron->advance(1.0).event, Event::open);
}

}  // namespace
}  // namespace thyrode::neurons
