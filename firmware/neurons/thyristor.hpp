// The spiking neuron made of one thyristor, one resistor at its gate, and two capacitors.
#pragma once

#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/switching_circuit.hpp"

namespace thyrode::neurons {

/// The parameters of Thyristor, SI units; the names are those of the neuron file.
struct ThyristorParameters {
  double c_m, c_l;            // F: membrane capacitor, capacitor across the load
  double r_l;                 // Ohm: load resistor, across which V_out is taken
  double v_th, v_k;           // V: firing voltage, corner of the leak
  double g_0;                 // S: leak below the corner
  double i_0, d_i, r_h;       // A, A, Ohm: leak at firing = i_0 + d_i r_l / (r_l + r_h)
  double k, tau_r;            // Ohm, s: how stored charge lowers the firing voltage, its decay while open
  double r_on, v_on;          // Ohm, V: conducting device
  double q_1, q_2, q_f;       // A: edges of the on-voltage, charge right after firing
  double r_1, r_2;            // Ohm: slopes of the on-voltage below q_1 and below q_2
  double tau_q;               // s: decay of the stored charge while conducting
  double i_off;               // A: the device opens here
  double q_3, q_inf, v_d, z;  // A, A, V, C: end of the settled state
  double t_s;                 // s: conduction after which the device may settle
  double u_start;             // V: V_m at the start
};

/// State: V_m (u), V_out (v) and the charge stored in the device, expressed as the current that keeps it up (q).
/// The device is open, or conducts freshly (its on-voltage has two slopes in q), or is settled (one slope and a
/// reserve of charge that q may stay short of). Each is linear between borders of w = u - v and of q.
/// One capacitor much slower than all else gives a tonic spiker (MSN); a load R_L C_L near the device's own
/// times gives bursts (MBN).
/// Source: Wu, Wang, Schneegans, Stoliar & Rozenberg, Neuromorph. Comput. Eng. 3 (2023) 044008 for circuit and
/// measurements; the device equations are a fit to these, not published.
class Thyristor final : public SwitchingCircuit {
 public:
  /// @param decay_time  seconds, of the current that kick() adds to; 0 for a circuit that is never kicked
  explicit Thyristor(const ThyristorParameters& parameters, double decay_time = 0.0);

  /// "open", "fresh" or "settled".
  std::string_view mode(std::size_t channel) const override;
  std::optional<Load> load(std::size_t) const override { return Load{p_.r_l, p_.c_l}; }
  void set_load(std::size_t channel, double resistance) override;

 private:
  // The names say where the state is; "deficit" is below the charge that keeps a settled device conducting.
  enum Phase {
    open_low,
    open_high,
    fresh_above,
    fresh_edge,
    fresh_below,
    settled_above,
    settled_edge,
    settled_deficit
  };
  static constexpr std::size_t phases = 8;

  Event cross(std::size_t border) override;
  bool closed() const override { return phase_ != open_low && phase_ != open_high; }
  void enter(Phase phase);
  Event fire();
  Event open();
  Event move(Phase phase);
  void build_open();
  void build_fresh();
  void build_settled();
  LinearPiece open_piece(double conductance, double current_at_zero) const;
  LinearPiece conducting_piece(double voltage, double slope) const;
  Kind kind(const LinearPiece& piece) const { return Kind{piece, State::UnitY(), 0.0}; }
  Border off_border(double voltage, double slope) const;

  LinearPiece driven(LinearPiece piece, const LinearSystem& system) const;
  void build_all();
  void build(double decay_time);
  bool resonates() const;

  ThyristorParameters p_;
  double decay_time_;        // s; 0 for a circuit that is never kicked
  double decay_rate_ = 0.0;  // 1/s, negative; 0 for a circuit that is never kicked
  double q_c_ = 0.0;         // A: a settled device conducts for ever above
  Phase phase_ = open_low;
  std::array<Kind, phases> kinds_;
};

/// The parameters of one circuit by name, checked by check_parameters before.
/// Errors: a relation between parameters that no device has, such as a firing voltage below the on-voltage.
tl::expected<ThyristorParameters, ParameterError> lower_thyristor(const Parameters& parameters);

/// Builds the circuit from such parameters. Errors: those of lower_thyristor.
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_thyristor(const Parameters& parameters);

std::span<const ParameterRule> thyristor_rules();

}  // namespace thyrode::neurons
