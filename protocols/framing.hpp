// Bytes <-> frames: COBS( type | seq | payload | crc16 le ) 0x00. See wire.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/decoded.hpp"

namespace thyrode::protocol {

inline constexpr std::size_t max_payload_up = 250;   ///< device to host, bytes
inline constexpr std::size_t max_payload_down = 56;  ///< host to device, bytes
/// Type, sequence number and CRC around the payload.
inline constexpr std::size_t frame_overhead = 4;
/// Longest frame on the wire: body of 254 bytes, one COBS code byte for each 254, the delimiter.
inline constexpr std::size_t max_frame_bytes = max_payload_up + frame_overhead + 2 + 1;

/// CRC-16/CCITT-FALSE (polynomial 0x1021, initial value 0xFFFF, not reflected): "123456789" -> 0x29B1.
std::uint16_t crc16(std::span<const std::uint8_t> bytes) noexcept;

/// One frame after its checks: what it is and where its payload lies (valid until the next push).
struct Frame {
  std::uint8_t type = 0;
  std::uint8_t sequence = 0;
  std::span<const std::uint8_t> payload;
  std::uint16_t crc = 0;  ///< as it came: tells one frame from another with the same number
};

/// Writes one frame, delimiter included.
/// @param payload  at most max_payload_up bytes
/// @param out      at least payload + frame_overhead + 3 bytes
/// @returns bytes written; 0 when payload or out do not fit
std::size_t write_frame(std::uint8_t type, std::uint8_t sequence, std::span<const std::uint8_t> payload,
                        std::span<std::uint8_t> out) noexcept;

/// Collects bytes of a stream into frames; survives any garbage and resynchronises at the next 0x00.
class FrameReader {
 public:
  /// Consumes bytes up to and including the end of the next frame, or all of them.
  /// @param bytes   input; the consumed part is cut off its front
  /// @returns true when a frame ended; then frame() or defect() says what it was
  bool push(std::span<const std::uint8_t>& bytes) noexcept;
  /// The frame that ended last. Errors: bad_cobs, bad_crc, too_short, too_long.
  const Decoded<Frame>& frame() const noexcept { return frame_; }

 private:
  void finish() noexcept;
  std::array<std::uint8_t, max_frame_bytes> raw_{};
  std::size_t size_ = 0;
  bool overflow_ = false;
  Decoded<Frame> frame_ = tl::make_unexpected(Defect::too_short);
};

}  // namespace thyrode::protocol
