// The two-compartment model of a pyramidal cell by Pinsky & Rinzel.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// A rate of gates, in the units of the integrator.
struct GateRate {
  double rate;   // 1/ms
  double mid;    // mV
  double width;  // mV
};

/// Parameters for one square centimetre of membrane: mV from rest, ms, mS, uF, uA.
struct PinskyRinzelParameters {
  double c_m, p, g_c;                           // uF, part of the membrane that is soma, mS
  double g_l, g_na, g_kdr, g_ca, g_kahp, g_kc;  // mS
  double e_l, e_na, e_k, e_ca;                  // mV
  GateRate alpha_m, beta_m, alpha_h, beta_h, alpha_n, beta_n, alpha_s, beta_s;
  double c_switch, alpha_c_tau;       // mV, ms
  double alpha_c_mid, alpha_c_width;  // mV
  GateRate beta_c;
  double alpha_q_per_ca, alpha_q_max, beta_q;     // 1/ms
  double ca_per_charge, ca_decay, ca_saturation;  // 1/nC, 1/ms, 1
  std::array<double, 8> start;
  std::size_t electrode;
};

/// Pinsky & Rinzel, J. Comput. Neurosci. 1:39 (1994), erratum 2:275:
///   C Vs' = -g_L (Vs - E_L) - g_Na m_inf(Vs)^2 h (Vs - E_Na) - g_KDR n (Vs - E_K) + (g_c/p)(Vd - Vs) + Is/p
///   C Vd' = -g_L (Vd - E_L) - I_Ca - g_KAHP q (Vd - E_K) - g_KC c min(Ca/Ca_saturation, 1)(Vd - E_K)
///           + (g_c/(1-p))(Vs - Vd) + Id/(1-p),  I_Ca = g_Ca s^2 (Vd - E_Ca)
///   Ca' = -I_Ca ca_per_charge - ca_decay Ca,  y' = alpha_y (1 - y) - beta_y y for y = h, n, s, c, q
/// and m_inf = alpha_m/(alpha_m + beta_m). With r, mid and w of each GateRate and u = (V - mid)/w the rates are
///   rising linoid        r u/(1 - exp(-u))   alpha_m, alpha_n
///   falling linoid       r u/(exp(u) - 1)    beta_m, beta_s
///   falling exponential  r exp(-u)           alpha_h, beta_n, and the falling part e_c of beta_c
///   sigmoid              r/(1 + exp(-u))     beta_h, alpha_s
/// alpha_c = e_c/r_c exp((Vd - alpha_c_mid)/alpha_c_width)/alpha_c_tau up to c_switch and e_c above it, beta_c = e_c -
/// alpha_c; alpha_q = min(alpha_q_per_ca Ca, alpha_q_max) and beta_q is constant.
class PinskyRinzel {
 public:
  static constexpr std::size_t size = 8;
  using State = std::array<double, size>;  // Vs, Vd in mV, h, n, s, c, q, Ca

  explicit PinskyRinzel(const PinskyRinzelParameters& parameters) : p_{parameters} {}
  const State& start() const { return p_.start; }
  /// 0 in the soma, 1 in the dendrite: where the current goes in and the potential is taken.
  std::size_t electrode() const { return p_.electrode; }
  /// @param current  amperes per square centimetre of the whole membrane
  void inject(double current);
  void operator()(const State& x, State& dxdt, double t) const;

 private:
  double soma(const State& x, State& dxdt) const;
  double dendrite(const State& x, State& dxdt) const;

  PinskyRinzelParameters p_;
  std::array<double, 2> injected_{};  // uA on a square centimetre of each compartment
};

std::span<const ParameterRule> pinsky_rinzel_rules();

/// Builds the model "pinsky-rinzel". Errors: an impossible combination of parameters.
/// @param parameters  all there, each within its limit
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_pinsky_rinzel(const Parameters& parameters);

}  // namespace thyrode::neurons
