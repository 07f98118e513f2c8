// What the compiler and the headers expect of a C library, as far as this image uses it.
#include <array>
#include <cstddef>
#include <cstdint>

#include "firmware/boards/nucleo_f446re/handlers.hpp"

namespace {

// The core reads and writes words at any address of the RAM.
struct [[gnu::packed, gnu::may_alias]] Word {
  std::uint32_t value;
};
struct [[gnu::packed, gnu::may_alias]] EightWords {
  std::array<std::uint32_t, 8> values;
};

template <class Unit>
void copy_units(std::uint8_t*& to, const std::uint8_t*& from, std::size_t& count) noexcept {
  for (; count >= sizeof(Unit); count -= sizeof(Unit), to += sizeof(Unit), from += sizeof(Unit)) {
    *reinterpret_cast<Unit*>(to) = *reinterpret_cast<const Unit*>(from);
  }
}

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t count) noexcept {
  auto* out = static_cast<std::uint8_t*>(to);
  const auto* in = static_cast<const std::uint8_t*>(from);
  copy_units<EightWords>(out, in, count);
  copy_units<Word>(out, in, count);
  for (; count > 0; --count) *out++ = *in++;
  return to;
}

void* memmove(void* to, const void* from, std::size_t count) noexcept {
  auto* out = static_cast<std::uint8_t*>(to);
  const auto* in = static_cast<const std::uint8_t*>(from);
  if (out + count <= in || in + count <= out) return memcpy(to, from, count);
  // Bytes in the order that never overwrites what is still to be read.
  if (out <= in) {
    for (; count > 0; --count) *out++ = *in++;
  } else {
    for (; count > 0; --count) out[count - 1] = in[count - 1];
  }
  return to;
}

void* memset(void* to, int value, std::size_t count) noexcept {
  auto* out = static_cast<std::uint8_t*>(to);
  const auto byte = static_cast<std::uint8_t>(value);
  const std::uint32_t word = 0x01010101U * byte;
  for (; count >= sizeof(Word); count -= sizeof(Word), out += sizeof(Word)) reinterpret_cast<Word*>(out)->value = word;
  for (; count > 0; --count) *out++ = byte;
  return to;
}

int memcmp(const void* a, const void* b, std::size_t count) noexcept {
  const auto* left = static_cast<const std::uint8_t*>(a);
  const auto* right = static_cast<const std::uint8_t*>(b);
  for (; count > 0; --count, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

void* memchr(const void* text, int value, std::size_t count) noexcept {
  const auto* byte = static_cast<const std::uint8_t*>(text);
  for (; count > 0; --count, ++byte) {
    if (*byte == static_cast<std::uint8_t>(value)) return const_cast<std::uint8_t*>(byte);
  }
  return nullptr;
}

[[noreturn]] void abort() noexcept {
  fault_handler();
  __builtin_unreachable();
}

}  // extern "C"

namespace std {
[[noreturn]] void terminate() noexcept {
  abort();
}
}  // namespace std
