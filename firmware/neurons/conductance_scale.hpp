// How an instrument sees a neuron of membrane currents: the declared scale of its file, and what its parameters share.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// volts shown = gain * membrane potential + offset
struct VoltageScale {
  double gain = 1.0;    // V/V
  double offset = 0.0;  // V
};

/// The scale declared in the file of a conductance model.
struct ConductanceScale {
  double current_gain = 1.0;  // amperes of the model for each ampere injected
  VoltageScale output;        // V_out
  VoltageScale membrane;      // V_m
  double spike_level = 0.0;   // V, membrane potential
  double tolerance = 1e-9;    // of an integrator step: of each gate, mV of a potential, and relative

  /// How far a curve shown may be from the solution, volts of membrane potential: 10 uV in V_out, a twentieth of a
  /// code of the reference front end; V_m has codes four times as large at the same count of bits.
  double shown_tolerance() const {
    constexpr double output_tolerance = 10e-6;    // V
    constexpr double membrane_tolerance = 40e-6;  // V
    return std::min(output_tolerance / std::abs(output.gain), membrane_tolerance / std::abs(membrane.gain));
  }
};

inline constexpr std::array conductance_scale_rules{
    ParameterRule{"current_gain", "", ParameterLimit::not_zero, "no current would reach the membrane"},
    ParameterRule{"V_out_gain", "", ParameterLimit::not_zero, "V_out would show nothing"},
    ParameterRule{"V_out_offset", "V", ParameterLimit::any, "V_out at a membrane potential of zero"},
    ParameterRule{"V_m_gain", "", ParameterLimit::not_zero, "V_m would show nothing"},
    ParameterRule{"V_m_offset", "V", ParameterLimit::any, "V_m at a membrane potential of zero"},
    ParameterRule{"spike_level", "V", ParameterLimit::any,
                  "a spike begins where the membrane potential rises through it"},
    ParameterRule{"tolerance", "", ParameterLimit::positive, "no integrator is without error"},
};

/// The parameters of a model followed by those of its scale.
template <std::size_t N>
constexpr auto with_scale(const std::array<ParameterRule, N>& rules) {
  std::array<ParameterRule, N + conductance_scale_rules.size()> all{};
  std::copy(rules.begin(), rules.end(), all.begin());
  std::copy(conductance_scale_rules.begin(), conductance_scale_rules.end(), all.begin() + N);
  return all;
}

/// Checks what goes beyond the rules of single parameters: the bounds of the tolerance, and that gates start open by a
/// part from 0 to 1.
/// @param gates  names of the start values of gates
/// @returns the first thing wrong, or nothing
std::optional<ParameterError> check_conductance(const Parameters& parameters, std::span<const std::string_view> gates);

/// The scale among checked parameters.
ConductanceScale conductance_scale(const Parameters& parameters);

/// x / (exp(x) - 1), without loss of digits around x = 0: the voltage dependence of many rates of opening.
inline double linoid(double x) {
  if (std::abs(x) < 1e-4) return 1.0 - x * (0.5 - x / 12.0);
  return x / (std::exp(x) - 1.0);
}

}  // namespace thyrode::neurons
