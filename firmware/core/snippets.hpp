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
  static constexpr std::size_t longest = 2048;  // codes in one snippet: what a block may add to the telemetry

  /// @returns false when the window is longer than `longest`
  bool configure(const protocol::ConfigureSnippets& settings) noexcept {
    if (std::size_t{settings.before} + settings.after > longest) return false;
    settings_ = settings;
    pending_ = 0;
    return true;
  }
  bool on() const noexcept { return settings_.on != 0; }
  void reset() noexcept {
    pending_ = 0;
    next_ = {};
    oldest_ = {};
    second_ = {};
    in_second_ = 0;
  }

  /// Notes a crossing; its snippet goes out when the samples after it have come.
  void fire(Ticks at, std::uint32_t sample_rate) noexcept {
    if (settings_.on == 0 || pending_ == pending_depth) return;
    const Sample sample = to_sample(at);
    if (sample.index / sample_rate != second_.index) {
      second_.index = sample.index / sample_rate;
      in_second_ = 0;
    }
    if (in_second_ >= settings_.most_per_second) return;
    ++in_second_;
    waiting_[pending_++] = at;
  }

  /// Stores a block of codes and hands out the oldest capture if it is complete (one a block).
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
    send(channel, waiting_[0], emit);
    --pending_;
    for (std::size_t i = 0; i < pending_; ++i) waiting_[i] = waiting_[i + 1];
  }

 private:
  template <class Emit>
  void send(std::uint8_t channel, Ticks spike, Emit&& emit) const noexcept {
    // Before `oldest_` the ring holds codes of another time.
    const std::int64_t begin = std::max(to_sample(spike).index - settings_.before, oldest_.index);
    const std::int64_t end = to_sample(spike).index + settings_.after;
    protocol::SnippetBlock block;
    block.channel = channel;
    block.spike = spike;
    block.first = Sample{begin};
    block.length = static_cast<std::uint16_t>(end - begin);
    std::size_t place = place_of(begin);
    for (std::int64_t at = begin; at < end; ++at) {
      block.codes.push_back(ring_[place]);
      place = after(place);
      if (block.codes.full() || at + 1 == end) {
        block.offset = static_cast<std::uint16_t>(at + 1 - begin - static_cast<std::int64_t>(block.codes.size()));
        emit(block);
        block.codes.clear();
      }
    }
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
  Sample next_{};
  Sample oldest_{};  // the first sample stored without a gap since
  Sample second_{};
  std::uint32_t in_second_ = 0;
};

}  // namespace thyrode::firmware
