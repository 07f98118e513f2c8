// What one channel must not exceed, and what its signals must look like while current flows. Block side: integers only,
// no division before a trip.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "firmware/core/charge_meter.hpp"
#include "protocols/messages.hpp"

namespace thyrode::firmware {

/// Extremes and sum of consecutive codes.
struct CodeSummary {
  AdcCode lowest = std::numeric_limits<AdcCode>::max();
  AdcCode highest = 0;
  std::uint32_t sum = 0;
};

/// The codes of all signals of one channel over a block or a stretch, by the order of protocol::Signal.
struct ChannelSummary {
  std::array<CodeSummary, protocol::signal_count> signals{};
  std::array<std::uint32_t, protocol::signal_count> counts{};  ///< conversions; 0: nobody looked
};

/// Why the current must go; code none: it need not.
struct Trip {
  protocol::FaultCode code = protocol::FaultCode::none;
  protocol::Signal signal = protocol::Signal::v_out;
  std::int32_t value = 0;
  std::int32_t limit = 0;
  explicit operator bool() const noexcept { return code != protocol::FaultCode::none; }
};

/// Counts how long a converter has given one and the same code: whole blocks, so that their extremes suffice.
class CodeWatch {
 public:
  /// @param top  highest code of the converter
  /// @param stuck, rail  conversions of one code that trip: anywhere between, and at either end; 0: never
  void configure(AdcCode top, std::uint32_t stuck, std::uint32_t rail) noexcept {
    top_ = top;
    stuck_ = stuck;
    rail_ = rail;
  }
  void rest() noexcept { run_ = 0; }
  void take(const CodeSummary& codes, std::uint32_t count) noexcept {
    if (count == 0) return;
    if (codes.lowest != codes.highest) {
      run_ = 0;
      return;
    }
    if (codes.lowest != code_) run_ = 0;
    code_ = codes.lowest;
    run_ += count;
  }
  bool at_rail() const noexcept { return code_ == 0 || code_ == top_; }
  /// Conversions that trip; 0: none do.
  std::uint32_t limit() const noexcept { return at_rail() ? rail_ : stuck_; }
  bool trips() const noexcept { return limit() != 0 && run_ >= limit(); }
  /// Whether codes to come may trip: one more of the same.
  bool waits() const noexcept { return run_ != 0 && limit() != 0; }
  AdcCode code() const noexcept { return code_; }
  std::uint32_t run() const noexcept { return run_; }

 private:
  AdcCode top_ = 0;
  std::uint32_t stuck_ = 0;
  std::uint32_t rail_ = 0;
  AdcCode code_ = 0;
  std::uint32_t run_ = 0;
};

class ChannelSafety {
 public:
  static constexpr AdcCode no_limit = 0xFFFF;

  /// No limit at all.
  /// @param readback_ratio  codes of I_read for one DAC code, 16 fractional bits
  void reset(const protocol::ChannelInfo& info, std::uint32_t sample_rate, std::int32_t readback_ratio) noexcept {
    *this = {};
    for (std::size_t s = 0; s < protocol::signal_count; ++s) {
      zeros_[s] = static_cast<std::int32_t>(info.signals[s].zero);
      every_[s] = info.signals[s].every;
      tops_[s] = static_cast<AdcCode>((1U << info.signals[s].bits) - 1);
    }
    zero_code_ = static_cast<std::int32_t>(info.command.zero);
    ratio_ = readback_ratio;
    charge_.reset(sample_rate);
  }

  AdcCode compliance() const noexcept { return compliance_; }
  AdcCode readback_band() const noexcept { return band_; }
  void set_limits(AdcCode compliance, AdcCode readback_band) noexcept {
    compliance_ = compliance;
    band_ = readback_band;
  }
  const protocol::ConfigurePlausibility& plausibility() const noexcept { return plausibility_; }
  void set_plausibility(const protocol::ConfigurePlausibility& settings) noexcept {
    plausibility_ = settings;
    for (std::size_t s = 0; s < protocol::signal_count; ++s) {
      const std::uint32_t rest = settings.rail[s] % every_[s];
      watches_[s].configure(tops_[s], settings.stuck, settings.rail[s] / every_[s] + (rest != 0 ? 1 : 0));
    }
  }
  ChargeMeter& charge() noexcept { return charge_; }
  const ChargeMeter& charge() const noexcept { return charge_; }

  /// Looks at a block while current may flow.
  /// @param command_sum  sum of the DAC codes of its samples; as many as V_out has conversions
  Trip inspect(const ChannelSummary& block, std::uint32_t command_sum) noexcept {
    if (const Trip trip = check_compliance(block.signals[v_m].highest)) return trip;
    if (const Trip trip = check_readback(block, command_sum)) return trip;
    if (const Trip trip = check_open_loop(block, command_sum)) return trip;
    for (std::size_t s = 0; s < protocol::signal_count; ++s) {
      watches_[s].take(block.signals[s], block.counts[s]);
      if (!watches_[s].trips()) continue;
      const auto code = watches_[s].at_rail() ? protocol::FaultCode::rail : protocol::FaultCode::stuck;
      return {code, static_cast<protocol::Signal>(s), watches_[s].code(), told(watches_[s].limit())};
    }
    return {};
  }
  /// No current can flow: what was watched begins anew.
  void rest() noexcept {
    for (CodeWatch& watch : watches_) watch.rest();
    unmoved_ = 0;
  }

  Trip check_compliance(AdcCode highest) const noexcept {
    if (compliance_ == no_limit || highest <= compliance_) return {};
    return {protocol::FaultCode::compliance, protocol::Signal::v_m, highest, compliance_};
  }

  // A stretch whose codes nobody looked at one by one.

  /// Whether nothing is being watched that the codes of the next blocks could trip.
  bool at_ease() const noexcept {
    const bool waits = std::any_of(watches_.begin(), watches_.end(), [](const CodeWatch& w) { return w.waits(); });
    return !waits && unmoved_ == 0;
  }
  /// Takes a stretch in; what it begins is judged with the next block.
  void coast(const ChannelSummary& stretch, std::uint32_t command_sum, std::uint32_t samples) noexcept {
    for (std::size_t s = 0; s < protocol::signal_count; ++s) watches_[s].take(stretch.signals[s], stretch.counts[s]);
    count_unmoved(stretch, command_sum, samples);
  }
  /// Whether I_read codes within [lowest, highest] trip nothing while a command rests.
  bool i_read_passes(FineCode command, AdcCode lowest, AdcCode highest) const noexcept {
    if (band_ == no_limit) return true;
    const std::int64_t above = command - (std::int64_t{zero_code_} << fine_bits);
    const std::int64_t expected = ((above * ratio_) >> (2 * fine_bits)) + zeros_[i_read];
    // One code for the rounding here, one for the flicker of the command.
    return highest - expected + 2 <= band_ && expected - lowest + 2 <= band_;
  }

 private:
  static constexpr auto v_m = static_cast<std::size_t>(protocol::Signal::v_m);
  static constexpr auto i_read = static_cast<std::size_t>(protocol::Signal::i_read);

  static std::int32_t told(std::int64_t value) noexcept {
    return static_cast<std::int32_t>(std::min<std::int64_t>(value, std::numeric_limits<std::int32_t>::max()));
  }

  /// The mean of I_read against the mean of the command: (read / n_read - command ratio / n) within the band, without a
  /// division. Too little current where a command asks for some is a wire that is off.
  Trip check_readback(const ChannelSummary& block, std::uint32_t command_sum) const noexcept {
    const std::uint32_t count = block.counts[i_read];
    const std::uint32_t samples = block.counts[0];
    if (band_ == no_limit || count == 0) return {};
    const std::int32_t read =
        static_cast<std::int32_t>(block.signals[i_read].sum) - zeros_[i_read] * std::int32_t(count);
    const std::int32_t command = static_cast<std::int32_t>(command_sum) - zero_code_ * std::int32_t(samples);
    const std::int64_t is = (std::int64_t{read} * samples) << fine_bits;
    const std::int64_t expected = std::int64_t{command} * ratio_ * count;
    const std::int64_t band = (std::int64_t{band_} * count * samples) << fine_bits;
    if (is - expected <= band && expected - is <= band) return {};
    const auto per_code = static_cast<std::int32_t>(count * samples);
    const auto mean = [per_code](std::int64_t value) {
      return static_cast<std::int32_t>(value >> fine_bits) / per_code;
    };
    const std::int64_t most = expected < 0 ? -expected : expected;
    if (most > band && (is < 0 ? -is : is) < most >> 2) {
      return {protocol::FaultCode::open_loop, protocol::Signal::i_read, mean(is), mean(expected)};
    }
    return {protocol::FaultCode::readback, protocol::Signal::i_read, mean(is - expected), band_};
  }

  /// Current is asked for, and V_m stays where it is without any.
  Trip check_open_loop(const ChannelSummary& block, std::uint32_t command_sum) noexcept {
    count_unmoved(block, command_sum, block.counts[0]);
    if (unmoved_ == 0 || unmoved_ < plausibility_.open_time) return {};
    return {protocol::FaultCode::open_loop, protocol::Signal::v_m, block.signals[v_m].highest - zeros_[v_m],
            plausibility_.open_band};
  }
  void count_unmoved(const ChannelSummary& block, std::uint32_t command_sum, std::uint32_t samples) noexcept {
    const std::uint32_t zero = static_cast<std::uint32_t>(zero_code_) * samples;
    const std::uint32_t magnitude = command_sum > zero ? command_sum - zero : zero - command_sum;
    const std::int32_t band = plausibility_.open_band;
    const bool flows = plausibility_.open_current != 0 && magnitude >= plausibility_.open_current * samples;
    const bool unmoved = block.counts[v_m] != 0 && block.signals[v_m].highest <= zeros_[v_m] + band &&
                         block.signals[v_m].lowest >= zeros_[v_m] - band;
    unmoved_ = flows && unmoved ? unmoved_ + samples : 0;
  }

  std::array<std::int32_t, protocol::signal_count> zeros_{};
  std::array<std::uint16_t, protocol::signal_count> every_{1, 1, 1};
  std::array<AdcCode, protocol::signal_count> tops_{};
  std::int32_t zero_code_ = 0;
  std::int32_t ratio_ = 0;
  AdcCode compliance_ = no_limit;
  AdcCode band_ = no_limit;
  protocol::ConfigurePlausibility plausibility_{};
  std::array<CodeWatch, protocol::signal_count> watches_{};
  std::uint32_t unmoved_ = 0;  // samples
  ChargeMeter charge_;
};

}  // namespace thyrode::firmware
