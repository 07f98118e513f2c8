// A straight line from one value to another over a number of samples, one sample after the other without a division.
#pragma once

#include <cstdint>

#include "protocols/time.hpp"

namespace thyrode::firmware {

/// value() after k steps is first + (last - first) * k / length, cut towards `first`.
class StraightLine {
 public:
  StraightLine() = default;
  /// @param length  samples, at least 1
  /// @param into    steps that are over already
  StraightLine(FineCode first, FineCode last, std::uint32_t length, std::int64_t into) noexcept
      : unit_{last < first ? -1 : 1} {
    const std::int64_t distance = std::int64_t{last} - first;
    const auto height = static_cast<std::uint32_t>(distance < 0 ? -distance : distance);
    whole_ = unit_ * static_cast<FineCode>(height / length);
    part_ = height % length;
    gap_ = length - part_;
    const std::uint64_t done = static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(into);
    value_ = first + unit_ * static_cast<FineCode>(done / length);
    rest_ = static_cast<std::uint32_t>(done % length);
  }
  FineCode value() const noexcept { return value_; }
  /// The most that one step changes.
  FineCode slope() const noexcept { return unit_ * whole_ + (part_ > 0 ? 1 : 0); }
  void step() noexcept {
    value_ += whole_;
    // rest_ + part_ >= length, without running over.
    if (rest_ >= gap_) {
      rest_ -= gap_;
      value_ += unit_;
    } else {
      rest_ += part_;
    }
  }

 private:
  FineCode value_ = 0;
  FineCode unit_ = 1;       // up or down
  FineCode whole_ = 0;      // of one step
  std::uint32_t part_ = 0;  // of one step, in 1 / length
  std::uint32_t gap_ = 1;   // what part_ lacks to a whole
  std::uint32_t rest_ = 0;  // not in value_ yet, in 1 / length
};

}  // namespace thyrode::firmware
