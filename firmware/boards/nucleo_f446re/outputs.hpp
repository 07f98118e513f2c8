// What flows out of the board: two DACs and the switch behind the current sources. Everything here works before RAM is
// set up and after the stack is lost.
#pragma once

#include <cstdint>

#include "firmware/boards/nucleo_f446re/registers.hpp"

namespace thyrode::nucleo {

/// DAC code without current.
inline constexpr std::uint32_t zero_code = 2048;
/// Both channels on, without the output buffer: with it they reach no lower than 0.2 V (data sheet DS10693, 6.3.25),
/// and the current no further than some 176 uA. What follows the pins draws no current.
inline constexpr std::uint32_t both_dacs = DAC_CR_EN1() | DAC_CR_BOFF1() | DAC_CR_EN2() | DAC_CR_BOFF2();
/// PC8 and PC6, as bits of the port.
inline constexpr std::uint32_t switch_pins = (1U << 8) | (1U << 6);

[[gnu::always_inline]] inline void open_switch() noexcept {
  GPIOC_BSRR.write(switch_pins << 16);
}
[[gnu::always_inline]] inline void close_switch() noexcept {
  GPIOC_BSRR.write(switch_pins);
}

/// No current, whatever ran before: opens the switch, stops the sample clock and what asks for codes, so that nobody
/// writes them any more, and takes the DACs off the trigger, so that code zero is out one cycle later.
[[gnu::always_inline]] inline void silence_outputs() noexcept {
  open_switch();
  TIM6_CR1.write(0);
  TIM2_CR1.write(0);
  DAC_CR.write(both_dacs);
  DAC_DHR12RD.write(DAC_DHR12RD_DACC1DHR(zero_code) | DAC_DHR12RD_DACC2DHR(zero_code));
}

/// The same from reset, when neither clocks nor pins are set up.
[[gnu::always_inline]] inline void set_up_outputs() noexcept {
  RCC_AHB1ENR.set(RCC_AHB1ENR_GPIOAEN() | RCC_AHB1ENR_GPIOCEN());
  // Two cycles pass before a peripheral answers (§6.3.10); reading the register back takes them.
  RCC_AHB1ENR.read();
  open_switch();
  GPIOC_MODER.change(Field{16, 2}.mask() | Field{12, 2}.mask(), Field{16, 2}(1) | Field{12, 2}(1));  // outputs
  GPIOA_MODER.set(Field{8, 2}(3) | Field{10, 2}(3));                                                 // PA4, PA5 analog
  RCC_APB1ENR.set(RCC_APB1ENR_DACEN());
  RCC_APB1ENR.read();
  DAC_CR.write(both_dacs);
  DAC_DHR12RD.write(DAC_DHR12RD_DACC1DHR(zero_code) | DAC_DHR12RD_DACC2DHR(zero_code));
}

}  // namespace thyrode::nucleo
