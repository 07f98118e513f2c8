// Any bytes into the frame reader: it never reads outside, every frame it accepts is one that we would write, and after
// a delimiter it is in step again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "protocols/framing.hpp"

namespace {

using namespace thyrode::protocol;

void demand(bool holds) {
  if (!holds) std::abort();
}

/// An accepted frame, written and read again, is the same frame.
void check_accepted(const Frame& frame) {
  demand(frame.payload.size() <= max_payload_up);
  std::vector<std::uint8_t> wire(max_frame_bytes);
  const std::size_t size = write_frame(frame.type, frame.sequence, frame.payload, wire);
  demand(size > 0);
  FrameReader again;
  std::span<const std::uint8_t> input{wire.data(), size};
  demand(again.push(input));
  demand(input.empty() && again.frame().has_value());
  demand(again.frame()->type == frame.type && again.frame()->sequence == frame.sequence);
  demand(again.frame()->payload.size() == frame.payload.size());
  demand(frame.payload.empty() ||
         std::memcmp(again.frame()->payload.data(), frame.payload.data(), frame.payload.size()) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says in which pieces the rest arrives: frames must not depend on that.
  const std::size_t piece = 1U + data[0];
  FrameReader reader;
  for (std::size_t at = 1; at < size;) {
    const std::size_t length = size - at < piece ? size - at : piece;
    std::span<const std::uint8_t> input{data + at, length};
    at += length;
    while (!input.empty()) {
      if (reader.push(input) && reader.frame()) check_accepted(*reader.frame());
    }
  }
  // Whatever came before: a delimiter, and the next frame is read.
  std::vector<std::uint8_t> wire(max_frame_bytes + 1);
  const std::uint8_t payload[] = {1, 0, 2};
  const std::size_t written = write_frame(0x95, 7, payload, std::span{wire}.subspan(1));
  std::span<const std::uint8_t> input{wire.data(), written + 1};
  bool found = false;
  while (!input.empty()) {
    if (reader.push(input)) found = reader.frame() && reader.frame()->type == 0x95 && reader.frame()->sequence == 7;
  }
  demand(found);
  return 0;
}
