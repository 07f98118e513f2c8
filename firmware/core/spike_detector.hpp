// Finds spikes in the V_out codes at the full ADC rate, in integers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "protocols/messages.hpp"

namespace thyrode::firmware {

/// Consecutive codes that nobody looked at one by one: between them the detector neither fires nor re-arms.
struct QuietSpan {
  std::uint32_t count = 0;  ///< codes, at least 1
  AdcCode lowest = 0;
  AdcCode highest = 0;
  AdcCode last = 0;  ///< the code before whatever comes next
  std::uint32_t sum = 0;
};

/// What is certain of codes before anybody looks at them.
struct SpanBounds {
  AdcCode lowest = 0;
  AdcCode highest = 0;
  int rise = 0;  ///< no code lies higher by more above one before it; `highest - lowest` if nothing else is known
  int fall = 0;  ///< no code lies lower by more below one before it

  static SpanBounds within(AdcCode lowest, AdcCode highest) noexcept {
    return {lowest, highest, highest - lowest, highest - lowest};
  }
};

/// Two triggers. `swing`: fires when the code has risen by h above its lowest value since re-arming, re-arms when
/// it has fallen by h below its highest value since the spike. `level`: fires on the upward crossing of one level,
/// re-arms below another. A spike's time is the crossing, interpolated to 1/256 sample.
class SpikeDetector {
 public:
  void configure(const protocol::ConfigureDetector& settings) noexcept {
    settings_ = settings;
    if (settings_.swing == 0) settings_.swing = 1;
  }
  const protocol::ConfigureDetector& settings() const noexcept { return settings_; }

  /// Forgets the past; the next code is the first.
  void reset() noexcept { *this = SpikeDetector{settings_}; }
  SpikeDetector() = default;

  /// Looks at consecutive codes.
  /// @param codes   V_out, one a sample, the first at sample `first`
  /// @param lowest, highest  extremes of `codes`: a block that cannot fire or re-arm is passed over
  /// @param on_fire  called with the tick of a crossing, on_spike with the whole record at its re-arm
  template <class OnFire, class OnSpike>
  void run(std::span<const AdcCode> codes, Sample first, AdcCode lowest, AdcCode highest, OnFire&& on_fire,
           OnSpike&& on_spike) noexcept {
    if (codes.empty()) return;
    begin(codes[0]);
    if (passes_over(SpanBounds::within(lowest, highest))) {
      absorb(lowest, highest);
    } else if (settings_.trigger == protocol::Trigger::swing) {
      for (std::size_t k = 0; k < codes.size();) {
        k = armed_ ? swing_to_fire(codes, k, first, on_fire) : swing_to_rearm(codes, k, first, on_spike);
      }
    } else {
      for (std::size_t k = 0; k < codes.size(); ++k) {
        level_step(codes[k], first.index + static_cast<std::int64_t>(k), on_fire, on_spike);
      }
    }
    previous_ = codes.back();
  }

  /// Takes codes in of which only the extremes are known; passes_over() must hold for them.
  void coast(const QuietSpan& span) noexcept {
    begin(span.lowest);
    absorb(span.lowest, span.highest);
    previous_ = span.last;
  }
  /// Whether such codes can neither fire nor re-arm.
  bool passes_over(const SpanBounds& next) const noexcept { return passes_over(next, next); }
  /// The same if codes within [before.lowest, before.highest], which were passed over too, come first.
  bool passes_over(const SpanBounds& next, const SpanBounds& before) const noexcept {
    const int h = settings_.swing;
    if (settings_.trigger == protocol::Trigger::swing) {
      const int low = started_ ? std::min(low_, before.lowest) : before.lowest;
      return armed_ ? next.highest < low + h && next.rise < h
                    : next.lowest > std::max<int>(high_, before.highest) - h && next.fall < h;
    }
    return armed_ ? next.highest < settings_.fire_level : next.lowest >= settings_.rearm_level;
  }

  /// Ticks since the crossing of a spike that has not re-armed; 0 when armed.
  std::uint32_t open_for(Sample now) const noexcept {
    if (armed_) return 0;
    const std::int64_t open = to_ticks(now) - fired_;
    return static_cast<std::uint32_t>(std::min<std::int64_t>(open, std::numeric_limits<std::uint32_t>::max()));
  }

 private:
  explicit SpikeDetector(const protocol::ConfigureDetector& settings) noexcept : settings_{settings} {}

  void begin(AdcCode code) noexcept {
    if (started_) return;
    started_ = true;
    previous_ = low_ = trough_ = code;
  }
  void absorb(AdcCode lowest, AdcCode highest) noexcept {
    if (armed_) {
      low_ = std::min(low_, lowest);
    } else {
      high_ = std::max(high_, highest);
    }
    trough_ = std::min(trough_, lowest);
  }

  // Both look at codes from k on, up to the one that fires or re-arms, and return what follows it. What they keep lies
  // in registers: this is what every code of a spike costs on a chip.

  template <class OnFire>
  std::size_t swing_to_fire(std::span<const AdcCode> codes, std::size_t k, Sample first, OnFire&& on_fire) noexcept {
    const std::int64_t quiet = std::max(quiet_until_, first.index) - first.index;
    int low = low_;
    const int swing = settings_.swing;
    const std::size_t begin = k;
    for (; k < codes.size(); ++k) {
      const int code = codes[k];
      low = std::min(low, code);
      if (code - low >= swing && static_cast<std::int64_t>(k) >= quiet) break;
    }
    // What fires is above the lowest code, so that it makes no difference here.
    // that.
    trough_ = std::min(trough_, static_cast<AdcCode>(low));
    low_ = static_cast<AdcCode>(low);
    if (k > begin) previous_ = codes[k - 1];
    if (k == codes.size()) return k;
    fire(codes[k], low + swing, first.index + static_cast<std::int64_t>(k), on_fire);
    trough_ = previous_ = codes[k];
    return k + 1;
  }

  template <class OnSpike>
  std::size_t swing_to_rearm(std::span<const AdcCode> codes, std::size_t k, Sample first, OnSpike&& on_spike) noexcept {
    int high = high_;
    int lowest = trough_;
    const int swing = settings_.swing;
    for (; k < codes.size(); ++k) {
      const int code = codes[k];
      high = std::max(high, code);
      lowest = std::min(lowest, code);
      if (high - code >= swing) break;
    }
    high_ = static_cast<AdcCode>(high);
    trough_ = static_cast<AdcCode>(lowest);
    if (k == codes.size()) {
      previous_ = codes.back();
      return k;
    }
    rearm(codes[k], first.index + static_cast<std::int64_t>(k), on_spike);
    previous_ = codes[k];
    return k + 1;
  }

  template <class OnFire, class OnSpike>
  void level_step(AdcCode code, std::int64_t sample, OnFire&& on_fire, OnSpike&& on_spike) noexcept {
    if (armed_) {
      const bool crosses = previous_ < settings_.fire_level && code >= settings_.fire_level;
      if (crosses && sample >= quiet_until_) fire(code, settings_.fire_level, sample, on_fire);
    } else {
      high_ = std::max(high_, code);
      if (code < settings_.rearm_level) rearm(code, sample, on_spike);
    }
    trough_ = std::min(trough_, code);
    previous_ = code;
  }

  template <class OnFire>
  void fire(AdcCode code, int level, std::int64_t sample, OnFire&& on_fire) noexcept {
    std::int64_t fraction = 0;
    if (previous_ < level && code > previous_) fraction = (ticks_per_sample * (level - previous_)) / (code - previous_);
    fired_ = Ticks{(sample - 1) * ticks_per_sample + fraction};
    armed_ = false;
    high_ = code;
    trough_of_spike_ = std::min(trough_, previous_);
    trough_ = std::numeric_limits<AdcCode>::max();
    on_fire(fired_);
  }

  template <class OnSpike>
  void rearm(AdcCode code, std::int64_t sample, OnSpike&& on_spike) noexcept {
    armed_ = true;
    low_ = code;
    quiet_until_ = to_sample(fired_).index + settings_.refractory;
    const std::int64_t width = sample * ticks_per_sample - fired_.count;
    on_spike(protocol::SpikeRecord{
        fired_, static_cast<std::uint32_t>(std::min<std::int64_t>(width, std::numeric_limits<std::uint32_t>::max())),
        high_, trough_of_spike_});
  }

  protocol::ConfigureDetector settings_{};
  bool started_ = false;
  bool armed_ = true;
  AdcCode previous_ = 0;
  AdcCode low_ = 0;
  AdcCode high_ = 0;
  AdcCode trough_ = 0;
  AdcCode trough_of_spike_ = 0;
  Ticks fired_{};
  std::int64_t quiet_until_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace thyrode::firmware
