// The parameters of both thyristor models: their rules, and how named values become a circuit.
#include <fmt/format.h>

#include <array>

#include "firmware/neurons/parameters.hpp"
#include "firmware/neurons/relaxation_switch.hpp"
#include "firmware/neurons/thyristor.hpp"
#include "firmware/neurons/thyristor_fast.hpp"

namespace thyrode::neurons {

namespace {

constexpr auto positive = ParameterLimit::positive;
constexpr auto not_negative = ParameterLimit::not_negative;
constexpr auto any = ParameterLimit::any;

constexpr std::string_view capacitor = "a capacitor stores charge of the sign of its voltage";
constexpr std::string_view resistor = "a passive resistor loses energy";
constexpr std::string_view forward = "the device conducts forwards only";
constexpr std::string_view decay = "stored charge decays";
constexpr std::string_view time_of_load = "the load discharges with tau_L = R_L C_L";
constexpr std::string_view start = "the voltage of the membrane capacitor when the circuit is switched on";

constexpr std::array rules{
    ParameterRule{"C_m", "F", positive, capacitor},
    ParameterRule{"C_L", "F", positive, capacitor},
    ParameterRule{"R_L", "Ohm", positive, resistor},
    ParameterRule{"V_th", "V", positive, "the device fires at a forward voltage"},
    ParameterRule{"V_k", "V", positive, "the leak has its corner at a forward voltage"},
    ParameterRule{"G0", "S", positive, "an open device leaks; without leak the membrane has no resting voltage"},
    ParameterRule{"I_0", "A", positive, "the leak at firing flows forwards"},
    ParameterRule{"dI", "A", not_negative, "a load raises the leak at firing"},
    ParameterRule{"R_h", "Ohm", positive, resistor},
    ParameterRule{"K", "Ohm", not_negative, "stored charge lowers the firing voltage"},
    ParameterRule{"tau_r", "s", positive, decay},
    ParameterRule{"R_on", "Ohm", positive, resistor},
    ParameterRule{"V_on", "V", not_negative, forward},
    ParameterRule{"q1", "A", positive, forward},
    ParameterRule{"q2", "A", positive, forward},
    ParameterRule{"q_F", "A", not_negative, "firing leaves charge in the device"},
    ParameterRule{"r1", "Ohm", not_negative, "the on-voltage rises as stored charge is lost"},
    ParameterRule{"r2", "Ohm", not_negative, "the on-voltage rises as stored charge is lost"},
    ParameterRule{"tau_q", "s", positive, decay},
    ParameterRule{"I_off", "A", positive, "a device that conducts at no current would never open"},
    ParameterRule{"q3", "A", positive, "a settled device opens at a forward current"},
    ParameterRule{"T_s", "s", not_negative, "a device settles after it has fired"},
    ParameterRule{"q_inf", "A", positive, forward},
    ParameterRule{"V_d", "V", not_negative, "a load damps the conducting state"},
    ParameterRule{"Z", "C", positive, "a settled device has a reserve of charge"},
    ParameterRule{"u_start", "V", any, start},
    ParameterRule{"tau_L", "s", positive, time_of_load, "R_L", "C_L"},
};

constexpr std::array order{
    Ordered{"V_on", "V_th", false,
            "firing lowers the voltage across the device; with the threshold below the on-voltage it would raise it"},
    Ordered{"V_k", "V_th", false, "the steep part of the leak lies between its corner and the firing voltage"},
    Ordered{"q2", "q1", false, "the second slope of the on-voltage begins below the first"},
    Ordered{"q3", "q2", true, "a device settles at q2 or above and opens from there on the way down"},
    Ordered{"q_inf", "q1", true, "a device that conducts for ever above q_inf does so on the first slope"},
};

constexpr std::array fast_rules{
    ParameterRule{"C_m", "F", positive, capacitor},
    ParameterRule{"C_L", "F", not_negative, capacitor},
    ParameterRule{"R", "Ohm", positive, resistor},
    ParameterRule{"R_on", "Ohm", positive, resistor},
    ParameterRule{"R_L", "Ohm", positive, "the spikes are seen across it"},
    ParameterRule{"V_th", "V", positive, "the switch fires at a forward voltage"},
    ParameterRule{"V_on", "V", not_negative, forward},
    ParameterRule{"I_H", "A", positive, "a switch that stays closed at no current would never open"},
    ParameterRule{"dV", "V", not_negative, "firing lowers the firing voltage"},
    ParameterRule{"tau_q", "s", positive, "the firing voltage recovers"},
    ParameterRule{"t_dead", "s", not_negative, "a dead time follows opening"},
    ParameterRule{"u_start", "V", any, start},
    ParameterRule{"tau_L", "s", positive, time_of_load, "R_L", "C_L"},
};

constexpr std::array fast_order{
    Ordered{"V_on", "V_th", false,
            "firing lowers the voltage across the switch; with the threshold below the on-voltage it would raise it"},
};

ThyristorParameters lower(const Parameters& given) {
  const auto get = [&](std::string_view name) { return given.find(name)->second; };
  ThyristorParameters p{};
  p.c_m = get("C_m"), p.c_l = get("C_L"), p.r_l = get("R_L");
  p.v_th = get("V_th"), p.v_k = get("V_k"), p.g_0 = get("G0");
  p.i_0 = get("I_0"), p.d_i = get("dI"), p.r_h = get("R_h");
  p.k = get("K"), p.tau_r = get("tau_r");
  p.r_on = get("R_on"), p.v_on = get("V_on");
  p.q_1 = get("q1"), p.q_2 = get("q2"), p.q_f = get("q_F");
  p.r_1 = get("r1"), p.r_2 = get("r2"), p.tau_q = get("tau_q");
  p.i_off = get("I_off"), p.q_3 = get("q3"), p.t_s = get("T_s");
  p.q_inf = get("q_inf"), p.v_d = get("V_d"), p.z = get("Z");
  p.u_start = get("u_start");
  return p;
}

ThyristorFastParameters lower_fast(const Parameters& given) {
  const auto get = [&](std::string_view name) { return given.find(name)->second; };
  ThyristorFastParameters p{};
  p.c_m = get("C_m"), p.c_l = get("C_L");
  p.r = get("R"), p.r_on = get("R_on"), p.r_l = get("R_L");
  p.v_th = get("V_th"), p.v_on = get("V_on"), p.i_h = get("I_H");
  p.d_v = get("dV"), p.tau_q = get("tau_q"), p.t_dead = get("t_dead");
  p.u_start = get("u_start");
  return p;
}

}  // namespace

std::span<const ParameterRule> thyristor_rules() {
  return rules;
}
std::span<const ParameterRule> thyristor_fast_rules() {
  return fast_rules;
}

tl::expected<ThyristorParameters, ParameterError> lower_thyristor(const Parameters& parameters) {
  if (auto error = check_order(rules, parameters, order)) return tl::make_unexpected(*error);
  const ThyristorParameters p = lower(parameters);
  const double at_firing = p.i_0 + p.d_i * p.r_l / (p.r_l + p.r_h);
  if (at_firing <= p.g_0 * p.v_k) {
    return tl::make_unexpected(ParameterError{
        "I_0", fmt::format("the leak at firing is {}, must be above the leak at its corner, G0 V_k = {}: the open "
                           "device has no falling part",
                           with_unit(at_firing, "A"), with_unit(p.g_0 * p.v_k, "A"))});
  }
  return p;
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_thyristor(const Parameters& parameters) {
  const auto lowered = lower_thyristor(parameters);
  if (!lowered) return tl::make_unexpected(lowered.error());
  return std::make_unique<Thyristor>(*lowered);
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_thyristor_fast(const Parameters& parameters) {
  if (auto error = check_order(fast_rules, parameters, fast_order)) return tl::make_unexpected(*error);
  const ThyristorFastParameters lowered = lower_fast(parameters);
  if (lowered.c_l == 0.0) return std::make_unique<RelaxationSwitch>(lowered);
  return std::make_unique<ThyristorFast>(lowered);
}

}  // namespace thyrode::neurons
