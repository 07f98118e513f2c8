// The device's clock: samples and ticks, never the host's wall clock.
#pragma once

#include <compare>
#include <cstdint>

namespace thyrode {

/// A tick is 1/256 of an ADC sample: 15.625 ns at 250 kS/s.
inline constexpr std::int64_t ticks_per_sample = 256;

/// A count of ADC conversions since the device started; the unit of every schedule.
struct Sample {
  std::int64_t index = 0;
  friend constexpr auto operator<=>(Sample, Sample) = default;
  friend constexpr Sample operator+(Sample s, std::int64_t n) { return {s.index + n}; }
  friend constexpr Sample operator-(Sample s, std::int64_t n) { return {s.index - n}; }
  friend constexpr std::int64_t operator-(Sample a, Sample b) { return a.index - b.index; }
};

/// A moment of device time in ticks; the unit of every measured time.
struct Ticks {
  std::int64_t count = 0;
  friend constexpr auto operator<=>(Ticks, Ticks) = default;
  friend constexpr Ticks operator+(Ticks t, std::int64_t n) { return {t.count + n}; }
  friend constexpr Ticks operator-(Ticks t, std::int64_t n) { return {t.count - n}; }
  friend constexpr std::int64_t operator-(Ticks a, Ticks b) { return a.count - b.count; }
};

constexpr Ticks to_ticks(Sample s) {
  return {s.index * ticks_per_sample};
}
/// The sample that contains the tick (rounds towards the past).
constexpr Sample to_sample(Ticks t) {
  return {t.count >= 0 ? t.count / ticks_per_sample : -((-t.count + ticks_per_sample - 1) / ticks_per_sample)};
}

/// Codes of the converters; volts and amperes begin at the host's door.
using AdcCode = std::uint16_t;
using DacCode = std::uint16_t;
/// A DAC code with 16 fractional bits: the fraction is carried from sample to sample (error feedback).
using FineCode = std::int32_t;
inline constexpr int fine_bits = 16;

}  // namespace thyrode
