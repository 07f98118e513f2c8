// The thyristor neuron against what Wu, Wang, Schneegans, Stoliar & Rozenberg, Neuromorph. Comput. Eng. 3 (2023) 044008
// measured: labels, boundaries, rates and traces.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "daemon/simulation/simulate.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::neurons {
namespace {

using simulation::Simulation;

constexpr double c_l = 0.1e-6;  // F

struct Point {
  double current;               // A
  double load;                  // Ohm
  double membrane = 10e-6;      // F
  double load_capacitor = c_l;  // F
};

Point at(double microamperes, double load_time_ms) {
  return {microamperes * 1e-6, load_time_ms * 1e-3 / c_l};
}

Point at(const TableRow& row) {
  return {row.number("I_uA") * 1e-6, row.number("Rs_ohm"), row.number("Cm_uF") * 1e-6, row.number("Cs_uF") * 1e-6};
}

// Half a second to settle and one and a half to watch at 10 uF, in proportion above.
Simulation run(const Point& point) {
  Parameters p = wu2023(point.load);
  p["C_m"] = point.membrane;
  p["C_L"] = point.load_capacitor;
  const double scale = std::max(1.0, point.membrane / 10e-6);
  simulation::SimulationOptions options;
  options.facts.load_time = Duration::from_si(point.load * point.load_capacitor);
  const auto neuron = must_make("thyristor", p);
  return simulation::simulate(*neuron, Current::from_si(point.current), Duration::from_si(1.5 * scale),
                              Duration::from_si(0.5 * scale), options)
      .value();
}

std::string label(const Point& point) {
  return std::string{analysis::to_string(run(point).pattern.label)};
}

std::vector<TableRow> facts(const std::string& kind) {
  std::vector<TableRow> rows = read_table("wu2023_facts.csv");
  std::erase_if(rows, [&](const TableRow& row) { return row.text("kind") != kind; });
  return rows;
}

TEST(Published, TheTwelveNumberedTracesHaveTheirLabels) {
  int traces = 0;
  for (const TableRow& row : facts("pair")) {
    if (!row.text("source").starts_with("Fig. 5 trace")) continue;
    EXPECT_EQ(label(at(row)), row.text("label")) << row.text("source");
    ++traces;
  }
  EXPECT_EQ(traces, 12);
}

// Two pairs of Fig. 3 lie in another area of Fig. 5, measured by the same group on another device. Those of Fig. 4 have
// other capacitors and were not used in the fit; one of them bursts below the least current of Fig. 2.
TEST(Published, PairsOfCurrentAndLoadHaveTheirLabels) {
  std::vector<std::string> misses, misses_of_fig_4;
  int pairs = 0;
  for (const TableRow& row : facts("pair")) {
    const bool fig_4 = row.text("source").starts_with("Fig. 4");
    pairs += !fig_4;
    if (label(at(row)) != row.text("label")) (fig_4 ? misses_of_fig_4 : misses).push_back(row.text("source"));
  }
  EXPECT_EQ(pairs, 26);
  EXPECT_EQ(misses, (std::vector<std::string>{"Fig. 3 FS", "Fig. 3 IB2"}));
  EXPECT_EQ(misses_of_fig_4, std::vector<std::string>{"Fig. 4b right"});
}

TEST(Published, PointsAwayFromABoundaryHaveTheirLabels) {
  int points = 0, right = 0, far = 0, far_right = 0;
  for (const TableRow& row : read_table("mbn_phase_wu2023.csv")) {
    const bool same = label(at(row)) == row.text("published");
    const bool is_far = row.number("margin_uA") > 2.0;
    ++points, right += same;
    far += is_far, far_right += is_far && same;
  }
  EXPECT_GE(points, 300);
  EXPECT_GE(right, 0.92 * points) << right << " of " << points;
  EXPECT_GE(far_right, 0.97 * far) << far_right << " of " << far;
}

// Where a condition that holds at `low` ceases to hold below `high`.
double edge(double low, double high, double resolution, const std::function<bool(double)>& holds) {
  EXPECT_TRUE(holds(low)) << low;
  EXPECT_FALSE(holds(high)) << high;
  while (high - low > resolution) {
    const double middle = 0.5 * (low + high);
    (holds(middle) ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

struct Boundary {
  double load_time_ms, expected_ua;
};

// The boundaries of the model. The published ones lie 0 to 3 uA above where bursts turn into fast spiking.
TEST(Published, BurstsTurnIntoFastSpikingWhereTheModelHasTheBoundary) {
  for (const auto& [tau, expected] : {Boundary{0.22, 53.3}, {0.25, 50.3}, {0.3, 47.4}, {0.4, 44.3}, {0.6, 41.4}}) {
    const auto bursts = [&, load_time = tau](double current) { return label(at(current, load_time)) == "IB1"; };
    EXPECT_NEAR(edge(39.5, 60.0, 0.01, bursts), expected, 0.06) << tau;
  }
}

TEST(Published, FastSpikingTurnsIntoBurstsWithPlateausWhereTheModelHasTheBoundary) {
  for (const auto& [tau, expected] : {Boundary{0.227, 75.9}, {0.25, 85.5}, {0.3, 95.9}, {0.4, 105.3}, {0.45, 108.0}}) {
    const auto fast = [&, load_time = tau](double current) { return label(at(current, load_time)) == "FS"; };
    EXPECT_NEAR(edge(60.0, 111.0, 0.01, fast), expected, 0.06) << tau;
  }
}

TEST(Published, TonicSpikingEndsAtOneLoadWhateverTheCurrent) {
  for (const double current : {40.0, 60.0, 80.0, 100.0}) {
    const auto tonic = [&](double tau) { return label(at(current, tau)) == "TS"; };
    const double found = edge(0.1, 0.25, 1e-4, tonic);
    EXPECT_GE(found, 0.2155) << current;
    EXPECT_LE(found, 0.2185) << current;
  }
}

TEST(Published, TheUpperEdgeDipsAndRisesWithTheLoad) {
  for (const auto& [tau, expected] : {Boundary{0.01, 129.1},
                                      {0.02, 98.0},
                                      {0.04, 99.3},
                                      {0.06, 105.2},
                                      {0.1, 110.0},
                                      {0.2, 113.5},
                                      {0.25, 114.3},
                                      {0.3, 114.7},
                                      {0.4, 115.3},
                                      {0.6, 115.9}}) {
    const auto released = [&](double current) {
      const auto neuron = must_make("thyristor", wu2023(tau * 1e-3 / c_l));
      neuron->inject(0, current * 1e-6);
      list_events(*neuron, 4.0, 1);
      return !neuron->latched(0);
    };
    EXPECT_NEAR(edge(90.0, 140.0, 0.01, released), expected, 0.06) << tau;
  }
}

// The tabled edges ask for a pattern, which close to the edge takes longer to show than the first spike.
TEST(Published, TheLowerEdgeRisesWithTheLoad) {
  for (const auto& [tau, expected] :
       {Boundary{0.0047, 32.1}, {0.05, 34.0}, {0.1, 34.7}, {0.2, 35.6}, {0.3, 35.7}, {0.6, 36.1}}) {
    const auto silent = [&, load_time = tau](double current) { return label(at(current, load_time)) == "QH"; };
    EXPECT_NEAR(edge(26.0, 40.0, 0.01, silent), expected, 0.25) << tau;
  }
}

TEST(Published, RatesOfTheTonicNeuronAreWithinTheStatedTolerance) {
  std::vector<double> errors;
  for (const TableRow& row : facts("fI")) {
    const double current = row.number("I_uA");
    // Above 121 uA the published rate falls within 6 uA; the model's fall is sharp (one of its known weak points).
    if (current > 121.0) continue;
    const auto neuron = must_make("thyristor", wu2023(row.number("Rs_ohm")));
    const double rate = measure(*neuron, current * 1e-6, 1.0, 5.0).rate;
    errors.push_back(std::abs(rate / row.number("value") - 1.0));
  }
  ASSERT_GE(errors.size(), 17U);
  std::sort(errors.begin(), errors.end());
  EXPECT_LE(errors[errors.size() / 2], 0.035);
  EXPECT_LE(errors.back(), 0.25);
}

TEST(Published, RatesOfTheTonicNeuronAreThoseOfTheModel) {
  for (const auto& [current, rate] : {std::pair{45.3, 12.55}, {60.0, 19.89}, {90.0, 32.9}, {120.0, 42.4}}) {
    EXPECT_NEAR(measure(*must_make("thyristor", wu2023()), current * 1e-6, 1.0, 5.0).rate, rate, 0.05) << current;
  }
}

TEST(Published, FastSpikingHasTheRatesOfTheModel) {
  for (const auto& [current, tau, rate] :
       {std::tuple{60.0, 0.3, 1380.0}, {90.0, 0.3, 2374.0}, {60.0, 0.4, 1506.0}, {48.0, 0.3, 746.0}}) {
    EXPECT_NEAR(run(at(current, tau)).frequency_hz.value(), rate, 1.0) << current << " uA, " << tau << " ms";
  }
}

// With rising current at 0.3 ms: silent, bursts at a growing rate, then fast spiking with a jump of the rate.
TEST(Published, TheRateJumpsWhereBurstsTurnIntoFastSpiking) {
  for (const auto& [current, bursts] : {std::pair{36.2, 20.0}, {39.0, 70.0}, {45.0, 140.0}}) {
    const Simulation result = run(at(current, 0.3));
    EXPECT_EQ(result.pattern.label, analysis::Label::IB1) << current;
    EXPECT_NEAR(result.pattern.event_frequency_hz.value(), bursts, 0.03 * bursts) << current;
  }
  const double before = run(at(47.2, 0.3)).pattern.event_frequency_hz.value();
  const double after = run(at(47.6, 0.3)).pattern.event_frequency_hz.value();
  EXPECT_GT(after, 3.0 * before);
}

TEST(Published, BurstsWithoutPlateauHaveTheCountsOfTheModel) {
  for (const auto& [tau, spikes, period_ms] : {std::tuple{0.23, 2.0, 10.2}, {0.28, 3.0, 13.3}}) {
    const Simulation result = run(at(39.4, tau));
    EXPECT_EQ(result.pattern.spikes_per_burst.value(), spikes) << tau;
    EXPECT_NEAR(1e3 / result.pattern.event_frequency_hz.value(), period_ms, 0.06) << tau;
  }
}

// V_out when the longest conduction of a second ends.
double voltage_at_the_end_of_the_plateau(const Point& point) {
  const auto neuron = must_make("thyristor", wu2023(point.load));
  neuron->inject(0, point.current);
  list_events(*neuron, 0.5, 1);
  double now = 0.0, fired = 0.0, longest = 0.0, voltage = 0.0;
  while (now < 1.0) {
    const Advance step = neuron->advance(1.0);
    now += step.elapsed;
    if (step.event == Event::fire) fired = now;
    if (step.event == Event::open && now - fired > longest && fired > 0.0) {
      longest = now - fired;
      voltage = neuron->output(0).at(0.0);
    }
  }
  return voltage;
}

TEST(Published, PlateausHaveTheLengthsAndEndsOfTheModel) {
  struct Burst {
    double current, tau, spikes, period_ms, plateau_ms, end_mv;
  };
  for (const Burst& b : {Burst{97.0, 0.28, 74.0, 84.7, 48.1, 285.0}, Burst{97.0, 0.22, 2.0, 52.2, 43.7, 221.0},
                         Burst{76.5, 0.22, 6.0, 33.0, 17.0, 216.0}}) {
    SCOPED_TRACE(testing::Message() << b.current << " uA, " << b.tau << " ms");
    const Simulation result = run(at(b.current, b.tau));
    EXPECT_EQ(result.pattern.spikes_per_burst.value(), b.spikes);
    EXPECT_NEAR(1e3 / result.pattern.event_frequency_hz.value(), b.period_ms, 0.06);
    const auto& on = result.truth.conduction_times;
    EXPECT_NEAR(1e3 * *std::max_element(on.begin(), on.end()), b.plateau_ms, 0.06);
    EXPECT_NEAR(1e3 * voltage_at_the_end_of_the_plateau(at(b.current, b.tau)), b.end_mv, 0.6);
  }
}

TEST(Published, TonicSpikesHaveTheWidthsAndIntervalsOfTheModel) {
  for (const auto& [current, tau, width_ms, isi_ms] : {std::tuple{45.0, 0.05, 9.6, 86.7}, {82.8, 0.13, 23.6, 43.9}}) {
    const Firing f = measure(*must_make("thyristor", wu2023(tau * 1e-3 / c_l)), current * 1e-6, 0.5, 2.0);
    EXPECT_NEAR(f.on_max * 1e3, width_ms, 0.06);
    EXPECT_NEAR(f.isi_max * 1e3, isi_ms, 0.06);
  }
}

// Missing spikes when the current is stepped down towards the bursts; noise of 0.4 uA, 20 ms. Known of one seed and
// a noise of another grid: no gap at 49 uA, 11 a second at 48, 127 at 46.
TEST(Published, FastSpikingMissesSpikesWhenTheCurrentIsSteppedDown) {
  const auto gaps = [](double current) {
    const auto neuron = must_make("thyristor", wu2023(3000.0), {0.4e-6, 20e-3}, 1);
    neuron->inject(0, 60e-6);
    list_events(*neuron, 0.5, 1);
    neuron->inject(0, current);
    list_events(*neuron, 0.5, 1);
    double last = -1.0;
    int count = 0;
    for (const TimedEvent& e : list_events(*neuron, 20.0, 1)) {
      if (e.event != Event::fire) continue;
      // Fast spiking has intervals of 1.1 to 1.4 ms here; a spike missed leaves at least two of them.
      count += last >= 0.0 && e.time - last > 2e-3;
      last = e.time;
    }
    return count / 20.0;
  };
  EXPECT_EQ(gaps(49e-6), 0.0);
  EXPECT_NEAR(gaps(48e-6), 9.0, 5.0);
  EXPECT_NEAR(gaps(46e-6), 127.0, 6.0);
}

}  // namespace
}  // namespace thyrode::neurons
