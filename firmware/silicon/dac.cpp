#include "firmware/silicon/dac.hpp"

#include <fmt/core.h>

namespace thyrode::silicon {
namespace {

constexpr std::array<Register, 14> registers{{
    {0x00, "DAC_CR", "RM0390 14.5.1", 0, 0x3FFF3FFF, 0x3FFF3FFF},
    {0x04, "DAC_SWTRIGR", "RM0390 14.5.2", 0, 3, 0},
    {0x08, "DAC_DHR12R1", "RM0390 14.5.3", 0, 0xFFF, 0xFFF},
    {0x0C, "DAC_DHR12L1", "RM0390 14.5.4", 0, 0xFFF0, 0xFFF0},
    {0x10, "DAC_DHR8R1", "RM0390 14.5.5", 0, 0xFF, 0xFF},
    {0x14, "DAC_DHR12R2", "RM0390 14.5.6", 0, 0xFFF, 0xFFF},
    {0x18, "DAC_DHR12L2", "RM0390 14.5.7", 0, 0xFFF0, 0xFFF0},
    {0x1C, "DAC_DHR8R2", "RM0390 14.5.8", 0, 0xFF, 0xFF},
    {0x20, "DAC_DHR12RD", "RM0390 14.5.9", 0, 0x0FFF0FFF, 0x0FFF0FFF},
    {0x24, "DAC_DHR12LD", "RM0390 14.5.10", 0, 0xFFF0FFF0, 0xFFF0FFF0},
    {0x28, "DAC_DHR8RD", "RM0390 14.5.11", 0, 0xFFFF, 0xFFFF},
    {0x2C, "DAC_DOR1", "RM0390 14.5.12", 0, 0xFFF, 0},
    {0x30, "DAC_DOR2", "RM0390 14.5.13", 0, 0xFFF, 0},
    {0x34, "DAC_SR", "RM0390 14.5.14", 0, 0x20002000, 0},
}};
constexpr unsigned enable = 0, triggered = 2, dma = 12, underrun_interrupt = 13;

constexpr Time long_ago = -picoseconds_per_second;
constexpr std::array<Request, 2> requests{Request::dac1, Request::dac2};

}  // namespace

Dac::Dac(Fabric& fabric) : Peripheral{fabric, "DAC", 0x40007400, 0x400, registers} {
  triggered_at_.fill(long_ago);
}

void Dac::reset() {
  Peripheral::reset();
  held_ = {};
  waiting_ = preloaded_ = {};
  triggered_at_.fill(long_ago);
  for (unsigned c = 0; c < 2; ++c) {
    fabric_.request(requests[c], false);
    fabric_.dac_output(static_cast<int>(c), 0);
  }
  update_line();
}

/// A code for a channel that is off waits in the holding register until the channel is switched on; a second one means
/// that codes go nowhere.
void Dac::hold(unsigned channel, std::uint32_t code) {
  const bool on = channel_bit(channel, enable);
  if (!on && preloaded_[channel]) {
    return refuse(fmt::format("code {} is written to channel {} while it is off (DAC_CR.EN{}): the one before never "
                              "came out",
                              code & 0xFFFU, channel + 1, channel + 1),
                  "RM0390 14.3.1");
  }
  const double since = static_cast<double>(fabric_.now() - triggered_at_[channel]) * 1e-12;
  if (on && channel_bit(channel, triggered) && since < 3.0 / fabric_.bus_hz(Bus::apb1)) {
    return refuse(
        fmt::format("code {} comes to channel {} {:.0f} ns after its trigger, within the three cycles of APB1 "
                    "in which it takes its code over: which of two it takes is not told",
                    code & 0xFFFU, channel + 1, since * 1e9),
        "RM0390 14.3.6");
  }
  held_[channel] = static_cast<std::uint16_t>(code & 0xFFFU);
  preloaded_[channel] = !on;
  // Without a trigger the output follows one cycle of APB1 later.
  if (on && !channel_bit(channel, triggered)) move_on(channel);
}

void Dac::move_on(unsigned channel) {
  const int pin = 4 + static_cast<int>(channel);
  if (!fabric_.pin_is('A', pin, -1)) {
    return refuse(fmt::format("channel {} gives a code while PA{} is not in analog mode", channel + 1, pin),
                  "RM0390 14.3.1");
  }
  at(0x2C + 4 * channel) = held_[channel];
  fabric_.dac_output(static_cast<int>(channel), held_[channel]);
}

void Dac::timer_event(int timer, TimerEvent event) {
  if (!clocked() || event != TimerEvent::trgo) return;
  constexpr std::array<int, 8> sources{6, 8, 7, 5, 2, 4, 0, 0};  // RM0390 14.3.6, table 75
  for (unsigned c = 0; c < 2; ++c) {
    if (!channel_bit(c, enable) || !channel_bit(c, triggered)) continue;
    if (sources[at(0x00) >> (16 * c + 3) & 7U] != timer) continue;
    move_on(c);
    triggered_at_[c] = fabric_.now();
    if (!channel_bit(c, dma)) continue;
    if (waiting_[c]) {
      at(0x34) |= 1U << (13 + 16 * c);  // the request of the trigger before was not served (RM0390 14.3.7)
    } else {
      waiting_[c] = true;
      fabric_.request(requests[c], true);
    }
  }
  update_line();
}

void Dac::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  switch (offset) {
    case 0x00:
      if ((value & 0x00C000C0U) != 0) refuse("the wave generators are not modelled", "RM0390 14.3.8");
      for (unsigned c = 0; c < 2; ++c) {
        const unsigned shift = 16 * c;
        if ((value >> (shift + dma) & 1U) == 0) {
          waiting_[c] = false;
          fabric_.request(requests[c], false);
        }
        const bool off = (value >> shift & 1U) == 0 && (before >> shift & 1U) != 0;
        if (off) fabric_.dac_output(static_cast<int>(c), 0);
        const bool untriggered = (value >> (shift + triggered) & 1U) == 0;
        if ((value >> shift & 1U) != 0) {
          preloaded_[c] = false;
          if (untriggered) move_on(c);
        }
      }
      break;
    case 0x04:
      for (unsigned c = 0; c < 2; ++c) {
        const bool by_software = (at(0x00) >> (16 * c + 3) & 7U) == 7;
        if ((value >> c & 1U) != 0 && by_software && channel_bit(c, enable)) move_on(c);
      }
      break;
    case 0x08: hold(0, value); break;
    case 0x0C: hold(0, value >> 4U); break;
    case 0x10: hold(0, value << 4U); break;
    case 0x14: hold(1, value); break;
    case 0x18: hold(1, value >> 4U); break;
    case 0x1C: hold(1, value << 4U); break;
    case 0x20: hold(0, value), hold(1, value >> 16U); break;
    case 0x24: hold(0, value >> 4U), hold(1, value >> 20U); break;
    case 0x28: hold(0, value << 4U), hold(1, (value >> 8U & 0xFFU) << 4U); break;
    case 0x34: at(0x34) = before & ~value; break;
    default: break;
  }
  update_line();
}

/// TIM6 shares the line; the underrun of the converter alone is looked at here.
void Dac::update_line() {
  bool high = false;
  for (unsigned c = 0; c < 2; ++c) high = high || (channel_bit(c, underrun_interrupt) && bit(0x34, 13 + 16 * c));
  if (high) fabric_.line(Interrupt::tim6_dac, true);
}

}  // namespace thyrode::silicon
