// The command of one channel: queued segments, the slew shaper and the DAC codes with error feedback.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "firmware/core/straight_line.hpp"
#include "protocols/messages.hpp"

namespace thyrode::firmware {

/// A command that stays where it is: its codes come from the error feedback alone, so that sums of many are one step.
struct RestingCommand {
  FineCode applied = 0;
  std::int32_t remainder = 0;  ///< carried into the next code, 0 to 65535

  /// Sum of the next codes; moves on behind them.
  std::uint32_t sum(std::int64_t codes) noexcept {
    const std::int64_t total = codes * applied + remainder;
    remainder = static_cast<std::int32_t>(total & mask);
    return static_cast<std::uint32_t>(total >> fine_bits);
  }
  /// The next code.
  DacCode code() noexcept { return static_cast<DacCode>(sum(1)); }
  /// The same command so many codes earlier.
  RestingCommand before(std::int64_t codes) const noexcept {
    return {applied, static_cast<std::int32_t>((remainder - codes * applied) & mask)};
  }

 private:
  static constexpr std::int64_t mask = (std::int64_t{1} << fine_bits) - 1;
};

/// What a call wrote.
struct WrittenCodes {
  std::uint32_t sum = 0;
  std::uint32_t magnitude = 0;  ///< sum of |code - zero|
};

/// Executes segments at their sample. The applied current follows the command at most by `slew` a sample, and the
/// fraction of a code is carried to the next sample, so that the mean of the codes is the applied current.
class Stimulus {
 public:
  static constexpr std::size_t queue_depth = 16;

  struct Limits {
    FineCode lowest = 0;
    FineCode highest = 0;
    FineCode slew = 1;
  };

  void reset(FineCode zero) noexcept {
    zero_ = applied_ = target_ = zero;
    count_ = 0;
    active_ = false;
    remainder_ = 0;
    jumped_ = true;
  }
  void set_limits(const Limits& limits) noexcept { limits_ = limits; }
  const Limits& limits() const noexcept { return limits_; }
  /// The limit that the applied current exceeds; the current itself if it exceeds none. Zero is always allowed.
  FineCode within_limits(FineCode applied) const noexcept {
    return std::clamp(applied, std::min(limits_.lowest, zero_), std::max(limits_.highest, zero_));
  }

  /// Appends a segment.
  /// @param next  the first sample whose DAC code is not written yet
  /// Answers: too_late, out_of_range (limit, or out of order), queue_full, done.
  protocol::Status push(const protocol::Schedule& segment, Sample next) noexcept {
    const auto inside = [this](FineCode c) { return c >= limits_.lowest && c <= limits_.highest; };
    if (!inside(segment.first) || !inside(segment.last)) return protocol::Status::out_of_range;
    if (segment.start < next) return protocol::Status::too_late;
    if (count_ > 0 && segment.start < queue_[(head_ + count_ - 1) % queue_depth].start) {
      return protocol::Status::out_of_range;
    }
    if (count_ == queue_depth) return protocol::Status::queue_full;
    queue_[(head_ + count_) % queue_depth] = segment;
    ++count_;
    return protocol::Status::done;
  }

  /// Drops what is queued and heads for zero: at the slew limit, or at once.
  void to_zero(bool at_once) noexcept {
    count_ = 0;
    active_ = false;
    target_ = zero_;
    if (at_once) {
      applied_ = zero_;
      remainder_ = 0;
      jumped_ = true;
    }
  }
  /// The start of the segment that comes next; only while something is queued.
  Sample next_start() const noexcept { return queue_[head_].start; }
  bool queued() const noexcept { return count_ > 0; }
  bool at_zero() const noexcept { return applied_ == zero_ && target_ == zero_ && !active_; }
  FineCode applied() const noexcept { return applied_; }
  FineCode zero() const noexcept { return zero_; }
  FineCode target() const noexcept { return target_; }

  /// Whether all codes from `since` on, written or still to come before `until`, are those of one resting command.
  bool rests(Sample since, Sample until) const noexcept {
    if (jumped_ || active_ || applied_ != target_ || rests_since_ > since) return false;
    return count_ == 0 || queue_[head_].start >= until;
  }
  /// The command while it rests, at the next code to be written.
  RestingCommand resting() const noexcept { return {applied_, remainder_}; }
  /// Sum of |code - zero| of the next codes; only while it rests. All of them lie on one side of zero, which is a code.
  std::uint32_t magnitude(std::int64_t codes) const noexcept {
    return distance(resting().sum(codes), static_cast<std::uint32_t>(codes));
  }
  /// Writes codes that nobody wants one by one; only while it rests.
  void coast(std::int64_t codes) noexcept {
    RestingCommand command = resting();
    command.sum(codes);
    remainder_ = command.remainder;
  }

  /// Writes the codes of the samples from `first` on.
  /// @param on_applied  called with (sample, from, to, slew) when the applied current starts to move
  template <class OnApplied>
  WrittenCodes fill(Sample first, std::span<DacCode> out, OnApplied&& on_applied) noexcept {
    WrittenCodes written;
    std::size_t k = 0;
    if (jumped_) {
      jumped_ = false;
      rests_since_ = first;
    }
    while (k < out.size()) {
      begin_due_segment(first + static_cast<std::int64_t>(k), on_applied);
      std::size_t quiet_end = out.size();
      if (count_ > 0) {
        const std::int64_t wait = queue_[head_].start - first;
        quiet_end = static_cast<std::size_t>(
            std::clamp<std::int64_t>(wait, static_cast<std::int64_t>(k) + 1, static_cast<std::int64_t>(out.size())));
      }
      const std::size_t moved = fill_moving(out.subspan(k, quiet_end - k), written);
      k += moved;
      if (moved > 0) rests_since_ = first + (static_cast<std::int64_t>(k) - 1);
      std::uint32_t sum = 0;
      const std::size_t quiet_begin = k;
      for (; k < quiet_end; ++k) {
        out[k] = next_code();
        sum += out[k];
      }
      written.sum += sum;
      written.magnitude += distance(sum, static_cast<std::uint32_t>(k - quiet_begin));
    }
    return written;
  }

 private:
  /// How far the sum of so many codes, all on one side of zero, lies from that of as many zeros.
  std::uint32_t distance(std::uint32_t sum, std::uint32_t codes) const noexcept {
    const std::uint32_t zeros = static_cast<std::uint32_t>(zero_ >> fine_bits) * codes;
    return sum > zeros ? sum - zeros : zeros - sum;
  }
  template <class OnApplied>
  void begin_due_segment(Sample now, OnApplied&& on_applied) noexcept {
    while (count_ > 0 && queue_[head_].start <= now) {
      segment_ = queue_[head_];
      head_ = (head_ + 1) % queue_depth;
      --count_;
      active_ = segment_.duration > 0;
      target_ = active_ ? segment_.first : segment_.last;
      FineCode slew = limits_.slew;
      if (active_) {
        const std::int64_t into = now - segment_.start;
        line_ = StraightLine{segment_.first, segment_.last, segment_.duration, into};
        left_ = into < segment_.duration ? segment_.duration - static_cast<std::uint32_t>(into) : 0;
        slew = static_cast<FineCode>(std::clamp<std::int64_t>(line_.slope(), 1, limits_.slew));
      }
      if (applied_ != segment_.last || (active_ && applied_ != segment_.first))
        on_applied(now, applied_, segment_.last, slew);
    }
  }
  /// Writes codes while the command moves, in 32 bits and from registers: the dearest thing that a chip has to do for
  /// every sample. @returns how many
  std::size_t fill_moving(std::span<DacCode> out, WrittenCodes& written) noexcept {
    bool active = active_;
    FineCode applied = applied_;
    FineCode target = target_;
    StraightLine line = line_;
    std::uint32_t left = left_;
    const FineCode slew = limits_.slew;
    const auto zero = static_cast<std::int32_t>(zero_ >> fine_bits);
    std::int32_t remainder = remainder_;
    std::uint32_t sum = 0;
    std::uint32_t magnitude = 0;
    std::size_t k = 0;
    for (; k < out.size(); ++k) {
      if (active) {
        if (left == 0) {
          active = false;
          target = segment_.last;
        } else {
          --left;
          target = line.value();
          line.step();
        }
      } else if (applied == target) {
        break;
      }
      FineCode wanted = target - applied;
      if (wanted > slew) wanted = slew;
      if (wanted < -slew) wanted = -slew;
      applied += wanted;
      const auto total = static_cast<std::uint32_t>(applied + remainder);
      const auto code = static_cast<std::int32_t>(total >> fine_bits);
      remainder = static_cast<std::int32_t>(total & ((1U << fine_bits) - 1U));
      out[k] = static_cast<DacCode>(code);
      sum += static_cast<std::uint32_t>(code);
      magnitude += static_cast<std::uint32_t>(code > zero ? code - zero : zero - code);
    }
    active_ = active;
    applied_ = applied;
    target_ = target;
    line_ = line;
    left_ = left;
    remainder_ = remainder;
    written.sum += sum;
    written.magnitude += magnitude;
    return k;
  }
  DacCode next_code() noexcept {
    const std::int32_t total = applied_ + remainder_;
    const std::int32_t code = total >> fine_bits;
    remainder_ = total - (code << fine_bits);
    return static_cast<DacCode>(code);
  }

  std::array<protocol::Schedule, queue_depth> queue_{};
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  protocol::Schedule segment_{};
  StraightLine line_;       // of that segment, while active
  std::uint32_t left_ = 0;  // samples of it
  bool active_ = false;
  Limits limits_{};
  FineCode zero_ = 0;
  FineCode target_ = 0;
  FineCode applied_ = 0;
  std::int32_t remainder_ = 0;
  Sample rests_since_{};  // the applied current has not moved after it
  bool jumped_ = true;    // the codes written so far were those of another command
};

}  // namespace thyrode::firmware
