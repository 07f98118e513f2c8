#include "firmware/neurons/conductance_scale.hpp"

#include <fmt/format.h>

#include <string>

namespace thyrode::neurons {

namespace {

// Above, no rate has three digits; below, the steps drown in rounding.
constexpr double largest_tolerance = 1e-4;
constexpr double smallest_tolerance = 1e-12;

}  // namespace

std::optional<ParameterError> check_conductance(const Parameters& parameters, std::span<const std::string_view> gates) {
  const double tolerance = parameters.find("tolerance")->second;
  if (tolerance < smallest_tolerance || tolerance > largest_tolerance) {
    return ParameterError{
        "tolerance", fmt::format("tolerance is {}, must be from {} to {}: above, no rate has three digits; below, the "
                                 "steps drown in rounding",
                                 tolerance, smallest_tolerance, largest_tolerance)};
  }
  for (const std::string_view gate : gates) {
    const double value = parameters.find(gate)->second;
    if (value >= 0.0 && value <= 1.0) continue;
    return ParameterError{
        std::string{gate},
        fmt::format("{} is {:.6g}, must be from 0 to 1: it is the open part of the gates", gate, value)};
  }
  return std::nullopt;
}

ConductanceScale conductance_scale(const Parameters& parameters) {
  const auto get = [&](std::string_view name) { return parameters.find(name)->second; };
  ConductanceScale scale;
  scale.current_gain = get("current_gain");
  scale.output = {get("V_out_gain"), get("V_out_offset")};
  scale.membrane = {get("V_m_gain"), get("V_m_offset")};
  scale.spike_level = get("spike_level");
  scale.tolerance = get("tolerance");
  return scale;
}

}  // namespace thyrode::neurons
