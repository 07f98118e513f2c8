#include "drivers/simulated/emulator.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace thyrode {
namespace {

using Clock = std::chrono::steady_clock;

/// Holds device time back to a multiple of the wall clock.
class Pace {
 public:
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
  double speed_;
  Sample sample_;
  Clock::time_point start_;
};

}  // namespace

Result<void> serve_client(native::NativeInstrument& instrument, Link& client, double speed, const std::atomic<bool>& stop) {
  constexpr std::size_t full = 64 * 1024;  // bytes under way before the instrument waits
  constexpr int blocks_at_once = 64;
  Pace pace{speed, instrument.now()};
  std::array<std::uint8_t, 4096> bytes;
  while (!stop.load(std::memory_order_relaxed)) {
    bool moved = false;
    for (int k = 0; k < blocks_at_once && client.unsent() < full && pace.allows(instrument.now()); ++k) {
      if (!instrument.step()) break;
      moved = true;
    }
    if (const std::string failure = instrument.failure(); !failure.empty()) {
      instrument.link_lost();
      return fail(ErrorKind::run_failed, "the neuron cannot go on: " + failure);
    }
    if (const auto ready = instrument.outbox(); !ready.empty() && client.unsent() < full) {
      const auto sent = client.write(ready);
      if (!sent) {
        instrument.link_lost();
        return sent;
      }
      instrument.take(ready.size());
    }
    const auto came = client.read(bytes, moved ? Duration{} : 1.0_ms);
    if (!came) {
      instrument.link_lost();
      return tl::make_unexpected(came.error());
    }
    if (*came > 0) instrument.deliver({bytes.data(), *came});
  }
  instrument.link_lost();
  return {};
}

}  // namespace thyrode
