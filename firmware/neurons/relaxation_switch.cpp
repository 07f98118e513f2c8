#include "firmware/neurons/relaxation_switch.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::neurons {

RelaxationSwitch::RelaxationSwitch(const ThyristorFastParameters& p)
    : recovery_rate_{1.0 / p.tau_q}, dead_time_{p.t_dead}, u_{p.u_start} {
  const double whole = p.r + p.r_l;
  open_state_ = {1.0 / (p.c_m * whole), whole, 0.0, p.r_l / whole, 0.0};
  const double g = 1.0 / p.r + 1.0 / p.r_on;
  const double share = 1.0 + g * p.r_l;
  const double on_current = p.v_on / p.r_on;
  closed_state_ = {g / (p.c_m * share), share / g, on_current / g, p.r_l * g / share, -p.r_l * on_current / share};
  fire_u_ = p.v_th * whole / p.r;
  recovery_ = p.d_v * whole / p.r;
  open_u_ = (p.v_on + p.r_on * p.i_h) * share - p.r_l * on_current;
  begin();
}

void RelaxationSwitch::begin() {
  ++pieces_;
  clock_.restart();
  aim_ = state().at_rest + state().per_ampere * current_;
  if (closed_) {
    end_ = opening_time();
    return;
  }
  end_ = firing_time();
}

double RelaxationSwitch::voltage(double t) const {
  return aim_ + (u_ - aim_) * std::exp(-state().rate * t);
}

double RelaxationSwitch::opening_time() const {
  if (u_ <= open_u_) return 0.0;
  if (aim_ >= open_u_) return never;
  return std::log((u_ - aim_) / (open_u_ - aim_)) / closed_state_.rate;
}

RelaxationSwitch::Distance RelaxationSwitch::distance(double t) const {
  const double a = open_state_.rate;
  const double b = recovery_rate_;
  const double charging = (u_ - aim_) * std::exp(-a * t);
  const double recovering = lowered_ * std::exp(-b * t);
  return {aim_ + charging + recovering - fire_u_, -a * charging - b * recovering,
          a * a * charging + b * b * recovering};
}

double RelaxationSwitch::firing_time() const {
  const double low = dead_left_;
  if (lowered_ == 0.0) {
    if (u_ >= fire_u_) return low;
    if (aim_ <= fire_u_) return never;
    return std::max(low, std::log((aim_ - u_) / (aim_ - fire_u_)) / open_state_.rate);
  }
  if (distance(low).value >= 0.0) return low;
  const double a = open_state_.rate;
  const double b = recovery_rate_;
  const double rise = aim_ - u_;
  if (rise <= 0.0) return never;
  if (aim_ > fire_u_) {
    // Two exponentials turn at most once, and here they end above: there is one root after `low`, so that any root
    // found there is the one. Halley's rule finds it from the last one, unless that was a poor guess.
    double t = std::max(guess_, low);
    for (int k = 0; k < 6; ++k) {
      const Distance d = distance(t);
      const double step = 2.0 * d.value * d.slope / (2.0 * d.slope * d.slope - d.value * d.curvature);
      if (!(d.slope > 0.0) || !(t - step > low)) break;
      t -= step;
      // The error left is of the order of the third power of the step against a time constant.
      const double relative = std::abs(step) * std::max(a, b);
      if (relative < 1e-5 || std::abs(step) < 1e-15) return t;
    }
    return bracketed_firing_time(low, std::log(rise / (aim_ - fire_u_)) / a);
  }
  // The membrane alone does not get there: only a slow recovery may lift it over, before it turns.
  if (b >= a) return never;
  const double turn = std::log(b * lowered_ / (a * rise)) / (b - a);
  return turn > low && distance(turn).value >= 0.0 ? bracketed_firing_time(low, turn) : never;
}

// Newton's rule kept between a time before the root and one at or after it.
double RelaxationSwitch::bracketed_firing_time(double low, double high) const {
  double t = high;
  for (int k = 0; k < 200; ++k) {
    const Distance d = distance(t);
    (d.value < 0.0 ? low : high) = t;
    double next = t - d.value / d.slope;
    if (!(next > low) || !(next < high)) next = 0.5 * (low + high);
    if (std::abs(next - t) < 1e-15 || high - low < 1e-15) return next;
    t = next;
  }
  return t;
}

void RelaxationSwitch::settle(double t) {
  if (t == 0.0) return;
  u_ = voltage(t);
  if (closed_) return;
  if (lowered_ != 0.0) lowered_ *= std::exp(-recovery_rate_ * t);
  // Below a femtovolt nothing of it is left in a sum with volts.
  if (lowered_ < 1e-15) lowered_ = 0.0;
  dead_left_ = std::max(0.0, dead_left_ - t);
  open_for_ += t;
}

void RelaxationSwitch::inject(std::size_t /*channel*/, double current) {
  if (current == current_) return;
  settle(clock_.now());
  if (end_ != never) guess_ = end_ - clock_.now();
  current_ = current;
  begin();
}

Advance RelaxationSwitch::advance(double dt) {
  if (!failed().empty()) return {};
  if (end_ > clock_.after(dt)) {
    clock_.pass(dt);
    chatter_.pass(dt);
    return {dt, Event::none, 0};
  }
  const double elapsed = std::clamp(end_ - clock_.now(), 0.0, dt);
  if (chatter_.event(elapsed, closed_ ? Event::open : Event::fire)) return {};
  if (closed_) {
    u_ = std::min(u_, open_u_);
    lowered_ = recovery_;
    dead_left_ = dead_time_;
    closed_ = false;
    guess_ = interval_;
    open_for_ = 0.0;
    begin();
    return {elapsed, Event::open, 0};
  }
  settle(end_);
  interval_ = open_for_;
  lowered_ = 0.0;
  closed_ = true;
  begin();
  return {elapsed, Event::fire, 0};
}

Waveform RelaxationSwitch::membrane(std::size_t /*channel*/) const {
  Waveform w;
  w.polynomial[0] = aim_;
  w.modes[0] = {-state().rate, 0.0, u_ - aim_, 0.0};
  w.mode_count = 1;
  return w;
}

Waveform RelaxationSwitch::output(std::size_t channel) const {
  Waveform w = membrane(channel);
  w.polynomial[0] = state().output_zero + state().output_share * w.polynomial[0];
  w.modes[0].cosine *= state().output_share;
  return w;
}

}  // namespace thyrode::neurons
