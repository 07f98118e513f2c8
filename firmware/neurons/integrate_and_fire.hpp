// The textbook neurons: a capacitor, ideal or with a leak, that is reset when it reaches a threshold.
#pragma once

#include <limits>

#include "firmware/neurons/chatter.hpp"
#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"

namespace thyrode::neurons {

/// The parameters of IntegrateAndFire, SI units.
struct IntegrateAndFireParameters {
  double c;              // F: membrane capacitor
  double leak;           // S: 1/R across it; 0 for the ideal neuron
  double v_th, v_reset;  // V: threshold, V_m after a spike and at the start
  double v_pulse;        // V: V_out during the pulse that marks a spike
  double t_pulse;        // s: its length
};

/// C V_m' = I - V_m/R; at V_m = V_th a spike, and V_m = V_reset. V_out is a pulse that begins at the spike (event fire)
/// and ends t_pulse later (event open); a spike within the pulse begins it anew. V_m is integrated on during the pulse,
/// so that I ISI = C (V_th - V_reset) without leak and, for V_reset = 0, f = -1/(tau ln(1 - I_c/I)) with leak,
/// tau = R C, I_c = V_th/R; silent at I <= I_c.
/// Source: Rozenberg, arXiv:2302.08458 (2023), eqs 3 and 4.
class IntegrateAndFire final : public Neuron {
 public:
  explicit IntegrateAndFire(const IntegrateAndFireParameters& parameters);

  void inject(std::size_t channel, double current) override;
  Advance advance(double dt) override;
  double piece_time() const override { return clock_.now(); }
  Waveform membrane(std::size_t channel) const override;
  Waveform output(std::size_t channel) const override;
  std::uint64_t piece() const override { return pieces_; }
  /// "pulse" while V_out is high, else "silent".
  std::string_view mode(std::size_t channel) const override;
  std::string_view failed() const override { return chatter_.reason(); }

 private:
  static constexpr double never = std::numeric_limits<double>::infinity();

  double voltage(double t) const;
  double time_to_threshold() const;
  void begin();

  IntegrateAndFireParameters p_;
  double current_ = 0.0;  // A
  double u_;              // V, at the start of the piece
  // Seconds from the start of the piece.
  double fires_at_ = never;
  double pulse_ends_at_ = never;
  PieceClock clock_;
  std::uint64_t pieces_ = 0;
  Chatter chatter_;
};

/// Builds a circuit from parameters that check_parameters has passed.
/// Errors: a reset not below the threshold.
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_ideal_if(const Parameters& parameters);
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_lif(const Parameters& parameters);

std::span<const ParameterRule> ideal_if_rules();
/// Beside C, R and V_th it takes tau in place of R (R = tau/C) and I_c in place of V_th (V_th = I_c R).
std::span<const ParameterRule> lif_rules();

}  // namespace thyrode::neurons
