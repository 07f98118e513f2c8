#include "firmware/silicon/watchdog.hpp"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <utility>

namespace thyrode::silicon {
namespace {

constexpr std::array<Register, 4> registers{{
    {0x00, "IWDG_KR", "RM0390 20.4.1", 0, 0xFFFF, 0},
    {0x04, "IWDG_PR", "RM0390 20.4.2", 0, 7, 7},
    {0x08, "IWDG_RLR", "RM0390 20.4.3", 0xFFF, 0xFFF, 0xFFF},
    {0x0C, "IWDG_SR", "RM0390 20.4.4", 0, 3, 0},
}};

}  // namespace

Watchdog::Watchdog(Fabric& fabric, double lsi_hz, std::function<void()> bites)
    : Peripheral{fabric, "IWDG", 0x40003000, 0x400, registers}, lsi_hz_{lsi_hz}, bites_{std::move(bites)} {}

void Watchdog::reset() {
  Peripheral::reset();
  started_ = open_ = false;
  bites_at_ = never;
  updated_at_ = 0;
}

Time Watchdog::cycles(double count) const {
  return std::llround(count * static_cast<double>(picoseconds_per_second) / lsi_hz_);
}

void Watchdog::reload() {
  if (!started_) return;
  const unsigned code = at(0x04) > 6 ? 6 : at(0x04);
  bites_at_ = fabric_.now() + cycles(static_cast<double>(4U << code) * (at(0x08) + 1.0));
  fabric_.reschedule();
}

std::uint32_t Watchdog::on_read(std::uint32_t offset) {
  if (offset == 0x0C) return fabric_.now() < updated_at_ ? 3U : 0U;
  return offset == 0x00 ? 0U : at(offset);
}

void Watchdog::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  if (offset == 0x00) {
    open_ = value == 0x5555;
    if (value == 0xCCCC) started_ = true;
    if (value == 0xAAAA || value == 0xCCCC) reload();
    if (value != 0x5555 && value != 0xCCCC && value != 0xAAAA && value != 0) {
      refuse(fmt::format("key {:#06x}; there are 0x5555, 0xAAAA and 0xCCCC", value), "RM0390 20.4.1");
    }
    return;
  }
  if (offset == 0x0C) return;
  if (!open_) {
    at(offset) = before;
    return refuse(fmt::format("{} is written while it is locked; write 0x5555 to IWDG_KR first",
                              offset == 0x04 ? "IWDG_PR" : "IWDG_RLR"),
                  "RM0390 20.3.2");
  }
  updated_at_ = fabric_.now() + cycles(5.0);
}

}  // namespace thyrode::silicon
