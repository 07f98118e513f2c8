#include "firmware/silicon/usart.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>

namespace thyrode::silicon {
namespace {

constexpr std::array<Register, 7> registers{{
    {0x00, "USART_SR", "RM0390 25.6.1", 0x000000C0, 0x3FF, 0},
    {0x04, "USART_DR", "RM0390 25.6.2", 0, 0x1FF, 0},
    {0x08, "USART_BRR", "RM0390 25.6.3", 0, 0xFFFF, 0xFFFF},
    {0x0C, "USART_CR1", "RM0390 25.6.4", 0, 0xBFFF, 0xBFFF},
    {0x10, "USART_CR2", "RM0390 25.6.5", 0, 0x7F6F, 0x7F6F},
    {0x14, "USART_CR3", "RM0390 25.6.6", 0, 0x0FFF, 0x0FFF},
    {0x18, "USART_GTPR", "RM0390 25.6.7", 0, 0xFFFF, 0xFFFF},
}};
constexpr std::uint32_t sr = 0x00, dr = 0x04, brr = 0x08, cr1 = 0x0C, cr2 = 0x10, cr3 = 0x14;
constexpr std::uint32_t overrun = 1U << 3U, idle = 1U << 4U, received = 1U << 5U, complete = 1U << 6U, empty = 1U << 7U;
constexpr std::uint32_t errors = 0xFU;
constexpr char port = 'A';
constexpr int transmit_pin = 2, receive_pin = 3, alternate_function = 7;
constexpr double worst_rate_error = 0.01;

}  // namespace

Usart::Usart(Fabric& fabric) : Peripheral{fabric, "USART2", 0x40004400, 0x400, registers} {}

void Usart::reset() {
  Peripheral::reset();
  sending_ = false;
  sent_at_ = idle_at_ = never;
  status_seen_ = 0;
  update_lines();
}

void Usart::forget_incoming() {
  incoming_.clear();
  incoming_at_ = never;
}

/// RM0390 25.4.4: fCK / (8 (2 - OVER8) USARTDIV), with 4 or 3 bits of fraction.
double Usart::baud() const {
  const std::uint32_t set = at(brr);
  const bool by_8 = bit(cr1, 15);
  const double divider = by_8 ? (set >> 4U) + (set & 7U) / 8.0 : set / 16.0;
  return divider > 0.0 ? fabric_.bus_hz(Bus::apb1) / ((by_8 ? 8.0 : 16.0) * divider) : 0.0;
}

Time Usart::frame_time(double baud) const {
  return static_cast<Time>(std::llround(10.0 * static_cast<double>(picoseconds_per_second) / baud));
}

bool Usart::rate_fits(const char* verb) {
  const double rate = baud();
  if (std::abs(rate / line_baud_ - 1.0) <= worst_rate_error) return true;
  refuse(
      fmt::format("{} at {:.0f} baud (USART_BRR {:#06x}, PCLK1 {:.3f} MHz), the line runs at {:.0f}: {:+.2f} % off, "
                  "allowed is 1 %",
                  verb, rate, at(brr), fabric_.bus_hz(Bus::apb1) * 1e-6, line_baud_, 100.0 * (rate / line_baud_ - 1.0)),
      "RM0390 25.4.4");
  return false;
}

void Usart::deliver(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  if (incoming_.empty()) incoming_at_ = fabric_.now() + frame_time(line_baud_);
  incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
  fabric_.reschedule();
}

Time Usart::due() const {
  return std::min(std::min(incoming_at_, sent_at_), idle_at_);
}

void Usart::happen() {
  const Time now = fabric_.now();
  if (incoming_at_ <= now) {
    const std::uint8_t byte = incoming_.front();
    incoming_.pop_front();
    incoming_at_ = incoming_.empty() ? never : incoming_at_ + frame_time(line_baud_);
    receive(byte);
  }
  if (sent_at_ <= now) {
    sending_ = false;
    sent_at_ = never;
    fabric_.serial_output(shifting_);
    if ((at(sr) & empty) == 0) {
      start_sending();
    } else {
      at(sr) |= complete;
    }
  }
  if (idle_at_ <= now) {
    idle_at_ = never;
    at(sr) |= idle;
  }
  update_lines();
}

void Usart::receive(std::uint8_t byte) {
  if (!receiving()) return;  // nobody listens: the byte is lost, as on the line
  if (!rate_fits("a byte comes")) return;
  if (!fabric_.pin_is(port, receive_pin, alternate_function)) {
    return refuse("a byte comes on PA3, which is not alternate function 7 (USART2_RX)", "RM0390 7.3.2");
  }
  if (bit(cr1, 12) || bit(cr1, 10) || (at(cr2) & 0x3000U) != 0) {
    return refuse("frames other than 8 bits, no parity, 1 stop bit are not modelled", "RM0390 25.6.4");
  }
  if ((at(sr) & received) != 0) {
    at(sr) |= overrun;  // the byte that was there stays, the new one is lost (RM0390 25.4.3)
  } else {
    receive_data_ = byte;
    at(sr) |= received;
  }
  idle_at_ = incoming_.empty() ? fabric_.now() + frame_time(line_baud_) : never;
}

void Usart::start_sending() {
  shifting_ = transmit_data_;
  at(sr) |= empty;
  at(sr) &= ~complete;
  sending_ = true;
  sent_at_ = fabric_.now() + frame_time(baud());
  fabric_.reschedule();
}

void Usart::take_data(std::uint32_t value) {
  if (!bit(cr1, 13) || !bit(cr1, 3)) {
    return refuse(fmt::format("write of {:#04x} to USART_DR while the transmitter is off (UE, TE)", value & 0xFFU),
                  "RM0390 25.4.2");
  }
  if ((at(sr) & empty) == 0) {
    return refuse(
        fmt::format("write of {:#04x} to USART_DR while TXE is 0: the byte before it would be lost", value & 0xFFU),
        "RM0390 25.4.2");
  }
  if (!rate_fits("a byte is sent")) return;
  if (!fabric_.pin_is(port, transmit_pin, alternate_function)) {
    return refuse("a byte is sent while PA2 is not alternate function 7 (USART2_TX)", "RM0390 7.3.2");
  }
  transmit_data_ = static_cast<std::uint8_t>(value);
  at(sr) &= ~empty;
  if ((status_seen_ & complete) != 0) at(sr) &= ~complete;
  status_seen_ &= ~complete;
  if (!sending_) start_sending();
}

std::uint32_t Usart::on_read(std::uint32_t offset) {
  if (offset == sr) {
    status_seen_ |= at(sr);
    return at(sr);
  }
  if (offset != dr) return at(offset);
  // Errors and the idle flag fall when status and data are read in this order.
  at(sr) &= ~(received | (status_seen_ & (errors | idle)));
  status_seen_ &= ~(errors | idle);
  update_lines();
  return receive_data_;
}

void Usart::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t) {
  if (offset == dr) take_data(value);
  if (offset == sr) at(sr) &= value | ~(received | complete | 0x300U);
  if (offset == cr1 && (value & 0x1U) != 0) refuse("a break is sent: not modelled", "RM0390 25.6.4");
  if (offset == cr3 && (value & 0x33EU) != 0) {
    refuse("smart card, infrared, half duplex and flow control are not modelled", "RM0390 25.6.6");
  }
  if (offset == cr1 || offset == cr3 || offset == brr) {
    const bool on = bit(cr1, 13) && (bit(cr1, 3) || bit(cr1, 2));
    if (on && offset != cr3) rate_fits(offset == brr ? "USART_BRR is set" : "the USART is switched on");
  }
  update_lines();
}

void Usart::update_lines() {
  const std::uint32_t flags = at(sr);
  const std::uint32_t control = at(cr1);
  const bool high = ((control & flags & (empty | complete | idle)) != 0) ||
                    (bit(cr1, 5) && (flags & (received | overrun)) != 0) ||
                    (bit(cr3, 0) && bit(cr3, 6) && (flags & (overrun | 0x6U)) != 0);
  fabric_.line(Interrupt::usart2, high);
  const bool on = clocked() && bit(cr1, 13);
  fabric_.request(Request::usart2_rx, on && bit(cr3, 6) && (flags & received) != 0);
  fabric_.request(Request::usart2_tx, on && bit(cr1, 3) && bit(cr3, 7) && (at(sr) & empty) != 0);
}

}  // namespace thyrode::silicon
