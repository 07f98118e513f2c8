#include "firmware/boards/native/span_tally.hpp"

#include <cmath>

namespace thyrode::native {
namespace {

// Values within so many codes are taken as one.
constexpr float alike = 0.25F;
// Variance of a code about its line: the noise and the rounding.
constexpr double code_variance = 1.0 + 1.0 / 12.0;

enum class Draw : std::uint64_t { highest, lowest, sum };

std::uint64_t place(std::uint64_t conversion, Draw draw) {
  return 4 * conversion + static_cast<std::uint64_t>(draw);
}

/// As many equal values as give the extreme that `count` values evenly spread over `range` codes give: their tail
/// falls off by exp(-u x) at x below the outermost, with u the height of the extreme in deviations.
double effective_count(const GaussianTable& gaussian, double count, double range) {
  double effective = count;
  for (int k = 0; k < 2; ++k) {
    const double u = std::max(0.3, static_cast<double>(gaussian.largest(0.5, std::max(1.0, effective))));
    effective = count * -std::expm1(-u * range) / (u * range);
  }
  return std::max(1.0, effective);
}

}  // namespace

/// Whether values belong to what is gathered for the next draw: a plateau, or a ramp of nearly the same steepness.
bool SpanTally::goes_on(float low, float high, std::uint32_t count) const {
  const float both = std::max(high, high_) - std::min(low, low_);
  if (both <= alike || !input_.noisy()) return true;
  if (both > (high - low) + (high_ - low_) + alike) return false;
  const float steepness = (high - low) / static_cast<float>(count);
  const float before = (high_ - low_) / static_cast<float>(alike_);
  const bool apart = low >= high_ - alike || high <= low_ + alike;
  return apart && steepness < 1.5F * before && before < 1.5F * steepness;
}

void SpanTally::widen(const ValueSpan& span, std::uint64_t first) {
  const float low = input_.line(span.lowest);
  const float high = input_.line(span.highest);
  lowest_line_ = empty() ? low : std::min(lowest_line_, low);
  highest_line_ = empty() ? high : std::max(highest_line_, high);
  count_ += span.count;
  last_conversion_ = first + span.count - 1;
  last_ = span.last;
}

void SpanTally::add(std::uint64_t first, const ValueSpan& span) {
  widen(span, first);
  const float low = input_.line(span.lowest);
  const float high = input_.line(span.highest);
  // Without noise a plateau has one code, whatever its distance from the next one.
  const float mean = input_.line(span.mean);
  if (!input_.noisy()) {
    const AdcCode code = input_.code(low);
    sum_ += span.count * (code == input_.code(high) ? static_cast<double>(code) : static_cast<double>(mean));
  } else {
    double bend = static_cast<double>(input_.mean_code(mean) - mean);
    if (high - low > alike) {
      bend = (bend + static_cast<double>(input_.mean_code(low) - low) +
              static_cast<double>(input_.mean_code(high) - high)) /
             3.0;
    }
    sum_ += span.count * (static_cast<double>(mean) + bend);
    if (drawn_ == 0) sum_first_ = first;
    drawn_ += span.count;
  }
  if (alike_ > 0 && goes_on(low, high, span.count)) {
    low_ = std::min(low, low_);
    high_ = std::max(high, high_);
    alike_ += span.count;
    return;
  }
  settle();
  low_ = low;
  high_ = high;
  alike_ = span.count;
  alike_first_ = first;
}

void SpanTally::add_codes(std::uint64_t first, const ValueSpan& values, std::span<const AdcCode> codes) {
  widen(values, first);
  for (const AdcCode code : codes) {
    lowest_ = std::min<int>(lowest_, code);
    highest_ = std::max<int>(highest_, code);
    sum_ += code;
  }
}

/// Draws the extremes of the conversions that are alike, where they can still count.
void SpanTally::settle() {
  if (alike_ == 0) return;
  float above = 0.0F;
  float below = 0.0F;
  if (input_.noisy()) {
    const GaussianTable& gaussian = input_.gaussian();
    const bool may_rise = input_.code(high_ + gaussian.widest()) + 1 > highest_;
    const bool may_fall = input_.code(low_ - gaussian.widest()) - 1 < lowest_;
    if (may_rise || may_fall) {
      const double range = static_cast<double>(high_ - low_);
      const double count = range > static_cast<double>(alike) ? effective_count(gaussian, alike_, range) : alike_;
      if (may_rise) above = gaussian.largest(uniform(input_.noise_seed(), place(alike_first_, Draw::highest)), count);
      if (may_fall) below = gaussian.largest(uniform(input_.noise_seed(), place(alike_first_, Draw::lowest)), count);
    }
  }
  highest_ = std::max<int>(highest_, input_.code(high_ + above));
  lowest_ = std::min<int>(lowest_, input_.code(low_ - below));
  alike_ = 0;
}

std::uint32_t SpanTally::take_sum() {
  double sum = sum_;
  if (drawn_ > 0) {
    std::array<float, 4> noise;
    input_.gaussian().four(mix(input_.noise_seed() ^ static_cast<std::uint64_t>(Draw::sum)), sum_first_, noise.data());
    sum += static_cast<double>(noise[0]) * std::sqrt(drawn_ * code_variance);
  }
  sum_ = 0.0;
  drawn_ = 0;
  return static_cast<std::uint32_t>(std::max(0.0, std::round(sum)));
}

firmware::QuietSpan SpanTally::finish() {
  settle();
  firmware::QuietSpan span;
  span.count = count_;
  // The last code is the true one: a crossing right after it is interpolated from it.
  span.last = input_.convert_at(last_conversion_, last_);
  span.lowest = std::min(static_cast<AdcCode>(lowest_), span.last);
  span.highest = std::max(static_cast<AdcCode>(highest_), span.last);
  span.sum = std::clamp(take_sum(), count_ * span.lowest, count_ * span.highest);
  count_ = 0;
  lowest_ = 4096;
  highest_ = -1;
  return span;
}

}  // namespace thyrode::native
