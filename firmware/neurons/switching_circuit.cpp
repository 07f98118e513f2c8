#include "firmware/neurons/switching_circuit.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::neurons {

namespace {

constexpr int chatter_events = 100'000;
constexpr double chatter_time = 1e-6;  // s

}  // namespace

SwitchingCircuit::Kind::Kind(const LinearPiece& piece, const State& output_normal, double output_level)
    : motion{piece}, membrane{piece.row(State::UnitX(), 0.0)}, output{piece.row(output_normal, output_level)} {}

void SwitchingCircuit::Kind::add(const Border& border) {
  borders[border_count] = border;
  border_rows[border_count] = motion.row(border.normal, border.level);
  ++border_count;
}

void SwitchingCircuit::begin(const Kind& kind) {
  kind_ = &kind;
  ++pieces_;
  time_ = correction_ = 0.0;
  deadline_ = std::max(kind.deadline - clock_, 0.0);
  amplitudes_ = kind.motion.amplitudes(state_, current_);
  search_.begin(kind.motion.modes());
  for (std::size_t k = 0; k < kind.border_count; ++k) {
    const Border& border = kind.borders[k];
    if (border.on_integral) {
      Signal z = kind.motion.integral(kind.border_rows[k], amplitudes_, current_);
      z.constant += reserve_ - border.reserve_limit;
      search_.add(z, border.start);
    } else {
      search_.add(kind.motion.signal(kind.border_rows[k], amplitudes_, current_), border.start);
    }
  }
}

// Moves the state to t seconds into the piece, from where the next piece begins.
void SwitchingCircuit::settle(double t) {
  if (t == 0.0) return;
  const Modes& modes = kind_->motion.modes();
  for (std::size_t k = 0; k < kind_->border_count; ++k) {
    if (kind_->borders[k].on_integral) {
      reserve_ += value(kind_->motion.integral(kind_->border_rows[k], amplitudes_, current_), modes, t);
    }
  }
  state_ = kind_->motion.state_at(amplitudes_, current_, t);
  clock_ += t;
}

void SwitchingCircuit::inject(std::size_t /*channel*/, double current) {
  if (current == current_) return;
  settle(time_);
  current_ = current;
  begin(*kind_);
}

Advance SwitchingCircuit::advance(double dt) {
  if (!failed_.empty()) return {};
  // Many small steps must add up to the same moment as one large one.
  const double part = dt - correction_;
  const double target = time_ + part;
  const RootSearch::Root root = search_.first(std::min(target, deadline_));
  const double next = std::min(root.time, deadline_);
  if (next > target) {
    correction_ = (target - time_) - part;
    time_ = target;
    quiet_ += dt;
    return {dt, Event::none, 0};
  }
  const double elapsed = std::clamp(next - time_, 0.0, dt);
  if (chatters(elapsed)) return {0.0, Event::none, 0};
  settle(next);
  return {elapsed, cross(root.time <= deadline_ ? root.signal : at_deadline), 0};
}

bool SwitchingCircuit::latched(std::size_t /*channel*/) const {
  if (!closed() || !std::isinf(deadline_)) return false;
  // Longer than any transient of these circuits by orders of magnitude; a growing mode ends its piece well before.
  constexpr double for_ever = 1000.0;  // s
  RootSearch ahead = search_;
  return ahead.first(for_ever).time == RootSearch::never;
}

bool SwitchingCircuit::chatters(double elapsed) {
  quiet_ += elapsed;
  if (quiet_ >= chatter_time) {
    quiet_ = 0.0;
    events_ = 0;
  }
  if (++events_ < chatter_events) return false;
  failed_ = "the switch chatters: 100 000 events without 1 us passing; no current lets it stay open or closed";
  return true;
}

Waveform SwitchingCircuit::membrane(std::size_t /*channel*/) const {
  return to_waveform(kind_->motion.signal(kind_->membrane, amplitudes_, current_), kind_->motion.modes());
}

Waveform SwitchingCircuit::output(std::size_t /*channel*/) const {
  return to_waveform(kind_->motion.signal(kind_->output, amplitudes_, current_), kind_->motion.modes());
}

}  // namespace thyrode::neurons
