// The parameters of a neuron file of experiments/neurons, for the tests of this folder.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <stdexcept>
#include <string>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// The value of "0.28 uC" in SI units, by the unit that the model gives the parameter.
inline double in_si(const std::string& text, const std::string& unit) {
  std::size_t end = 0;
  const double value = std::stod(text, &end);
  const std::size_t begin = text.find_first_not_of(' ', end);
  const std::string given = begin == std::string::npos ? "" : text.substr(begin);
  if (given == unit) return value;
  const std::map<char, double> prefixes{{'p', 1e12}, {'n', 1e9}, {'u', 1e6}, {'m', 1e3}, {'k', 1e-3}, {'M', 1e-6}};
  if (given.substr(1) != unit) throw std::runtime_error(text + " is not in " + unit);
  return value / prefixes.at(given.front());
}

inline YAML::Node read_neuron_file(const std::string& name) {
  return YAML::LoadFile("experiments/neurons/" + name + ".yaml");
}

/// The parameters of experiments/neurons/<name>.yaml. Throws when one is missing, which fails the test that asked.
inline Parameters file_parameters(const std::string& name) {
  const YAML::Node root = read_neuron_file(name);
  Parameters parameters;
  for (const ParameterRule& rule : model_parameters(root["model"].as<std::string>())) {
    const std::string key{rule.name};
    if (!rule.instead_of.empty()) continue;
    parameters[key] = in_si(root["parameters"][key].as<std::string>(), std::string{rule.unit});
  }
  return parameters;
}

}  // namespace thyrode::neurons
