#include "drivers/simulated/simulated.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "drivers/current_clamp/current_clamp.hpp"
#include "drivers/simulated/pace.hpp"

namespace thyrode {
namespace {

class MemoryLink final : public Link {
 public:
  MemoryLink(std::unique_ptr<native::NativeInstrument> instrument, double speed)
      : instrument_{std::move(instrument)}, speed_{speed}, pace_{speed, instrument_->now()} {}

  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout.si());
    do {
      while (instrument_->outbox().empty() && pace_.allows(instrument_->now()) && instrument_->step()) {
      }
      // At a bound pace an empty box means too early, and a short rest is cheaper than asking the clock again.
      if (speed_ > 0.0 && instrument_->outbox().empty()) std::this_thread::sleep_for(std::chrono::microseconds{500});
    } while (speed_ > 0.0 && instrument_->outbox().empty() && std::chrono::steady_clock::now() < until);
    if (const std::string failure = instrument_->failure(); !failure.empty()) {
      return fail(ErrorKind::device, "the emulated neuron cannot go on: " + failure);
    }
    const auto ready = instrument_->outbox();
    const std::size_t count = std::min(ready.size(), into.size());
    std::copy_n(ready.begin(), count, into.begin());
    instrument_->take(count);
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    instrument_->deliver(bytes);
    return {};
  }
  std::size_t unsent() const override { return 0; }
  bool in_lockstep() const override { return speed_ <= 0.0; }

 private:
  std::unique_ptr<native::NativeInstrument> instrument_;
  double speed_;
  Pace pace_;
};

}  // namespace

std::unique_ptr<Link> memory_link(std::unique_ptr<native::NativeInstrument> instrument, double speed) {
  return std::make_unique<MemoryLink>(std::move(instrument), speed);
}

Result<std::unique_ptr<Device>> open_simulated(std::unique_ptr<neurons::Neuron> neuron, native::NativeOptions options,
                                               std::string uri, double speed) {
  auto instrument = std::make_unique<native::NativeInstrument>(std::move(neuron), std::move(options));
  auto device = CurrentClamp::open(memory_link(std::move(instrument), speed), std::move(uri));
  if (!device) return tl::make_unexpected(device.error());
  return std::move(*device);
}

}  // namespace thyrode
