#include "firmware/neurons/thyristor_pair.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

Parameters pair(double w, double t_d, double start_b, double start_a = 0.75) {
  Parameters p = wu2023();
  p.erase("u_start");
  p["u_start_A"] = start_a;
  p["u_start_B"] = start_b;
  p["w"] = w;
  p["t_d"] = t_d;
  return p;
}

std::array<std::vector<double>, 2> spikes(Neuron& neuron, double duration) {
  std::array<std::vector<double>, 2> times;
  for (double t = 0.0;;) {
    const Advance a = neuron.advance(duration - t);
    if (a.event == Event::none) return times;
    t += a.elapsed;
    if (a.event == Event::fire) times[a.channel].push_back(t);
  }
}

std::array<std::vector<double>, 2> run(const Parameters& p, double duration, double a = 45.3e-6, double b = 45.3e-6) {
  const auto neuron = must_make("thyristor-pair", p);
  neuron->inject(0, a);
  neuron->inject(1, b);
  return spikes(*neuron, duration);
}

// Where B fires within the k-th interval of A, and the length of that interval.
struct Phase {
  double phase, period;
};
Phase phase_at(const std::array<std::vector<double>, 2>& times, std::size_t k) {
  const double begin = times[0][k], period = times[0][k + 1] - begin;
  // The spike of B nearest to the middle of the interval, so that unison reads 0 or 1 and never neither.
  double nearest = times[1].front();
  for (const double b : times[1]) {
    if (std::abs(b - begin - 0.5 * period) < std::abs(nearest - begin - 0.5 * period)) nearest = b;
  }
  return {(nearest - begin) / period, period};
}

std::size_t interval_at(const std::vector<double>& times, double when) {
  std::size_t k = 0;
  while (times[k + 1] < when) ++k;
  return k;
}

TEST(ThyristorPair, SettlesInAlternationWhenSpikesInhibit) {
  const auto times = run(pair(-10e-6, 20e-3, 0.76), 8.0);
  EXPECT_NEAR(phase_at(times, 0).phase, 0.89, 0.01);
  for (std::size_t k = interval_at(times[0], 4.0); k + 2 < times[0].size(); ++k) {
    EXPECT_NEAR(phase_at(times, k).phase, 0.5, 5e-4);
    EXPECT_NEAR(phase_at(times, k).period, 89.6e-3, 0.06e-3);
  }
}

TEST(ThyristorPair, SettlesInUnisonWhenSpikesExcite) {
  const auto times = run(pair(20e-6, 5e-3, 0.848), 8.0);
  EXPECT_NEAR(phase_at(times, 0).phase, 0.63, 0.01);
  for (std::size_t k = interval_at(times[0], 4.0); k + 2 < times[0].size(); ++k) {
    const Phase at = phase_at(times, k);
    EXPECT_LT(std::min(at.phase, 1.0 - at.phase), 5e-4);
    EXPECT_NEAR(at.period, 78.4e-3, 0.05e-3);
  }
}

// Known of w = +20 uA with a decay of 20 ms: 0.952.
TEST(ThyristorPair, SettlesBesideUnisonWhenTheExcitationLasts) {
  const auto times = run(pair(20e-6, 20e-3, 0.848), 8.0);
  const double phase = phase_at(times, interval_at(times[0], 6.0)).phase;
  EXPECT_NEAR(std::max(phase, 1.0 - phase), 0.952, 2e-3);
}

TEST(ThyristorPair, IsTwoSingleNeuronsWithoutCoupling) {
  const auto times = run(pair(0.0, 5e-3, 0.80), 2.0, 45.3e-6, 60e-6);
  const auto alone = [](double current, double start) {
    Parameters p = wu2023();
    p["u_start"] = start;
    const auto neuron = must_make("thyristor", p);
    neuron->inject(0, current);
    return spikes(*neuron, 2.0)[0];
  };
  for (const auto& [channel, expected] : {std::pair{0U, alone(45.3e-6, 0.75)}, std::pair{1U, alone(60e-6, 0.80)}}) {
    ASSERT_EQ(times[channel].size(), expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(times[channel][k], expected[k], 1e-12);
  }
}

// The decaying current as a staircase into one neuron, against the closed form. A staircase of the step's mean misses
// nothing of the charge; its spikes stray by the order of the step's square.
TEST(ThyristorPair, DecaysAsAStaircaseOfCurrentsDoesInTheLimit) {
  for (const auto& [w, t_d, load] : {std::tuple{-10e-6, 20e-3, 47.0}, std::tuple{20e-6, 5e-3, 47.0},
                                     std::tuple{30e-6, 1e-3, 3000.0}, std::tuple{-5e-6, 0.2e-3, 2800.0}}) {
    SCOPED_TRACE(testing::Message() << w << " A, " << t_d << " s, " << load << " Ohm");
    Parameters p = pair(w, t_d, 0.8, 0.9);
    p["R_L"] = load;
    const double current_a = 50e-6, current_b = 46e-6, duration = 0.25, step = 2e-6;
    const auto times = run(p, duration, current_a, current_b);
    ASSERT_GT(times[1].size(), 0U);
    // B is driven by A's spikes alone if A is not kicked back: take A's times as given and step B through them.
    Parameters single = wu2023(load);
    single["u_start"] = 0.8;
    const auto b = must_make("thyristor", single);
    std::vector<double> fired;
    double decaying = 0.0, now = 0.0;
    std::size_t next = 0;
    while (now < duration) {
      const double until = std::min(next < times[0].size() ? times[0][next] : duration, now + step);
      const double h = until - now;
      const double mean = h > 0.0 ? decaying * t_d / h * -std::expm1(-h / t_d) : 0.0;
      b->inject(0, current_b + mean);
      for (const TimedEvent& e : list_events(*b, h, 1)) {
        if (e.event == Event::fire) fired.push_back(now + e.time);
      }
      decaying *= std::exp(-h / t_d);
      now = until;
      if (next < times[0].size() && now == times[0][next]) {
        decaying += w;
        ++next;
      }
    }
    ASSERT_EQ(fired.size(), times[1].size());
    for (std::size_t k = 0; k < fired.size(); ++k) EXPECT_NEAR(fired[k], times[1][k], 3e-8) << "spike " << k;
  }
}

TEST(ThyristorPair, DoesNotDependOnHowTheTimeIsCut) {
  const auto expected = run(pair(-10e-6, 20e-3, 0.76), 0.5);
  const auto neuron = must_make("thyristor-pair", pair(-10e-6, 20e-3, 0.76));
  neuron->inject(0, 45.3e-6);
  neuron->inject(1, 45.3e-6);
  std::array<std::vector<double>, 2> times;
  for (int k = 0; k < 125'000; ++k) {
    double done = 0.0;
    while (true) {
      const Advance a = neuron->advance(std::max(4e-6 - done, 0.0));
      if (a.event == Event::none) break;
      done += a.elapsed;
      if (a.event == Event::fire) times[a.channel].push_back(k * 4e-6 + done);
    }
  }
  for (std::size_t c = 0; c < 2; ++c) {
    ASSERT_EQ(times[c].size(), expected[c].size());
    for (std::size_t k = 0; k < times[c].size(); ++k) EXPECT_NEAR(times[c][k], expected[c][k], 1e-12);
  }
}

TEST(ThyristorPair, KeepsTheWaveformsOfBothChannelsContinuousAcrossPieces) {
  const auto neuron = must_make("thyristor-pair", pair(20e-6, 5e-3, 0.848));
  neuron->inject(0, 45.3e-6);
  neuron->inject(1, 45.3e-6);
  int fired = 0;
  for (double t = 0.0; t < 1.0;) {
    const std::array u{neuron->membrane(0), neuron->membrane(1)};
    const std::array v{neuron->output(0), neuron->output(1)};
    const double begin = neuron->piece_time();
    const Advance a = neuron->advance(0.011);
    t += a.elapsed;
    fired += a.event == Event::fire;
    const double end = begin + a.elapsed;
    for (std::size_t c = 0; c < 2; ++c) {
      EXPECT_NEAR(neuron->membrane(c).at(neuron->piece_time()), u[c].at(end), 1e-12);
      EXPECT_NEAR(neuron->output(c).at(neuron->piece_time()), v[c].at(end), 1e-12);
    }
    if (a.event != Event::none) {
      EXPECT_EQ(neuron->piece_time(), 0.0);
    }
  }
  EXPECT_GT(fired, 20);
}

TEST(ThyristorPair, CarriesNoiseOfItsOwnInEachChannel) {
  const auto neuron = must_make("thyristor-pair", pair(0.0, 5e-3, 0.75), {1e-6, 20e-3}, 4);
  EXPECT_EQ(neuron->channels(), 2U);
  neuron->inject(0, 45.3e-6);
  neuron->inject(1, 45.3e-6);
  const auto times = spikes(*neuron, 2.0);
  const auto first = must_make("thyristor", wu2023(), {1e-6, 20e-3}, 4);
  first->inject(0, 45.3e-6);
  const auto alone = spikes(*first, 2.0);
  ASSERT_EQ(times[0].size(), alone[0].size());
  for (std::size_t k = 0; k < alone[0].size(); ++k) EXPECT_NEAR(times[0][k], alone[0][k], 1e-12);
  EXPECT_GT(std::abs(times[0].back() - times[1].back()), 1e-6);
}

TEST(ThyristorPair, TellsTheModeOfEachChannel) {
  const auto neuron = must_make("thyristor-pair", pair(-10e-6, 20e-3, 0.76));
  neuron->inject(0, 135e-6);
  neuron->inject(1, 20e-6);
  while (neuron->advance(2.0).event != Event::none) {
  }
  EXPECT_EQ(neuron->mode(0), "settled");
  EXPECT_TRUE(neuron->latched(0));
  EXPECT_EQ(neuron->mode(1), "open");
  EXPECT_FALSE(neuron->latched(1));
}

TEST(ThyristorPair, ToleratesASynapseThatDecaysAsTheNeuronDoes) {
  // The charge of the open device decays with tau_r.
  const auto equal = run(pair(-10e-6, wu2023().at("tau_r"), 0.76), 1.0);
  const auto beside = run(pair(-10e-6, wu2023().at("tau_r") * 1.0001, 0.76), 1.0);
  ASSERT_EQ(equal[0].size(), beside[0].size());
  EXPECT_NEAR(equal[0].back(), beside[0].back(), 1e-5);
}

TEST(ThyristorPair, RefusesWhatTheSingleNeuronRefuses) {
  Parameters p = pair(-10e-6, 20e-3, 0.76);
  p["V_on"] = 0.95;
  EXPECT_EQ(make_neuron("thyristor-pair", p, {}, 1).error().parameter, "V_on");
  p = pair(-10e-6, -20e-3, 0.76);
  EXPECT_EQ(make_neuron("thyristor-pair", p, {}, 1).error().parameter, "t_d");
  p = pair(-10e-6, 20e-3, 0.76);
  p["u_start"] = 0.75;
  EXPECT_EQ(make_neuron("thyristor-pair", p, {}, 1).error().parameter, "u_start");
}

}  // namespace
}  // namespace thyrode::neurons
