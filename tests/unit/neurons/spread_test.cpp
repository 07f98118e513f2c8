#include "firmware/neurons/spread.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/neuron_file.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

constexpr int seeds = 1000;

// The `spread` section of a neuron file.
std::vector<Scatter> file_spread(const std::string& name) {
  std::vector<Scatter> spread;
  for (const auto& entry : read_neuron_file(name)["spread"]) {
    Scatter scatter{{entry.first.as<std::string>()}, 0.0};
    const bool map = entry.second.IsMap();
    scatter.deviation = std::stod((map ? entry.second["deviation"] : entry.second).as<std::string>()) / 100.0;
    if (map) {
      for (const auto& other : entry.second["with"]) scatter.parameters.push_back(other.as<std::string>());
    }
    spread.push_back(scatter);
  }
  return spread;
}

Parameters must_spread(std::string_view model, const Parameters& p, const std::vector<Scatter>& s, int seed) {
  const auto device = spread_parameters(model, p, s, std::uint64_t(seed));
  EXPECT_TRUE(device.has_value()) << "seed " << seed << ": " << device.error().reason;
  return device.value_or(Parameters{});
}

struct Moments {
  double sum = 0.0, square = 0.0;
  int n = 0;
  void add(double x) { sum += x, square += x * x, ++n; }
  double mean() const { return sum / n; }
  double deviation() const { return std::sqrt(square / n - mean() * mean()); }
};

// Published: firing voltage 1.73 V, sd 0.56; upper limit 77 uA, sd 17. The standard error of a deviation of 1000
// log-normal values is that of a normal one times about 1.5 for the broadest of them.
TEST(Spread, HasThePublishedStatistics) {
  const auto spread = file_spread("msn");
  Moments firing, upper, rheobase;
  for (int seed = 0; seed < seeds; ++seed) {
    const Parameters device = must_spread("thyristor", wu2023(), spread, seed);
    firing.add(device.at("V_th") / 0.9059);
    upper.add(device.at("q1") / 129.1e-6);
    rheobase.add(device.at("I_0") / 31.59e-6);
  }
  const double root = std::sqrt(double(seeds));
  EXPECT_NEAR(firing.mean(), 1.0, 4.0 * 0.32 / root);
  EXPECT_NEAR(upper.mean(), 1.0, 4.0 * 0.22 / root);
  EXPECT_NEAR(rheobase.mean(), 1.0, 4.0 * 0.10 / root);
  EXPECT_NEAR(firing.deviation(), 0.56 / 1.73, 4.0 * 1.5 * 0.32 / (root * std::sqrt(2.0)));
  EXPECT_NEAR(upper.deviation(), 17.0 / 77.0, 4.0 * 1.5 * 0.22 / (root * std::sqrt(2.0)));
}

// The onset and the upper limit of a device as it fires, not as its parameters say.
TEST(Spread, GivesDevicesThatSpikeBetween20And140Microamperes) {
  const auto spread = file_spread("msn");
  int spiking = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const Parameters device = must_spread("thyristor", wu2023(), spread, seed);
    bool spikes = false;
    for (double current = 20e-6; current <= 140e-6 && !spikes; current += 5e-6) {
      const auto neuron = must_make("thyristor", device);
      spikes = measure(*neuron, current, 1.0, 1.0).spikes > 2;
    }
    spiking += spikes;
  }
  EXPECT_GE(spiking, seeds * 95 / 100);
  RecordProperty("spiking", spiking);
}

TEST(Spread, GivesPossibleDevicesOfEveryFile) {
  for (const char* name : {"msn", "msn-melting", "mbn", "msn-fast", "mbn-fast", "lif", "ideal-if", "model-cell",
                           "resistor", "two-msn-inhibitory", "two-msn-excitatory"}) {
    SCOPED_TRACE(name);
    const YAML::Node root = read_neuron_file(name);
    const auto model = root["model"].as<std::string>();
    Parameters p;
    for (const ParameterRule& rule : model_parameters(model)) {
      const YAML::Node value = root["parameters"][std::string{rule.name}];
      if (value.IsDefined()) p[std::string{rule.name}] = in_si(value.as<std::string>(), std::string{rule.unit});
    }
    const auto spread = file_spread(name);
    EXPECT_FALSE(spread.empty());
    for (int seed = 0; seed < seeds; ++seed) must_spread(model, p, spread, seed);
  }
}

TEST(Spread, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto spread = file_spread("msn");
  EXPECT_EQ(must_spread("thyristor", wu2023(), spread, 7), must_spread("thyristor", wu2023(), spread, 7));
  EXPECT_NE(must_spread("thyristor", wu2023(), spread, 7), must_spread("thyristor", wu2023(), spread, 8));
}

TEST(Spread, MovesRelatedParametersTogetherAndLeavesOthersAlone) {
  const Parameters device = must_spread("thyristor", wu2023(), {{{"V_th", "V_on"}, 0.3}}, 3);
  EXPECT_NE(device.at("V_th"), 0.9059);
  EXPECT_NEAR(device.at("V_on") / device.at("V_th"), 0.7036 / 0.9059, 1e-14);
  EXPECT_EQ(device.at("V_k"), 0.7012);
}

TEST(Spread, DrawsAgainWhatTheModelRefuses) {
  int below = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const Parameters device = must_spread("thyristor", wu2023(), {{{"V_th"}, 0.32}}, seed);
    EXPECT_GT(device.at("V_th"), device.at("V_on")) << "seed " << seed;
    below += device.at("V_th") < 0.8;
  }
  EXPECT_GT(below, 50);  // close to what is not possible
}

TEST(Spread, WorksOutWhatIsGivenInAnotherForm) {
  Parameters p = wu2023();
  set_parameter("thyristor", p, "tau_L", 0.3e-3);
  const Parameters device = must_spread("thyristor", p, {{{"R_L"}, 0.0}}, 1);
  EXPECT_FALSE(device.contains("tau_L"));
  EXPECT_NEAR(device.at("R_L"), 3000.0, 1e-9);
}

TEST(Spread, RefusesWhatDoesNotFitTheDevice) {
  const auto error = [](const std::vector<Scatter>& spread) {
    return spread_parameters("thyristor", wu2023(), spread, 1).error();
  };
  EXPECT_EQ(error({{{"V_thr"}, 0.1}}).parameter, "spread.V_thr");
  EXPECT_NE(error({{{"tau_L"}, 0.1}}).reason.find("stands for R_L"), std::string::npos);
  EXPECT_NE(error({{{"V_th"}, 0.1}, {{"q1", "V_th"}, 0.1}}).reason.find("twice"), std::string::npos);
  EXPECT_NE(error({{{"V_th"}, 1.5}}).reason.find("from 0 to 1"), std::string::npos);
  Parameters impossible = wu2023();
  impossible["C_m"] = -1.0;
  EXPECT_EQ(spread_parameters("thyristor", impossible, {}, 1).error().parameter, "C_m");
}

}  // namespace
}  // namespace thyrode::neurons
