#include "firmware/neurons/thyristor_fast.hpp"

namespace thyrode::neurons {

ThyristorFast::ThyristorFast(const ThyristorFastParameters& parameters) : p_{parameters} {
  build();
  state() = State(p_.u_start, 0.0, 0.0);
  now_ = &ready_;
  begin(*now_);
}

void ThyristorFast::build() {
  const double open = 1.0 / p_.r;
  const double closed = open + 1.0 / p_.r_on;
  const auto level = RootSearch::Start::level;
  ready_ = kind(open, 0.0, -1.0 / p_.tau_q);
  dead_ = ready_;
  dead_.deadline = p_.t_dead;
  closed_ = kind(closed, -p_.v_on / p_.r_on, 0.0);

  ready_.add({State(1.0, -1.0, 1.0), p_.v_th, level, false, 0.0});
  // The switch current (w - V_on)/R_on has fallen to I_H.
  closed_.add({State(-1.0, 1.0, 0.0), -p_.v_on - p_.r_on * p_.i_h, level, false, 0.0});
}

void ThyristorFast::set_load(std::size_t /*channel*/, double resistance) {
  end_piece();
  p_.r_l = resistance;
  build();
  begin(*now_);
}

// i = current_at_zero + conductance (u - v).
SwitchingCircuit::Kind ThyristorFast::kind(double conductance, double current_at_zero, double th_rate) const {
  LinearSystem s;
  s.matrix(2, 2) = th_rate;
  s.per_ampere = State(1.0 / p_.c_m, 0.0, 0.0);
  s.matrix(0, 0) = -conductance / p_.c_m;
  s.matrix(0, 1) = conductance / p_.c_m;
  s.matrix(1, 0) = conductance / p_.c_l;
  s.matrix(1, 1) = -(conductance + 1.0 / p_.r_l) / p_.c_l;
  s.constant = State(-current_at_zero / p_.c_m, current_at_zero / p_.c_l, 0.0);
  return Kind{LinearPiece::decoupled(s), State::UnitY(), 0.0};
}

Event ThyristorFast::cross(std::size_t /*border*/) {
  if (now_ == &closed_) {
    state()[2] = p_.d_v;
    clock() = 0.0;
    now_ = p_.t_dead > 0.0 ? &dead_ : &ready_;
    begin(*now_);
    return Event::open;
  }
  const bool was_dead = now_ == &dead_;
  now_ = was_dead ? &ready_ : &closed_;
  begin(*now_);
  return was_dead ? Event::piece : Event::fire;
}

}  // namespace thyrode::neurons
