// The parameters of the Pinsky-Rinzel model: their rules, and how named values become a neuron.
#include <fmt/format.h>

#include <array>
#include <string>

#include "firmware/neurons/conductance_neuron.hpp"
#include "firmware/neurons/pinsky_rinzel.hpp"

namespace thyrode::neurons {

namespace {

constexpr auto positive = ParameterLimit::positive;
constexpr auto not_negative = ParameterLimit::not_negative;
constexpr auto any = ParameterLimit::any;

constexpr std::string_view channel = "a channel lets ions through, it cannot push them";
constexpr std::string_view reversal = "the potential at which the current changes its sign";
constexpr std::string_view gating = "a transition of gates happens so often a second";
constexpr std::string_view middle = "the potential at which the rate has its stated size";
constexpr std::string_view width = "a rate that changes over no potential at all would jump";
constexpr std::string_view start = "the state when the neuron is switched on";

constexpr std::array rules = with_scale(std::array{
    ParameterRule{"C_m", "F", positive, "a membrane stores charge of the sign of its potential"},
    ParameterRule{"p", "", positive, "the soma has a part of the membrane"},
    ParameterRule{"g_c", "S", not_negative, "the cytoplasm between soma and dendrite is a resistor"},
    ParameterRule{"g_L", "S", positive, "without leak the membrane has no resting potential"},
    ParameterRule{"g_Na", "S", not_negative, channel},
    ParameterRule{"g_KDR", "S", not_negative, channel},
    ParameterRule{"g_Ca", "S", not_negative, channel},
    ParameterRule{"g_KAHP", "S", not_negative, channel},
    ParameterRule{"g_KC", "S", not_negative, channel},
    ParameterRule{"E_L", "V", any, reversal},
    ParameterRule{"E_Na", "V", any, reversal},
    ParameterRule{"E_K", "V", any, reversal},
    ParameterRule{"E_Ca", "V", any, reversal},
    ParameterRule{"alpha_m_rate", "Hz", positive, gating},
    ParameterRule{"alpha_m_mid", "V", any, middle},
    ParameterRule{"alpha_m_width", "V", positive, width},
    ParameterRule{"beta_m_rate", "Hz", positive, gating},
    ParameterRule{"beta_m_mid", "V", any, middle},
    ParameterRule{"beta_m_width", "V", positive, width},
    ParameterRule{"alpha_h_rate", "Hz", positive, gating},
    ParameterRule{"alpha_h_mid", "V", any, middle},
    ParameterRule{"alpha_h_width", "V", positive, width},
    ParameterRule{"beta_h_rate", "Hz", positive, gating},
    ParameterRule{"beta_h_mid", "V", any, middle},
    ParameterRule{"beta_h_width", "V", positive, width},
    ParameterRule{"alpha_n_rate", "Hz", positive, gating},
    ParameterRule{"alpha_n_mid", "V", any, middle},
    ParameterRule{"alpha_n_width", "V", positive, width},
    ParameterRule{"beta_n_rate", "Hz", positive, gating},
    ParameterRule{"beta_n_mid", "V", any, middle},
    ParameterRule{"beta_n_width", "V", positive, width},
    ParameterRule{"alpha_s_rate", "Hz", positive, gating},
    ParameterRule{"alpha_s_mid", "V", any, middle},
    ParameterRule{"alpha_s_width", "V", positive, width},
    ParameterRule{"beta_s_rate", "Hz", positive, gating},
    ParameterRule{"beta_s_mid", "V", any, middle},
    ParameterRule{"beta_s_width", "V", positive, width},
    ParameterRule{"c_switch", "V", any, "above it gates of K(C) open so fast that none close"},
    ParameterRule{"alpha_c_tau", "s", positive, "a transition of gates takes time"},
    ParameterRule{"alpha_c_mid", "V", any, middle},
    ParameterRule{"alpha_c_width", "V", positive, width},
    ParameterRule{"beta_c_rate", "Hz", positive, gating},
    ParameterRule{"beta_c_mid", "V", any, middle},
    ParameterRule{"beta_c_width", "V", positive, width},
    ParameterRule{"alpha_q_rate", "Hz", positive, "calcium opens the gates of K(AHP)"},
    ParameterRule{"alpha_q_max", "Hz", positive, gating},
    ParameterRule{"beta_q_rate", "Hz", positive, gating},
    ParameterRule{"Ca_charge", "C", positive, "calcium that enters raises its concentration"},
    ParameterRule{"Ca_decay", "Hz", positive, "calcium that is not removed would rise without end"},
    ParameterRule{"Ca_saturation", "", positive, "calcium opens the channels of K(C) up to a concentration"},
    ParameterRule{"V_s_start", "V", any, start},
    ParameterRule{"V_d_start", "V", any, start},
    ParameterRule{"h_start", "", not_negative, start},
    ParameterRule{"n_start", "", not_negative, start},
    ParameterRule{"s_start", "", not_negative, start},
    ParameterRule{"c_start", "", not_negative, start},
    ParameterRule{"q_start", "", not_negative, start},
    ParameterRule{"Ca_start", "", not_negative, "a concentration is not negative"},
    ParameterRule{"electrode", "", any, "0: in the soma, 1: in the dendrite"},
});

constexpr std::array<std::string_view, 5> gates{"h_start", "n_start", "s_start", "c_start", "q_start"};

PinskyRinzelParameters lower(const Parameters& given) {
  const auto si = [&](std::string_view name) { return given.find(name)->second; };
  const auto milli = [&](std::string_view name) { return si(name) * 1e3; };    // V, S -> mV, mS
  const auto micro = [&](std::string_view name) { return si(name) * 1e6; };    // F -> uF
  const auto per_ms = [&](std::string_view name) { return si(name) * 1e-3; };  // Hz -> 1/ms
  const auto rate = [&](const std::string& name) {
    return GateRate{per_ms(name + "_rate"), milli(name + "_mid"), milli(name + "_width")};
  };
  PinskyRinzelParameters p{};
  p.c_m = micro("C_m"), p.p = si("p"), p.g_c = milli("g_c");
  p.g_l = milli("g_L"), p.g_na = milli("g_Na"), p.g_kdr = milli("g_KDR");
  p.g_ca = milli("g_Ca"), p.g_kahp = milli("g_KAHP"), p.g_kc = milli("g_KC");
  p.e_l = milli("E_L"), p.e_na = milli("E_Na"), p.e_k = milli("E_K"), p.e_ca = milli("E_Ca");
  p.alpha_m = rate("alpha_m"), p.beta_m = rate("beta_m");
  p.alpha_h = rate("alpha_h"), p.beta_h = rate("beta_h");
  p.alpha_n = rate("alpha_n"), p.beta_n = rate("beta_n");
  p.alpha_s = rate("alpha_s"), p.beta_s = rate("beta_s");
  p.c_switch = milli("c_switch"), p.alpha_c_tau = milli("alpha_c_tau");
  p.alpha_c_mid = milli("alpha_c_mid"), p.alpha_c_width = milli("alpha_c_width");
  p.beta_c = rate("beta_c");
  p.alpha_q_per_ca = per_ms("alpha_q_rate"), p.alpha_q_max = per_ms("alpha_q_max"), p.beta_q = per_ms("beta_q_rate");
  p.ca_per_charge = 1e-9 / si("Ca_charge");  // 1/nC: 1 uA for 1 ms is 1 nC
  p.ca_decay = per_ms("Ca_decay"), p.ca_saturation = si("Ca_saturation");
  p.start = {milli("V_s_start"), milli("V_d_start"), si("h_start"), si("n_start"),
             si("s_start"),      si("c_start"),      si("q_start"), si("Ca_start")};
  p.electrode = si("electrode") == 0.0 ? 0 : 1;
  return p;
}

}  // namespace

std::span<const ParameterRule> pinsky_rinzel_rules() {
  return rules;
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_pinsky_rinzel(const Parameters& parameters) {
  if (auto error = check_conductance(parameters, gates)) return tl::make_unexpected(*error);
  const double p = parameters.find("p")->second;
  if (p >= 1.0) {
    return tl::make_unexpected(
        ParameterError{"p", fmt::format("p is {:.6g}, must be below 1: the dendrite has the rest of the membrane", p)});
  }
  const double electrode = parameters.find("electrode")->second;
  if (electrode != 0.0 && electrode != 1.0) {
    return tl::make_unexpected(ParameterError{
        "electrode", fmt::format("electrode is {:.6g}, must be 0 (in the soma) or 1 (in the dendrite)", electrode)});
  }
  return std::make_unique<ConductanceNeuron<PinskyRinzel>>(PinskyRinzel{lower(parameters)},
                                                           conductance_scale(parameters));
}

}  // namespace thyrode::neurons
