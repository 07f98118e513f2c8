// Ports of pins: modes, alternate functions, levels, the lock.
#pragma once

#include <array>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Gpio final : public Peripheral {
 public:
  /// @param port  'A' to 'H'
  Gpio(Fabric& fabric, char port);
  /// Drives a pin from outside.
  void drive(int pin, bool high);
  /// The level that an output pin gives; false for a pin that is no output.
  bool output(int pin) const;
  bool is_output(int pin) const { return mode(pin) == 1; }
  /// 0 input, 1 output, 2 alternate function, 3 analog.
  unsigned mode(int pin) const { return at(0x00) >> (2U * static_cast<unsigned>(pin)) & 3U; }
  unsigned function(int pin) const;
  /// A peripheral drives a pin that is its alternate function.
  void drive_function(int pin, bool high);
  bool function_level(int pin) const { return (function_levels_ >> pin & 1U) != 0; }
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  void write_lock(std::uint32_t value);
  void keep_locked(std::uint32_t offset, std::uint32_t before);
  bool level(int pin) const;

  char port_;
  std::uint32_t outside_ = 0;
  std::uint32_t function_levels_ = 0;
  int lock_steps_ = 0;
  std::uint32_t lock_mask_ = 0;
};

}  // namespace thyrode::silicon
