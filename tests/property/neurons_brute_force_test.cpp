// The exact solution against integrators that share nothing with it but the equations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "firmware/neurons/random.hpp"
#include "tests/property/stepped_circuits.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

constexpr std::uint64_t thyristor_cases = 7000;
constexpr std::uint64_t switch_cases = 3000;
constexpr std::size_t most_events = 16;

// Log-uniform between two positive limits.
class Vary {
 public:
  explicit Vary(std::uint64_t seed) : random_{seed} {}
  double operator()(double low, double high) { return low * std::pow(high / low, random_.uniform()); }

 private:
  Random random_;
};

struct Case {
  Parameters parameters;
  double current;   // A
  double duration;  // s
};

// Loads from deep inside tonic spiking to the bursting range, a light membrane so that the cycle is short.
Case random_thyristor(std::uint64_t seed) {
  Vary vary{seed};
  Parameters p = wu2023(vary(40.0, 5000.0));
  p["C_m"] = vary(0.2e-6, 2e-6);
  p["C_L"] = vary(0.05e-6, 0.2e-6);
  for (const char* name :
       {"G0", "I_0", "dI", "R_h", "K", "tau_r", "R_on", "q_F", "r1", "r2", "tau_q", "I_off", "T_s", "Z", "V_d"}) {
    p[name] *= vary(0.7, 1.4);
  }
  p["q3"] *= vary(0.8, 1.1);
  p["u_start"] = 0.88;
  return {p, vary(38e-6, 120e-6), 8e-3};
}

Case random_switch(std::uint64_t seed) {
  Vary vary{seed};
  Parameters p = bench_fast(vary(100.0, 20e3), vary(5e-9, 40e-9));
  for (const char* name : {"C_m", "R", "R_on", "I_H", "dV", "tau_q", "t_dead"}) p[name] *= vary(0.5, 2.0);
  p["u_start"] = 1.7;
  return {p, vary(1.05, 2.5) * p["V_th"] / p["R"], 3e-3};
}

std::vector<TimedEvent> solve(const char* model, const Case& c) {
  const auto neuron = must_make(model, c.parameters);
  neuron->inject(0, c.current);
  return list_events(*neuron, c.duration, 1);
}

// Times must agree up to the last event compared; those in the last part of the time may be missing on one side.
testing::AssertionResult same_events(const std::vector<TimedEvent>& events, const std::vector<TimedEvent>& expected,
                                     double duration) {
  for (std::size_t k = 0; k < expected.size() && expected[k].time < duration * (1.0 - 1e-4); ++k) {
    if (k >= events.size()) return testing::AssertionFailure() << "no event " << k << " at " << expected[k].time;
    const double error = std::abs(events[k].time - expected[k].time);
    if (events[k].event == expected[k].event && error < 1e-7 + 2e-6 * expected[k].time) continue;
    return testing::AssertionFailure() << "event " << k << " at " << events[k].time << ", expected at "
                                       << expected[k].time << ", an error of " << error << " s";
  }
  return testing::AssertionSuccess();
}

// The integrator's error grows with each event, most where a border is nearly touched; there finer steps decide.
testing::AssertionResult same_events(const std::vector<TimedEvent>& events,
                                     const std::function<std::vector<TimedEvent>(double fineness)>& stepped,
                                     double duration) {
  const auto coarse = same_events(events, stepped(1.0), duration);
  return coarse ? coarse : same_events(events, stepped(20.0), duration);
}

TEST(ThyristorAgainstBruteForce, FiresAndOpensAtTheSameTimes) {
  std::size_t compared = 0, longest = 0;
  for (std::uint64_t seed = 0; seed < thyristor_cases; ++seed) {
    const Case c = random_thyristor(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", R_L " << c.parameters.at("R_L") << " Ohm, " << c.current
                                    << " A");
    const auto events = solve("thyristor", c);
    ASSERT_TRUE(same_events(
        events,
        [&](double fineness) { return step_thyristor(c.parameters, c.current, c.duration, most_events, fineness); },
        c.duration));
    compared += std::min(events.size(), most_events);
    longest += events.size() >= most_events;
  }
  EXPECT_GT(compared, 4U * thyristor_cases);
  EXPECT_GT(longest, thyristor_cases / 30);
}

TEST(ThyristorFastAgainstBruteForce, FiresAndOpensAtTheSameTimes) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 0; seed < switch_cases; ++seed) {
    const Case c = random_switch(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", R_L " << c.parameters.at("R_L") << " Ohm, " << c.current
                                    << " A");
    const auto events = solve("thyristor-fast", c);
    ASSERT_TRUE(same_events(
        events,
        [&](double fineness) { return step_switch(c.parameters, c.current, c.duration, most_events, fineness); },
        c.duration));
    compared += std::min(events.size(), most_events);
  }
  EXPECT_GT(compared, 3U * switch_cases);
}

// Tangents of a circuit: at a critical current a voltage just fails to reach a border, and from there on the events
// come at other times. Solver and integrator must put that current at the same place.
using Events = std::function<std::vector<TimedEvent>(double current)>;

struct Jump {
  double low, high;   // A: currents below and above it
  std::size_t event;  // the first that jumps
  double middle;      // s: between its times on either side
};

// Two neighbours of a list of currents between which an event jumps by more than its time could drift.
std::optional<Jump> find_jump(const Events& events, double low, double high) {
  constexpr int currents = 60;
  constexpr double least_jump = 0.2e-3;  // s
  std::vector<TimedEvent> before = events(low);
  for (int k = 1; k < currents; ++k) {
    const double current = low + (high - low) * k / (currents - 1);
    std::vector<TimedEvent> after = events(current);
    for (std::size_t e = 0; e < std::min({before.size(), after.size(), most_events}); ++e) {
      // An earlier event that drifts takes the later ones with it; only what comes on top is a jump.
      const double drift = e == 0 ? 0.0 : after[e - 1].time - before[e - 1].time;
      if (std::abs(after[e].time - before[e].time - drift) < least_jump) continue;
      return Jump{low + (high - low) * (k - 1) / (currents - 1), current, e, 0.5 * (after[e].time + before[e].time)};
    }
    before = std::move(after);
  }
  return std::nullopt;
}

// Bisects to where the event changes from one side of `middle` to the other.
double critical_current(const Events& events, Jump jump, double resolution) {
  const auto early = [&](double current) {
    const auto list = events(current);
    return jump.event < list.size() && list[jump.event].time < jump.middle;
  };
  const bool low_is_early = early(jump.low);
  EXPECT_NE(low_is_early, early(jump.high));
  while (jump.high - jump.low > resolution * jump.high) {
    const double middle = 0.5 * (jump.low + jump.high);
    (early(middle) == low_is_early ? jump.low : jump.high) = middle;
  }
  return 0.5 * (jump.low + jump.high);
}

TEST(ThyristorAgainstBruteForce, LosesASpikeAtTheSameCurrent) {
  int found = 0;
  for (std::uint64_t seed = 0; found < 40; ++seed) {
    ASSERT_LT(seed, 400U) << "only " << found << " jumps";
    Case c = random_thyristor(seed);
    c.parameters["R_L"] = Vary{seed + 1'000'000}(2000.0, 4000.0);
    const Events exact = [&](double current) { return solve("thyristor", {c.parameters, current, c.duration}); };
    const Events stepped = [&](double current) {
      return step_thyristor(c.parameters, current, c.duration, most_events);
    };
    const auto jump = find_jump(exact, 38e-6, 70e-6);
    if (!jump) continue;
    ++found;
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", event " << jump->event << " between " << jump->low
                                    << " and " << jump->high << " A");
    const double expected = critical_current(stepped, *jump, 1e-8);
    EXPECT_NEAR(critical_current(exact, *jump, 1e-12) / expected, 1.0, 2e-6);
  }
}

TEST(ThyristorFastAgainstBruteForce, LosesASpikeAtTheSameCurrent) {
  int found = 0;
  for (std::uint64_t seed = 0; found < 20; ++seed) {
    ASSERT_LT(seed, 400U) << "only " << found << " jumps";
    Case c = random_switch(seed);
    c.parameters["R_L"] = Vary{seed + 1'000'000}(5000.0, 20e3);
    const Events exact = [&](double current) { return solve("thyristor-fast", {c.parameters, current, c.duration}); };
    const Events stepped = [&](double current) { return step_switch(c.parameters, current, c.duration, most_events); };
    const double rheobase = c.parameters["V_th"] / c.parameters["R"];
    const auto jump = find_jump(exact, 1.05 * rheobase, 2.0 * rheobase);
    if (!jump) continue;
    ++found;
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", event " << jump->event << " between " << jump->low
                                    << " and " << jump->high << " A");
    const double expected = critical_current(stepped, *jump, 1e-8);
    EXPECT_NEAR(critical_current(exact, *jump, 1e-12) / expected, 1.0, 2e-6);
  }
}

}  // namespace
}  // namespace thyrode::neurons
