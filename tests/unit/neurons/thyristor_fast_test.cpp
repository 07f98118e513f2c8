#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::neurons {
namespace {

TEST(ThyristorFast, ReproducesTheReferenceRates) {
  const auto rows = read_table("msn_fI_reduced.csv");
  ASSERT_GT(rows.size(), 10U);
  for (const TableRow& row : rows) {
    SCOPED_TRACE(row.text("I_uA") + " uA");
    Parameters p = bench_fast();
    p["C_m"] = row.number("C_nF") * 1e-9;
    p["R"] = row.number("R_kohm") * 1e3;
    p["V_th"] = row.number("Vth_V");
    const auto neuron = must_make("thyristor-fast", p);
    const double expected = row.number("f_hz");
    EXPECT_NEAR(measure(*neuron, row.number("I_uA") * 1e-6, 0.5, 2.0).rate, expected, 5e-4 * expected);
  }
}

TEST(ThyristorFast, OpensAtTheReferenceVoltage) {
  const auto neuron = must_make("thyristor-fast", bench_fast());
  neuron->inject(0, 60e-6);
  Advance a;
  while (a.event != Event::open) a = neuron->advance(1.0);
  EXPECT_NEAR(neuron->membrane(0).at(0.0), 0.66732, 5e-6);
}

TEST(ThyristorFast, ShowsTheCurrentOnItsLoadWithoutDelay) {
  const auto neuron = must_make("thyristor-fast", bench_fast());
  neuron->inject(0, 60e-6);
  Advance a;
  while (a.event != Event::fire) a = neuron->advance(1.0);
  const double u = neuron->membrane(0).at(0.0);
  const double v = neuron->output(0).at(0.0);
  const double current = (u - v) / 50e3 + (u - v - 0.65) / 100.0;
  EXPECT_NEAR(v, 100.0 * current, 1e-12);
  EXPECT_GT(v, 0.5);
}

// 15 kOhm and 20 nF give bursts from 36.4 to 40 uA and 1537 Hz at 41.5 uA.
TEST(ThyristorFast, BurstsAndSpikesFastWithALoadCapacitor) {
  const auto tonic = must_make("thyristor-fast", bench_fast(15e3, 20e-9));
  EXPECT_NEAR(measure(*tonic, 41.5e-6, 0.2, 0.5).rate, 1537.0, 2.0);
  const auto bursting = must_make("thyristor-fast", bench_fast(15e3, 20e-9));
  const Firing bursts = measure(*bursting, 38e-6, 0.2, 0.5);
  EXPECT_GT(bursts.isi_max, 1.5 * bursts.isi_min);
}

// The label of bench-fast's table: its plateaus need only be long beside the shortest conduction.
std::string label_of(const Firing& f, double load_time) {
  if (f.spikes == 0) return "Q";
  if (f.isi_max < 1.5 * f.isi_min) return f.isi_max < 10.0 * load_time ? "FS" : "TS";
  return f.on_max > 4.0 * f.on_min ? "IB2" : "IB1";
}

// One row is left out: there the table misses a spike. At 38 uA and 0.5 ms the burst reaches the firing voltage a 15th
// time, by 0.49 mV and for 0.1 ms, and never ends; the circuit stepped by 0.2 us agrees. Below 37.98 uA it does end.
TEST(ThyristorFast, ReproducesTheReferencePhases) {
  std::map<std::string, int> seen;
  for (const TableRow& row : read_table("mbn_phase_reduced.csv")) {
    SCOPED_TRACE(row.text("I_uA") + " uA, " + row.text("tauL_ms") + " ms");
    const double load_time = row.number("tauL_ms") * 1e-3, capacitor = row.number("CL_nF") * 1e-9;
    Parameters p = bench_fast(load_time / capacitor, capacitor);
    p["dV"] = row.number("dV_V");
    p["tau_q"] = row.number("tauq_ms") * 1e-3;
    const auto neuron = must_make("thyristor-fast", p);
    const Firing f = measure(*neuron, row.number("I_uA") * 1e-6, 0.5, 1.5);
    ++seen[row.text("mode")];
    if (row.text("I_uA") == "38" && row.text("tauL_ms") == "0.5" && row.text("mode") == "IB1") {
      EXPECT_EQ(label_of(f, load_time), "FS");
      EXPECT_EQ(label_of(measure(*must_make("thyristor-fast", p), 37.98e-6, 0.5, 1.5), load_time), "IB1");
      continue;
    }
    EXPECT_EQ(label_of(f, load_time), row.text("mode"));
    EXPECT_NEAR(f.isi_min, row.number("isi_min_ms") * 1e-3, 5e-4 * f.isi_min);
    EXPECT_NEAR(f.isi_max, row.number("isi_max_ms") * 1e-3, 5e-4 * f.isi_max);
  }
  for (const char* mode : {"Q", "TS", "IB1", "FS", "IB2"}) EXPECT_GT(seen[mode], 0) << mode;
}

TEST(ThyristorFast, HoldsItsFireDuringTheDeadTime) {
  Parameters p = bench_fast();
  p["t_dead"] = 3e-3;
  const auto neuron = must_make("thyristor-fast", p);
  // Without dead time this current fires every 1.32 ms, 1.17 ms after opening.
  const Firing f = measure(*neuron, 90e-6, 0.1, 0.5);
  ASSERT_GT(f.spikes, 10);
  EXPECT_NEAR(f.isi_min - f.on_max, 3e-3, 1e-9);
  EXPECT_NEAR(f.isi_max - f.on_min, 3e-3, 1e-9);
}

TEST(ThyristorFast, ChargesLikeAResistorAndACapacitor) {
  const auto neuron = must_make("thyristor-fast", bench_fast());
  const double current = 10e-6;
  neuron->inject(0, current);
  EXPECT_EQ(neuron->advance(4e-3).event, Event::none);
  const double resistance = 50e3 + 100.0;
  const double expected = current * resistance * (1.0 - std::exp(-4e-3 / (resistance * 100e-9)));
  EXPECT_NEAR(neuron->membrane(0).at(neuron->piece_time()), expected, 1e-14);
}

}  // namespace
}  // namespace thyrode::neurons
