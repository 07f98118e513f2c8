// Chip, front end and circuit in one: bytes in, bytes out, and time that moves only while it is asked to.
#pragma once

#include <atomic>
#include <span>

#include "firmware/silicon/neuron_board.hpp"

namespace thyrode::silicon {

class SiliconInstrument {
 public:
  /// @param image   what is flashed, from 0x08000000 on
  /// @param neuron  the circuit under test: one channel or two
  SiliconInstrument(std::span<const std::uint8_t> image, std::unique_ptr<neurons::Neuron> neuron, BenchOptions options);

  /// Bytes on the line to the chip, one after the other from now on.
  void deliver(std::span<const std::uint8_t> bytes) { chip_.usart().deliver(bytes); }
  /// Bytes that the chip has sent; take() what was used.
  std::span<const std::uint8_t> outbox() const { return {sent_.data() + taken_, sent_.size() - taken_}; }
  void take(std::size_t count);

  /// Runs for so long, in device time.
  /// @returns false when something was refused or the circuit cannot go on: failure()
  bool run_for(Time span);
  Time now() const { return chip_.now(); }
  /// The same in seconds, as of the end of the last run_for(). From any thread.
  double seconds() const {
    return static_cast<double>(told_.load(std::memory_order_relaxed)) / static_cast<double>(picoseconds_per_second);
  }
  std::string failure() const;

  Chip& chip() { return chip_; }
  NeuronBoard& board() { return board_; }
  const NeuronBoard& board() const { return board_; }

 private:
  NeuronBoard board_;
  Chip chip_;
  std::vector<std::uint8_t>& sent_;
  std::size_t taken_ = 0;
  std::atomic<Time> told_{0};
};

}  // namespace thyrode::silicon
