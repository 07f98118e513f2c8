#include <gtest/gtest.h>

#include "tests/unit/neurons/neuron_file.hpp"
#include "tests/unit/neurons/parameter_errors.hpp"
#include "tests/unit/neurons/rhythm.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::neurons {
namespace {

constexpr double settle = 10.0;  // s
constexpr double watch = 20.0;   // s

// A row of the table: the file of its limit, and the current on the instrument's side of the declared scale.
struct Case {
  Parameters parameters;
  double current = 0.0;  // A

  explicit Case(const TableRow& row) {
    const bool dendrite = row.number("spike_compartment") == 1.0;
    const bool coupled = row.number("gc_mS_cm2") > 0.0;
    parameters = file_parameters(coupled    ? "pinsky-rinzel"
                                 : dendrite ? "pinsky-rinzel-dendrite"
                                            : "pinsky-rinzel-soma");
    parameters["g_c"] = row.number("gc_mS_cm2") * 1e-3;
    EXPECT_EQ(parameters["electrode"], dendrite ? 1.0 : 0.0);
    EXPECT_EQ(row.number(dendrite ? "Is_uA_cm2" : "Id_uA_cm2"), 0.0);
    current = row.number(dendrite ? "Id_uA_cm2" : "Is_uA_cm2") * 1e-6 / parameters["current_gain"];
  }
  Rhythm measure() const { return measure_rhythm(*must_make("pinsky-rinzel", parameters), current, settle, watch); }
};

std::string describe(const TableRow& row) {
  return "g_c " + row.text("gc_mS_cm2") + ", Is " + row.text("Is_uA_cm2") + ", Id " + row.text("Id_uA_cm2");
}

struct Measured {
  TableRow row;
  Case given;
  Rhythm rhythm;
};

// Every row where the reference is robust, measured once for the tests that compare with it.
const std::vector<Measured>& robust_rows() {
  static const std::vector<Measured> rows = [] {
    std::vector<Measured> result;
    for (const TableRow& row : read_table("pinsky_rinzel_fI.csv")) {
      if (row.number("step_robust") != 1.0) continue;
      const Case given{row};
      result.push_back({row, given, given.measure()});
    }
    return result;
  }();
  return rows;
}

TEST(PinskyRinzel, HasTheReferenceRatesWhereTheyAreRobust) {
  ASSERT_GT(robust_rows().size(), 10U);
  for (const auto& [row, given, r] : robust_rows()) {
    SCOPED_TRACE(describe(row));
    expect_rhythm_of(row, r);
  }
}

// There the motion is chaotic or has two attractors: which one is met depends on the last digit of the solver.
TEST(PinskyRinzel, StaysWithinBoundsWhereTheReferenceIsChaotic) {
  int tested = 0;
  for (const TableRow& row : read_table("pinsky_rinzel_fI.csv")) {
    if (row.number("step_robust") == 1.0) continue;
    SCOPED_TRACE(describe(row));
    const Rhythm r = Case{row}.measure();
    EXPECT_GT(r.spike_rate, 0.7 * row.number("spike_rate_hz"));
    EXPECT_LT(r.spike_rate, 1.4 * row.number("spike_rate_hz"));
    EXPECT_GT(r.isi_min, 2e-3);
    ++tested;
  }
  EXPECT_GT(tested, 0);
}

TEST(PinskyRinzel, KeepsItsRobustRatesWhenTheToleranceIsHalved) {
  for (const auto& [row, given, r] : robust_rows()) {
    SCOPED_TRACE(describe(row));
    Case finer = given;
    finer.parameters["tolerance"] *= 0.5;
    EXPECT_NEAR(finer.measure().spike_rate, r.spike_rate, 1e-5 * r.spike_rate);
  }
}

// At a current without spikes the cell rests where its currents balance.
TEST(PinskyRinzel, RestsWhereNoCurrentIsLeft) {
  const Parameters p = file_parameters("pinsky-rinzel-dendrite");
  const auto neuron = must_make("pinsky-rinzel", p);
  list_events(*neuron, 100.0, 1);
  const double rest = (neuron->output(0).at(neuron->piece_time()) - p.at("V_out_offset")) / p.at("V_out_gain");
  const double shown = (neuron->membrane(0).at(neuron->piece_time()) - p.at("V_m_offset")) / p.at("V_m_gain");
  EXPECT_NEAR(shown, rest, 1e-9);
  list_events(*neuron, 100.0, 1);
  EXPECT_NEAR((neuron->output(0).at(neuron->piece_time()) - p.at("V_out_offset")) / p.at("V_out_gain"), rest, 1e-8);
}

TEST(PinskyRinzel, FitsTheRangesOfTheInstrument) {
  for (const char* name : {"pinsky-rinzel", "pinsky-rinzel-soma", "pinsky-rinzel-dendrite"}) {
    for (const double current : {0.0, 20e-6, 60e-6, 120e-6}) {
      SCOPED_TRACE(testing::Message() << name << ", " << current << " A");
      const auto neuron = must_make("pinsky-rinzel", file_parameters(name));
      neuron->inject(0, current);
      double left = 5.0;
      while (true) {
        const Waveform v_out = neuron->output(0), v_m = neuron->membrane(0);
        const double begin = neuron->piece_time();
        const Advance a = neuron->advance(left);
        for (const double t : {begin, begin + 0.5 * a.elapsed, begin + a.elapsed}) {
          ASSERT_GT(v_out.at(t), 0.0);
          ASSERT_LT(v_out.at(t), 0.8);
          ASSERT_GT(v_m.at(t), 0.0);
          ASSERT_LT(v_m.at(t), 3.0);
        }
        if (a.event == Event::none) break;
        left = std::max(left - a.elapsed, 0.0);
      }
    }
  }
}

ParameterError error_with(const std::string& name, double value) {
  SCOPED_TRACE(name);
  Parameters p = file_parameters("pinsky-rinzel");
  p[name] = value;
  return error_of("pinsky-rinzel", p);
}

TEST(PinskyRinzel, RefusesWhatNoMembraneHas) {
  expect_says(error_with("C_m", -3e-6), "C_m", {"-3e-06 F", "above 0 F", "charge"});
  expect_says(error_with("g_Na", -1e-3), "g_Na", {"-0.001 S", "at least 0 S", "channel"});
  expect_says(error_with("alpha_m_width", 0.0), "alpha_m_width", {"0 V", "above 0 V", "jump"});
  expect_says(error_with("p", 0.0), "p", {"0", "above 0", "soma"});
  expect_says(error_with("p", 1.0), "p", {"1", "below 1", "dendrite"});
  expect_says(error_with("h_start", 1.2), "h_start", {"1.2", "from 0 to 1", "gates"});
  expect_says(error_with("electrode", 0.5), "electrode", {"0.5", "soma", "dendrite"});
  expect_says(error_with("tolerance", 0.1), "tolerance", {"0.1", "0.0001"});
  expect_says(error_with("current_gain", 0.0), "current_gain", {"other than 0", "membrane"});
  expect_says(error_with("g_M", 0.0), "g_M", {"not a parameter", "g_KAHP"});
}

TEST(PinskyRinzel, HasFilesWithEverythingAnExperimentNeeds) {
  for (const char* name : {"pinsky-rinzel", "pinsky-rinzel-soma", "pinsky-rinzel-dendrite"}) {
    const YAML::Node root = read_neuron_file(name);
    EXPECT_EQ(root["name"].as<std::string>(), name);
    EXPECT_EQ(root["parameters"].size(), model_parameters("pinsky-rinzel").size());
    EXPECT_TRUE(root["noise"]["deviation"].IsDefined());
  }
}

}  // namespace
}  // namespace thyrode::neurons
