#include "daemon/experiment/load/neuron_file.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace thyrode::load {
namespace {

constexpr const char* full =
    "schema: thyrode.neuron/1\n"
    "name: msn\n"
    "model: thyristor\n"
    "description: one switch\n"
    "source: a paper\n"
    "parameters:\n"
    "  C_m: 10 uF\n"
    "  R_L: 47 Ohm\n"
    "  G0: 1.309 uS\n"
    "  order: 3\n"
    "noise: {deviation: 0.9 uA, correlation_time: 200 ms}\n";
const std::vector<ParameterUnit> model{{"C_m", "F"}, {"R_L", "Ohm"}, {"G0", "S"}, {"order", ""}, {"tau_L", "s", "R_L"}};

NeuronFile parsed(const std::string& text) {
  const auto file = parse_neuron_file(text, "n.yaml");
  EXPECT_TRUE(file.has_value()) << file.error().message;
  return file.value_or(NeuronFile{});
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

std::string refusal(const std::string& text) {
  const auto checked = check_units(parsed(text), model);
  return checked ? "accepted" : checked.error().message;
}

TEST(NeuronFile, ReadsEveryKey) {
  const NeuronFile file = parsed(full);
  EXPECT_EQ(file.name, "msn");
  EXPECT_EQ(file.model, "thyristor");
  EXPECT_EQ(file.description, "one switch");
  EXPECT_EQ(file.source_text, "a paper");
  ASSERT_EQ(file.parameters.size(), 4U);
  const NeuronParameter& c_m = file.parameters.at("C_m");
  EXPECT_EQ(c_m.si, 10e-6);
  EXPECT_EQ(c_m.unit, "F");
  EXPECT_EQ(c_m.text, "10 uF");
  EXPECT_EQ(c_m.at, (Position{7, 8}));
  EXPECT_EQ(file.parameters.at("order").unit, "");
  EXPECT_EQ(file.noise_deviation.si(), 0.9e-6);
  EXPECT_EQ(file.noise_correlation_time.si(), 0.2);
}

TEST(NeuronFile, WithoutNoiseHasNone) {
  const std::string text = full;
  const NeuronFile file = parsed(text.substr(0, text.find("noise")));
  EXPECT_EQ(file.noise_deviation.si(), 0.0);
  EXPECT_EQ(file.noise_correlation_time.si(), 0.0);
}

TEST(NeuronFile, ReadsWhiteNoiseAloneOrBesideTheOther) {
  const std::string white = "white_density: 2 nA/rtHz, white_step: 100 us";
  const NeuronFile both = parsed(replaced(full, "200 ms}", "200 ms, " + white + "}"));
  EXPECT_EQ(both.noise_deviation.si(), 0.9e-6);
  EXPECT_EQ(both.noise_white_density, 2e-9);
  EXPECT_EQ(both.noise_white_step.si(), 1e-4);
  const NeuronFile alone = parsed(replaced(full, "deviation: 0.9 uA, correlation_time: 200 ms", white));
  EXPECT_EQ(alone.noise_deviation.si(), 0.0);
  EXPECT_EQ(alone.noise_white_density, 2e-9);
  const auto half = parse_neuron_file(replaced(full, "200 ms}", "200 ms, white_step: 100 us}"), "n.yaml");
  ASSERT_FALSE(half.has_value());
  EXPECT_EQ(half.error().message,
            "n.yaml:11:8: key 'white_density' is missing in noise; add for example \"white_density: 2 nA/rtHz\"");
}

TEST(NeuronFile, ReadsHowDevicesDiffer) {
  const NeuronFile file =
      parsed(std::string{full} + "spread:\n  C_m: 5 %\n  R_L: {deviation: 32 %, with: [G0, order]}\n");
  ASSERT_EQ(file.spread.size(), 2U);
  EXPECT_EQ(file.spread[0].parameters, std::vector<std::string>{"C_m"});
  EXPECT_EQ(file.spread[0].deviation, 0.05);
  EXPECT_EQ(file.spread[1].parameters, (std::vector<std::string>{"R_L", "G0", "order"}));
  EXPECT_EQ(file.spread[1].deviation, 0.32);
  EXPECT_EQ(parameter_error(file, "spread.R_L", "no").value().message, "n.yaml:14:8: spread.R_L: no");
  EXPECT_TRUE(parsed(full).spread.empty());
}

TEST(NeuronFile, RefusesSpreadThatIsNotARatio) {
  const auto refused = [](const std::string& spread) {
    const auto file = parse_neuron_file(std::string{full} + "spread: " + spread + "\n", "n.yaml");
    return file ? "accepted" : file.error().message;
  };
  EXPECT_EQ(refused("{C_m: 1 uF}"),
            "n.yaml:12:15: spread.C_m: '1 uF' is a capacitance, not a ratio; write for example \"1 %\"");
  EXPECT_EQ(refused("{C_m: 0.05}"), "n.yaml:12:15: spread.C_m: 0.05 has no unit; write for example \"0.05 %\"");
  EXPECT_EQ(refused("{C_m: 120 %}"), "n.yaml:12:15: spread.C_m: 120 % is out of range; it must be from 0 % to 100 %");
  EXPECT_EQ(refused("{C_m: {with: [R_L]}}"),
            "n.yaml:12:15: key 'deviation' is missing in spread.C_m; add for example \"deviation: 5 %\"");
  EXPECT_EQ(refused("{C_m: {deviation: 5 %, with: R_L}}"),
            "n.yaml:12:38: spread.C_m.with must be a list of parameters; write for example \"[V_on]\"");
  EXPECT_EQ(refused("5 %"),
            "n.yaml:12:9: spread must be a map of parameters; write for example \"spread: {C_m: 5 %}\"");
}

TEST(NeuronFile, PassesWithTheUnitsOfItsModel) {
  EXPECT_EQ(refusal(full), "accepted");
}

TEST(NeuronFile, IsRefusedForAnotherUnit) {
  EXPECT_EQ(refusal(replaced(full, "10 uF", "10 mV")),
            "n.yaml:7:8: parameters.C_m: '10 mV' is a voltage, not a capacitance; write for example \"10 uF\"");
  EXPECT_EQ(refusal(replaced(full, "10 uF", "10")),
            "n.yaml:7:8: parameters.C_m: 10 has no unit; write for example \"10 uF\"");
  EXPECT_EQ(refusal(replaced(full, "order: 3", "order: 3 V")),
            "n.yaml:10:10: parameters.order: '3 V' is a voltage, not a number without unit; write for example 3");
}

TEST(NeuronFile, IsRefusedForAMissingOrUnknownParameter) {
  EXPECT_EQ(refusal(replaced(full, "  R_L: 47 Ohm\n", "")),
            "n.yaml:7:3: parameter 'R_L' of model thyristor is missing; add for example \"R_L: 1 Ohm\"");
  EXPECT_EQ(refusal(replaced(full, "G0:", "G_0:")),
            "n.yaml:9:8: parameters.G_0: model thyristor has no such parameter; did you mean 'G0'?");
  EXPECT_EQ(refusal(replaced(full, "G0:", "temperature:")),
            "n.yaml:9:16: parameters.temperature: model thyristor has no such parameter; it has C_m, R_L, G0, order "
            "and tau_L");
}

TEST(NeuronFile, MayGiveOneParameterInPlaceOfAnother) {
  EXPECT_EQ(refusal(replaced(full, "R_L: 47 Ohm", "tau_L: 0.3 ms")), "accepted");
  EXPECT_EQ(refusal(replaced(full, "R_L: 47 Ohm", "R_L: 47 Ohm\n  tau_L: 0.3 ms")),
            "n.yaml:9:10: parameters.tau_L: R_L is given too, and each follows from the other; remove one of them");
}

TEST(NeuronFile, TakesParametersFromTheCommandLine) {
  NeuronFile file = parsed(full);
  ASSERT_TRUE(set_parameter(file, "tau_L=0.3ms", model).has_value());
  EXPECT_FALSE(file.parameters.contains("R_L"));
  EXPECT_EQ(file.parameters.at("tau_L").si, 0.3e-3);
  EXPECT_TRUE(check_units(file, model).has_value());
  EXPECT_EQ(parameter_error(file, "tau_L", "no").value().message, "--set tau_L=0.3ms: no");
  ASSERT_TRUE(set_parameter(file, "R_L=2 kOhm", model).has_value());
  EXPECT_FALSE(file.parameters.contains("tau_L"));
  EXPECT_EQ(file.parameters.at("R_L").si, 2000.0);
}

TEST(NeuronFile, RefusesWhatTheCommandLineCannotSet) {
  NeuronFile file = parsed(full);
  const auto refused = [&](std::string_view text) { return set_parameter(file, text, model).error().message; };
  EXPECT_EQ(refused("tau_L"), "--set tau_L: must be a parameter, '=' and its value; write for example \"tau_L=0.3ms\"");
  EXPECT_EQ(refused("Tau_L=1ms"), "--set Tau_L=1ms: model thyristor has no such parameter; did you mean 'tau_L'?");
  EXPECT_EQ(refused("C_m=5V"), "--set C_m=5V: '5V' is a voltage, not a capacitance; write for example \"5 uF\"");
  EXPECT_EQ(refused("C_m=5"), "--set C_m=5: 5 has no unit; write for example \"5 uF\"");
  EXPECT_EQ(refused("C_m=much"), "--set C_m=much: 'much' is not a number with a unit; write for example \"45.3 uA\"");
}

TEST(NeuronFile, PlacesWhatTheModelSays) {
  const NeuronFile file = parsed(full);
  const auto message = [&](std::string_view parameter) {
    return parameter_error(file, parameter, "no").value().message;
  };
  EXPECT_EQ(message("R_L"), "n.yaml:8:8: parameters.R_L: no");
  EXPECT_EQ(message("V_th"), "n.yaml:7:3: parameters.V_th: no");
  EXPECT_EQ(message("noise.deviation"), "n.yaml:11:20: noise.deviation: no");
  EXPECT_EQ(message(""), "n.yaml:3:8: model 'thyristor': no");
}

}  // namespace
}  // namespace thyrode::load
