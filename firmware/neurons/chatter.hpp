// Tells a circuit that chatters from one that is fast.
#pragma once

#include <string_view>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// Watches the events of one circuit. It chatters when 100 000 events take less than 1 ms, or when 50 000 times in a
/// row the switch opens within 1 ns of closing: then each event calls for the next, and the circuit would be computed
/// for ever.
class Chatter {
 public:
  /// Time that passed without an event, seconds.
  void pass(double seconds) {
    window_ += seconds;
    since_move_ += seconds;
  }
  /// An event after `elapsed` seconds more. @returns true when there is no end to them
  bool event(double elapsed, Event kind) {
    pass(elapsed);
    if (kind == Event::open) bounces_ = since_move_ < bounce_time ? bounces_ + 1 : 0;
    if (kind == Event::fire || kind == Event::open) since_move_ = 0.0;
    if (bounces_ >= most_bounces) {
      reason_ =
          "the circuit chatters: 50 000 times in a row the switch opened within 1 ns of closing; what closes it "
          "does not keep it closed";
    }
    if (++events_ >= most_events) {
      if (window_ < least_window) {
        reason_ = "the circuit chatters: 100 000 events within 1 ms; no state lets its switch stay open or closed";
      }
      events_ = 0;
      window_ = 0.0;
    }
    return !reason_.empty();
  }
  /// Why the circuit cannot go on, or empty.
  std::string_view reason() const { return reason_; }

 private:
  static constexpr int most_events = 100'000;
  static constexpr double least_window = 1e-3;  // s
  static constexpr int most_bounces = 50'000;
  static constexpr double bounce_time = 1e-9;  // s

  double window_ = 0.0;      // s since the present count of events began
  double since_move_ = 0.0;  // s since the switch moved
  int events_ = 0;
  int bounces_ = 0;
  std::string_view reason_;
};

}  // namespace thyrode::neurons
