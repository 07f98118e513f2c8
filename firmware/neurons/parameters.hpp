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

/// Replaces each parameter that stands for another by that other: R_L = tau_L / C_L.
/// @param parameters  checked by check_parameters
/// Errors: the parameter to divide by is zero.
tl::expected<Parameters, ParameterError> without_alternatives(std::span<const ParameterRule> rules,
                                                              Parameters parameters);

/// Checks the noise: deviation and density not negative; correlation time and step positive where they are used.
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
