#include "firmware/silicon/silicon_instrument.hpp"

namespace thyrode::silicon {

SiliconInstrument::SiliconInstrument(std::span<const std::uint8_t> image, std::unique_ptr<neurons::Neuron> neuron,
                                     BenchOptions options)
    : board_{std::move(neuron), options}, chip_{image, board_, options.chip}, sent_{board_.sent()} {}

void SiliconInstrument::take(std::size_t count) {
  taken_ += count;
  if (taken_ < sent_.size()) return;
  sent_.clear();
  taken_ = 0;
}

bool SiliconInstrument::run_for(Time span) {
  const bool runs = chip_.run_until(chip_.now() + span);
  told_.store(chip_.now(), std::memory_order_relaxed);
  return runs && board_.failure().empty();
}

std::string SiliconInstrument::failure() const {
  if (!chip_.refusal().empty()) return "the chip refuses: " + chip_.refusal();
  const std::string neuron = board_.failure();
  return neuron.empty() ? "" : "the neuron cannot go on: " + neuron;
}

}  // namespace thyrode::silicon
