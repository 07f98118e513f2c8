// ADCs, DACs and their timers: blocks of codes both ways, on one sample clock. docs/firmware.md has the map.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/time.hpp"

namespace thyrode::nucleo {

class Converters {
 public:
  static constexpr std::size_t channels = 2;
  static constexpr std::uint32_t sample_rate = 250'000;
  static constexpr std::size_t block = 50;       // samples
  static constexpr std::size_t slow_every = 10;  // samples
  static constexpr std::size_t scans = block / slow_every;
  static constexpr std::uint32_t counts_per_sample = 320;      // of the time stamp, 80 MHz
  static constexpr std::uint32_t counts_per_conversion = 108;  // of V_out: 27 cycles of 20 MHz
  static constexpr std::uint32_t counts_per_block = counts_per_sample * block;

  /// One block of one channel.
  struct Codes {
    std::span<const AdcCode> v_out;
    std::array<AdcCode, scans> v_m;
    std::array<AdcCode, scans> i_read;
  };

  /// Tries everything: copies memory by the streams that can, then samples one block. No interrupt is taken.
  /// @returns whether all of it moves as it should
  bool test() noexcept;
  /// Starts at sample 0; block interrupts come from now on.
  void run() noexcept;

  /// From the block interrupt: takes note that one has ended.
  /// @returns the blocks that ended since the last call: more than 1 if some were missed, 0 if they are known already
  std::uint32_t take_block() noexcept;
  /// Whether every stream is where the block that ended last has left it: false when one is stuck, or when a whole
  /// block has passed since.
  bool in_step() const noexcept;
  /// The first sample of the block that is being converted.
  Sample playing() const noexcept { return Sample{static_cast<std::int64_t>(blocks_ * block)}; }
  /// Counts of the time stamp since the first sample, 32 bits that run over.
  std::uint32_t time_stamp() const noexcept;
  /// Counts since the block before the present one ended, which is shortly before the present one begins.
  std::uint32_t counts_since_block() const noexcept {
    return time_stamp() - block_stamp() + (counts_per_sample - counts_per_conversion);
  }
  /// The first count of the block that is being converted.
  std::uint32_t block_stamp() const noexcept { return static_cast<std::uint32_t>(blocks_) * counts_per_block; }

  /// Codes of the block that ended last, valid until the next but one ends.
  Codes codes(std::size_t channel) const noexcept;
  /// Sum of the temperature codes of the block that ended last.
  std::uint32_t temperature_sum() const noexcept;
  /// Writes the block that plays after the one that plays now.
  void play(std::span<const DacCode, block> a, std::span<const DacCode, block> b) noexcept;

 private:
  static constexpr std::size_t slow_codes = 5;  // V_m A, V_m B, I_read A, I_read B, temperature
  static constexpr std::size_t temperature = 4;

  bool start_clocks_and_pins() noexcept;
  void start() noexcept;
  void stop() noexcept;
  void prepare_adcs() const noexcept;
  void prepare_streams() noexcept;
  void prepare_timers() const noexcept;
  void let_triggers_in() const noexcept;
  std::size_t ended_half() const noexcept { return (blocks_ + 1) % 2; }

  std::array<std::array<std::array<AdcCode, block>, 2>, channels> v_out_{};
  std::array<std::array<std::array<AdcCode, slow_codes>, scans>, 2> slow_{};
  std::array<std::array<std::uint32_t, block>, 2> dac_{};
  std::uint64_t blocks_ = 0;
};

}  // namespace thyrode::nucleo
