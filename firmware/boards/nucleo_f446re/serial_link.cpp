#include "firmware/boards/nucleo_f446re/serial_link.hpp"

#include <algorithm>

#include "firmware/boards/nucleo_f446re/dma.hpp"
#include "firmware/boards/nucleo_f446re/handlers.hpp"
#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/boards/nucleo_f446re/wait.hpp"

namespace thyrode::nucleo {
namespace {

constexpr std::uint32_t usart2_channel = 4;  // of DMA1 streams 5 and 6 (§9.3.3, table 28)
constexpr std::uint32_t alternate = 2;       // GPIO mode
constexpr std::uint32_t usart2_function = 7;

}  // namespace

bool SerialLink::has_rate(std::uint32_t baud) const noexcept {
  // USARTDIV has four fractional bits and is at least 1 (§25.4.4).
  return baud > 0 && clock_ % baud == 0 && clock_ / baud >= 16;
}

void SerialLink::set_rate(std::uint32_t baud) const noexcept {
  USART2_BRR.write(clock_ / baud);
}

bool SerialLink::start(std::uint32_t peripheral_clock) noexcept {
  clock_ = peripheral_clock;
  baud_ = wanted_baud_ = first_baud;
  RCC_AHB1ENR.set(RCC_AHB1ENR_GPIOAEN() | RCC_AHB1ENR_DMA1EN());
  RCC_APB1ENR.set(RCC_APB1ENR_USART2EN());
  RCC_APB1ENR.read();
  // PA2 and PA3; the input is held high, so that an open line is silent.
  GPIOA_AFRL.change(Field{8, 8}.mask(), Field{8, 4}(usart2_function) | Field{12, 4}(usart2_function));
  GPIOA_PUPDR.change(Field{6, 2}.mask(), Field{6, 2}(1));
  GPIOA_MODER.change(Field{4, 4}.mask(), Field{4, 2}(alternate) | Field{6, 2}(alternate));
  set_rate(first_baud);
  USART2_CR1.write(USART2_CR1_UE() | USART2_CR1_RE() | USART2_CR1_TE());
  by_dma_ = sends_by_dma();
  if (by_dma_) {
    start_receiving();
    enable_interrupt(dma1_stream6_interrupt);
  } else {
    USART2_CR3.write(0);
    USART2_CR1.set(USART2_CR1_RXNEIE());
    enable_interrupt(usart2_interrupt);
  }
  return by_dma_;
}

/// Sends one idle delimiter by DMA, which means nothing to a host, and sees whether it goes.
bool SerialLink::sends_by_dma() noexcept {
  USART2_CR3.write(USART2_CR3_DMAT());
  out_[0] = 0;
  memory_is_shared();
  send_stream.stop();
  send_stream.prepare(DMA_SxCR_CHSEL(usart2_channel) | DMA_SxCR_DIR(Transfer::from_memory) | DMA_SxCR_MINC(), USART2_DR,
                      out_.data(), 1);
  send_stream.start();
  const bool sent = wait_for(send_stream.flags, send_stream.complete(), send_stream.complete(), rounds_of_ms(10));
  send_stream.stop();
  return sent;
}

void SerialLink::start_receiving() noexcept {
  receive_stream.stop();
  receive_stream.prepare(DMA_SxCR_CHSEL(usart2_channel) | DMA_SxCR_DIR(Transfer::to_memory) | DMA_SxCR_MINC() |
                             DMA_SxCR_CIRC() | DMA_SxCR_PL(1),
                         USART2_DR, in_.data(), in_.size());
  receive_stream.start();
  USART2_CR3.write(USART2_CR3_DMAT() | USART2_CR3_DMAR());
}

/// Position of the next byte from the line, within the ring.
std::size_t SerialLink::received() const noexcept {
  return (by_dma_ ? in_.size() - receive_stream.left() : in_written_) % in_.size();
}

std::size_t SerialLink::receive(std::span<std::uint8_t> in) noexcept {
  // Reading the status is half of what clears an overrun or noise on the line; whoever reads the data does the rest.
  if (by_dma_) USART2_SR.read();
  const std::size_t end = received();
  memory_is_shared();
  std::size_t count = 0;
  for (; count < in.size() && in_read_ % in_.size() != end; ++count) in[count] = in_[in_read_++ % in_.size()];
  return count;
}

std::size_t SerialLink::send(std::span<const std::uint8_t> out) noexcept {
  if (wanted_baud_ != baud_) return 0;
  const std::uint32_t written = out_written_;
  const std::size_t count = std::min<std::size_t>(out.size(), out_.size() - (written - out_read_));
  const std::size_t start = written % out_.size();
  const std::size_t head = std::min(count, out_.size() - start);
  std::copy_n(out.begin(), head, out_.begin() + start);
  std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(head), count - head, out_.begin());
  memory_is_shared();
  out_written_ = written + static_cast<std::uint32_t>(count);
  without_interrupts([this] {
    if (!by_dma_) {
      send_bytes();
    } else if (out_moving_ == 0) {
      send_next();
    }
  });
  return count;
}

/// Without DMA: as many bytes as the line takes now, and an interrupt when it takes more.
void SerialLink::send_bytes() noexcept {
  while (out_read_ != out_written_ && USART2_SR.has(USART2_SR_TXE())) {
    USART2_DR.write(out_[out_read_ % out_.size()]);
    out_read_ = out_read_ + 1;
  }
  if (out_read_ != out_written_) {
    USART2_CR1.set(USART2_CR1_TXEIE());
  } else {
    USART2_CR1.clear(USART2_CR1_TXEIE());
  }
}

/// Gives DMA what lies in one piece. While it has one, only its interrupt comes here.
void SerialLink::send_next() noexcept {
  const std::uint32_t start = out_read_ % out_.size();
  const std::uint32_t waiting = out_written_ - out_read_;
  const std::uint32_t piece = std::min<std::uint32_t>(waiting, out_.size() - start);
  out_moving_ = piece;
  if (piece == 0) return;
  // TC of the piece before would say that this one is out. A zero clears, a one leaves alone (§25.6.1).
  USART2_SR.write(USART2_SR_RXNE() | USART2_SR_LBD() | USART2_SR_CTS());
  send_stream.prepare(
      DMA_SxCR_CHSEL(usart2_channel) | DMA_SxCR_DIR(Transfer::from_memory) | DMA_SxCR_MINC() | DMA_SxCR_TCIE(),
      USART2_DR, out_.data() + start, piece);
  send_stream.start();
}

void SerialLink::on_sent() noexcept {
  if (!send_stream.is_complete()) return;
  send_stream.forget_flags();
  out_read_ = out_read_ + out_moving_;
  send_next();
}

void SerialLink::on_byte() noexcept {
  if (USART2_SR.has(USART2_SR_RXNE())) {
    const std::uint32_t written = in_written_;
    in_[written % in_.size()] = static_cast<std::uint8_t>(USART2_DR.read());
    in_written_ = written + 1;
  }
  send_bytes();
}

void SerialLink::poll() noexcept {
  if (wanted_baud_ == baud_ || out_read_ != out_written_ || !USART2_SR.has(USART2_SR_TC())) return;
  // The divider is not to change while a byte is on its way (§25.6.3).
  set_rate(wanted_baud_);
  baud_ = wanted_baud_;
}

}  // namespace thyrode::nucleo
