#include "firmware/boards/nucleo_f446re/dma.hpp"

#include <array>

namespace thyrode::nucleo {

bool copies_memory(const Stream& stream) noexcept {
  std::array<std::uint32_t, 4> from{0x5AFE0001, 0xA5010002, 0x0FF10003, 0xF00E0004};
  std::array<std::uint32_t, 4> to{};
  memory_is_shared();
  stream.stop();
  // From memory to memory there is no direct mode (§9.3.13).
  stream.fcr.set(DMA_SxFCR_DMDIS());
  const auto source = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(from.data()));
  stream.prepare(DMA_SxCR_DIR(Transfer::memory_to_memory) | DMA_SxCR_PINC() | DMA_SxCR_MINC() |
                     DMA_SxCR_PSIZE(Transfer::words) | DMA_SxCR_MSIZE(Transfer::words),
                 Register{source, 0}, to.data(), from.size());
  stream.start();
  const bool done = wait_for(stream.flags, stream.complete(), stream.complete(), rounds_of_ms(1));
  stream.stop();
  stream.fcr.clear(DMA_SxFCR_DMDIS());
  memory_is_shared();
  return done && from == to;
}

}  // namespace thyrode::nucleo
