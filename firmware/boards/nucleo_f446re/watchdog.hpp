// The independent watchdog (§20): once started, it resets the chip unless it is fed.
#pragma once

#include "protocols/time.hpp"

namespace thyrode::nucleo {

/// Fed only by a main loop that finds the blocks going on: a program that hangs in either is reset.
class Watchdog {
 public:
  /// Resets after 400 periods of LSI / 4: 50 ms at its nominal 32 kHz, 34 to 94 ms at its limits.
  void start() noexcept;
  /// From the main loop.
  /// @param begun  the sample at which the present block has begun
  void watch(Sample begun) noexcept;

 private:
  Sample seen_{};
};

}  // namespace thyrode::nucleo
