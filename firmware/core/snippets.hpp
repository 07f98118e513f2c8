// The full-rate trace around spikes: captures that wait for their end, cut from the memory of the channel.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "firmware/core/trace_memory.hpp"
#include "protocols/messages.hpp"

namespace thyrode::firmware {

/// A capture is sent once its last sample has come; at most `pending_depth` wait at a time, further spikes go without a
/// snippet.
class Snippets {
 public:
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
    follows_ = false;
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

  /// Hands out a part of the oldest capture if all of it is there (one a block).
  /// @param first   of the block that was stored last
  /// @param memory  up to the end of that block
  /// @param room    whether there is room for a part: else it waits, for as long as the memory holds it
  template <class Emit>
  void send_due(std::uint8_t channel, Sample first, const TraceMemory::Fast& memory, bool room, Emit&& emit) noexcept {
    if (!follows_) oldest_ = first;
    follows_ = on();
    if (!room || pending_ == 0 || to_sample(waiting_[0]) + settings_.after > memory.next()) return;
    if (!send_part(channel, waiting_[0], memory, emit)) return;
    --pending_;
    for (std::size_t i = 0; i < pending_; ++i) waiting_[i] = waiting_[i + 1];
  }

 private:
  /// Sends the next codes of a snippet. A block of the trace waits its turn like this, since a whole snippet would take
  /// a chip several blocks. @returns whether it was the last part
  template <class Emit>
  bool send_part(std::uint8_t channel, Ticks spike, const TraceMemory::Fast& memory, Emit&& emit) noexcept {
    // What lies before the run is not shown.
    const Sample begin = std::max(to_sample(spike) - settings_.before, oldest_);
    const Sample end = to_sample(spike) + settings_.after;
    protocol::SnippetBlock block;
    block.channel = channel;
    block.spike = spike;
    block.first = begin;
    block.length = static_cast<std::uint16_t>(std::max<std::int64_t>(0, end - begin));
    block.offset = sent_;
    const Sample from = begin + sent_;
    const bool there = from >= memory.first();  // a missed block leaves a hole in the memory
    if (there && block.length > 0) {
      block.codes.resize(std::min<std::size_t>(block.codes.capacity, block.length - sent_));
      memory.copy(static_cast<std::size_t>(from - memory.first()), {block.codes.data(), block.codes.size()});
      emit(block);
    }
    sent_ = static_cast<std::uint16_t>(sent_ + block.codes.size());
    if (there && sent_ < block.length) return false;
    sent_ = 0;
    return true;
  }

  /// How many may wait so that the last one still lies in the memory when its turn comes: a snippet goes out twice as
  /// fast as codes come, in parts as long as two blocks.
  std::size_t most_waiting() const noexcept {
    const std::size_t length = std::size_t{settings_.before} + settings_.after;
    const std::size_t spare = TraceMemory::Fast::length - length - longest_block;
    return std::min(pending_depth, 1 + 2 * spare / std::max<std::size_t>(1, length + longest_block));
  }

  protocol::ConfigureSnippets settings_{};
  std::array<Ticks, pending_depth> waiting_{};
  std::size_t pending_ = 0;
  std::uint16_t sent_ = 0;  // codes of the first one that waits
  bool follows_ = false;    // snippets were on at the last block, and so the run had begun
  Sample oldest_{};         // first sample since
  Sample second_{};
  std::uint32_t in_second_ = 0;
};

}  // namespace thyrode::firmware
