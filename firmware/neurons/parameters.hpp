// Checks of a neuron's parameters that every model shares.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// Compares given parameters with a model's rules: each named once, none unknown, each finite and within its limit.
/// @returns the first thing wrong, or nothing
std::optional<ParameterError> check_parameters(std::span<const ParameterRule> rules, const Parameters& parameters);

/// Checks the noise: deviation not negative; correlation time positive unless the deviation is 0.
std::optional<ParameterError> check_noise(const NoiseParameters& noise);

/// A value with its unit, for messages: "-1e-05 F".
std::string with_unit(double value, std::string_view unit);

/// Requires small < large, or small <= large when `equal` is allowed.
/// @param reason  the physics behind the order
/// @returns an error that names `small`, both values and the reason, or nothing
struct Ordered {
  std::string_view small, large;
  bool equal;
  std::string_view reason;
};
std::optional<ParameterError> check_order(std::span<const ParameterRule> rules, const Parameters& parameters,
                                          std::span<const Ordered> order);

}  // namespace thyrode::neurons
