// The tonic neuron of the experiments folder as a circuit, for tests.
#pragma once

#include <cstdlib>
#include <memory>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::test {

/// The thyristor neuron with round values: fires from about 32 uA, some 17 Hz at 50 uA.
/// @param noise_deviation  A, with a correlation time of 20 ms
inline std::unique_ptr<neurons::Neuron> tonic_neuron(std::uint64_t seed, double noise_deviation = 0.0) {
  const neurons::Parameters parameters{
      {"C_m", 10e-6},     {"C_s", 0.1e-6},    {"R_s", 47.0},      {"V_th", 0.9059},   {"V_k", 0.7012},  {"G0", 1.309e-6},
      {"I_0", 31.59e-6},  {"dI", 4.9e-6},     {"R_h", 600.0},     {"K", 48.62},       {"tau_r", 1.206e-3},
      {"R_on", 34.26},    {"V_on", 0.7036},   {"q1", 129.1e-6},   {"q2", 122.3e-6},   {"q_F", 300.9e-6}, {"r1", 160.5},
      {"r2", 1434.0},     {"tau_q", 15.89e-6}, {"I_off", 23.94e-6}, {"q3", 98.03e-6}, {"T_s", 0.3e-3},
      {"q_inf", 117.1e-6}, {"V_d", 7.116e-3}, {"Z", 0.280e-6},    {"u_start", 0.75}};
  auto neuron = neurons::make_neuron("thyristor", parameters, {noise_deviation, noise_deviation > 0.0 ? 20e-3 : 0.0}, seed);
  if (!neuron) std::abort();  // the parameters above are right
  return std::move(*neuron);
}

}  // namespace thyrode::test
