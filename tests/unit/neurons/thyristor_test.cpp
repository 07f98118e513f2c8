#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::neurons {
namespace {

void expect_relative(double value, double expected, double tolerance) {
  EXPECT_NEAR(value, expected, tolerance * std::abs(expected));
}

TEST(Thyristor, ReproducesTheReferenceRatesOfTheTonicNeuron) {
  const auto rows = read_table("msn_fI_wu2023.csv");
  ASSERT_GT(rows.size(), 10U);
  for (const TableRow& row : rows) {
    SCOPED_TRACE(row.text("I_uA") + " uA");
    Parameters p = wu2023(row.number("Rs_ohm"));
    p["C_m"] = row.number("Cm_uF") * 1e-6;
    const auto neuron = must_make("thyristor", p);
    const Firing f = measure(*neuron, row.number("I_uA") * 1e-6, 2.0, 10.0);
    if (row.text("state") == "spiking") {
      expect_relative(f.rate, row.number("f_hz"), 5e-4);
      expect_relative(f.isi_max, row.number("isi_ms") * 1e-3, 5e-4);
      expect_relative(f.on_max, row.number("on_ms") * 1e-3, 5e-4);
    } else {
      EXPECT_EQ(f.spikes, 0);
      EXPECT_EQ(f.conducting, row.text("state") == "QD");
    }
  }
}

TEST(Thyristor, ReproducesTheReferencePeaksOfTheTonicNeuron) {
  for (const TableRow& row : read_table("msn_fI_wu2023.csv")) {
    if (row.text("state") != "spiking") continue;
    SCOPED_TRACE(row.text("I_uA") + " uA");
    const auto neuron = must_make("thyristor", wu2023(row.number("Rs_ohm")));
    neuron->inject(0, row.number("I_uA") * 1e-6);
    expect_relative(highest_output(*neuron, 0.5, 100e-6, 0.2e-6) * 1e3, row.number("v_peak_mV"), 1e-3);
  }
}

// Bursts, fast spikes, plateaus and both kinds of silence, over the whole plane of load and current.
TEST(Thyristor, ReproducesTheReferenceIntervalsOfTheBurstingNeuron) {
  const auto rows = read_table("mbn_phase_wu2023.csv");
  std::map<std::string, int> modes;
  for (const TableRow& row : rows) {
    SCOPED_TRACE(row.text("I_uA") + " uA, " + row.text("Rs_ohm") + " Ohm, " + row.text("mode"));
    Parameters p = wu2023(row.number("Rs_ohm"));
    p["C_m"] = row.number("Cm_uF") * 1e-6;
    p["C_L"] = row.number("Cs_uF") * 1e-6;
    const double scale = std::max(1.0, row.number("Cm_uF") / 10.0);
    const auto neuron = must_make("thyristor", p);
    const Firing f = measure(*neuron, row.number("I_uA") * 1e-6, 0.5 * scale, 1.5 * scale);
    ++modes[row.text("mode")];
    expect_relative(f.isi_min, row.number("isi_min_ms") * 1e-3, 5e-4);
    expect_relative(f.isi_max, row.number("isi_max_ms") * 1e-3, 5e-4);
    expect_relative(f.rate, row.number("spike_rate_hz"), 5e-4);
  }
  for (const char* mode : {"QH", "TS", "IB1", "FS", "IB2", "QD"}) EXPECT_GT(modes[mode], 0) << mode;
}

TEST(Thyristor, RestsWhereTheLeakCarriesTheWholeCurrent) {
  const Parameters p = wu2023();
  const auto neuron = must_make("thyristor", p);
  const double current = 0.5e-6;  // below the corner of the leak
  neuron->inject(0, current);
  EXPECT_TRUE(list_events(*neuron, 1000.0, 1).empty());
  const double v = neuron->output(0).at(neuron->piece_time());
  const double u = neuron->membrane(0).at(neuron->piece_time());
  EXPECT_NEAR(v, 47.0 * current, 1e-12);
  EXPECT_NEAR(u - v, current / p.at("G0"), 1e-9);
}

TEST(Thyristor, StaysSilentForAYearWithoutSearchingThroughIt) {
  for (const double current : {0.0, -50e-6, 10e-6, 31.9e-6}) {
    const auto neuron = must_make("thyristor", wu2023());
    neuron->inject(0, current);
    EXPECT_TRUE(list_events(*neuron, 3.2e7, 1).empty()) << current;
  }
}

TEST(Thyristor, StaysLatchedForAYearWithoutSearchingThroughIt) {
  for (const double load : {47.0, 3000.0}) {
    const auto neuron = must_make("thyristor", wu2023(load));
    neuron->inject(0, 130e-6);
    const auto events = list_events(*neuron, 3.2e7, 1);
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back().event, Event::fire);
    EXPECT_NEAR(neuron->output(0).at(neuron->piece_time()), 130e-6 * load, 1e-12);
  }
}

TEST(Thyristor, EndsItsSearchAtTheCurrentThatReachesThresholdOnlyInTheLimit) {
  const Parameters p = wu2023();
  const double rheobase = p.at("I_0") + p.at("dI") * p.at("R_L") / (p.at("R_L") + p.at("R_h"));
  for (const double offset : {-1e-15, -1e-19, 0.0, 1e-19, 1e-15}) {
    const auto neuron = must_make("thyristor", p);
    neuron->inject(0, rheobase + offset);
    EXPECT_LT(list_events(*neuron, 100.0, 1).size(), 400U);
  }
}

TEST(Thyristor, FiresAtOnceWhenItStartsAboveThreshold) {
  Parameters p = wu2023();
  p["u_start"] = 1.2;
  const auto neuron = must_make("thyristor", p);
  const Advance a = neuron->advance(1.0);
  EXPECT_EQ(a.event, Event::fire);
  EXPECT_EQ(a.elapsed, 0.0);
}

TEST(Thyristor, SaysSoWhenItChatters) {
  Parameters p = wu2023();
  p["V_on"] = 0.9055;  // 12 uA after firing, below I_off: it opens at once, and the voltage is still there
  const auto neuron = must_make("thyristor", p);
  neuron->inject(0, 60e-6);
  const auto events = list_events(*neuron, 1.0, 1);
  EXPECT_GT(events.size(), 90'000U);
  EXPECT_NE(neuron->failed().find("chatters"), std::string_view::npos);
  EXPECT_EQ(neuron->advance(1.0).elapsed, 0.0);
}

// Two rates of the conducting device coincide here, and with them two eigenvectors.
TEST(Thyristor, ToleratesRatesThatCoincide) {
  const Parameters p = wu2023(300.0);
  const double a = -1.0 / (p.at("R_on") * p.at("C_m"));
  const double d = -(1.0 / p.at("R_on") + 1.0 / p.at("R_L")) / p.at("C_L");
  const double product = 1.0 / (p.at("R_on") * p.at("R_on") * p.at("C_m") * p.at("C_L"));
  const double fast = 0.5 * (a + d - std::hypot(a - d, 2.0 * std::sqrt(product)));
  Parameters equal = p, beside = p;
  equal["tau_q"] = -1.0 / fast;
  beside["tau_q"] = -1.0 / fast * (1.0 + 1e-4);
  const auto on = [](const Parameters& q) { return measure(*must_make("thyristor", q), 60e-6, 0.5, 1.0); };
  const Firing at_equal = on(equal), at_beside = on(beside);
  ASSERT_GT(at_equal.spikes, 5);
  EXPECT_NEAR(at_equal.on_max, at_beside.on_max, 1e-4 * at_beside.on_max);
  EXPECT_NEAR(at_equal.rate, at_beside.rate, 1e-4 * at_beside.rate);
}

}  // namespace
}  // namespace thyrode::neurons
