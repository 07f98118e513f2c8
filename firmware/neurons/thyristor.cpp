#include "firmware/neurons/thyristor.hpp"

#include <algorithm>

namespace thyrode::neurons {

namespace {

constexpr auto level = RootSearch::Start::level;
constexpr auto border = RootSearch::Start::border;

// The on-voltage E = voltage - slope q over the three ranges of q.
struct OnVoltage {
  double voltage;
  double slope;
};
OnVoltage above(const ThyristorParameters& p) {
  return {p.v_on, 0.0};
}
OnVoltage edge(const ThyristorParameters& p) {
  return {p.v_on + p.r_1 * p.q_1, p.r_1};
}
OnVoltage below(const ThyristorParameters& p) {
  return {p.v_on + p.r_1 * (p.q_1 - p.q_2) + p.r_2 * p.q_2, p.r_2};
}

// Borders of the stored charge alone.
const State rising_q{0.0, 0.0, 1.0};
const State falling_q{0.0, 0.0, -1.0};

}  // namespace

Thyristor::Thyristor(const ThyristorParameters& parameters, double decay_time)
    : p_{parameters}, decay_time_{decay_time} {
  build_all();
  state() = State(p_.u_start, 0.0, 0.0);
  enter(p_.u_start < p_.v_k ? open_low : open_high);
}

void Thyristor::build_all() {
  q_c_ = std::max(p_.q_3, p_.q_inf - p_.v_d / p_.r_l);
  double decay_time = decay_time_;
  build(decay_time);
  // A current that decays as a mode does: a change of its decay far below its tolerance parts them.
  while (decay_time > 0.0 && resonates()) build(decay_time *= 1.0 + 1e-6);
}

void Thyristor::set_load(std::size_t /*channel*/, double resistance) {
  end_piece();
  p_.r_l = resistance;
  build_all();
  // The load says how much charge keeps a settled device conducting.
  if (phase_ == settled_edge || phase_ == settled_deficit) {
    phase_ = state()[2] < q_c_ ? settled_deficit : settled_edge;
  }
  enter(phase_);
}

void Thyristor::build(double decay_time) {
  decay_rate_ = decay_time > 0.0 ? -1.0 / decay_time : 0.0;
  build_open();
  build_fresh();
  build_settled();
}

bool Thyristor::resonates() const {
  return std::any_of(kinds_.begin(), kinds_.end(), [&](const Kind& k) { return k.motion.resonant(decay_rate_); });
}

LinearPiece Thyristor::driven(LinearPiece piece, const LinearSystem& system) const {
  if (decay_rate_ != 0.0) piece.add_drive(system, decay_rate_);
  return piece;
}

// C_m u' = I - i, C_L v' = i - v/R_L, i = current_at_zero + conductance (u - v), q' = -q/tau_r.
LinearPiece Thyristor::open_piece(double conductance, double current_at_zero) const {
  LinearSystem s;
  s.matrix << -conductance / p_.c_m, conductance / p_.c_m, 0.0,           //
      conductance / p_.c_l, -(conductance + 1.0 / p_.r_l) / p_.c_l, 0.0,  //
      0.0, 0.0, -1.0 / p_.tau_r;
  s.constant = State(-current_at_zero / p_.c_m, current_at_zero / p_.c_l, 0.0);
  s.per_ampere = State(1.0 / p_.c_m, 0.0, 0.0);
  return driven(LinearPiece::decoupled(s), s);
}

// The same with i = (u - v - voltage + slope q) / R_on and q' = (i - q)/tau_q.
LinearPiece Thyristor::conducting_piece(double voltage, double slope) const {
  const State i = State(1.0, -1.0, slope) / p_.r_on;
  const double i_zero = -voltage / p_.r_on;
  double tau_q = p_.tau_q;
  while (true) {
    LinearSystem s;
    s.matrix.row(0) = -i.transpose() / p_.c_m;
    s.matrix.row(1) = i.transpose() / p_.c_l;
    s.matrix.row(2) = i.transpose() / tau_q;
    s.matrix(1, 1) -= 1.0 / (p_.r_l * p_.c_l);
    s.matrix(2, 2) -= 1.0 / tau_q;
    s.constant = State(-i_zero / p_.c_m, i_zero / p_.c_l, i_zero / tau_q);
    s.per_ampere = State(1.0 / p_.c_m, 0.0, 0.0);
    const LinearPiece piece = LinearPiece::coupled(s);
    if (piece.well_separated()) return driven(piece, s);
    // Two rates coincide: a change of tau_q far below its tolerance parts them.
    tau_q *= 1.0 + 1e-7;
  }
}

// The device opens when i <= I_off.
SwitchingCircuit::Border Thyristor::off_border(double voltage, double slope) const {
  return {State(-1.0, 1.0, -slope) / p_.r_on, -voltage / p_.r_on - p_.i_off, level, false, 0.0};
}

void Thyristor::build_open() {
  const double i_th = p_.i_0 + p_.d_i * p_.r_l / (p_.r_l + p_.r_h);
  const double steep = (i_th - p_.g_0 * p_.v_k) / (p_.v_th - p_.v_k);
  const Border firing{State(1.0, -1.0, p_.k), p_.v_th, level, false, 0.0};
  kinds_[open_low] = kind(open_piece(p_.g_0, 0.0));
  kinds_[open_low].add({State(1.0, -1.0, 0.0), p_.v_k, border, false, 0.0});
  kinds_[open_low].add(firing);
  kinds_[open_high] = kind(open_piece(steep, (p_.g_0 - steep) * p_.v_k));
  kinds_[open_high].add({State(-1.0, 1.0, 0.0), -p_.v_k, border, false, 0.0});
  kinds_[open_high].add(firing);
}

void Thyristor::build_fresh() {
  const auto [v_above, s_above] = above(p_);
  Kind& high = kinds_[fresh_above] = kind(conducting_piece(v_above, s_above));
  high.deadline = p_.t_s;
  high.add({falling_q, -p_.q_1, border, false, 0.0});
  high.add(off_border(v_above, s_above));

  const auto [v_edge, s_edge] = edge(p_);
  Kind& middle = kinds_[fresh_edge] = kind(conducting_piece(v_edge, s_edge));
  middle.deadline = p_.t_s;
  middle.add({rising_q, p_.q_1, border, false, 0.0});
  middle.add({falling_q, -p_.q_2, border, false, 0.0});
  middle.add(off_border(v_edge, s_edge));

  const auto [v_below, s_below] = below(p_);
  Kind& low = kinds_[fresh_below] = kind(conducting_piece(v_below, s_below));
  low.add({rising_q, p_.q_2, border, false, 0.0});
  low.add(off_border(v_below, s_below));
}

void Thyristor::build_settled() {
  const auto [v_above, s_above] = above(p_);
  kinds_[settled_above] = kind(kinds_[fresh_above].motion);
  kinds_[settled_above].add({falling_q, -p_.q_1, border, false, 0.0});
  kinds_[settled_above].add(off_border(v_above, s_above));

  const auto [v_edge, s_edge] = edge(p_);
  kinds_[settled_edge] = kind(kinds_[fresh_edge].motion);
  kinds_[settled_edge].add({rising_q, p_.q_1, border, false, 0.0});
  kinds_[settled_edge].add({falling_q, -q_c_, border, false, 0.0});
  kinds_[settled_edge].add(off_border(v_edge, s_edge));

  kinds_[settled_deficit] = kind(kinds_[fresh_edge].motion);
  kinds_[settled_deficit].add({rising_q, q_c_, border, false, 0.0});
  kinds_[settled_deficit].add({falling_q, -p_.q_3, level, false, 0.0});
  kinds_[settled_deficit].add({falling_q, -q_c_, level, true, p_.z});
  kinds_[settled_deficit].add(off_border(v_edge, s_edge));
}

std::string_view Thyristor::mode(std::size_t /*channel*/) const {
  if (!closed()) return "open";
  return phase_ == fresh_above || phase_ == fresh_edge || phase_ == fresh_below ? "fresh" : "settled";
}

void Thyristor::enter(Phase phase) {
  phase_ = phase;
  begin(kinds_[phase]);
}

Event Thyristor::move(Phase phase) {
  enter(phase);
  return Event::piece;
}

Event Thyristor::fire() {
  double& q = state()[2];
  q = std::max(q, p_.q_f);
  clock() = 0.0;
  reserve() = 0.0;
  enter(q > p_.q_1 ? fresh_above : q > p_.q_2 ? fresh_edge : fresh_below);
  return Event::fire;
}

Event Thyristor::open() {
  const State& x = state();
  enter(x[0] - x[1] < p_.v_k ? open_low : open_high);
  return Event::open;
}

Event Thyristor::cross(std::size_t border_index) {
  switch (phase_) {
    case open_low: return border_index == 0 ? move(open_high) : fire();
    case open_high: return border_index == 0 ? move(open_low) : fire();
    case fresh_above:
      if (border_index == at_deadline) return move(settled_above);
      return border_index == 0 ? move(fresh_edge) : open();
    case fresh_edge:
      if (border_index == at_deadline) return move(state()[2] < q_c_ ? settled_deficit : settled_edge);
      if (border_index == 0) return move(fresh_above);
      return border_index == 1 ? move(fresh_below) : open();
    case fresh_below:
      // Back above q_2, a device that has conducted long enough is past the deadline of the edge and settles at once.
      return border_index == 0 ? move(fresh_edge) : open();
    case settled_above: return border_index == 0 ? move(settled_edge) : open();
    case settled_edge:
      if (border_index == 0) return move(settled_above);
      return border_index == 1 ? move(settled_deficit) : open();
    case settled_deficit: return border_index == 0 ? move(settled_edge) : open();
  }
  return Event::none;
}

}  // namespace thyrode::neurons
