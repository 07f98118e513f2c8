// How far the order of a train reaches: the structure factor at the mean rate over blocks of 64 spikes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace thyrode::analysis {

/// S64 = mean over blocks of |sum exp(i w t_j)|^2/64 with w = 2 pi 63/(t_64 - t_1) of the block.
/// 64 for a crystal, 1 for a train without order; a renewal train has coth(pi^2 CV^2) while that is below about 30.
class StructureFactor {
 public:
  static constexpr int block = 64;
  static constexpr int least_blocks = 4;

  /// @param at  ticks, later than every spike before it
  void add(std::int64_t at);
  /// Data are missing here: the block begun is thrown away.
  void interrupt() { filled_ = 0; }

  /// Whole blocks seen.
  std::int64_t blocks() const { return blocks_; }
  /// One block of a train without order scatters by its own mean: fewer than 4 blocks are not to be quoted.
  bool reliable() const { return blocks_ >= least_blocks; }
  /// @returns S64; empty without a whole block
  std::optional<double> value() const;

 private:
  std::array<std::int64_t, block> times_{};
  int filled_ = 0;
  std::int64_t blocks_ = 0;
  double sum_ = 0.0;
};

}  // namespace thyrode::analysis
