#include "firmware/boards/native/span_tally.hpp"

#include <array>
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

/// The law of the largest of values that lie evenly spread over a ramp, each with normal noise of deviation 1:
/// P(largest < top + x) = exp(-sum g(x + k s)), g = -ln Phi, s the distance of neighbours. While s is small the sum is
/// (J(x - s/2) - J(x - s/2 + n s)) / s, J the integral of g from its argument upwards.
class RampLaw {
 public:
  RampLaw() {
    const auto minus_log = [](double x) { return -std::log(0.5 * std::erfc(-x / std::sqrt(2.0))); };
    double integral = 0.0;
    for (std::size_t k = steps; k > 0; --k) {
      const double upper = lowest + step * static_cast<double>(k);
      single_[k] = minus_log(upper);
      tail_[k] = integral;
      // Simpson's rule over one step.
      integral += step / 6.0 * (single_[k] + 4.0 * minus_log(upper - 0.5 * step) + minus_log(upper - step));
    }
    single_[0] = minus_log(lowest);
    tail_[0] = integral;
  }
  /// @param u      uniform in (0, 1)
  /// @param count  how many values, at least 2
  /// @param range  codes from the lowest to the highest of them
  /// @returns codes above the highest; may be negative
  double largest(double u, double count, double range) const {
    const double apart = range / (count - 1.0);
    const double wanted = -std::log(u);
    double below = lowest + 1.0;
    double above = highest;
    while (above - below > 0.01) {
      const double middle = 0.5 * (below + above);
      (expected_above(middle, count, apart) > wanted ? below : above) = middle;
    }
    return 0.5 * (below + above);
  }

 private:
  static constexpr double lowest = -8.0;
  static constexpr double step = 1.0 / 16.0;
  static constexpr std::size_t steps = 224;
  static constexpr double highest = lowest + step * static_cast<double>(steps);

  double expected_above(double x, double count, double apart) const {
    if (apart < 1.0) {
      const double from = x - 0.5 * apart;
      return (at(tail_, from) - at(tail_, from + count * apart)) / apart;
    }
    double sum = 0.0;
    for (double k = 0.0; k < count && x + k * apart < highest; k += 1.0) sum += at(single_, x + k * apart);
    return sum;
  }
  static double at(const std::array<double, steps + 1>& table, double x) {
    const double place = (x - lowest) / step;
    if (place >= static_cast<double>(steps)) return 0.0;
    const auto k = static_cast<std::size_t>(place);
    return table[k] + (table[k + 1] - table[k]) * (place - static_cast<double>(k));
  }
  std::array<double, steps + 1> single_{};
  std::array<double, steps + 1> tail_{};
};

/// How far the highest of some values lies above the top of their range.
float draw(const AdcInput& input, double u, double count, float range) {
  if (range <= alike || count < 2.0) return input.gaussian().largest(u, count);
  static const RampLaw law;
  return std::min(static_cast<float>(law.largest(u, count, static_cast<double>(range))), input.gaussian().widest());
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
    // The bend of a ramp through these codes; where in them the mean lies is known better.
    const float bend = input_.mean_code(low, high) - std::clamp(0.5F * (low + high), 0.0F, 4095.0F);
    sum_ += span.count * static_cast<double>(std::clamp(mean, 0.0F, 4095.0F) + bend);
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
    const float widest = input_.gaussian().widest();
    const auto place_of = [&](Draw kind) { return uniform(input_.noise_seed(), place(alike_first_, kind)); };
    if (input_.code(high_ + widest) + 1 > highest_) {
      above = draw(input_, place_of(Draw::highest), alike_, high_ - low_);
    }
    if (input_.code(low_ - widest) - 1 < lowest_) below = draw(input_, place_of(Draw::lowest), alike_, high_ - low_);
  }
  highest_ = std::max<int>(highest_, input_.code(high_ + above));
  lowest_ = std::min<int>(lowest_, input_.code(low_ - below));
  alike_ = 0;
}

double SpanTally::plateau(double value) const {
  const float line = input_.line(value);
  return static_cast<double>(input_.noisy() ? input_.mean_code(line, line) : static_cast<float>(input_.code(line)));
}

std::uint32_t SpanTally::noisy_sum(std::uint64_t place, double sum, std::uint32_t count) const {
  if (input_.noisy() && count > 0) {
    std::array<float, 4> noise;
    input_.gaussian().four(mix(input_.noise_seed() ^ static_cast<std::uint64_t>(Draw::sum)), place, noise.data());
    sum += static_cast<double>(noise[0]) * std::sqrt(count * code_variance);
  }
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
  span.sum = std::clamp(noisy_sum(sum_first_, sum_, drawn_), count_ * span.lowest, count_ * span.highest);
  sum_ = 0.0;
  drawn_ = 0;
  count_ = 0;
  lowest_ = 4096;
  highest_ = -1;
  return span;
}

}  // namespace thyrode::native
