#include "firmware/silicon/gpio.hpp"

#include <fmt/core.h>

#include <map>

namespace thyrode::silicon {
namespace {

constexpr std::array<Register, 10> registers_of(std::uint32_t moder, std::uint32_t speed, std::uint32_t pull) {
  return {{
      {0x00, "GPIOx_MODER", "RM0390 7.4.1", moder},
      {0x04, "GPIOx_OTYPER", "RM0390 7.4.2", 0, 0xFFFF, 0xFFFF},
      {0x08, "GPIOx_OSPEEDR", "RM0390 7.4.3", speed},
      {0x0C, "GPIOx_PUPDR", "RM0390 7.4.4", pull},
      {0x10, "GPIOx_IDR", "RM0390 7.4.5", 0, 0xFFFF, 0},
      {0x14, "GPIOx_ODR", "RM0390 7.4.6", 0, 0xFFFF, 0xFFFF},
      {0x18, "GPIOx_BSRR", "RM0390 7.4.7", 0, 0xFFFFFFFF, 0},
      {0x1C, "GPIOx_LCKR", "RM0390 7.4.8", 0, 0x1FFFF, 0},
      {0x20, "GPIOx_AFRL", "RM0390 7.4.9", 0},
      {0x24, "GPIOx_AFRH", "RM0390 7.4.10", 0},
  }};
}
// Ports A and B wake up with the debug pins in place.
constexpr auto registers_a = registers_of(0xA8000000, 0x0C000000, 0x64000000);
constexpr auto registers_b = registers_of(0x00000280, 0x000000C0, 0x00000100);
constexpr auto registers_c = registers_of(0, 0, 0);

std::span<const Register> registers_for(char port) {
  if (port == 'A') return registers_a;
  return port == 'B' ? std::span<const Register>{registers_b} : std::span<const Register>{registers_c};
}

}  // namespace

Gpio::Gpio(Fabric& fabric, char port)
    : Peripheral{fabric, fmt::format("GPIO{}", port), 0x40020000U + 0x400U * static_cast<unsigned>(port - 'A'), 0x400,
                 registers_for(port)},
      port_{port} {}

void Gpio::reset() {
  Peripheral::reset();
  lock_steps_ = 0;
  lock_mask_ = 0;
  function_levels_ = 0;
  fabric_.outputs_changed(port_);
}

unsigned Gpio::function(int pin) const {
  const auto p = static_cast<unsigned>(pin);
  return at(p < 8 ? 0x20 : 0x24) >> (4U * (p % 8)) & 0xFU;
}

bool Gpio::output(int pin) const {
  return is_output(pin) && (at(0x14) >> pin & 1U) != 0;
}

bool Gpio::level(int pin) const {
  switch (mode(pin)) {
    case 1: return output(pin);
    case 2: return function_level(pin) || (outside_ >> pin & 1U) != 0;
    case 3: return false;  // the input stage is off
    default: return (outside_ >> pin & 1U) != 0;
  }
}

void Gpio::drive(int pin, bool high) {
  const bool before = level(pin);
  outside_ = high ? outside_ | 1U << pin : outside_ & ~(1U << pin);
  if (level(pin) != before) fabric_.pin_edge(port_, pin, high);
}

void Gpio::drive_function(int pin, bool high) {
  function_levels_ = high ? function_levels_ | 1U << pin : function_levels_ & ~(1U << pin);
  fabric_.outputs_changed(port_);
}

std::uint32_t Gpio::on_read(std::uint32_t offset) {
  if (offset != 0x10) return at(offset);
  std::uint32_t levels = 0;
  for (int pin = 0; pin < 16; ++pin) levels |= (level(pin) ? 1U : 0U) << pin;
  return levels;
}

/// Bits of locked pins keep their value (RM0390 7.4.8).
void Gpio::keep_locked(std::uint32_t offset, std::uint32_t before) {
  std::uint32_t kept = 0;
  for (unsigned pin = 0; pin < 16; ++pin) {
    if ((lock_mask_ >> pin & 1U) == 0) continue;
    if (offset == 0x04) kept |= 1U << pin;
    if (offset == 0x00 || offset == 0x08 || offset == 0x0C) kept |= 3U << (2U * pin);
    if (offset == 0x20 && pin < 8) kept |= 0xFU << (4U * pin);
    if (offset == 0x24 && pin >= 8) kept |= 0xFU << (4U * (pin - 8));
  }
  const std::uint32_t changed = (at(offset) ^ before) & kept;
  if (changed == 0) return;
  at(offset) = (at(offset) & ~kept) | (before & kept);
  refuse(fmt::format("write to bits {:#010x} at offset {:#04x} of pins that GPIO{}_LCKR has locked until reset",
                     changed, offset, port_),
         "RM0390 7.4.8");
}

void Gpio::write_lock(std::uint32_t value) {
  const bool key = (value >> 16U & 1U) != 0;
  const bool expected = lock_steps_ != 1;
  if (lock_steps_ == 0) lock_mask_ = 0;
  if (key != expected || (lock_steps_ > 0 && (value & 0xFFFFU) != (at(0x1C) & 0xFFFFU))) {
    lock_steps_ = 0;
    return;
  }
  at(0x1C) = value & 0xFFFFU;
  if (++lock_steps_ < 3) return;
  lock_mask_ = value & 0xFFFFU;
  at(0x1C) |= 1U << 16U;
}

void Gpio::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  if (offset == 0x18) {
    at(0x14) = ((at(0x14) & ~(value >> 16U)) | (value & 0xFFFFU)) & 0xFFFFU;
    fabric_.outputs_changed(port_);
    return;
  }
  if (offset == 0x1C) {
    if (lock_steps_ < 3) write_lock(value);
    return;
  }
  if (lock_mask_ != 0) keep_locked(offset, before);
  if (offset == 0x00 || offset == 0x14) fabric_.outputs_changed(port_);
}

}  // namespace thyrode::silicon
