// Waits that end: nothing on this chip is waited for without a bound.
#pragma once

#include <cstdint>

#include "firmware/boards/nucleo_f446re/registers.hpp"

namespace thyrode::nucleo {

/// Reads a register until the bits under the mask have a value.
/// @param rounds  reads at most; one takes at least four cycles
/// @returns whether they got it
inline bool wait_for(const Register& reg, std::uint32_t mask, std::uint32_t value, std::uint32_t rounds) noexcept {
  for (; rounds > 0; --rounds) {
    if ((reg.read() & mask) == value) return true;
  }
  return false;
}

/// Lets some time pass: at least four cycles a round.
inline void pause(std::uint32_t rounds) noexcept {
  for (; rounds > 0; --rounds) asm volatile("nop");
}

/// Rounds that take at least so many milliseconds with the core clock of the reset, 16 MHz.
constexpr std::uint32_t rounds_of_ms(std::uint32_t ms) {
  return ms * 4000U;
}

/// What the compiler has put off is in memory, and what it knew of memory is forgotten: DMA reads and writes it too.
inline void memory_is_shared() noexcept {
  asm volatile("" ::: "memory");
}

}  // namespace thyrode::nucleo
