// What is remembered across a reset, and why there was one.
#pragma once

#include <cstdint>

#include "protocols/words.hpp"

namespace thyrode::nucleo {

/// Why the chip started: read once from RCC_CSR, which is then cleared for the next time.
protocol::ResetCause take_reset_cause() noexcept;

/// A word of the system memory, where a chip may have nothing: then 0. Only while the chip starts.
std::uint32_t read_if_there(std::uint32_t address) noexcept;

}  // namespace thyrode::nucleo
