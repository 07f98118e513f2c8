// USART2, by way of the ST-LINK's virtual port: a ring in, a ring out, both moved by DMA; without DMA, by the
// interrupt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace thyrode::nucleo {

class SerialLink {
 public:
  static constexpr std::uint32_t first_baud = 1'000'000;

  /// Starts at first_baud.
  /// @param peripheral_clock  PCLK1, Hz
  /// @returns whether DMA moves the bytes
  bool start(std::uint32_t peripheral_clock) noexcept;

  /// Bytes from the host. @returns how many
  std::size_t receive(std::span<std::uint8_t> in) noexcept;
  /// Bytes for the host. @returns how many were taken
  std::size_t send(std::span<const std::uint8_t> out) noexcept;

  /// Whether this clock gives a rate exactly.
  bool has_rate(std::uint32_t baud) const noexcept;
  /// Changes the rate once all that was taken is out; nothing is taken before.
  void change_rate(std::uint32_t baud) noexcept { wanted_baud_ = baud; }
  /// From the main loop: a change of the rate that is due.
  void poll() noexcept;

  // Interrupts.
  void on_sent() noexcept;
  void on_byte() noexcept;

 private:
  // More than the bytes of commands that a host may have on its way (Ident::credit).
  static constexpr std::size_t receive_size = 2048;
  // 5 ms at 1 Mbaud: an answer waits no longer behind what was taken before it.
  static constexpr std::size_t send_size = 512;

  void set_rate(std::uint32_t baud) const noexcept;
  void start_receiving() noexcept;
  bool sends_by_dma() noexcept;
  void send_next() noexcept;
  void send_bytes() noexcept;
  std::size_t received() const noexcept;

  std::array<std::uint8_t, receive_size> in_{};
  std::array<std::uint8_t, send_size> out_{};
  std::uint32_t clock_ = 0;
  std::uint32_t baud_ = 0;
  std::uint32_t wanted_baud_ = 0;
  bool by_dma_ = false;
  // Positions run over; both sizes are powers of two.
  volatile std::uint32_t in_written_ = 0;  // without DMA only
  std::uint32_t in_read_ = 0;
  volatile std::uint32_t out_written_ = 0;
  volatile std::uint32_t out_read_ = 0;
  volatile std::uint32_t out_moving_ = 0;  // bytes of the piece that DMA has
};

}  // namespace thyrode::nucleo
