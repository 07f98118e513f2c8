// Holds device time back to a multiple of the wall clock.
#pragma once

#include <chrono>

#include "firmware/boards/native/front_end.hpp"

namespace thyrode {

class Pace {
 public:
  /// @param speed  device seconds per second of wall clock; 0 is no limit
  Pace(double speed, Sample now) : speed_{speed}, sample_{now}, start_{Clock::now()} {}
  bool allows(Sample now) {
    if (speed_ <= 0.0) return true;
    const double wall = std::chrono::duration<double>(Clock::now() - start_).count();
    const double due = wall * speed_ * native::Nominal::sample_rate;
    const auto ahead = static_cast<double>(now - sample_);
    // Time that the client did not grant is gone: it is not made up for in a burst.
    if (due - ahead > 0.05 * native::Nominal::sample_rate * speed_) {
      sample_ = now;
      start_ = Clock::now();
      return true;
    }
    return ahead < due;
  }

 private:
  using Clock = std::chrono::steady_clock;
  double speed_;
  Sample sample_;
  Clock::time_point start_;
};

}  // namespace thyrode
