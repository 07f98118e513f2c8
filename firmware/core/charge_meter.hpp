// The charge of one channel over the last minute: whole codes, counted when they are written to the converter.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "protocols/time.hpp"

namespace thyrode::firmware {

/// Sum of |DAC code - zero| over the last 60 s, in buckets of one second: the second that is under way and the 60
/// before it, so that no 60 s hold more than the sum says. A converter of at most 14 bits at 250 kS/s fills no bucket.
class ChargeMeter {
 public:
  static constexpr std::size_t window = 60;  ///< s
  static constexpr int unit_bits = 12;       ///< limits and faults count 4096 codes times samples
  static constexpr std::uint32_t no_limit = 0xFFFFFFFF;

  void reset(std::uint32_t sample_rate) noexcept {
    *this = {};
    second_ = sample_rate;
    next_second_ = Sample{sample_rate};
  }
  void set_limit(std::uint32_t most) noexcept { limit_ = most; }
  std::uint32_t limit() const noexcept { return limit_; }

  /// Forgets what lies more than the window before a sample; samples come in order.
  void move_to(Sample now) noexcept {
    while (now >= next_second_) {
      newest_ = newest_ == window ? 0 : newest_ + 1;
      sum_ -= buckets_[newest_];
      buckets_[newest_] = 0;
      next_second_ = next_second_ + second_;
    }
  }
  /// Whether codes may be written. Zero always may: a meter that is full must not trip what carries no current.
  bool allows(std::uint32_t magnitude) const noexcept {
    return limit_ == no_limit || magnitude == 0 || sum_ + magnitude <= std::int64_t{limit_} << unit_bits;
  }
  void add(std::uint32_t magnitude) noexcept {
    buckets_[newest_] += magnitude;
    sum_ += magnitude;
  }
  /// Codes times samples.
  std::int64_t sum() const noexcept { return sum_; }
  /// The sum with one more block in the unit of the limit, rounded up.
  std::int32_t told(std::uint32_t magnitude) const noexcept {
    constexpr std::int64_t unit = std::int64_t{1} << unit_bits;
    return clamped((sum_ + magnitude + unit - 1) >> unit_bits);
  }
  std::int32_t told_limit() const noexcept { return clamped(limit_); }

 private:
  static std::int32_t clamped(std::int64_t value) noexcept {
    return static_cast<std::int32_t>(std::min<std::int64_t>(value, std::numeric_limits<std::int32_t>::max()));
  }

  std::array<std::uint32_t, window + 1> buckets_{};
  std::size_t newest_ = 0;
  std::int64_t sum_ = 0;
  std::int64_t second_ = 0;  // samples
  Sample next_second_{};
  std::uint32_t limit_ = no_limit;
};

}  // namespace thyrode::firmware
