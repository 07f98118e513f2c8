#include "firmware/silicon/peripheral.hpp"

#include <fmt/core.h>

#include <utility>

namespace thyrode::silicon {

Peripheral::Peripheral(Fabric& fabric, std::string name, std::uint32_t base, std::uint32_t bytes,
                       std::span<const Register> registers)
    : fabric_{fabric},
      name_{std::move(name)},
      base_{base},
      bytes_{bytes},
      registers_{registers},
      values_(registers.size()),
      index_(bytes / 4, -1) {
  for (std::size_t k = 0; k < registers.size(); ++k) {
    values_[k] = registers[k].reset;
    index_[registers[k].offset / 4] = static_cast<std::int16_t>(k);
  }
}

void Peripheral::reset() {
  for (std::size_t k = 0; k < registers_.size(); ++k) values_[k] = registers_[k].reset;
}

void Peripheral::refuse(const std::string& what, const char* section) const {
  fabric_.refuse(fmt::format("{}: {}", name_, what), section);
}

const Register* Peripheral::find(std::uint32_t offset) const {
  const std::int16_t index = offset / 4 < index_.size() ? index_[offset / 4] : std::int16_t{-1};
  return index < 0 ? nullptr : &registers_[static_cast<std::size_t>(index)];
}

std::uint32_t& Peripheral::at(std::uint32_t offset) {
  return values_[static_cast<std::size_t>(index_[offset / 4])];
}
std::uint32_t Peripheral::at(std::uint32_t offset) const {
  return values_[static_cast<std::size_t>(index_[offset / 4])];
}

bool Peripheral::reachable(std::uint32_t address, unsigned bytes, const char* verb) {
  const std::uint32_t offset = address - base_;
  const Register* found = find(offset);
  if (!clocked_) {
    refuse(fmt::format("{} of {} at {:#010x} while the clock of the peripheral is off; set its bit in RCC_xxxENR first",
                       verb, found != nullptr ? found->name : "a register", address),
           "RM0390 6.2");
    return false;
  }
  if (found == nullptr) {
    refuse(fmt::format("{} of {:#010x}: there is no register at offset {:#05x}, or it is not modelled", verb, address,
                       offset),
           "RM0390 2.2.2");
    return false;
  }
  if (address % bytes != 0) {
    refuse(fmt::format("{} of {} bytes at {:#010x} is not aligned", verb, bytes, address), "RM0390 2.2");
    return false;
  }
  return true;
}

std::uint32_t Peripheral::read(std::uint32_t address, unsigned bytes) {
  if (!reachable(address, bytes, "read")) return 0;
  const std::uint32_t offset = address - base_;
  const std::uint32_t word = on_read(offset & ~3U) >> (8U * (offset & 3U));
  return bytes == 4 ? word : word & ((1U << (8U * bytes)) - 1U);
}

void Peripheral::write(std::uint32_t address, unsigned bytes, std::uint32_t value) {
  if (!reachable(address, bytes, "write")) return;
  const std::uint32_t offset = address - base_;
  const std::uint32_t word = offset & ~3U;
  const Register& found = *find(word);
  const unsigned shift = 8U * (offset & 3U);
  const std::uint32_t touched = bytes == 4 ? 0xFFFFFFFFU : ((1U << (8U * bytes)) - 1U) << shift;
  const std::uint32_t before = at(word);
  std::uint32_t written = (value << shift & touched) | (before & ~touched);
  // A half word goes to both halves of the bus; a register of 32 bits with less than 16 present takes the lower.
  const std::uint32_t wrong = (written ^ found.reset) & ~found.present & touched;
  if (wrong != 0) {
    refuse(fmt::format("write of {:#010x} to {} at {:#010x} changes reserved bits {:#010x}", written, found.name,
                       address, wrong),
           found.section);
    return;
  }
  at(word) = (before & ~found.writable) | (written & found.writable);
  on_write(word, written, before);
}

void Peripheral::on_write(std::uint32_t, std::uint32_t, std::uint32_t) {}

}  // namespace thyrode::silicon
