#include "firmware/neurons/switching_circuit.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::neurons {

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
  piece_clock_.restart();
  deadline_ = std::max(kind.deadline - clock_, 0.0);
  amplitudes_ = kind.motion.amplitudes(state_, drive_);
  search_.begin(kind.motion.modes());
  for (std::size_t k = 0; k < kind.border_count; ++k) {
    const Border& border = kind.borders[k];
    if (border.on_integral) {
      Signal z = kind.motion.integral(kind.border_rows[k], amplitudes_, drive_);
      z.constant += reserve_ - border.reserve_limit;
      search_.add(z, border.start);
    } else {
      search_.add(kind.motion.signal(kind.border_rows[k], amplitudes_, drive_), border.start);
    }
  }
}

// Moves the state to t seconds into the piece, from where the next piece begins.
void SwitchingCircuit::settle(double t) {
  if (t == 0.0) return;
  const Modes& modes = kind_->motion.modes();
  for (std::size_t k = 0; k < kind_->border_count; ++k) {
    if (kind_->borders[k].on_integral) {
      reserve_ += value(kind_->motion.integral(kind_->border_rows[k], amplitudes_, drive_), modes, t);
    }
  }
  state_ = kind_->motion.state_at(amplitudes_, drive_, t);
  if (drive_.decaying != 0.0) drive_.decaying *= std::exp(modes.drive * t);
  clock_ += t;
}

void SwitchingCircuit::inject(std::size_t /*channel*/, double current) {
  if (current == drive_.current) return;
  settle(piece_clock_.now());
  drive_.current = current;
  begin(*kind_);
}

void SwitchingCircuit::kick(double current) {
  settle(piece_clock_.now());
  drive_.decaying += current;
  begin(*kind_);
}

double SwitchingCircuit::next_event(double limit) {
  const double next = std::min(search_.first(std::min(piece_clock_.now() + limit, deadline_)).time, deadline_);
  if (search_.gave_up()) return RootSearch::never;
  const double left = std::max(next - piece_clock_.now(), 0.0);
  return left <= limit ? left : RootSearch::never;
}

Advance SwitchingCircuit::advance(double dt) {
  if (!failed().empty()) return {};
  const double target = piece_clock_.after(dt);
  const RootSearch::Root root = search_.first(std::min(target, deadline_));
  if (search_.gave_up()) return {};
  const double next = std::min(root.time, deadline_);
  if (next > target) {
    piece_clock_.pass(dt);
    chatter_.pass(dt);
    return {dt, Event::none, 0};
  }
  const double elapsed = std::clamp(next - piece_clock_.now(), 0.0, dt);
  settle(next);
  const Event event = cross(root.time <= deadline_ ? root.signal : at_deadline);
  chatter_.event(elapsed, event);
  return {elapsed, event, 0};
}

bool SwitchingCircuit::latched(std::size_t /*channel*/) const {
  if (!closed() || !std::isinf(deadline_)) return false;
  // Longer than any transient of these circuits by orders of magnitude; a growing mode ends its piece well before.
  constexpr double for_ever = 1000.0;  // s
  RootSearch ahead = search_;
  return ahead.first(for_ever).time == RootSearch::never && !ahead.gave_up();
}

Waveform SwitchingCircuit::membrane(std::size_t /*channel*/) const {
  return to_waveform(kind_->motion.signal(kind_->membrane, amplitudes_, drive_), kind_->motion.modes());
}

Waveform SwitchingCircuit::output(std::size_t /*channel*/) const {
  return to_waveform(kind_->motion.signal(kind_->output, amplitudes_, drive_), kind_->motion.modes());
}

}  // namespace thyrode::neurons
