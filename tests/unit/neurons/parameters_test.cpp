#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/parameter_errors.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

Parameters with(Parameters parameters, const std::string& name, double value) {
  parameters[name] = value;
  return parameters;
}

TEST(Parameters, RefusesAnUnknownModelAndNamesTheKnownOnes) {
  const ParameterError error = error_of("hodgkin-huxley", wu2023());
  expect_says(error, "", {"hodgkin-huxley", "thyristor", "thyristor-fast", "lif"});
  EXPECT_TRUE(model_parameters("hodgkin-huxley").empty());
}

TEST(Parameters, RefusesAMissingParameter) {
  for (const ParameterRule& rule : model_parameters("thyristor")) {
    if (!rule.instead_of.empty()) continue;
    Parameters p = wu2023();
    p.erase(std::string{rule.name});
    expect_says(error_of("thyristor", p), rule.name, {"missing", std::string{rule.unit}.c_str()});
  }
}

TEST(Parameters, RefusesAnUnknownParameterAndListsTheKnownOnes) {
  expect_says(error_of("thyristor", with(wu2023(), "R_s", 47.0)), "R_s", {"not a parameter", "R_L"});
}

TEST(Parameters, TakesTheTimeConstantOfTheLoadInPlaceOfItsResistance) {
  const auto run = [](const char* model, const Parameters& p, double current) {
    const auto neuron = must_make(model, p);
    neuron->inject(0, current);
    return list_events(*neuron, 0.2, 1);
  };
  for (const auto& [model, given, current] : {std::tuple{"thyristor", wu2023(3000.0), 60e-6},
                                              std::tuple{"thyristor-fast", bench_fast(15e3, 20e-9), 41.5e-6}}) {
    Parameters by_time = given;
    set_parameter(model, by_time, "tau_L", given.at("R_L") * given.at("C_L"));
    EXPECT_FALSE(by_time.contains("R_L"));
    const auto expected = run(model, given, current);
    const auto events = run(model, by_time, current);
    ASSERT_GT(expected.size(), 100U);
    ASSERT_EQ(events.size(), expected.size());
    EXPECT_NEAR(events.back().time, expected.back().time, 1e-9);
    set_parameter(model, by_time, "R_L", given.at("R_L"));
    EXPECT_EQ(by_time, given);
  }
}

TEST(Parameters, RefusesTheTimeConstantOfTheLoadBesideItsResistance) {
  expect_says(error_of("thyristor", with(wu2023(), "tau_L", 3e-4)), "tau_L", {"R_L", "remove one"});
  Parameters without_capacitor = bench_fast();
  set_parameter("thyristor-fast", without_capacitor, "tau_L", 3e-4);
  expect_says(error_of("thyristor-fast", without_capacitor), "tau_L", {"C_L is 0", "give R_L"});
}

TEST(Parameters, RefusesWhatWouldBeComputedForEver) {
  expect_says(error_of("thyristor", with(wu2023(), "C_m", 1e-300)), "C_m", {"1e-300 F", "at least 1e-12 F"});
  expect_says(error_of("thyristor", wu2023(), {1e-6, 1e-12}), "noise.correlation_time",
              {"1e-12 s", "at least 1e-06 s"});
}

TEST(Parameters, RefusesSizesThatNoCircuitOnABenchHas) {
  expect_says(error_of("thyristor", with(wu2023(), "r1", 160.5e9)), "r1", {"1.605e+11 Ohm", "at most 1e+09 Ohm"});
  expect_says(error_of("thyristor", with(wu2023(), "R_on", 3e-29)), "R_on", {"3e-29 Ohm", "at least 0.001 Ohm"});
  expect_says(error_of("thyristor", with(wu2023(), "tau_q", 1e-35)), "tau_q", {"1e-35 s", "at least 1e-09 s"});
  expect_says(error_of("thyristor", with(wu2023(), "u_start", 7.5e299)), "u_start", {"at most 1000 V"});
  expect_says(error_of("thyristor", with(wu2023(), "q1", 1.3e296)), "q1", {"at most 1 A"});
}

TEST(Parameters, RefusesValuesThatNoComponentHas) {
  expect_says(error_of("thyristor", with(wu2023(), "C_m", -1e-5)), "C_m", {"-1e-05 F", "above 0 F", "charge"});
  expect_says(error_of("thyristor", with(wu2023(), "R_L", 0.0)), "R_L", {"0 Ohm", "above", "energy"});
  expect_says(error_of("thyristor-fast", with(bench_fast(), "C_L", -1e-9)), "C_L", {"-1e-09 F", "at least 0 F"});
  expect_says(error_of("thyristor", with(wu2023(), "tau_q", std::nan(""))), "tau_q", {"nan", "finite"});
  expect_says(error_of("thyristor", with(wu2023(), "u_start", std::numeric_limits<double>::infinity())), "u_start",
              {"inf", "finite"});
}

TEST(Parameters, RefusesAThresholdBelowTheOnVoltage) {
  expect_says(error_of("thyristor", with(wu2023(), "V_on", 0.95)), "V_on", {"0.95 V", "V_th = 0.9059 V", "firing"});
  expect_says(error_of("thyristor-fast", with(bench_fast(), "V_th", 0.5)), "V_on", {"0.65 V", "V_th = 0.5 V"});
}

TEST(Parameters, RefusesAnOrderOfChargesThatNoDeviceHas) {
  expect_says(error_of("thyristor", with(wu2023(), "q2", 130e-6)), "q2", {"q1", "second slope"});
  expect_says(error_of("thyristor", with(wu2023(), "q3", 125e-6)), "q3", {"q2"});
  expect_says(error_of("thyristor", with(wu2023(), "q_inf", 140e-6)), "q_inf", {"q1"});
  expect_says(error_of("thyristor", with(wu2023(), "V_k", 0.91)), "V_k", {"V_th"});
  expect_says(error_of("thyristor", with(wu2023(), "G0", 60e-6)), "I_0", {"leak", "G0 V_k"});
}

TEST(Parameters, RefusesImpossibleNoise) {
  expect_says(error_of("thyristor", wu2023(), {-1e-6, 1e-2}), "noise.deviation", {"-1e-06 A", "at least 0"});
  expect_says(error_of("thyristor", wu2023(), {1e-6, 0.0}), "noise.correlation_time", {"0 s", "above 0"});
  expect_says(error_of("thyristor", wu2023(), {0.0, 0.0, -1e-9, 1e-4}), "noise.white_density",
              {"-1e-09 A/rtHz", "at least 0"});
  expect_says(error_of("thyristor", wu2023(), {0.0, 0.0, 1e-9, 0.0}), "noise.white_step", {"0 s", "above 0"});
  expect_says(error_of("thyristor", wu2023(), {0.0, 0.0, 1e-9, 1e-9}), "noise.white_step", {"at least 1e-06 s"});
  EXPECT_TRUE(make_neuron("thyristor", wu2023(), {0.0, 0.0}, 1).has_value());
}

TEST(Parameters, GivesEachItsSiUnit) {
  const std::set<std::string_view> units{"F", "V", "A", "Ohm", "S", "s", "C"};
  for (const char* model : {"thyristor", "thyristor-fast"}) {
    std::set<std::string_view> names;
    for (const ParameterRule& rule : model_parameters(model)) {
      EXPECT_TRUE(units.contains(rule.unit)) << rule.name;
      EXPECT_FALSE(rule.reason.empty()) << rule.name;
      EXPECT_TRUE(names.insert(rule.name).second) << rule.name << " twice";
    }
    EXPECT_FALSE(names.empty());
  }
}

// A value such as "0.28 uC" against the SI value and unit it must have.
void expect_quantity(const std::string& text, double expected, std::string unit) {
  std::size_t end = 0;
  double value = std::stod(text, &end);
  std::string given = text.substr(text.find_first_not_of(' ', end));
  if (given != unit) {
    const std::map<char, double> prefixes{{'p', 1e-12}, {'n', 1e-9}, {'u', 1e-6}, {'m', 1e-3}, {'k', 1e3}, {'M', 1e6}};
    value *= prefixes.at(given.front());
    given.erase(0, 1);
  }
  EXPECT_EQ(given, unit) << text;
  EXPECT_NEAR(value, expected, 1e-12 * std::abs(expected)) << text;
}

TEST(NeuronFiles, HoldTheValuesOfTheReferenceTables) {
  for (auto [file, reference] :
       {std::pair{"msn", wu2023()}, std::pair{"msn-melting", wu2023(2000.0)}, std::pair{"mbn", wu2023(3000.0)},
        std::pair{"msn-fast", bench_fast()}, std::pair{"mbn-fast", bench_fast(15e3, 20e-9)}}) {
    SCOPED_TRACE(file);
    const bool by_time = std::string_view{file}.starts_with("mbn");
    if (by_time) set_parameter("thyristor", reference, "tau_L", reference.at("R_L") * reference.at("C_L"));
    const YAML::Node root = YAML::LoadFile(std::string{"experiments/neurons/"} + file + ".yaml");
    EXPECT_EQ(root["schema"].as<std::string>(), "thyrode.neuron/1");
    EXPECT_EQ(root["name"].as<std::string>(), file);
    const auto rules = model_parameters(root["model"].as<std::string>());
    EXPECT_EQ(root["parameters"].size(), reference.size());
    for (const ParameterRule& rule : rules) {
      const std::string name{rule.name};
      if (!reference.contains(name)) continue;
      ASSERT_TRUE(root["parameters"][name].IsDefined()) << name;
      expect_quantity(root["parameters"][name].as<std::string>(), reference.at(name), std::string{rule.unit});
    }
    EXPECT_TRUE(root["noise"]["deviation"].IsDefined());
    EXPECT_TRUE(root["noise"]["correlation_time"].IsDefined());
  }
}

}  // namespace
}  // namespace thyrode::neurons
