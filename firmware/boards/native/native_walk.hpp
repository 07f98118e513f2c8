// How the emulated instrument moves its circuit on, whether it then looks at samples or at spans. For its sources only.
#pragma once

#include <algorithm>
#include <cmath>

#include "firmware/boards/native/native_instrument.hpp"

namespace thyrode::native {

/// Moves the circuit on from `first`, from change of current to change and from event to event.
/// Positions are seconds from `first`. A Walk has
///   length()                                      samples to go; may become shorter on the way
///   look(position, fast)                          before each move; false ends the walk here
///   horizon()                                     the furthest position of the next move
///   renewed(position, fast, slow)                 a new piece begins here
///   cover(position, fast, fast_end, slow, slow_end)  these samples of V_out and of the slow signals lie in the piece
/// @returns false when the circuit cannot go on: what the walk covered is not to be told
template <class Walk>
bool NativeInstrument::walk(Sample first, Walk& along) {
  double position = 0.0;
  std::size_t fast = 0;  // next V_out sample
  std::size_t slow = 0;  // next V_m and I_read sample
  int at = 0;
  // An event after the last sample leaves time to go, though no sample.
  while (at < static_cast<int>(along.length())) {
    apply_changes(first, at);
    if (renew_pieces()) along.renewed(position, fast, slow);
    if (!along.look(position, fast)) return true;
    const int limit = next_change_after(at, static_cast<int>(along.length()));
    const double end = limit * sample_time;
    const double goal = std::min(end, along.horizon());
    const neurons::Advance move = neuron_->advance(goal - position);
    // A circuit that has failed stays where it is, which is not where it was asked to go.
    if (!neuron_->failed().empty()) return false;
    const bool reached = move.event == neurons::Event::none;
    const double arrived = reached ? goal : std::min(position + move.elapsed, goal);
    const bool whole = reached && goal == end;
    const auto last = static_cast<std::size_t>(limit);
    const auto fast_end =
        whole ? last : std::min(last, static_cast<std::size_t>(std::ceil(arrived * Nominal::sample_rate)));
    const std::size_t slow_end = (fast_end + Nominal::slow_every - 1) / Nominal::slow_every;
    along.cover(position, fast, fast_end, slow, slow_end);
    piece_left_at_ += move.elapsed;
    fast = fast_end;
    slow = slow_end;
    position = arrived;
    if (whole) at = limit;
    if (move.event == neurons::Event::fire) report(Truth::Kind::fire, move.channel, first, position, 0.0);
    if (move.event == neurons::Event::open) report(Truth::Kind::open, move.channel, first, position, 0.0);
  }
  return true;
}

}  // namespace thyrode::native
