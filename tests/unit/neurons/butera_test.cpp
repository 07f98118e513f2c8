#include <gtest/gtest.h>

#include "tests/unit/neurons/neuron_file.hpp"
#include "tests/unit/neurons/rhythm.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::neurons {
namespace {

constexpr double settle = 50.0;  // s
constexpr double watch = 80.0;   // s

struct Case {
  Parameters parameters = file_parameters("butera");
  double current = 0.0;  // A, on the instrument's side of the declared scale

  explicit Case(const TableRow& row) {
    parameters["E_L"] = row.number("EL_mV") * 1e-3;
    parameters["g_tonic"] = row.number("g_tonic_nS") * 1e-9;
    parameters["g_NaP"] = row.number("g_NaP_nS") * 1e-9;
    current = row.number("I_app_pA") * 1e-12 / parameters["current_gain"];
  }
  Rhythm measure() const { return measure_rhythm(*must_make("butera", parameters), current, settle, watch); }
};

std::string describe(const TableRow& row) {
  return "E_L " + row.text("EL_mV") + " mV, I " + row.text("I_app_pA") + " pA, g_tonic " + row.text("g_tonic_nS") +
         " nS";
}

struct Measured {
  TableRow row;
  Case given;
  Rhythm rhythm;
};

// Every row of both tables, measured once for the tests that compare with it.
const std::vector<Measured>& all_rows() {
  static const std::vector<Measured> rows = [] {
    std::vector<Measured> result;
    for (const char* table : {"butera_model1_EL.csv", "butera_model1_Iapp.csv"}) {
      for (const TableRow& row : read_table(table)) {
        const Case given{row};
        result.push_back({row, given, given.measure()});
      }
    }
    return result;
  }();
  return rows;
}

TEST(Butera, IsQuietOrBurstsOrSpikesAtTheReferenceRates) {
  ASSERT_GT(all_rows().size(), 10U);
  for (const auto& [row, given, r] : all_rows()) {
    SCOPED_TRACE(describe(row));
    expect_rhythm_of(row, r);
  }
}

TEST(Butera, KeepsItsRatesWhenTheToleranceIsHalved) {
  for (const auto& [row, given, r] : all_rows()) {
    SCOPED_TRACE(describe(row));
    Case finer = given;
    finer.parameters["tolerance"] *= 0.5;
    EXPECT_NEAR(finer.measure().spike_rate, r.spike_rate, 1e-5 * r.spike_rate);
  }
}

// g_L (V - E_L) - I depends on g_L E_L + I alone.
TEST(Butera, TakesACurrentForAShiftOfTheLeak) {
  Parameters shifted = file_parameters("butera");
  shifted["E_L"] = -58.5e-3;
  const double current = 2.8e-9 * (-58.5e-3 + 65e-3) / shifted["current_gain"];
  const Rhythm by_leak = measure_rhythm(*must_make("butera", shifted), 0.0, 20.0, 20.0);
  const Rhythm by_current = measure_rhythm(*must_make("butera", file_parameters("butera")), current, 20.0, 20.0);
  EXPECT_EQ(by_current.spikes, by_leak.spikes);
  EXPECT_NEAR(by_current.spike_rate, by_leak.spike_rate, 1e-6 * by_leak.spike_rate);
}

TEST(Butera, RefusesWhatNoMembraneHas) {
  const auto error_of = [](const std::string& name, double value) {
    Parameters p = file_parameters("butera");
    p[name] = value;
    const auto neuron = make_neuron("butera", p, {}, 1);
    if (neuron) ADD_FAILURE() << name << " accepted";
    return neuron ? ParameterError{} : neuron.error();
  };
  const auto says = [](const ParameterError& error, const char* words) {
    return error.reason.find(words) != std::string::npos;
  };
  EXPECT_EQ(error_of("C_m", -21e-12).parameter, "C_m");
  EXPECT_TRUE(says(error_of("C_m", -21e-12), "-2.1e-11 F, must be above 0 F"));
  EXPECT_TRUE(says(error_of("sigma_h", 0.0), "0 V, must be other than 0 V: gates that open over no potential"));
  EXPECT_TRUE(says(error_of("tau_h", 0.0), "must be above 0 s"));
  EXPECT_TRUE(says(error_of("n_start", 2.0), "from 0 to 1"));
  EXPECT_TRUE(says(error_of("g_KCa", 1e-9), "not a parameter"));
}

TEST(Butera, HasAFileWithEverythingAnExperimentNeeds) {
  const YAML::Node root = read_neuron_file("butera");
  EXPECT_EQ(root["name"].as<std::string>(), "butera");
  EXPECT_EQ(root["parameters"].size(), model_parameters("butera").size());
  EXPECT_TRUE(root["noise"]["deviation"].IsDefined());
}

}  // namespace
}  // namespace thyrode::neurons
