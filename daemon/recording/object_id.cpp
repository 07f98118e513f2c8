#include "daemon/recording/object_id.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <vector>

namespace thyrode::recording {
namespace {

using Digest = std::array<unsigned char, 20>;
using State = std::array<std::uint32_t, 5>;

void sha1_block(State& state, const unsigned char* block) {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t t = 0; t < 16; ++t) {
    for (std::size_t k = 0; k < 4; ++k) w[t] = w[t] << 8 | block[4 * t + k];
  }
  for (std::size_t t = 16; t < 80; ++t) w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < 80; ++t) {
    const std::uint32_t f = t < 20   ? (b & c) | (~b & d)
                            : t < 40 ? b ^ c ^ d
                            : t < 60 ? (b & c) | (b & d) | (c & d)
                                     : b ^ c ^ d;
    constexpr std::array<std::uint32_t, 4> k{0x5A827999U, 0x6ED9EBA1U, 0x8F1BBCDCU, 0xCA62C1D6U};
    const std::uint32_t next = std::rotl(a, 5) + f + e + k[t / 20] + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

/// SHA-1 as in FIPS 180-4: here it makes names, and protects nothing.
Digest sha1(std::string_view text) {
  std::vector<unsigned char> bytes(text.begin(), text.end());
  bytes.push_back(0x80);
  while (bytes.size() % 64 != 56) bytes.push_back(0);
  const std::uint64_t bits = 8 * static_cast<std::uint64_t>(text.size());
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<unsigned char>(bits >> shift));
  State state{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  for (std::size_t at = 0; at < bytes.size(); at += 64) sha1_block(state, bytes.data() + at);
  Digest digest{};
  for (std::size_t k = 0; k < digest.size(); ++k) {
    digest[k] = static_cast<unsigned char>(state[k / 4] >> (24 - 8 * (k % 4)));
  }
  return digest;
}

}  // namespace

std::string uuid5(const unsigned char (&space)[16], std::string_view name) {
  std::string text(reinterpret_cast<const char*>(space), sizeof(space));
  text += name;
  Digest digest = sha1(text);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0FU) | 0x50U);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3FU) | 0x80U);
  std::string uuid;
  for (std::size_t k = 0; k < 16; ++k) {
    if (k == 4 || k == 6 || k == 8 || k == 10) uuid += '-';
    uuid += fmt::format("{:02x}", digest[k]);
  }
  return uuid;
}

std::string sha1_hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : sha1(bytes)) text += fmt::format("{:02x}", byte);
  return text;
}

std::string object_id(std::uint64_t seed, std::string_view path) {
  static constexpr unsigned char space[16] = {0x72, 0xab, 0x38, 0xb7, 0x0f, 0x29, 0x5a, 0x7a,
                                              0xba, 0x10, 0x0a, 0x0c, 0xb8, 0x03, 0x45, 0x98};
  return uuid5(space, fmt::format("{}:{}", seed, path));
}

}  // namespace thyrode::recording
