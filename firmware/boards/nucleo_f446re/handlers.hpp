// The interrupts of this board: numbers (§10.2), priorities and handlers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace thyrode::nucleo {

inline constexpr std::size_t dma1_stream6_interrupt = 17;
inline constexpr std::size_t usart2_interrupt = 38;
inline constexpr std::size_t dma2_stream2_interrupt = 58;

/// Sets the priorities; the chip looks at the upper four bits. Less is more urgent: the block before the link.
void set_priorities() noexcept;
void enable_interrupt(std::size_t number) noexcept;

/// Runs f while no interrupt is taken; may be nested.
template <class F>
void without_interrupts(F&& f) noexcept {
  std::uint32_t before = 0;
  asm volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
  f();
  asm volatile("msr primask, %0" ::"r"(before) : "memory");
}

}  // namespace thyrode::nucleo

extern "C" {
void fault_handler() noexcept;
void systick_handler() noexcept;
void sent_handler() noexcept;
void usart2_handler() noexcept;
void block_handler() noexcept;
}
