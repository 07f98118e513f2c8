// Extremes and sum of conversions that are not computed one by one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "firmware/boards/native/front_end.hpp"
#include "firmware/core/spike_detector.hpp"

namespace thyrode::native {

/// Conversions of one input that lie close together in time: what is known of their values.
struct ValueSpan {
  std::uint32_t count = 0;  ///< at least 1
  double lowest = 0.0;      ///< V or A
  double highest = 0.0;
  double mean = 0.0;
  double last = 0.0;  ///< value of the last conversion
};

/// Gathers spans of one input in the order of time and gives the codes' extremes and sum at the end. Without noise they
/// are those of the codes to within one code; with noise they are drawn: the extremes from the law of the largest of n
/// values, the sum from a normal law. Every draw depends on the seed and the number of the conversion alone.
class SpanTally {
 public:
  explicit SpanTally(const AdcInput& input) : input_{input} {}

  /// Adds conversions that follow the ones before. The input itself is not moved on.
  /// @param first  number of the first conversion
  void add(std::uint64_t first, const ValueSpan& span);
  /// Adds codes that were computed; they are then not drawn again.
  /// @param first, lines  number of the first conversion and the values, as for add()
  void add_codes(std::uint64_t first, const ValueSpan& values, std::span<const AdcCode> codes);
  bool empty() const { return count_ == 0; }
  /// Bounds of the line values so far; only while not empty.
  float lowest_line() const { return lowest_line_; }
  float highest_line() const { return highest_line_; }

  /// The mean code of conversions of one value.
  double plateau(double value) const;
  /// A sum of codes with its noise.
  /// @param place  tells this sum from all others of the input
  /// @param sum    of the mean codes
  /// @param count  how many codes
  std::uint32_t noisy_sum(std::uint64_t place, double sum, std::uint32_t count) const;
  /// All there is, and begins anew; only while not empty.
  firmware::QuietSpan finish();

 private:
  void settle();
  bool goes_on(float low, float high, std::uint32_t count) const;
  void widen(const ValueSpan& span, std::uint64_t first);

  const AdcInput& input_;
  // What the next draw of extremes stands for: conversions of nearly one value.
  float low_ = 0.0F;
  float high_ = 0.0F;
  std::uint32_t alike_ = 0;
  std::uint64_t alike_first_ = 0;
  // All so far.
  std::uint32_t count_ = 0;
  float lowest_line_ = 0.0F;
  float highest_line_ = 0.0F;
  int lowest_ = 4096;
  int highest_ = -1;
  double sum_ = 0.0;         // mean codes
  std::uint32_t drawn_ = 0;  // conversions in it whose noise is still to be drawn
  std::uint64_t sum_first_ = 0;
  // The last conversion.
  std::uint64_t last_conversion_ = 0;
  double last_ = 0.0;
};

}  // namespace thyrode::native
