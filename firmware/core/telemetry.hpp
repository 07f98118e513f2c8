// Frames on their way to the host: answers first, then telemetry with a sequence number of its own.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "firmware/core/byte_ring.hpp"
#include "protocols/codec.hpp"

namespace thyrode::firmware {

/// Two rings, because two contexts write: the block interrupt (the stream) and the main loop (answers). Whoever streams
/// from the main loop holds the interrupt off. What either drops is counted apart, so that each count has one writer.
class Telemetry {
 public:
  /// Queues a message of the stream; counts it when there is no room.
  template <class Message>
  void stream(const Message& message) noexcept {
    if (!queue(stream_, message, stream_sequence_)) count(stream_dropped_);
    ++stream_sequence_;  // a dropped frame leaves a hole that the host sees
  }
  /// Queues the answer to a command; it carries the command's sequence number.
  template <class Message>
  void answer(const Message& message, std::uint8_t sequence) noexcept {
    if (!queue(answers_, message, sequence)) count(answers_dropped_);
  }

  /// Hands bytes to the board, whole frames of one ring at a time: answers wait for the end of the frame that is going
  /// out.
  template <class Send>
  void drain(Send&& send) noexcept {
    while (true) {
      if (frame_sent_ == frame_size_ && !next_frame()) return;
      const std::size_t taken =
          send(std::span<const std::uint8_t>{frame_}.subspan(frame_sent_, frame_size_ - frame_sent_));
      if (taken == 0) return;
      frame_sent_ += taken;
    }
  }

  std::size_t room() const noexcept { return stream_.room(); }
  /// Kept for what cannot wait: more than a mark with everything flushed on each channel. In virtual time there is
  /// always so much, since a block is not run with less room than twice that.
  static constexpr std::size_t kept_room = 4096;
  bool idle() const noexcept { return frame_sent_ == frame_size_ && stream_.empty() && answers_.empty(); }
  /// Frames that found no room, of either ring; from any context.
  std::uint32_t dropped() const noexcept { return stream_dropped() + answers_dropped_.load(std::memory_order_relaxed); }
  /// Of the stream alone.
  std::uint32_t stream_dropped() const noexcept { return stream_dropped_.load(std::memory_order_relaxed); }
  /// A new host: what was meant for the last one is gone. A frame that is half on its way is ended, so that it does not
  /// spoil the next one.
  void reset() noexcept {
    stream_.clear();
    answers_.clear();
    const bool mid_frame = frame_sent_ > 0 && frame_sent_ < frame_size_;
    frame_[0] = 0;
    frame_sent_ = 0;
    frame_size_ = mid_frame ? 1 : 0;
    stream_sequence_ = 0;
    stream_dropped_.store(0, std::memory_order_relaxed);
    answers_dropped_.store(0, std::memory_order_relaxed);
  }

 private:
  using Count = std::atomic<std::uint32_t>;
  static_assert(Count::is_always_lock_free);
  /// One writer each: no read-modify-write is needed.
  static void count(Count& dropped) noexcept {
    dropped.store(dropped.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// Puts type, sequence number, length and payload into a ring. Frames are made of them on their way out, in the main
  /// loop: check and stuffing cost several times as much, and a mark has a dozen of them.
  template <class Ring, class Message>
  static bool queue(Ring& ring, const Message& message, std::uint8_t sequence) noexcept {
    // In place but at the end of the ring, where a record may have to be divided.
    const std::span<std::uint8_t> place = ring.writable();
    if (place.size() >= longest_record) {
      ring.commit(record(place.first(longest_record), message, sequence));
      return true;
    }
    std::array<std::uint8_t, longest_record> apart;
    return ring.push(std::span<const std::uint8_t>{apart}.first(record(apart, message, sequence)));
  }
  /// @returns bytes written
  template <class Message>
  static std::size_t record(std::span<std::uint8_t> out, const Message& message, std::uint8_t sequence) noexcept {
    const std::size_t size = protocol::encode(message, out.subspan(header_bytes));
    out[0] = Message::type;
    out[1] = sequence;
    out[2] = static_cast<std::uint8_t>(size);
    return header_bytes + size;
  }
  /// Takes the oldest record of the answers, else of the stream, and makes its frame. @returns false if there is none
  bool next_frame() noexcept {
    if (!answers_.empty()) {
      frame_of(answers_);
    } else if (!stream_.empty()) {
      frame_of(stream_);
    } else {
      return false;
    }
    return true;
  }
  template <class Ring>
  void frame_of(Ring& ring) noexcept {
    std::array<std::uint8_t, longest_record> record;
    take(ring, std::span<std::uint8_t>{record}.first(header_bytes));
    const std::span<std::uint8_t> payload = std::span<std::uint8_t>{record}.subspan(header_bytes, record[2]);
    take(ring, payload);
    frame_size_ = protocol::write_frame(record[0], record[1], payload, frame_);
    frame_sent_ = 0;
  }
  template <class Ring>
  static void take(Ring& ring, std::span<std::uint8_t> out) noexcept {
    while (!out.empty()) {
      const std::span<const std::uint8_t> front = ring.front();
      const std::size_t count = std::min(front.size(), out.size());
      std::copy_n(front.begin(), count, out.begin());
      ring.pop(count);
      out = out.subspan(count);
    }
  }

  static constexpr std::size_t header_bytes = 3;
  static constexpr std::size_t longest_record = header_bytes + protocol::max_payload_up;

  ByteRing<16384> stream_;
  ByteRing<1024> answers_;
  std::uint8_t stream_sequence_ = 0;
  Count stream_dropped_{0};
  Count answers_dropped_{0};
  // The frame on its way out.
  std::array<std::uint8_t, protocol::max_frame_bytes> frame_{};
  std::size_t frame_size_ = 0;
  std::size_t frame_sent_ = 0;
};

}  // namespace thyrode::firmware
