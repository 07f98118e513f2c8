// The pacemaker neuron of the pre-Boetzinger complex by Butera, Rinzel & Smith, model 1.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// The open part of a gate at rest: 1 / (1 + exp((V - theta) / sigma)).
struct GateCurve {
  double theta;  // mV
  double sigma;  // mV
};

/// Parameters of one cell: mV, ms, nS, pF, pA.
struct ButeraParameters {
  double c_m;                             // pF
  double g_na, g_nap, g_k, g_l, g_tonic;  // nS
  double e_na, e_k, e_l, e_syn;           // mV
  GateCurve m, mp, n, h;
  double tau_n, tau_h;  // ms, the longest
  std::array<double, 3> start;
};

/// Butera, Rinzel & Smith, J. Neurophysiol. 82:382 (1999), model 1:
///   C V' = -g_Na m_inf(V)^3 (1 - n)(V - E_Na) - g_NaP mp_inf(V) h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L)
///          - g_tonic (V - E_syn) + I
///   y' = (y_inf(V) - y) cosh((V - theta_y) / (2 sigma_y)) / tau_y for y = n, h
class Butera {
 public:
  static constexpr std::size_t size = 3;
  using State = std::array<double, size>;  // V in mV, n, h

  explicit Butera(const ButeraParameters& parameters) : p_{parameters} {}
  const State& start() const { return p_.start; }
  std::size_t electrode() const { return 0; }
  /// @param current  amperes into the cell
  void inject(double current) { injected_ = current * 1e12; }
  void operator()(const State& x, State& dxdt, double t) const;

 private:
  ButeraParameters p_;
  double injected_ = 0.0;  // pA
};

std::span<const ParameterRule> butera_rules();

/// Builds the model "butera". Errors: an impossible combination of parameters.
/// @param parameters  all there, each within its limit
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_butera(const Parameters& parameters);

}  // namespace thyrode::neurons
