// A plain switch whose firing voltage recovers after each spike: fast to run, for tests of what surrounds it.
#pragma once

#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/switching_circuit.hpp"

namespace thyrode::neurons {

/// The parameters of ThyristorFast, SI units; the names are those of the neuron file.
struct ThyristorFastParameters {
  double c_m, c_l;    // F: membrane capacitor, capacitor across the load; 0 is a RelaxationSwitch
  double r, r_on;     // Ohm: open switch, closed switch
  double r_l;         // Ohm: load resistor, across which V_out is taken
  double v_th, v_on;  // V: firing voltage when recovered, on-voltage
  double i_h;         // A: the switch opens here
  double d_v, tau_q;  // V, s: by how much opening lowers the firing voltage, and its recovery
  double t_dead;      // s: no firing for so long after opening
  double u_start;     // V: V_m at the start
};

/// State: V_m (u), V_out (v) and the recovery voltage th. i = (u - v)/R + closed (u - v - V_on)/R_on;
/// th' = -th/tau_q while open, 0 while closed; closes when u - v + th >= V_th, opens when the switch current falls
/// to I_H, then th = dV.
/// It does not reproduce the phases of the real circuit.
class ThyristorFast final : public SwitchingCircuit {
 public:
  explicit ThyristorFast(const ThyristorFastParameters& parameters);

  /// "open" or "closed".
  std::string_view mode(std::size_t /*channel*/) const override { return closed() ? "closed" : "open"; }
  std::optional<Load> load(std::size_t) const override { return Load{p_.r_l, p_.c_l}; }
  void set_load(std::size_t channel, double resistance) override;

 private:
  Event cross(std::size_t border) override;
  bool closed() const override { return now_ == &closed_; }
  void build();
  Kind kind(double conductance, double current_at_zero, double th_rate) const;

  ThyristorFastParameters p_;
  Kind ready_, dead_, closed_;
  const Kind* now_ = nullptr;
};

/// Builds the circuit from parameters that check_parameters has passed.
/// Errors: a relation between parameters that no switch has.
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_thyristor_fast(const Parameters& parameters);

std::span<const ParameterRule> thyristor_fast_rules();

}  // namespace thyrode::neurons
