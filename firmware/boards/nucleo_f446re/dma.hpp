// The DMA streams of this board (§9), each by name.
#pragma once

#include <cstddef>
#include <cstdint>

#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/boards/nucleo_f446re/wait.hpp"

namespace thyrode::nucleo {

/// Values of fields of SxCR.
struct Transfer {
  static constexpr std::uint32_t to_memory = 0;
  static constexpr std::uint32_t from_memory = 1;
  static constexpr std::uint32_t memory_to_memory = 2;
  static constexpr std::uint32_t bytes = 0;
  static constexpr std::uint32_t halfwords = 1;
  static constexpr std::uint32_t words = 2;
};

/// One stream; the fields are its registers and where its flags lie.
struct Stream {
  Register cr;
  Register ndtr;
  Register par;
  Register m0ar;
  Register fcr;
  Register flags;
  Register clear;
  Field complete;

  /// Whether the last item of the transfer, or of the round, has gone.
  bool is_complete() const noexcept { return flags.has(complete()); }
  void forget_flags() const noexcept { clear.write(0x3DU << (complete.shift - 5)); }
  /// Items still to go; of a circular transfer, in this round.
  std::uint32_t left() const noexcept { return ndtr.read(); }
  bool stop() const noexcept {
    cr.write(0);
    const bool stopped = wait_for(cr, DMA_SxCR_EN(), 0, rounds_of_ms(1));
    forget_flags();
    return stopped;
  }
  /// Sets a transfer up without starting it.
  /// @param settings  CHSEL, PL, sizes, DIR, CIRC, interrupts: all of SxCR but EN
  void prepare(std::uint32_t settings, const Register& peripheral, const void* memory,
               std::size_t items) const noexcept {
    par.write(peripheral.address);
    m0ar.write(static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(memory)));
    ndtr.write(static_cast<std::uint32_t>(items));
    cr.write(settings);
  }
  void start() const noexcept { cr.set(DMA_SxCR_EN()); }
};

inline constexpr Stream dac_stream{DMA1_S1CR,  DMA1_S1NDTR, DMA1_S1PAR, DMA1_S1M0AR,
                                   DMA1_S1FCR, DMA1_LISR,   DMA1_LIFCR, DMA1_LISR_TCIF1};
inline constexpr Stream receive_stream{DMA1_S5CR,  DMA1_S5NDTR, DMA1_S5PAR, DMA1_S5M0AR,
                                       DMA1_S5FCR, DMA1_HISR,   DMA1_HIFCR, DMA1_HISR_TCIF5};
inline constexpr Stream send_stream{DMA1_S6CR,  DMA1_S6NDTR, DMA1_S6PAR, DMA1_S6M0AR,
                                    DMA1_S6FCR, DMA1_HISR,   DMA1_HIFCR, DMA1_HISR_TCIF6};
inline constexpr Stream v_out_b_stream{DMA2_S0CR,  DMA2_S0NDTR, DMA2_S0PAR, DMA2_S0M0AR,
                                       DMA2_S0FCR, DMA2_LISR,   DMA2_LIFCR, DMA2_LISR_TCIF0};
inline constexpr Stream v_out_a_stream{DMA2_S2CR,  DMA2_S2NDTR, DMA2_S2PAR, DMA2_S2M0AR,
                                       DMA2_S2FCR, DMA2_LISR,   DMA2_LIFCR, DMA2_LISR_TCIF2};
inline constexpr Stream slow_stream{DMA2_S4CR,  DMA2_S4NDTR, DMA2_S4PAR, DMA2_S4M0AR,
                                    DMA2_S4FCR, DMA2_HISR,   DMA2_HIFCR, DMA2_HISR_TCIF4};

/// Copies a few words by a stream of DMA2, the one controller that can (§9.3.6).
/// @returns whether they arrived in time
bool copies_memory(const Stream& stream) noexcept;

}  // namespace thyrode::nucleo
