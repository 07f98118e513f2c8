// The sequence numbers of the stream: what was lost, and what came twice.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "protocols/framing.hpp"

namespace thyrode {

class StreamOrder {
 public:
  /// Takes the next frame of the stream.
  /// @returns how many frames are missing before it, by its number and so modulo 256; nothing if it is one of the last
  /// frames again, which a link that repeats itself delivers
  std::optional<std::uint32_t> take(const protocol::Frame& frame) {
    const Remembered present{true, frame.type, frame.sequence, frame.crc};
    const auto behind = static_cast<std::uint8_t>(next_ - frame.sequence);
    // A number behind the last one is a repetition only if the frame is the same: else some 250 frames were lost.
    if (behind >= 1 && behind <= past_.size() && past_[frame.sequence % past_.size()] == present) return std::nullopt;
    past_[frame.sequence % past_.size()] = present;
    const std::uint32_t lost = known_ ? static_cast<std::uint8_t>(frame.sequence - next_) : 0U;
    next_ = static_cast<std::uint8_t>(frame.sequence + 1);
    known_ = true;
    return lost;
  }
  /// Nothing has been sent yet, unless a frame has shown its number: the next one is 0.
  void begin_at_zero() { known_ = true; }

 private:
  struct Remembered {
    bool any = false;
    std::uint8_t type = 0;
    std::uint8_t sequence = 0;
    std::uint16_t crc = 0;
    bool operator==(const Remembered&) const = default;
  };
  std::array<Remembered, 8> past_{};  // by sequence number modulo its size
  std::uint8_t next_ = 0;
  bool known_ = false;
};

}  // namespace thyrode
