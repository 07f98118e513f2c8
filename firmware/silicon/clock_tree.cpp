#include "firmware/silicon/clock_tree.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace thyrode::silicon {
namespace {

// Reset values and bits: RM0390 6.3.1 to 6.3.27.
constexpr std::array<Register, 27> rcc_registers{{
    {0x00, "RCC_CR", "RM0390 6.3.1", 0x00008083, 0x3F0FFFFB, 0x150D00F9},
    {0x04, "RCC_PLLCFGR", "RM0390 6.3.2", 0x24003010, 0x7F437FFF, 0x7F437FFF},
    {0x08, "RCC_CFGR", "RM0390 6.3.3", 0, 0xFF7FFCFF, 0xFF7FFCF3},
    {0x0C, "RCC_CIR", "RM0390 6.3.4", 0, 0x00FF7FFF, 0x00007F00},
    {0x10, "RCC_AHB1RSTR", "RM0390 6.3.5", 0, 0x206010FF, 0x206010FF},
    {0x14, "RCC_AHB2RSTR", "RM0390 6.3.6", 0, 0x00000081, 0x00000081},
    {0x18, "RCC_AHB3RSTR", "RM0390 6.3.7", 0, 0x00000003, 0x00000003},
    {0x20, "RCC_APB1RSTR", "RM0390 6.3.8", 0, 0x3FFFC9FF, 0x3FFFC9FF},
    {0x24, "RCC_APB2RSTR", "RM0390 6.3.9", 0, 0x00C77933, 0x00C77933},
    {0x30, "RCC_AHB1ENR", "RM0390 6.3.10", 0x00100000, 0x607410FF, 0x607410FF},
    {0x34, "RCC_AHB2ENR", "RM0390 6.3.11", 0, 0x00000081, 0x00000081},
    {0x38, "RCC_AHB3ENR", "RM0390 6.3.12", 0, 0x00000003, 0x00000003},
    {0x40, "RCC_APB1ENR", "RM0390 6.3.13", 0, 0x3FFFC9FF, 0x3FFFC9FF},
    {0x44, "RCC_APB2ENR", "RM0390 6.3.14", 0, 0x00C77F33, 0x00C77F33},
    {0x50, "RCC_AHB1LPENR", "RM0390 6.3.15", 0x606790FF, 0xFFFFFFFF, 0x606790FF},
    {0x54, "RCC_AHB2LPENR", "RM0390 6.3.16", 0x00000081, 0x00000081, 0x00000081},
    {0x58, "RCC_AHB3LPENR", "RM0390 6.3.17", 0x00000003, 0x00000003, 0x00000003},
    {0x60, "RCC_APB1LPENR", "RM0390 6.3.18", 0x3FFFC9FF, 0x3FFFC9FF, 0x3FFFC9FF},
    {0x64, "RCC_APB2LPENR", "RM0390 6.3.19", 0x00C77F33, 0x00C77F33, 0x00C77F33},
    {0x70, "RCC_BDCR", "RM0390 6.3.20", 0, 0x0001830F, 0x0001830D},
    {0x74, "RCC_CSR", "RM0390 6.3.21", 0, 0xFF000003, 0x00000001},
    {0x80, "RCC_SSCGR", "RM0390 6.3.22", 0, 0xCFFFFFFF, 0xCFFFFFFF},
    {0x84, "RCC_PLLI2SCFGR", "RM0390 6.3.23", 0x24003010, 0x7F037FFF, 0x7F037FFF},
    {0x88, "RCC_PLLSAICFGR", "RM0390 6.3.24", 0x04003010, 0x0F037FFF, 0x0F037FFF},
    {0x8C, "RCC_DCKCFGR", "RM0390 6.3.25", 0, 0x0FF0FF1F, 0x0FF0FF1F},
    {0x90, "RCC_CKGATENR", "RM0390 6.3.26", 0, 0x0000007F, 0x0000007F},
    {0x94, "RCC_DCKCFGR2", "RM0390 6.3.27", 0, 0x3FC00000, 0x3FC00000},
}};
constexpr std::array<Register, 6> flash_registers{{
    {0x00, "FLASH_ACR", "RM0390 3.8.1", 0, 0x00001F0F, 0x00001F0F},
    {0x04, "FLASH_KEYR", "RM0390 3.8.2", 0, 0xFFFFFFFF, 0},
    {0x08, "FLASH_OPTKEYR", "RM0390 3.8.3", 0, 0xFFFFFFFF, 0},
    {0x0C, "FLASH_SR", "RM0390 3.8.4", 0, 0x000101F3, 0},
    {0x10, "FLASH_CR", "RM0390 3.8.5", 0x80000000, 0x8301037F, 0x8301037F},
    {0x14, "FLASH_OPTCR", "RM0390 3.8.6", 0x0FFFAAED, 0xFFFFFFEF, 0xFFFFFFEF},
}};
constexpr std::array<Register, 2> power_registers{{
    {0x00, "PWR_CR", "RM0390 5.4.1", 0x0000C000, 0x003FEFFF, 0x003FEFF3},
    {0x04, "PWR_CSR", "RM0390 5.4.2", 0, 0x000F43CF, 0x00000380},
}};

constexpr Time microsecond = 1'000'000;
// Longest start-up times of the data sheet (DS10693, 6.3.8 to 6.3.11).
constexpr Time hsi_start = 4 * microsecond;
constexpr Time hse_start = 64 * microsecond;
constexpr Time pll_start = 200 * microsecond;
constexpr Time lsi_start = 40 * microsecond;

constexpr double hsi_hz = 16e6;

}  // namespace

// ---------------------------------------------------------------- flash interface

FlashInterface::FlashInterface(Fabric& fabric) : Peripheral{fabric, "FLASH", 0x40023C00, 0x400, flash_registers} {}

void FlashInterface::reset() {
  Peripheral::reset();
  at(0x14) = options_ | 1U;
  keys_ = option_keys_ = 0;
}

void FlashInterface::take_key(std::uint32_t key, bool options) {
  constexpr std::array<std::uint32_t, 2> program{0x45670123, 0xCDEF89AB};
  constexpr std::array<std::uint32_t, 2> option{0x08192A3B, 0x4C5D6E7F};
  int& keys = options ? option_keys_ : keys_;
  if (keys > 1 || key != (options ? option : program)[static_cast<std::size_t>(keys)]) {
    return refuse(fmt::format("key {:#010x} is not the next of the unlock sequence; it stays locked until reset", key),
                  options ? "RM0390 3.7.2" : "RM0390 3.6.1");
  }
  if (++keys < 2) return;
  options ? at(0x14) &= ~1U : at(0x10) &= ~0x80000000U;
}

void FlashInterface::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  if (offset == 0x04) return take_key(value, false);
  if (offset == 0x08) return take_key(value, true);
  if (offset == 0x10) {
    if ((before & 0x80000000U) != 0) {
      at(0x10) = before;
      return refuse("write to FLASH_CR while it is locked; write both keys to FLASH_KEYR first", "RM0390 3.6.1");
    }
    if ((value & 0x0001037FU & ~0x300U) != 0) refuse("flash is programmed or erased: not modelled", "RM0390 3.6");
  }
  if (offset == 0x14) {
    if ((before & 1U) != 0) {
      at(0x14) = before;
      return refuse("write to FLASH_OPTCR while it is locked; write both keys to FLASH_OPTKEYR first", "RM0390 3.7.2");
    }
    // OPTSTRT: the bytes are stored; the flag falls when that is done.
    if ((value & 2U) != 0) options_ = value & ~3U;
    at(0x14) = value & ~2U;
    if ((value & 1U) != 0) option_keys_ = 0;
  }
}

// ---------------------------------------------------------------- power

PowerControl::PowerControl(Fabric& fabric) : Peripheral{fabric, "PWR", 0x40007000, 0x400, power_registers} {}

double PowerControl::highest_core_hz() const {
  // RM0390 5.1.3: scale 3 up to 120 MHz, scale 2 up to 144 (168 with over-drive), scale 1 up to 168 (180).
  const unsigned scale = at(0x00) >> 14U & 3U;
  return scale == 3 ? 168e6 : scale == 2 ? 144e6 : 120e6;
}

std::uint32_t PowerControl::on_read(std::uint32_t offset) {
  if (offset == 0x04 && pll_runs_) return at(offset) | 1U << 14U;
  return at(offset);
}

void PowerControl::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  if (offset != 0x00) return;
  if ((value & 0x00030000U) != 0) refuse("the over-drive is switched on: not modelled", "RM0390 5.1.4");
  if (((value ^ before) & 0xC000U) != 0 && pll_runs_) {
    refuse("PWR_CR.VOS is changed while the PLL runs; it may only be changed while it is off", "RM0390 5.4.1");
  }
}

// ---------------------------------------------------------------- clocks

ClockTree::ClockTree(Fabric& fabric, FlashInterface& flash, PowerControl& power, Oscillators oscillators)
    : Peripheral{fabric, "RCC", 0x40023800, 0x400, rcc_registers},
      flash_{flash},
      power_{power},
      oscillators_{oscillators} {}

void ClockTree::gate(std::uint32_t enable_register, unsigned bit, Peripheral& peripheral) {
  gates_.push_back({enable_register, bit, &peripheral});
  peripheral.gate((at(enable_register) >> bit & 1U) != 0);
}

void ClockTree::apply_gates() {
  for (const Gate& gate : gates_) gate.peripheral->gate(bit(gate.enable, gate.bit));
}

void ClockTree::reset() {
  Peripheral::reset();
  starts_.clear();
  core_hz_ = hsi_hz;
  at(0x74) = causes_;
  power_.pll_runs(false);
  apply_gates();
  if (told_) told_();
}

void ClockTree::reset_by(ResetCause cause) {
  causes_ |= static_cast<std::uint32_t>(cause) | static_cast<std::uint32_t>(ResetCause::pin);
  // After power-on the brown-out flag is set as well.
  if (cause == ResetCause::power_on) causes_ |= static_cast<std::uint32_t>(ResetCause::brown_out);
  at(0x74) = causes_;
}

double ClockTree::bus_hz(Bus bus) const {
  if (bus == Bus::ahb1) return core_hz_;
  const unsigned code = at(0x08) >> (bus == Bus::apb1 ? 10U : 13U) & 7U;
  return code < 4 ? core_hz_ : core_hz_ / static_cast<double>(2U << (code - 4U));
}

double ClockTree::timer_hz(Bus bus) const {
  // RM0390 6.2: the bus clock if its divider is 1, else twice; with TIMPRE four times, at most HCLK.
  const double bus_clock = bus_hz(bus);
  const bool fast = bit(0x8C, 24);
  const double divider = core_hz_ / bus_clock;
  if (fast) return divider <= 4.0 ? core_hz_ : 4.0 * bus_clock;
  return divider == 1.0 ? bus_clock : 2.0 * bus_clock;
}

Time ClockTree::due() const {
  Time next = never;
  for (const Start& start : starts_) next = std::min(next, start.at);
  return next;
}

void ClockTree::happen() {
  const Time now = fabric_.now();
  for (const Start& start : starts_) {
    if (start.at <= now) at(start.offset) |= 1U << start.ready_bit;
  }
  std::erase_if(starts_, [now](const Start& start) { return start.at <= now; });
  power_.pll_runs(bit(0x00, 25));
  switch_clock();
}

std::uint32_t ClockTree::on_read(std::uint32_t offset) {
  return at(offset);
}

void ClockTree::begin(std::uint32_t offset, unsigned on_bit, std::uint32_t value, std::uint32_t before, Time lasts) {
  const bool on = (value >> on_bit & 1U) != 0;
  if (on == ((before >> on_bit & 1U) != 0)) return;
  std::erase_if(starts_, [&](const Start& start) { return start.offset == offset && start.ready_bit == on_bit + 1; });
  at(offset) &= ~(1U << (on_bit + 1U));
  if (on && lasts != never) starts_.push_back({offset, on_bit + 1, fabric_.now() + lasts});
  fabric_.reschedule();
}

void ClockTree::write_control(std::uint32_t value, std::uint32_t before) {
  const unsigned used = at(0x08) >> 2U & 3U;
  // The clock that the system runs on cannot be switched off (RM0390 6.3.1).
  if (used == 0) value |= 1U;
  if (used == 1) value |= 1U << 16U;
  if (used >= 2) value |= 1U << 24U;
  if (((value ^ before) >> 18U & 1U) != 0 && (before >> 16U & 1U) != 0) {
    refuse("RCC_CR.HSEBYP is changed while the HSE is on", "RM0390 6.3.1");
  }
  const std::uint32_t kept = 0x150D00F9U;
  at(0x00) = (at(0x00) & ~kept) | (value & kept);
  begin(0x00, 0, value, before, hsi_start);
  // The board has no crystal: the pin carries the clock of the ST-LINK, which needs the bypass.
  const bool hse_comes = oscillators_.hse_runs && (value >> 18U & 1U) != 0;
  begin(0x00, 16, value, before, hse_comes ? hse_start : never);
  if ((value >> 24U & 1U) != 0 && (before >> 24U & 1U) == 0) check_pll();
  begin(0x00, 24, value, before, oscillators_.pll_locks ? pll_start : never);
  power_.pll_runs(bit(0x00, 25));
}

void ClockTree::check_pll() {
  const std::uint32_t set = at(0x04);
  const bool from_hse = (set >> 22U & 1U) != 0;
  if (!bit(0x00, from_hse ? 17 : 1)) {
    return refuse(fmt::format("the PLL is switched on while its source, {}, is not ready", from_hse ? "HSE" : "HSI"),
                  "RM0390 6.2.3");
  }
  const unsigned m = set & 0x3FU;
  const unsigned n = set >> 6U & 0x1FFU;
  if (m < 2) return refuse(fmt::format("RCC_PLLCFGR.PLLM is {}; allowed are 2 to 63", m), "RM0390 6.3.2");
  if (n < 50 || n > 432) {
    return refuse(fmt::format("RCC_PLLCFGR.PLLN is {}; allowed are 50 to 432", n), "RM0390 6.3.2");
  }
  const double input = (from_hse ? oscillators_.hse_hz : hsi_hz) / m;
  if (input < 0.95e6 || input > 2.1e6) {
    return refuse(fmt::format("the PLL's input is {:.3f} MHz; allowed are 0.95 to 2.1", input * 1e-6), "RM0390 6.3.2");
  }
  if (input * n < 100e6 || input * n > 432e6) {
    return refuse(fmt::format("the PLL's oscillator runs at {:.1f} MHz; allowed are 100 to 432", input * n * 1e-6),
                  "RM0390 6.3.2");
  }
}

double ClockTree::pll_hz() const {
  const std::uint32_t set = at(0x04);
  const double source = (set >> 22U & 1U) != 0 ? oscillators_.hse_hz : hsi_hz;
  const double vco = source / (set & 0x3FU) * (set >> 6U & 0x1FFU);
  const unsigned wanted = at(0x08) & 3U;
  if (wanted == 3) return vco / (set >> 28U & 7U);
  return vco / (2.0 * ((set >> 16U & 3U) + 1U));
}

/// Takes the clock that CFGR.SW asks for as soon as it is ready; until then SWS and the clock stay.
void ClockTree::switch_clock() {
  const unsigned wanted = at(0x08) & 3U;
  const std::array<unsigned, 4> ready_bit{1, 17, 25, 25};
  if (bit(0x00, ready_bit[wanted])) {
    at(0x08) = (at(0x08) & ~0xCU) | wanted << 2U;
  }
  const unsigned used = at(0x08) >> 2U & 3U;
  const double system = used == 0 ? hsi_hz : used == 1 ? oscillators_.hse_hz : pll_hz();
  const unsigned code = at(0x08) >> 4U & 0xFU;
  constexpr std::array<double, 8> dividers{2, 4, 8, 16, 64, 128, 256, 512};
  const double hertz = code < 8 ? system : system / dividers[code - 8];
  if (hertz != core_hz_) {
    core_hz_ = hertz;
    check_frequencies();
  }
  if (told_) told_();
}

void ClockTree::check_frequencies() {
  const auto megahertz = [](double hz) { return hz * 1e-6; };
  // RM0390 3.4.1, supply of 2.7 V to 3.6 V: one wait state for each 30 MHz begun, the first without.
  const auto needed = static_cast<unsigned>((core_hz_ - 1.0) / 30e6);
  if (flash_.wait_states() < needed) {
    refuse(fmt::format("the core would run at {:.1f} MHz with {} flash wait states; it needs {}", megahertz(core_hz_),
                       flash_.wait_states(), needed),
           "RM0390 3.4.1");
  }
  if (core_hz_ > power_.highest_core_hz()) {
    refuse(fmt::format("the core would run at {:.1f} MHz; the regulator's scale allows {:.0f}", megahertz(core_hz_),
                       megahertz(power_.highest_core_hz())),
           "RM0390 5.1.3");
  }
  if (bus_hz(Bus::apb1) > 45e6) {
    refuse(fmt::format("PCLK1 would be {:.1f} MHz; allowed are 45", megahertz(bus_hz(Bus::apb1))), "RM0390 6.2");
  }
  if (bus_hz(Bus::apb2) > 90e6) {
    refuse(fmt::format("PCLK2 would be {:.1f} MHz; allowed are 90", megahertz(bus_hz(Bus::apb2))), "RM0390 6.2");
  }
}

void ClockTree::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  switch (offset) {
    case 0x00: return write_control(value, before);
    case 0x04:
      if (bit(0x00, 24)) {
        at(offset) = before;
        refuse("RCC_PLLCFGR is written while the PLL is on; it may only be written while it is off", "RM0390 6.3.2");
      }
      return;
    case 0x08:
      at(offset) = (value & ~0xCU) | (before & 0xCU);
      switch_clock();
      return check_frequencies();
    case 0x10:
    case 0x20:
    case 0x24:
      for (const Gate& gate : gates_) {
        if (gate.enable == offset + 0x20U && (value >> gate.bit & 1U) != 0) gate.peripheral->reset();
      }
      return fabric_.reschedule();
    case 0x30:
    case 0x40:
    case 0x44: return apply_gates();
    case 0x74:
      if ((value >> 24U & 1U) != 0) causes_ = 0;
      at(offset) = (before & 2U) | (value & 1U) | causes_;
      return begin(offset, 0, value, before, lsi_start);
    default: return;
  }
}

}  // namespace thyrode::silicon
