// f(I) of the tonic neuron and its true derivative, from the solver of the circuit.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>

#include "firmware/neurons/neuron.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::analysis::test {

/// @returns rate of the published circuit after two spikes, Hz; empty where it is silent
inline std::optional<double> msn_rate(double current_ua) {
  static std::map<double, std::optional<double>> known;
  if (const auto found = known.find(current_ua); found != known.end()) return found->second;
  auto neuron = neurons::make_neuron("thyristor", neurons::wu2023(), {}, 1);
  if (!neuron) {
    ADD_FAILURE() << neuron.error().parameter << ": " << neuron.error().reason;
    return std::nullopt;
  }
  (*neuron)->inject(0, current_ua * 1e-6);
  double since = 0.0;
  int fired = 0;
  std::optional<double> rate;
  while (since < 5.0 && !rate) {
    const neurons::Advance step = (*neuron)->advance(5.0 - since);
    since += step.elapsed;
    if (step.event != neurons::Event::fire) continue;
    if (++fired == 4) rate = 1.0 / since;
    since = 0.0;
  }
  known[current_ua] = rate;
  return rate;
}

/// @returns d ln f/dI by differences over 10 and 20 nA, 1/µA; empty next to a silent current
inline std::optional<double> msn_beta(double current_ua) {
  constexpr double h = 0.01;
  const auto a = msn_rate(current_ua - 2 * h);
  const auto b = msn_rate(current_ua - h);
  const auto c = msn_rate(current_ua + h);
  const auto d = msn_rate(current_ua + 2 * h);
  if (!a || !b || !c || !d) return std::nullopt;
  return (8.0 * (std::log(*c) - std::log(*b)) - (std::log(*d) - std::log(*a))) / (12.0 * h);
}

}  // namespace thyrode::analysis::test
