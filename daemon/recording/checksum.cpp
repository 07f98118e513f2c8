#include "daemon/recording/checksum.hpp"

#include <array>
#include <bit>

namespace thyrode::recording {
namespace {

using Words = std::array<std::uint32_t, 3>;

void mix(Words& words) {
  auto& [a, b, c] = words;
  const auto turn = [](std::uint32_t& x, std::uint32_t& y, std::uint32_t& z, int bits) {
    x -= z;
    x ^= std::rotl(z, bits);
    z += y;
  };
  turn(a, b, c, 4);
  turn(b, c, a, 6);
  turn(c, a, b, 8);
  turn(a, b, c, 16);
  turn(b, c, a, 19);
  turn(c, a, b, 4);
}

void finish(Words& words) {
  auto& [a, b, c] = words;
  const auto turn = [](std::uint32_t& x, std::uint32_t y, int bits) {
    x ^= y;
    x -= std::rotl(y, bits);
  };
  turn(c, b, 14);
  turn(a, c, 11);
  turn(b, a, 25);
  turn(c, b, 16);
  turn(a, c, 4);
  turn(b, a, 14);
  turn(c, b, 24);
}

void add(Words& words, std::span<const std::byte> bytes) {
  for (std::size_t k = 0; k < bytes.size(); ++k)
    words[k / 4] += std::to_integer<std::uint32_t>(bytes[k]) << 8 * (k % 4);
}

}  // namespace

std::uint32_t lookup3(std::span<const std::byte> bytes, std::uint32_t start) {
  constexpr std::size_t block = 12;
  Words words{};
  words.fill(0xDEADBEEFU + static_cast<std::uint32_t>(bytes.size()) + start);
  if (bytes.empty()) return words[2];
  for (; bytes.size() > block; bytes = bytes.subspan(block)) {
    add(words, bytes.first(block));
    mix(words);
  }
  add(words, bytes);
  finish(words);
  return words[2];
}

}  // namespace thyrode::recording
