#include "drivers/simulated/emulator.hpp"

#include <array>
#include <cstdint>

#include "drivers/simulated/pace.hpp"

namespace thyrode {
Result<void> serve_client(native::NativeInstrument& instrument, Link& client, double speed,
                          const std::atomic<bool>& stop) {
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
      auto sent = client.write(ready);
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
