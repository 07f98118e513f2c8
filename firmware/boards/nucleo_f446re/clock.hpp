// The clock tree: 160 MHz from the ST-LINK's 8 MHz, or the chip's own 16 MHz.
#pragma once

#include <cstdint>

namespace thyrode::nucleo {

struct Clock {
  bool exact = false;            ///< from the crystal; else within 1 % at best, and much slower
  std::uint32_t core = 0;        ///< Hz
  std::uint32_t peripheral = 0;  ///< PCLK1, Hz: USART2; timers on it run at twice that
};

/// Starts the crystal and the PLL. Each step is waited for with a bound; one that fails leaves the chip on its own
/// oscillator.
Clock start_clock() noexcept;

}  // namespace thyrode::nucleo
