#include "firmware/neurons/butera.hpp"

#include <array>
#include <cmath>
#include <string>

#include "firmware/neurons/conductance_neuron.hpp"

namespace thyrode::neurons {

namespace {

constexpr auto positive = ParameterLimit::positive;
constexpr auto not_negative = ParameterLimit::not_negative;
constexpr auto not_zero = ParameterLimit::not_zero;
constexpr auto any = ParameterLimit::any;

constexpr std::string_view channel = "a channel lets ions through, it cannot push them";
constexpr std::string_view reversal = "the potential at which the current changes its sign";
constexpr std::string_view half = "the potential at which half the gates are open";
constexpr std::string_view slope =
    "gates that open over no potential at all would jump; negative: they open as V rises";
constexpr std::string_view lasts = "a transition of gates takes time";
constexpr std::string_view start = "the state when the neuron is switched on";

constexpr std::array rules = with_scale(std::array{
    ParameterRule{"C_m", "F", positive, "a membrane stores charge of the sign of its potential"},
    ParameterRule{"g_Na", "S", not_negative, channel},
    ParameterRule{"g_NaP", "S", not_negative, channel},
    ParameterRule{"g_K", "S", not_negative, channel},
    ParameterRule{"g_L", "S", positive, "without leak the membrane has no resting potential"},
    ParameterRule{"g_tonic", "S", not_negative, channel},
    ParameterRule{"E_Na", "V", any, reversal},
    ParameterRule{"E_K", "V", any, reversal},
    ParameterRule{"E_L", "V", any, reversal},
    ParameterRule{"E_syn", "V", any, reversal},
    ParameterRule{"theta_m", "V", any, half},
    ParameterRule{"sigma_m", "V", not_zero, slope},
    ParameterRule{"theta_mp", "V", any, half},
    ParameterRule{"sigma_mp", "V", not_zero, slope},
    ParameterRule{"theta_n", "V", any, half},
    ParameterRule{"sigma_n", "V", not_zero, slope},
    ParameterRule{"theta_h", "V", any, half},
    ParameterRule{"sigma_h", "V", not_zero, slope},
    ParameterRule{"tau_n", "s", positive, lasts},
    ParameterRule{"tau_h", "s", positive, lasts},
    ParameterRule{"V_start", "V", any, start},
    ParameterRule{"n_start", "", not_negative, start},
    ParameterRule{"h_start", "", not_negative, start},
});

constexpr std::array<std::string_view, 2> gates{"n_start", "h_start"};

ButeraParameters lower(const Parameters& given) {
  const auto si = [&](std::string_view name) { return given.find(name)->second; };
  const auto milli = [&](std::string_view name) { return si(name) * 1e3; };  // V, s -> mV, ms
  const auto nano = [&](std::string_view name) { return si(name) * 1e9; };   // S -> nS
  const auto curve = [&](const std::string& gate) { return GateCurve{milli("theta_" + gate), milli("sigma_" + gate)}; };
  ButeraParameters p{};
  p.c_m = si("C_m") * 1e12;  // F -> pF
  p.g_na = nano("g_Na"), p.g_nap = nano("g_NaP"), p.g_k = nano("g_K");
  p.g_l = nano("g_L"), p.g_tonic = nano("g_tonic");
  p.e_na = milli("E_Na"), p.e_k = milli("E_K"), p.e_l = milli("E_L"), p.e_syn = milli("E_syn");
  p.m = curve("m"), p.mp = curve("mp"), p.n = curve("n"), p.h = curve("h");
  p.tau_n = milli("tau_n"), p.tau_h = milli("tau_h");
  p.start = {milli("V_start"), si("n_start"), si("h_start")};
  return p;
}

double open_part(const GateCurve& curve, double v) {
  return 1.0 / (1.0 + std::exp((v - curve.theta) / curve.sigma));
}

// (y_inf - y) cosh((v - theta) / (2 sigma)) / tau with one exponential: y_inf = 1 / (1 + e^2), cosh = (e + 1/e) / 2.
double motion(const GateCurve& curve, double tau, double v, double y) {
  const double e = std::exp(0.5 * (v - curve.theta) / curve.sigma);
  return (1.0 / (1.0 + e * e) - y) * (e + 1.0 / e) * 0.5 / tau;
}

}  // namespace

void Butera::operator()(const State& x, State& dxdt, double /*t*/) const {
  const double v = x[0], n = x[1], h = x[2];
  const double m = open_part(p_.m, v);
  const double n2 = n * n;
  const double sodium = p_.g_na * m * m * m * (1.0 - n) + p_.g_nap * open_part(p_.mp, v) * h;
  dxdt[0] = (-sodium * (v - p_.e_na) - p_.g_k * n2 * n2 * (v - p_.e_k) - p_.g_l * (v - p_.e_l) -
             p_.g_tonic * (v - p_.e_syn) + injected_) /
            p_.c_m;
  dxdt[1] = motion(p_.n, p_.tau_n, v, n);
  dxdt[2] = motion(p_.h, p_.tau_h, v, h);
}

std::span<const ParameterRule> butera_rules() {
  return rules;
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_butera(const Parameters& parameters) {
  if (auto error = check_conductance(parameters, gates)) return tl::make_unexpected(*error);
  return std::make_unique<ConductanceNeuron<Butera>>(Butera{lower(parameters)}, conductance_scale(parameters));
}

}  // namespace thyrode::neurons
