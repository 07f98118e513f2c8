// The newest codes of a channel at the full rate: what a fault leaves behind, and what snippets are cut from.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "protocols/messages.hpp"

namespace thyrode::firmware {

/// Codes without a gap up to the newest one, at most Length of them.
template <std::size_t Length>
class CodeRing {
 public:
  static constexpr std::size_t length = Length;

  /// @param every  samples from one code to the next
  void reset(std::uint16_t every) noexcept {
    every_ = every;
    count_ = end_ = 0;
    next_ = {};
  }
  /// Stores consecutive codes, at most Length; what was there before a gap is forgotten.
  /// @param first  sample of the first one
  void store(Sample first, std::span<const AdcCode> codes) noexcept {
    if (first != next_) count_ = 0;
    const std::size_t head = std::min(codes.size(), Length - end_);
    std::copy_n(codes.begin(), head, codes_.begin() + static_cast<std::ptrdiff_t>(end_));
    std::copy(codes.begin() + static_cast<std::ptrdiff_t>(head), codes.end(), codes_.begin());
    end_ = end_ + codes.size() < Length ? end_ + codes.size() : end_ + codes.size() - Length;
    count_ = std::min(count_ + codes.size(), Length);
    next_ = first + static_cast<std::int64_t>(codes.size()) * every_;
  }
  std::size_t size() const noexcept { return count_; }
  std::uint16_t every() const noexcept { return every_; }
  /// Sample of the oldest code, and that which follows the newest one.
  Sample first() const noexcept { return next_ - static_cast<std::int64_t>(count_) * every_; }
  Sample next() const noexcept { return next_; }
  /// Copies codes, from the k-th oldest one on; all of them are there.
  void copy(std::size_t k, std::span<AdcCode> out) const noexcept {
    const std::size_t back = count_ - k;
    const std::size_t place = end_ >= back ? end_ - back : end_ + Length - back;
    const std::size_t head = std::min(out.size(), Length - place);
    std::copy_n(codes_.begin() + static_cast<std::ptrdiff_t>(place), head, out.begin());
    std::copy_n(codes_.begin(), out.size() - head, out.begin() + static_cast<std::ptrdiff_t>(head));
  }

 private:
  std::array<AdcCode, Length> codes_{};
  std::size_t count_ = 0;
  std::size_t end_ = 0;  // where the next code goes
  std::uint16_t every_ = 1;
  Sample next_{};
};

/// The last 20 ms of all signals of a channel (250 kS/s, V_m and I_read each tenth sample): 12 KiB.
class TraceMemory {
 public:
  using Fast = CodeRing<5120>;
  using Slow = CodeRing<512>;

  void reset(const protocol::ChannelInfo& info) noexcept {
    v_out_.reset(info.signals[0].every);
    slow_[0].reset(info.signals[1].every);
    slow_[1].reset(info.signals[2].every);
  }
  void store(Sample first, std::span<const AdcCode> v_out, std::span<const AdcCode> v_m,
             std::span<const AdcCode> i_read) noexcept {
    v_out_.store(first, v_out);
    slow_[0].store(first, v_m);
    slow_[1].store(first, i_read);
  }
  const Fast& v_out() const noexcept { return v_out_; }

  /// A part of what is held of a signal: empty from `offset` = length on.
  protocol::TracePart part(std::uint8_t channel, protocol::Signal signal, std::uint16_t offset) const noexcept {
    protocol::TracePart part;
    part.channel = channel;
    part.signal = signal;
    part.offset = offset;
    if (signal == protocol::Signal::v_out) {
      copy(v_out_, part);
    } else {
      copy(slow_[signal == protocol::Signal::v_m ? 0 : 1], part);
    }
    return part;
  }

 private:
  template <class Ring>
  static void copy(const Ring& ring, protocol::TracePart& part) noexcept {
    part.first = ring.first();
    part.every = ring.every();
    part.length = static_cast<std::uint16_t>(ring.size());
    if (part.offset >= ring.size()) return;
    part.codes.resize(std::min<std::size_t>(part.codes.capacity, ring.size() - part.offset));
    ring.copy(part.offset, {part.codes.data(), part.codes.size()});
  }

  Fast v_out_;
  std::array<Slow, 2> slow_;
};

}  // namespace thyrode::firmware
