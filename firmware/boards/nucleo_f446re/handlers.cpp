#include "firmware/boards/nucleo_f446re/handlers.hpp"

#include "firmware/boards/nucleo_f446re/registers.hpp"

namespace thyrode::nucleo {
namespace {

// One byte an interrupt, of which the chip has the upper four bits (PM0214 §4.3.7).
constexpr std::uint32_t block_priority = 0x10;
constexpr std::uint32_t link_priority = 0x20;

}  // namespace

void set_priorities() noexcept {
  NVIC_IPR4.change(Field{8, 8}.mask(), Field{8, 8}(link_priority));      // 17
  NVIC_IPR9.change(Field{16, 8}.mask(), Field{16, 8}(link_priority));    // 38
  NVIC_IPR14.change(Field{16, 8}.mask(), Field{16, 8}(block_priority));  // 58
  SCB_SHPR3.change(SCB_SHPR3_PRI_15.mask(), SCB_SHPR3_PRI_15(block_priority));
}

void enable_interrupt(std::size_t number) noexcept {
  // Writing a one does it, writing a zero does nothing. What is pending is of a test that took no interrupts.
  const std::uint32_t bit = 1U << (number % 32);
  (number < 32 ? NVIC_ICPR0 : NVIC_ICPR1).write(bit);
  (number < 32 ? NVIC_ISER0 : NVIC_ISER1).write(bit);
}

}  // namespace thyrode::nucleo
