// Frames on their way to the host: answers first, then telemetry with a sequence number of its own.
#pragma once

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

  /// Hands bytes to the board, whole frames of one ring at a time.
  template <class Send>
  void drain(Send&& send) noexcept {
    while (true) {
      if (!mid_frame_) from_answers_ = !answers_.empty();
      auto& ring_bytes_left = from_answers_;
      const std::span<const std::uint8_t> front = ring_bytes_left ? answers_.front() : stream_.front();
      if (front.empty()) return;
      // Answers wait for the end of the frame that is going out.
      std::span<const std::uint8_t> piece = front;
      if (!from_answers_ && !answers_.empty()) piece = until_delimiter(front);
      const std::size_t taken = send(piece);
      if (taken == 0) return;
      mid_frame_ = piece[taken - 1] != 0;
      from_answers_ ? answers_.pop(taken) : stream_.pop(taken);
    }
  }

  std::size_t room() const noexcept { return stream_.room(); }
  bool idle() const noexcept { return stream_.empty() && answers_.empty(); }
  /// Frames that found no room, of either ring; from any context.
  std::uint32_t dropped() const noexcept { return stream_dropped() + answers_dropped_.load(std::memory_order_relaxed); }
  /// Of the stream alone.
  std::uint32_t stream_dropped() const noexcept { return stream_dropped_.load(std::memory_order_relaxed); }
  /// A new host: what was meant for the last one is gone. A frame that is half on its way is ended, so that it does not
  /// spoil the next one.
  void reset() noexcept {
    stream_.clear();
    answers_.clear();
    constexpr std::array<std::uint8_t, 1> delimiter{0};
    if (mid_frame_) answers_.push(delimiter);
    mid_frame_ = false;
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
  template <class Ring, class Message>
  static bool queue(Ring& ring, const Message& message, std::uint8_t sequence) noexcept {
    std::array<std::uint8_t, protocol::max_payload_up> payload;
    std::array<std::uint8_t, protocol::max_frame_bytes> frame;
    const std::size_t size = protocol::encode(message, payload);
    const std::size_t bytes = protocol::write_frame(Message::type, sequence, {payload.data(), size}, frame);
    return ring.push({frame.data(), bytes});
  }
  static std::span<const std::uint8_t> until_delimiter(std::span<const std::uint8_t> bytes) noexcept {
    for (std::size_t k = 0; k < bytes.size(); ++k) {
      if (bytes[k] == 0) return bytes.first(k + 1);
    }
    return bytes;
  }

  ByteRing<16384> stream_;
  ByteRing<1024> answers_;
  std::uint8_t stream_sequence_ = 0;
  Count stream_dropped_{0};
  Count answers_dropped_{0};
  bool mid_frame_ = false;
  bool from_answers_ = false;
};

}  // namespace thyrode::firmware
