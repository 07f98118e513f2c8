// A type byte and a payload into the decoder of that message: refused, or written again as the very same bytes.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "protocols/codec.hpp"

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace thyrode::protocol;
  if (size == 0) return 0;
  const std::uint8_t type = data[0];
  const std::span<const std::uint8_t> payload{data + 1, size - 1};
  for_each_message([&](const auto& prototype) {
    using Message = std::decay_t<decltype(prototype)>;
    if (Message::type != type) return;
    const auto message = decode<Message>(payload);
    if (!message) return;
    std::vector<std::uint8_t> again(max_payload_up);
    const std::size_t written = encode(*message, again);
    demand(written == payload.size());
    demand(written == 0 || std::memcmp(again.data(), payload.data(), written) == 0);
  });
  return 0;
}
