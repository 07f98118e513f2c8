// How a thread waits for work that is about to come.
#pragma once

#include <chrono>
#include <thread>

namespace thyrode::experiment {

/// Waits that cost nothing when there is work: a few turns of yielding, then short sleeps, which leave the processor to
/// the other end of a link on the same machine.
class Backoff {
 public:
  void rest() {
    if (++turns_ < 8) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
  }
  void reset() { turns_ = 0; }

 private:
  int turns_ = 0;
};

}  // namespace thyrode::experiment
