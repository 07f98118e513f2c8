#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "firmware/neurons/step_curve.hpp"
#include "tests/unit/neurons/neuron_file.hpp"
#include "tests/unit/neurons/rhythm.hpp"

namespace thyrode::neurons {
namespace {

StepCurve random_curve(std::mt19937_64& random) {
  const auto draw = [&](double size) { return size * std::uniform_real_distribution<>{-1.0, 1.0}(random); };
  return {draw(1.0), draw(12.0), draw(1.0), draw(1.0), draw(12.0)};
}

TEST(StepCurve, PassesThroughItsEndsWithTheirSlopesAndThroughTheMiddle) {
  const StepCurve curve{1.0, 2.0, -0.5, 3.0, -4.0};
  EXPECT_NEAR(curve.at(0.0), 1.0, 1e-14);
  EXPECT_NEAR(curve.at(0.5), -0.5, 1e-14);
  EXPECT_NEAR(curve.at(1.0), 3.0, 1e-14);
  EXPECT_NEAR((curve.at(1e-6) - curve.at(0.0)) / 1e-6, 2.0, 1e-4);
  EXPECT_NEAR((curve.at(1.0) - curve.at(1.0 - 1e-6)) / 1e-6, -4.0, 1e-4);
}

TEST(StepCurve, MissesNoCrossing) {
  std::mt19937_64 random{5};
  int most = 0;
  for (int k = 0; k < 10'000; ++k) {
    const StepCurve curve = random_curve(random);
    const double level = 0.3;
    bool above = curve.at(0.0) >= level;
    const bool began_above = above;
    const auto found = curve.crossings(level, above);
    most = std::max(most, int(found.count));
    std::size_t next = 0;
    bool side = began_above;
    for (int j = 1; j <= 2000; ++j) {
      const double x = j / 2000.0;
      while (next < found.count && found.list[next].at <= x) {
        EXPECT_NEAR(curve.at(found.list[next].at), level, 1e-12);
        EXPECT_NE(found.list[next].upward, side);
        side = found.list[next++].upward;
      }
      ASSERT_TRUE((curve.at(x) >= level) == side || std::abs(curve.at(x) - level) < 1e-12)
          << "curve " << k << " of seed 5";
    }
    EXPECT_EQ(next, found.count);
    EXPECT_EQ(above, side);
  }
  EXPECT_GE(most, 3);
}

TEST(StepCurve, TellsAPeakAboveTheLevelTwiceAndOneBelowItNever) {
  // 1 - (2x - 1)^2 peaks at 1 in the middle.
  const StepCurve curve{0.0, 4.0, 1.0, 0.0, -4.0};
  bool above = false;
  const auto over = curve.crossings(1.0 - 1e-9, above);
  ASSERT_EQ(over.count, 2U);
  EXPECT_TRUE(over.list[0].upward);
  EXPECT_FALSE(over.list[1].upward);
  EXPECT_NEAR(over.list[1].at - over.list[0].at, std::sqrt(1e-9), 1e-8);
  EXPECT_FALSE(above);
  EXPECT_EQ(curve.crossings(1.0 + 1e-9, above).count, 0U);
}

TEST(StepCurve, TellsACrossingWhereTwoStepsJoinOnce) {
  const StepCurve first{0.0, 1.0, 0.5, 1.0, 1.0};
  const StepCurve second{1.0, 1.0, 1.5, 2.0, 1.0};
  bool above = false;
  const auto found = first.crossings(1.0, above);
  EXPECT_EQ(found.count + second.crossings(1.0, above).count, 1U);
  EXPECT_TRUE(above);
}

TEST(StepCurve, IsShownByCubicsWithinTheTolerance) {
  std::mt19937_64 random{6};
  const double tolerance = 1e-4;
  for (int k = 0; k < 1000; ++k) {
    const StepCurve curve = random_curve(random);
    const std::size_t parts = curve.parts(tolerance);
    double worst = 0.0;
    for (std::size_t part = 0; part < parts; ++part) {
      const double from = double(part) / double(parts), to = double(part + 1) / double(parts);
      const auto c = curve.cubic(from, to);
      for (int j = 0; j <= 20; ++j) {
        const double d = (to - from) * j / 20.0;
        const double error = std::abs(((c[3] * d + c[2]) * d + c[1]) * d + c[0] - curve.at(from + d));
        worst = std::max(worst, error);
        if (j % 20 == 0) {
          ASSERT_LT(error, 1e-13);
        }
      }
    }
    ASSERT_LE(worst, tolerance * (1.0 + 1e-9));
    // One part fewer would not do, so the cubics are no finer than needed.
    if (parts > 1) {
      ASSERT_GT(worst * std::pow(double(parts) / double(parts - 1), 4.0), tolerance * 0.99);
    }
  }
}

std::unique_ptr<Neuron> pinsky_rinzel(double tolerance = 0.0) {
  Parameters p = file_parameters("pinsky-rinzel");
  if (tolerance > 0.0) p["tolerance"] = tolerance;
  return must_make("pinsky-rinzel", p);
}

TEST(ConductanceNeuron, FiresAndOpensWhereTheMembranePassesTheLevel) {
  const Parameters p = file_parameters("pinsky-rinzel");
  const auto neuron = pinsky_rinzel();
  neuron->inject(0, 60e-6);
  int fired = 0, opened = 0;
  for (double now = 0.0; now < 1.0;) {
    const Advance a = neuron->advance(1.0);
    now += a.elapsed;
    if (a.event == Event::piece) continue;
    const double v = (neuron->membrane(0).at(0.0) - p.at("V_m_offset")) / p.at("V_m_gain");
    EXPECT_NEAR(v, p.at("spike_level"), 1e-12);
    const double rise = neuron->membrane(0).polynomial[1];
    EXPECT_EQ(rise > 0.0, a.event == Event::fire);
    ++(a.event == Event::fire ? fired : opened);
    EXPECT_TRUE(fired == opened || fired == opened + 1);
  }
  EXPECT_GT(fired, 40);
}

// A sample of the instrument lasts 4 us.
TEST(ConductanceNeuron, PlacesASpikeFarBetterThanASample) {
  const auto given = pinsky_rinzel(), exact = pinsky_rinzel(1e-12);
  given->inject(0, 60e-6);
  exact->inject(0, 60e-6);
  const auto events = list_events(*given, 0.1, 1), expected = list_events(*exact, 0.1, 1);
  ASSERT_GE(expected.size(), 6U);
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t k = 0; k < events.size(); ++k) EXPECT_NEAR(events[k].time, expected[k].time, 20e-9) << k;
  EXPECT_NEAR(events[0].time, expected[0].time, 1e-9);
}

// V_out of a neuron every 10 us.
std::vector<double> sample(Neuron& neuron, int count) {
  std::vector<double> v;
  for (int k = 0; k < count; ++k) {
    double left = 10e-6;
    while (true) {
      const Advance a = neuron.advance(left);
      if (a.event == Event::none) break;
      left = std::max(left - a.elapsed, 0.0);
    }
    v.push_back(neuron.output(0).at(neuron.piece_time()));
  }
  return v;
}

// A code is 0.2 mV. Beside the error of the curve there is that of the time, up to 30 ns after some spikes.
TEST(ConductanceNeuron, ShowsTheSolutionWithinATenthOfACode) {
  const auto given = pinsky_rinzel(), exact = pinsky_rinzel(1e-12);
  given->inject(0, 60e-6);
  exact->inject(0, 60e-6);
  const auto v = sample(*given, 10'000), expected = sample(*exact, 10'000);
  for (std::size_t k = 1; k + 1 < v.size(); ++k) {
    const double slope = std::abs(expected[k + 1] - expected[k - 1]) / 20e-6;
    EXPECT_NEAR(v[k], expected[k], 20e-6 + 30e-9 * slope) << k;
  }
  EXPECT_GT(*std::max_element(v.begin(), v.end()) - *std::min_element(v.begin(), v.end()), 0.11);
}

TEST(ConductanceNeuron, TakesTheSamePathHoweverTheTimeIsDivided) {
  const auto events = [](double dt, long steps) {
    const auto neuron = pinsky_rinzel();
    neuron->inject(0, 30e-6);
    return list_events(*neuron, dt, steps);
  };
  const auto expected = events(2.0, 1);
  ASSERT_GT(expected.size(), 10U);
  for (const auto& [dt, steps] : {std::pair{1e-3, 2000L}, {2e-5, 100'000L}}) {
    const auto divided = events(dt, steps);
    ASSERT_EQ(divided.size(), expected.size());
    for (std::size_t k = 0; k < divided.size(); ++k) {
      EXPECT_EQ(divided[k].event, expected[k].event);
      EXPECT_NEAR(divided[k].time, expected[k].time, 1e-12);
    }
  }
}

TEST(ConductanceNeuron, KeepsItsPieceUntilItEndsOrTheCurrentChanges) {
  const auto neuron = pinsky_rinzel();
  neuron->inject(0, 30e-6);
  const auto piece = neuron->piece();
  const Advance a = neuron->advance(1e-9);
  EXPECT_EQ(a.event, Event::none);
  EXPECT_EQ(a.elapsed, 1e-9);
  EXPECT_EQ(neuron->piece_time(), 1e-9);
  neuron->inject(0, 30e-6);
  EXPECT_EQ(neuron->piece(), piece);
  const double before = neuron->output(0).at(neuron->piece_time());
  neuron->inject(0, 40e-6);
  EXPECT_NE(neuron->piece(), piece);
  EXPECT_EQ(neuron->piece_time(), 0.0);
  EXPECT_NEAR(neuron->output(0).at(0.0), before, 1e-15);
}

TEST(ConductanceNeuron, LosesNothingWhenItsCurrentChangesAtEverySample) {
  const auto steady = pinsky_rinzel(1e-12), restless = pinsky_rinzel();
  steady->inject(0, 60e-6);
  const auto expected = list_events(*steady, 0.5, 1);
  std::vector<TimedEvent> events;
  for (int k = 0; k < 125'000; ++k) {
    restless->inject(0, 60e-6 + (k % 2 == 0 ? 1e-9 : -1e-9));
    for (const TimedEvent& e : list_events(*restless, 4e-6, 1)) events.push_back({e.event, e.time + k * 4e-6});
  }
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t k = 0; k < events.size(); ++k) {
    EXPECT_EQ(events[k].event, expected[k].event);
    EXPECT_NEAR(events[k].time, expected[k].time, 1e-6);
  }
}

TEST(ConductanceNeuron, TellsASpikeOnceWhenTheCurrentChangesBesideIt) {
  const auto neuron = pinsky_rinzel();
  neuron->inject(0, 60e-6);
  bool above = false;
  int fired = 0;
  double current = 60e-6;
  for (double now = 0.0; now < 0.5;) {
    const Advance a = neuron->advance(1.0);
    now += a.elapsed;
    if (a.event != Event::fire && a.event != Event::open) continue;
    EXPECT_NE(above, a.event == Event::fire);
    above = a.event == Event::fire;
    fired += above;
    neuron->inject(0, current += 1e-12);
    const Advance soon = neuron->advance(1e-7);
    now += soon.elapsed;
    EXPECT_TRUE(soon.event == Event::none || soon.event == Event::piece);
  }
  EXPECT_GT(fired, 15);
}

TEST(ConductanceNeuron, CarriesNoiseOfItsSeed) {
  const auto times = [](double deviation, std::uint64_t seed) {
    NoiseParameters noise;
    noise.deviation = deviation;
    noise.correlation_time = 20e-3;
    const auto neuron = must_make("butera", file_parameters("butera"), noise, seed);
    neuron->inject(0, 110e-6);
    std::vector<double> fired;
    for (const TimedEvent& e : list_events(*neuron, 40.0, 1)) {
      if (e.event == Event::fire && e.time > 20.0) fired.push_back(e.time);
    }
    return fired;
  };
  EXPECT_EQ(times(2e-6, 1), times(2e-6, 1));
  EXPECT_NE(times(2e-6, 1), times(2e-6, 2));
  const Rhythm quiet = rhythm_of(times(0.0, 1)), noisy = rhythm_of(times(2e-6, 1));
  EXPECT_LT(quiet.isi_max / quiet.isi_min, 1.001);
  EXPECT_GT(noisy.isi_max / noisy.isi_min, 1.05);
  EXPECT_NEAR(noisy.spike_rate, quiet.spike_rate, 0.1 * quiet.spike_rate);
}

void expect_stops(const Parameters& p, double current, const char* words) {
  const auto neuron = must_make("pinsky-rinzel", p);
  neuron->inject(0, current);
  for (int k = 0; k < 1'000'000 && neuron->failed().empty(); ++k) neuron->advance(1.0);
  EXPECT_NE(std::string{neuron->failed()}.find(words), std::string::npos) << neuron->failed();
  EXPECT_EQ(neuron->advance(1.0).elapsed, 0.0);
  EXPECT_TRUE(std::isfinite(neuron->output(0).at(neuron->piece_time())));
}

TEST(ConductanceNeuron, SaysSoWhenItCannotBeFollowed) {
  Parameters stiff = file_parameters("pinsky-rinzel");
  stiff["C_m"] = 1e-12;
  expect_stops(stiff, 0.0, "a time constant is too short");
  expect_stops(file_parameters("pinsky-rinzel"), 1e300, "cannot be followed");
}

}  // namespace
}  // namespace thyrode::neurons
