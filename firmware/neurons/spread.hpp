// Devices that nobody tuned: parameters drawn around those of a neuron file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// One source of scatter between devices: a factor that all its parameters share, so that a property of the device
/// (its firing voltage, its upper limit) moves as a whole.
struct Scatter {
  std::vector<std::string> parameters;  ///< the first names it in messages
  double deviation = 0.0;               ///< standard deviation of the factor, whose mean is 1; >= 0
};

/// Draws a device: every factor is log-normal with mean 1 and the given deviation, independent of the others, so no
/// sign changes. A device that the model refuses is drawn again. The same seed gives the same device on every machine
/// up to the last digits of its mathematical library.
/// @param parameters  of the nominal device; what is given in another form (tau_L) is worked out first
/// @returns the drawn parameters, which make_neuron accepts; those without scatter unchanged
/// Errors: what make_neuron refuses of the nominal device; "spread.NAME": a parameter the device does not have, one in
/// two sources, a deviation out of range, or no possible device in 1000 draws.
/// Source of the deviations in experiments/neurons/msn.yaml: 35 devices of the repository haoran215/Brain2Simulator
/// (not peer reviewed): firing voltage 1.1 to 2.8 V, mean 1.73, sd 0.56; upper limit 57 to 110 uA, mean 77, sd 17;
/// median rheobase 33 uA. Other components scatter by their usual tolerances, read as two standard deviations.
tl::expected<Parameters, ParameterError> spread_parameters(std::string_view model, const Parameters& parameters,
                                                           const std::vector<Scatter>& spread, std::uint64_t seed);

}  // namespace thyrode::neurons
