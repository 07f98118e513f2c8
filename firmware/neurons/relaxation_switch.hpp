// The fast switch on a load without capacitor: one voltage, solved in closed form.
#pragma once

#include <limits>

#include "firmware/neurons/chatter.hpp"
#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"
#include "firmware/neurons/thyristor_fast.hpp"

namespace thyrode::neurons {

/// ThyristorFast for C_L = 0, where V_out follows V_m at once and V_m (u) is a single exponential in either state:
///   open    u' = (u_inf - u)/tau, tau = C_m (R + R_L), u_inf = I (R + R_L); fires when u + th (R + R_L)/R has reached
///           V_th (R + R_L)/R, th decaying with tau_q, and the dead time is over
///   closed  with g = 1/R + 1/R_on: tau = C_m (1 + g R_L)/g, u_inf = (I (1 + g R_L) + V_on/R_on)/g; opens when the
///           switch current has fallen to I_H
/// Opening is a logarithm; firing is one too once th has gone, before that the one root of a sum of two exponentials.
class RelaxationSwitch final : public Neuron {
 public:
  explicit RelaxationSwitch(const ThyristorFastParameters& parameters);

  void inject(std::size_t channel, double current) override;
  Advance advance(double dt) override;
  double piece_time() const override { return clock_.now(); }
  Waveform membrane(std::size_t channel) const override;
  Waveform output(std::size_t channel) const override;
  std::uint64_t piece() const override { return pieces_; }
  std::string_view mode(std::size_t /*channel*/) const override { return closed_ ? "closed" : "open"; }
  bool latched(std::size_t /*channel*/) const override { return closed_ && end_ == never; }
  std::string_view failed() const override { return chatter_.reason(); }

 private:
  static constexpr double never = std::numeric_limits<double>::infinity();

  // What one state of the switch does to u.
  struct State {
    double rate;          // 1/s
    double per_ampere;    // V/A: u_inf = at_rest + per_ampere I
    double at_rest;       // V
    double output_share;  // V_out = output_zero + output_share u
    double output_zero;   // V
  };
  // Where the firing condition stands at a time.
  struct Distance {
    double value;      // V: u + th - firing voltage
    double slope;      // V/s
    double curvature;  // V/s^2
  };

  const State& state() const { return closed_ ? closed_state_ : open_state_; }
  void begin();
  double opening_time() const;
  double firing_time() const;
  double bracketed_firing_time(double low, double high) const;
  Distance distance(double t) const;
  double voltage(double t) const;
  void settle(double t);

  State open_state_, closed_state_;
  double fire_u_;         // V: the firing voltage seen from V_m
  double open_u_;         // V: V_m at which the switch opens
  double recovery_;       // V: how far opening lowers the firing voltage, seen from V_m
  double recovery_rate_;  // 1/s
  double dead_time_;      // s

  bool closed_ = false;
  double current_ = 0.0;    // A
  double u_;                // V, at the start of the piece
  double lowered_ = 0.0;    // V: th at the start of the piece, seen from V_m
  double dead_left_ = 0.0;  // s, at the start of the piece

  double aim_ = 0.0;        // V: u_inf of the piece
  double end_ = never;      // s from the start of the piece to its event
  double open_for_ = 0.0;   // s, at the start of the piece
  double interval_ = 1e-3;  // s: how long the switch was open before it last fired
  double guess_ = 1e-3;     // s: about when this piece fires
  PieceClock clock_;
  std::uint64_t pieces_ = 0;
  Chatter chatter_;
};

}  // namespace thyrode::neurons
