// Laws of the frames over random payloads and random damage.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "protocols/framing.hpp"

namespace thyrode::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Payloads of every length, with the zeros and the 0xFF that COBS is about more often than chance would have them.
rc::Gen<Bytes> payloads() {
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, max_payload_up + 1), [](std::size_t size) {
    return rc::gen::container<Bytes>(size,
                                     rc::gen::weightedOneOf<std::uint8_t>({{3, rc::gen::arbitrary<std::uint8_t>()},
                                                                           {1, rc::gen::just<std::uint8_t>(0)},
                                                                           {1, rc::gen::just<std::uint8_t>(0xFF)}}));
  });
}

Bytes framed(std::uint8_t type, std::uint8_t sequence, const Bytes& payload) {
  Bytes out(max_frame_bytes);
  out.resize(write_frame(type, sequence, payload, out));
  return out;
}

struct Accepted {
  std::uint8_t type;
  std::uint8_t sequence;
  Bytes payload;
  bool operator==(const Accepted&) const = default;
};

std::vector<Accepted> accepted(const Bytes& stream) {
  std::vector<Accepted> frames;
  FrameReader reader;
  std::span<const std::uint8_t> input = stream;
  while (!input.empty()) {
    if (!reader.push(input) || !reader.frame()) continue;
    const Frame& frame = *reader.frame();
    frames.push_back({frame.type, frame.sequence, Bytes(frame.payload.begin(), frame.payload.end())});
  }
  return frames;
}

RC_GTEST_PROP(FramesLaw, ReadingWhatWasWrittenGivesItBack, (std::uint8_t type, std::uint8_t sequence)) {
  const Bytes payload = *payloads();
  const Bytes wire = framed(type, sequence, payload);
  RC_ASSERT(wire.size() <= max_frame_bytes);
  RC_ASSERT(std::count(wire.begin(), wire.end(), 0) == 1);
  RC_ASSERT(accepted(wire) == (std::vector<Accepted>{{type, sequence, payload}}));
}

RC_GTEST_PROP(FramesLaw, OneFlippedBitOfABodyNeverPassesTheChecksum, (std::uint8_t type, std::uint8_t sequence)) {
  const Bytes payload = *payloads();
  Bytes body{type, sequence};
  body.insert(body.end(), payload.begin(), payload.end());
  const std::uint16_t crc = crc16(body);
  body.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
  body.push_back(static_cast<std::uint8_t>(crc >> 8));
  const auto bit = *rc::gen::inRange<std::size_t>(0, body.size() * 8);
  body[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  const unsigned carried = body[body.size() - 2] | (static_cast<unsigned>(body.back()) << 8);
  RC_ASSERT(crc16({body.data(), body.size() - 2}) != carried);
}

RC_GTEST_PROP(FramesLaw, OneFlippedBitOnTheWireIsNeverReadAsAnotherFrame, (std::uint8_t type, std::uint8_t sequence)) {
  const Bytes payload = *payloads();
  Bytes wire = framed(type, sequence, payload);
  const auto bit = *rc::gen::inRange<std::size_t>(0, wire.size() * 8);
  wire[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  // One flip changes nothing that may be accepted, except that the code after a run of 254 may be left out.
  for (const Accepted& frame : accepted(wire)) RC_ASSERT(frame == (Accepted{type, sequence, payload}));
}

RC_GTEST_PROP(FramesLaw, DamageTouchesOnlyTheFramesItHits, ()) {
  const Bytes payload = *payloads();
  const Bytes before = framed(1, 1, payload);
  const Bytes after = framed(3, 3, payload);
  Bytes middle = framed(2, 2, payload);
  const auto at = *rc::gen::inRange<std::size_t>(0, middle.size() - 1);
  middle.resize(at);  // the link broke within the frame: its delimiter never came
  Bytes stream = before;
  stream.insert(stream.end(), middle.begin(), middle.end());
  stream.push_back(0);
  stream.insert(stream.end(), after.begin(), after.end());
  RC_ASSERT(accepted(stream) == (std::vector<Accepted>{{1, 1, payload}, {3, 3, payload}}));
}

RC_GTEST_PROP(FramesLaw, PiecesOfTheStreamDoNotMatter, ()) {
  const auto frames = *rc::gen::container<std::vector<Bytes>>(4, payloads());
  Bytes stream;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Bytes wire = framed(0x90, static_cast<std::uint8_t>(k), frames[k]);
    stream.insert(stream.end(), wire.begin(), wire.end());
  }
  std::vector<Accepted> found;
  FrameReader reader;
  for (std::size_t at = 0; at < stream.size();) {
    const auto piece = *rc::gen::inRange<std::size_t>(1, 300);
    std::span<const std::uint8_t> input{stream.data() + at, std::min(piece, stream.size() - at)};
    at += input.size();
    while (!input.empty()) {
      if (!reader.push(input) || !reader.frame()) continue;
      const Frame& frame = *reader.frame();
      found.push_back({frame.type, frame.sequence, Bytes(frame.payload.begin(), frame.payload.end())});
    }
  }
  RC_ASSERT(found == accepted(stream));
  RC_ASSERT(found.size() == frames.size());
}

}  // namespace
}  // namespace thyrode::protocol
