// The published tonic neuron as a circuit, for tests of the whole instrument.
#pragma once

#include <cstdlib>
#include <memory>
#include <utility>

#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::test {

/// Fires from about 32 uA, 12.5 Hz at 45.3 uA.
/// @param noise_deviation  A, with a correlation time of 20 ms; 0 is no noise
inline std::unique_ptr<neurons::Neuron> tonic_neuron(std::uint64_t seed, double noise_deviation = 0.0) {
  const neurons::NoiseParameters noise{noise_deviation, noise_deviation > 0.0 ? 20e-3 : 0.0};
  auto neuron = neurons::make_neuron("thyristor", neurons::wu2023(), noise, seed);
  if (!neuron) std::abort();  // the reference parameters are valid
  return std::move(*neuron);
}

}  // namespace thyrode::test
