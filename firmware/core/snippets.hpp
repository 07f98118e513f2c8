// The full-rate trace around spikes: a ring of the newest codes, and captures that wait for their end.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "protocols/messages.hpp"

namespace thyrode::firmware {

/// Keeps the last 20 ms at 250 kS/s. A capture is sent once its last sample has come; at most
/// `pending_depth` wait at a time, further spikes go without a snippet.
class Snippets {
 public:
  static constexpr std::size_t ring_length = 5120;  // codes
  static constexpr std::size_t pending_depth = 4;
  static constexpr std::size_t longest = 2048;      // codes in one snippet
  static constexpr std::size_t longest_block = 52;  // codes: a part has room for two

  /// @returns false when the window is longer than `longest`
  bool configure(const protocol::ConfigureSnippets& settings) noexcept {
    if (std::size_t{settings.before} + settings.after > longest) return false;
    settings_ = settings;
    pending_ = 0;
    sent_ = 0;
    return true;
  }
  bool on() const noexcept { return settings_.on != 0; }
  void reset() noexcept {
    pending_ = 0;
    sent_ = 0;
    next_ = {};
    oldest_ = {};
    second_ = {};
    in_second_ = 0;
  }

  /// Notes a crossing; its snippet goes out when the samples after it have come.
  void fire(Ticks at, std::uint32_t sample_rate) noexcept {
    if (settings_.on == 0 || pending_ >= most_waiting()) return;
    const Sample sample = to_sample(at);
    if (sample.index / sample_rate != second_.index) {
      second_.index = sample.index / sample_rate;
      in_second_ = 0;
    }
    if (in_second_ >= settings_.most_per_second) return;
    ++in_second_;
    waiting_[pending_++] = at;
  }

  /// Stores a block of codes and hands out a part of the oldest capture if all of it is there (one a block).
  template <class Emit>
  void store(std::uint8_t channel, Sample first, std::span<const AdcCode> codes, Emit&& emit) noexcept {
    if (settings_.on == 0) return;
    if (first != next_) oldest_ = first;
    std::size_t place = place_of(first.index);
    for (const AdcCode code : codes) {
      ring_[place] = code;
      place = after(place);
    }
    next_ = first + static_cast<std::int64_t>(codes.size());
    if (pending_ == 0 || to_sample(waiting_[0]) + settings_.after > next_) return;
    if (!send_part(channel, waiting_[0], emit)) return;
    --pending_;
    for (std::size_t i = 0; i < pending_; ++i) waiting_[i] = waiting_[i + 1];
  }

 private:
  /// Sends the next codes of a snippet. A block of the trace waits its turn like this, since a whole snippet would take
  /// a chip several blocks. @returns whether it was the last part
  template <class Emit>
  bool send_part(std::uint8_t channel, Ticks spike, Emit&& emit) noexcept {
    // Before `oldest_` the ring holds codes of another time.
    const std::int64_t begin = std::max(to_sample(spike).index - settings_.before, oldest_.index);
    const std::int64_t end = to_sample(spike).index + settings_.after;
    protocol::SnippetBlock block;
    block.channel = channel;
    block.spike = spike;
    block.first = Sample{begin};
    block.length = static_cast<std::uint16_t>(end - begin);
    block.offset = sent_;
    block.codes.resize(std::min<std::size_t>(block.codes.capacity, block.length - sent_));
    const std::size_t place = place_of(begin + sent_);
    const std::size_t head = std::min(block.codes.size(), ring_length - place);
    std::copy_n(ring_.begin() + static_cast<std::ptrdiff_t>(place), head, block.codes.data());
    std::copy_n(ring_.begin(), block.codes.size() - head, block.codes.data() + head);
    if (block.length > 0) emit(block);
    sent_ = static_cast<std::uint16_t>(sent_ + block.codes.size());
    if (sent_ < block.length) return false;
    sent_ = 0;
    return true;
  }

  /// How many may wait so that the last one still lies in the ring when its turn comes: a snippet goes out twice as
  /// fast as codes come, in parts as long as two blocks.
  std::size_t most_waiting() const noexcept {
    const std::size_t length = std::size_t{settings_.before} + settings_.after;
    const std::size_t spare = ring_length - length - longest_block;
    return std::min(pending_depth, 1 + 2 * spare / std::max<std::size_t>(1, length + longest_block));
  }

  /// Where the code of a sample lies: its whole 64 bits count, also where a size has 32.
  static std::size_t place_of(std::int64_t sample) noexcept {
    return static_cast<std::size_t>(static_cast<std::uint64_t>(sample) % ring_length);
  }
  static std::size_t after(std::size_t place) noexcept { return place + 1 == ring_length ? 0 : place + 1; }

  protocol::ConfigureSnippets settings_{};
  std::array<AdcCode, ring_length> ring_{};
  std::array<Ticks, pending_depth> waiting_{};
  std::size_t pending_ = 0;
  std::uint16_t sent_ = 0;  // codes of the first one that waits
  Sample next_{};
  Sample oldest_{};  // the first sample stored without a gap since
  Sample second_{};
  std::uint32_t in_second_ = 0;
};

}  // namespace thyrode::firmware
