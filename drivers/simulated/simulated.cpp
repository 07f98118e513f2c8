#include "drivers/simulated/simulated.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "drivers/current_clamp/current_clamp.hpp"

namespace thyrode {
namespace {

class MemoryLink final : public Link {
 public:
  explicit MemoryLink(std::unique_ptr<native::NativeInstrument> instrument) : instrument_{std::move(instrument)} {}

  Result<std::size_t> read(std::span<std::uint8_t> into, Duration) override {
    while (instrument_->outbox().empty() && instrument_->step()) {
    }
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
  bool in_lockstep() const override { return true; }

 private:
  std::unique_ptr<native::NativeInstrument> instrument_;
};

}  // namespace

std::unique_ptr<Link> memory_link(std::unique_ptr<native::NativeInstrument> instrument) {
  return std::make_unique<MemoryLink>(std::move(instrument));
}

Result<std::unique_ptr<Device>> open_simulated(std::unique_ptr<neurons::Neuron> neuron, native::NativeOptions options,
                                               std::string uri) {
  auto instrument = std::make_unique<native::NativeInstrument>(std::move(neuron), std::move(options));
  auto device = CurrentClamp::open(memory_link(std::move(instrument)), std::move(uri));
  if (!device) return tl::make_unexpected(device.error());
  return std::move(*device);
}

}  // namespace thyrode
