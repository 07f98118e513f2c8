// Notices a circuit whose events follow each other without end.
#pragma once

#include <string_view>

namespace thyrode::neurons {

/// Counts events against the time that passes: 100 000 of them within 1 us are more than any switch can do.
class Chatter {
 public:
  /// Time that passed without an event, seconds.
  void pass(double seconds) { quiet_ += seconds; }
  /// An event after `elapsed` seconds more. @returns true when there is no end to them
  bool event(double elapsed) {
    quiet_ += elapsed;
    if (quiet_ >= 1e-6) {
      quiet_ = 0.0;
      events_ = 0;
    }
    return ++events_ >= 100'000;
  }
  static constexpr std::string_view reason =
      "the switch chatters: 100 000 events without 1 us passing; no current lets it stay open or closed";

 private:
  double quiet_ = 0.0;  // s since the present count of events began
  int events_ = 0;
};

}  // namespace thyrode::neurons
