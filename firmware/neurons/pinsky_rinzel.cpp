#include "firmware/neurons/pinsky_rinzel.hpp"

#include <algorithm>
#include <cmath>

#include "firmware/neurons/conductance_scale.hpp"

namespace thyrode::neurons {

namespace {

// The rate that rises linearly far above its midpoint: rate times x / (1 - exp(-x)).
double rising_linoid(const GateRate& r, double v) {
  return r.rate * linoid((r.mid - v) / r.width);
}
double falling_linoid(const GateRate& r, double v) {
  return r.rate * linoid((v - r.mid) / r.width);
}
double falling_exponential(const GateRate& r, double v) {
  return r.rate * std::exp((r.mid - v) / r.width);
}
double sigmoid(const GateRate& r, double v) {
  return r.rate / (1.0 + std::exp((r.mid - v) / r.width));
}

}  // namespace

void PinskyRinzel::inject(double current) {
  constexpr double unit = 1e-6;  // A in one uA
  const double share = p_.electrode == 0 ? p_.p : 1.0 - p_.p;
  injected_[p_.electrode] = current / unit / share;
}

void PinskyRinzel::operator()(const State& x, State& dxdt, double /*t*/) const {
  const double exchanged = p_.g_c * (x[1] - x[0]);  // uA, from dendrite to soma
  dxdt[0] = (soma(x, dxdt) + exchanged / p_.p + injected_[0]) / p_.c_m;
  dxdt[1] = (dendrite(x, dxdt) - exchanged / (1.0 - p_.p) + injected_[1]) / p_.c_m;
}

// The current of the channels of the soma into it, and the motion of its gates.
double PinskyRinzel::soma(const State& x, State& dxdt) const {
  const double v = x[0], h = x[2], n = x[3];
  const double alpha_m = rising_linoid(p_.alpha_m, v);
  const double m = alpha_m / (alpha_m + falling_linoid(p_.beta_m, v));
  dxdt[2] = falling_exponential(p_.alpha_h, v) * (1.0 - h) - sigmoid(p_.beta_h, v) * h;
  dxdt[3] = rising_linoid(p_.alpha_n, v) * (1.0 - n) - falling_exponential(p_.beta_n, v) * n;
  return -p_.g_l * (v - p_.e_l) - p_.g_na * m * m * h * (v - p_.e_na) - p_.g_kdr * n * (v - p_.e_k);
}

// The same for the dendrite and its calcium.
double PinskyRinzel::dendrite(const State& x, State& dxdt) const {
  const double v = x[1], s = x[4], c = x[5], q = x[6], ca = x[7];
  const double falling_c = falling_exponential(p_.beta_c, v);
  // alpha_c = exp((v - mid)/width - (v - mid_beta)/width_beta) / tau, up to where it would pass the falling part.
  const double alpha_c =
      v > p_.c_switch ? falling_c
                      : falling_c / p_.beta_c.rate / p_.alpha_c_tau * std::exp((v - p_.alpha_c_mid) / p_.alpha_c_width);
  const double i_ca = p_.g_ca * s * s * (v - p_.e_ca);
  dxdt[4] = sigmoid(p_.alpha_s, v) * (1.0 - s) - falling_linoid(p_.beta_s, v) * s;
  dxdt[5] = alpha_c * (1.0 - c) - (falling_c - alpha_c) * c;
  dxdt[6] = std::min(p_.alpha_q_per_ca * ca, p_.alpha_q_max) * (1.0 - q) - p_.beta_q * q;
  dxdt[7] = -p_.ca_per_charge * i_ca - p_.ca_decay * ca;
  return -p_.g_l * (v - p_.e_l) - i_ca -
         (p_.g_kahp * q + p_.g_kc * c * std::min(ca / p_.ca_saturation, 1.0)) * (v - p_.e_k);
}

}  // namespace thyrode::neurons
