#include "firmware/silicon/exceptions.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace thyrode::silicon {
namespace {

constexpr int lowest = 256;  // priority of thread mode
// ARM DDI 0403E, B3.2, and PM0214 4.
constexpr std::uint32_t icsr = 0xE000ED04, vtor = 0xE000ED08, aircr = 0xE000ED0C, shpr1 = 0xE000ED18,
                        shcsr = 0xE000ED24, ipr = 0xE000E400, systick = 0xE000E010;

}  // namespace

Exceptions::Exceptions(Fabric& fabric, std::function<std::uint64_t()> cycles, std::function<void()> reset)
    : fabric_{fabric}, cycles_{std::move(cycles)}, reset_{std::move(reset)} {
  this->reset();
}

void Exceptions::reset() {
  pending_ = enabled_ = active_ = lines_ = {};
  priorities_ = {};
  stack_.clear();
  for (const int always :
       {exception::nmi, exception::hard_fault, exception::supervisor_call, exception::pend_sv, exception::sys_tick}) {
    enabled_[static_cast<std::size_t>(always)] = true;
  }
  vtor_ = prigroup_ = scr_ = shcsr_ = cfsr_ = hfsr_ = fault_address_ = 0;
  ccr_ = 0x200;
  cpacr_ = fpcar_ = fpdscr_ = demcr_ = 0;
  fpccr_ = 0xC0000000;
  dwt_control_ = 0x40000000;
  tick_control_ = tick_reload_ = tick_held_ = 0;
  tick_flag_ = false;
  tick_at_ = never;
  attention_ = false;
}

void Exceptions::refuse(const char* what, std::uint32_t address, std::uint32_t value, const char* section) {
  fabric_.refuse(fmt::format("core: {} at {:#010x} (value {:#010x})", what, address, value), section);
}

// ---------------------------------------------------------------- what comes next

void Exceptions::set_pending(int number, bool pending) {
  pending_[static_cast<std::size_t>(number)] = pending;
  look_again();
}

void Exceptions::look_again() {
  attention_ = false;
  for (std::size_t n = 2; n < pending_.size(); ++n) attention_ = attention_ || (pending_[n] && enabled_[n]);
}

void Exceptions::line(Interrupt interrupt, bool high) {
  const auto n = static_cast<std::size_t>(exception::first_interrupt + static_cast<int>(interrupt));
  if (lines_[n] == high) return;
  lines_[n] = high;
  // A level that falls before its handler runs leaves the exception pending (ARM DDI 0403E, B3.4.1).
  if (high) set_pending(static_cast<int>(n), true);
}

int Exceptions::priority(int number) const {
  if (number == exception::nmi) return -2;
  if (number == exception::hard_fault) return -1;
  return priorities_[static_cast<std::size_t>(number)];
}

int Exceptions::group(int priority) const {
  return priority < 0 ? priority : priority >> (prigroup_ + 1U) << (prigroup_ + 1U);
}

int Exceptions::running_priority(const Masks& masks) const {
  int running = lowest;
  for (const int number : stack_) running = std::min(running, group(priority(number)));
  if (masks.basepri != 0) running = std::min(running, group(static_cast<int>(masks.basepri)));
  if (masks.primask) running = std::min(running, 0);
  if (masks.faultmask) running = std::min(running, -1);
  return running;
}

int Exceptions::next(const Masks& masks) const {
  int best = exception::none;
  int best_priority = lowest;
  for (std::size_t n = 2; n < pending_.size(); ++n) {
    if (!pending_[n] || !enabled_[n]) continue;
    const int p = priority(static_cast<int>(n));
    if (p >= best_priority) continue;
    best = static_cast<int>(n);
    best_priority = p;
  }
  return best != exception::none && group(best_priority) < running_priority(masks) ? best : exception::none;
}

bool Exceptions::wakes(Masks masks) const {
  masks.primask = false;
  if ((scr_ >> 4U & 1U) != 0 && attention_) return true;
  return attention_ && next(masks) != exception::none;
}

void Exceptions::enter(int number) {
  const auto n = static_cast<std::size_t>(number);
  pending_[n] = false;
  active_[n] = true;
  stack_.push_back(number);
  look_again();
}

void Exceptions::leave(int number) {
  const auto n = static_cast<std::size_t>(number);
  active_[n] = false;
  if (!stack_.empty()) stack_.pop_back();
  // A line that is still high makes it pending again.
  if (lines_[n]) pending_[n] = true;
  look_again();
}

int Exceptions::escalated(int fault, const Masks& masks) {
  const unsigned enable = fault == exception::memory_fault ? 16 : fault == exception::bus_fault ? 17 : 18;
  const bool configurable = fault >= exception::memory_fault && fault <= exception::usage_fault;
  const bool allowed = !configurable || (shcsr_ >> enable & 1U) != 0;
  if (allowed && group(priority(fault)) < running_priority(masks)) return fault;
  hfsr_ |= 1U << 30U;
  return exception::hard_fault;
}

void Exceptions::note_fault(std::uint32_t configurable_status, std::uint32_t address) {
  cfsr_ |= configurable_status;
  fault_address_ = address;
}

// ---------------------------------------------------------------- registers

std::uint32_t Exceptions::bits(const std::array<bool, exception::count>& flags, unsigned word) const {
  std::uint32_t all = 0;
  for (unsigned k = 0; k < 32; ++k) {
    const std::size_t n = exception::first_interrupt + 32U * word + k;
    if (n < flags.size() && flags[n]) all |= 1U << k;
  }
  return all;
}

std::uint32_t Exceptions::read_bank(std::uint32_t address) const {
  const unsigned word = (address & 0x1FU) / 4U;
  switch (address & 0xFFFFFF80U) {
    case 0xE000E100: return bits(enabled_, word);
    case 0xE000E180: return bits(enabled_, word);
    case 0xE000E200: return bits(pending_, word);
    case 0xE000E280: return bits(pending_, word);
    default: return bits(active_, word);
  }
}

bool Exceptions::write_bank(std::uint32_t address, std::uint32_t value) {
  const unsigned word = (address & 0x1FU) / 4U;
  const std::uint32_t bank = address & 0xFFFFFF80U;
  if (bank < 0xE000E100 || bank > 0xE000E280) return false;
  for (unsigned k = 0; k < 32; ++k) {
    if ((value >> k & 1U) == 0) continue;
    const std::size_t n = exception::first_interrupt + 32U * word + k;
    if (n >= pending_.size()) {
      refuse("an interrupt that the chip does not have", address, value, "RM0390 10.1.3");
      return true;
    }
    if (bank == 0xE000E100) enabled_[n] = true;
    if (bank == 0xE000E180) enabled_[n] = false;
    if (bank == 0xE000E200) pending_[n] = true;
    if (bank == 0xE000E280) pending_[n] = lines_[n];
  }
  look_again();
  return true;
}

std::uint32_t Exceptions::read_word(std::uint32_t address) {
  if (address >= 0xE000E100 && address < 0xE000E320) return read_bank(address);
  const auto packed = [this](std::size_t first) {
    std::uint32_t all = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      if (first + k < priorities_.size()) all |= static_cast<std::uint32_t>(priorities_[first + k]) << (8U * k);
    }
    return all;
  };
  if (address >= ipr && address < ipr + exception::interrupts)
    return packed(exception::first_interrupt + address - ipr);
  if (address >= shpr1 && address < shcsr) return packed(4 + address - shpr1);
  switch (address) {
    case systick: return tick_control_ | (std::exchange(tick_flag_, false) ? 1U << 16U : 0U);
    case systick + 4: return tick_reload_;
    case systick + 8: return tick_count();
    case systick + 12: return 0x40000000U;
    case 0xE000E004: return 3;           // ICTR
    case 0xE000ED00: return 0x410FC241;  // CPUID: r0p1
    case icsr: {
      std::uint32_t value = static_cast<std::uint32_t>(active());
      const int waiting = next({});
      value |= static_cast<std::uint32_t>(waiting) << 12U;
      if (pending_[exception::sys_tick]) value |= 1U << 26U;
      if (pending_[exception::pend_sv]) value |= 1U << 28U;
      if (stack_.size() <= 1) value |= 1U << 11U;
      return value;
    }
    case vtor: return vtor_;
    case aircr: return 0xFA050000U | prigroup_ << 8U;
    case 0xE000ED10: return scr_;
    case 0xE000ED14: return ccr_;
    case shcsr: return shcsr_;
    case 0xE000ED28: return cfsr_;
    case 0xE000ED2C: return hfsr_;
    case 0xE000ED30: return 0;
    case 0xE000ED34:
    case 0xE000ED38: return fault_address_;
    case 0xE000ED88: return cpacr_;
    case 0xE000ED90: return 0x00000800;  // MPU_TYPE: eight regions
    case 0xE000ED94: return 0;
    case 0xE000EDF0: return 0;  // DHCSR: no debugger
    case 0xE000EDFC: return demcr_;
    case 0xE000EF34: return fpccr_;
    case 0xE000EF38: return fpcar_;
    case 0xE000EF3C: return fpdscr_;
    case 0xE000EF40: return 0x10110021;
    case 0xE000EF44: return 0x11000011;
    case 0xE0001000: return dwt_control_;
    case 0xE0001004:
      if ((dwt_control_ & 1U) == 0) return static_cast<std::uint32_t>(cycle_base_);
      return static_cast<std::uint32_t>(cycles_() - cycle_base_);
    case 0xE0042000: return 0x10006421;  // DBGMCU_IDCODE: RM0390 33.6.1
    case 0xE0042004:
    case 0xE0042008:
    case 0xE004200C: return debug_[(address & 0xFU) / 4U];
    default: refuse("read: no such register, or it is not modelled", address, 0, "PM0214 4"); return 0;
  }
}

std::uint32_t Exceptions::read(std::uint32_t address, unsigned bytes) {
  const std::uint32_t word = read_word(address & ~3U) >> (8U * (address & 3U));
  return bytes == 4 ? word : word & ((1U << (8U * bytes)) - 1U);
}

void Exceptions::write(std::uint32_t address, unsigned bytes, std::uint32_t value) {
  const unsigned shift = 8U * (address & 3U);
  const std::uint32_t touched = bytes == 4 ? 0xFFFFFFFFU : ((1U << (8U * bytes)) - 1U) << shift;
  const std::uint32_t word = address & ~3U;
  if (bytes == 4) return write_word(word, value, touched);
  const bool by_bytes =
      (word >= ipr && word < ipr + exception::interrupts) || (word >= shpr1 && word < shcsr) || word == 0xE000ED28;
  if (!by_bytes) return refuse("access of less than a word", address, value, "PM0214 4");
  write_word(word, value << shift & touched, touched);
}

void Exceptions::write_word(std::uint32_t address, std::uint32_t value, std::uint32_t touched) {
  const auto unpack = [&](std::size_t first) {
    for (std::size_t k = 0; k < 4; ++k) {
      // Four bits of priority: the lower ones read as zero.
      if ((touched >> (8U * k) & 0xFFU) != 0 && first + k < priorities_.size()) {
        priorities_[first + k] = static_cast<std::uint8_t>(value >> (8U * k) & 0xF0U);
      }
    }
  };
  if (write_bank(address, value)) return;
  if (address >= ipr && address < ipr + exception::interrupts)
    return unpack(exception::first_interrupt + address - ipr);
  if (address >= shpr1 && address < shcsr) return unpack(4 + address - shpr1);
  if (address >= systick && address < systick + 12) return write_tick(address - systick, value);
  if (!write_control(address, value)) {
    refuse("write: no such register, or it is not modelled", address, value, "PM0214 4");
  }
}

bool Exceptions::write_control(std::uint32_t address, std::uint32_t value) {
  switch (address) {
    case icsr:
      if ((value >> 31U & 1U) != 0) pending_[exception::nmi] = true;
      if ((value >> 28U & 1U) != 0) pending_[exception::pend_sv] = true;
      if ((value >> 27U & 1U) != 0) pending_[exception::pend_sv] = false;
      if ((value >> 26U & 1U) != 0) pending_[exception::sys_tick] = true;
      if ((value >> 25U & 1U) != 0) pending_[exception::sys_tick] = false;
      look_again();
      return true;
    case vtor:
      if ((value & 0x1FFU) != 0) refuse("VTOR: 113 vectors lie on a multiple of 512", address, value, "PM0214 4.4.4");
      vtor_ = value;
      return true;
    case aircr:
      if (value >> 16U != 0x05FAU) {
        refuse("AIRCR is locked: the upper half must be 0x05FA", address, value, "PM0214 4.4.5");
        return true;
      }
      prigroup_ = value >> 8U & 7U;
      if ((value >> 2U & 1U) != 0) reset_();
      return true;
    case 0xE000EF00:
      if (value < exception::interrupts) set_pending(exception::first_interrupt + static_cast<int>(value), true);
      return true;
    case 0xE000ED10: scr_ = value & 0x16U; return true;
    case 0xE000ED14: ccr_ = value & 0x31BU; return true;
    case shcsr:
      shcsr_ = value & 0x70000U;
      for (const int fault : {exception::memory_fault, exception::bus_fault, exception::usage_fault}) {
        enabled_[static_cast<std::size_t>(fault)] = (shcsr_ >> (12 + fault) & 1U) != 0;
      }
      return true;
    case 0xE000ED28: cfsr_ &= ~value; return true;
    case 0xE000ED2C: hfsr_ &= ~value; return true;
    case 0xE000ED88: cpacr_ = value & 0x00F00000U; return true;
    case 0xE000ED94:
      if ((value & 1U) != 0) refuse("the MPU is switched on: not modelled", address, value, "PM0214 4.2");
      return true;
    case 0xE000ED98:
    case 0xE000ED9C:
    case 0xE000EDA0: return true;
    case 0xE000EDFC: demcr_ = value & 0x01000000U; return true;
    case 0xE000EF34: fpccr_ = value & 0xC0000001U; return true;
    case 0xE000EF38: fpcar_ = value; return true;
    case 0xE000EF3C: fpdscr_ = value; return true;
    case 0xE0001000:
      if ((demcr_ >> 24U & 1U) == 0) {
        refuse("DWT is used while DEMCR.TRCENA is 0", address, value, "ARM DDI 0403E C1.6.5");
        return true;
      }
      if ((value & 1U) != 0 && (dwt_control_ & 1U) == 0) cycle_base_ = cycles_() - cycle_base_;
      if ((value & 1U) == 0 && (dwt_control_ & 1U) != 0) cycle_base_ = cycles_() - cycle_base_;
      dwt_control_ = 0x40000000U | (value & 1U);
      return true;
    case 0xE0001004: cycle_base_ = (dwt_control_ & 1U) != 0 ? cycles_() - value : value; return true;
    case 0xE0042004:
    case 0xE0042008:
    case 0xE004200C: debug_[(address & 0xFU) / 4U] = value; return true;
    default: return false;
  }
}

// ---------------------------------------------------------------- SysTick: PM0214 4.5

Time Exceptions::tick_step() const {
  const double hertz = (tick_control_ >> 2U & 1U) != 0 ? fabric_.core_hz() : fabric_.core_hz() / 8.0;
  return std::llround(static_cast<double>(picoseconds_per_second) / hertz);
}

std::uint32_t Exceptions::tick_count() const {
  if (tick_at_ == never) return tick_held_;
  const Time left = std::max<Time>(0, tick_at_ - fabric_.now());
  const std::int64_t count = (left + tick_step() - 1) / tick_step();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(count, tick_reload_));
}

void Exceptions::write_tick(std::uint32_t offset, std::uint32_t value) {
  const std::uint32_t held = tick_count();
  if (offset == 4) {
    tick_reload_ = value & 0xFFFFFFU;
    return;
  }
  if (offset == 8) {
    tick_held_ = 0;
    tick_flag_ = false;
  } else {
    tick_control_ = value & 7U;
    tick_held_ = held;
  }
  tick_at_ = never;
  if ((tick_control_ & 1U) != 0 && tick_reload_ != 0) {
    const std::int64_t steps = tick_held_ == 0 ? std::int64_t{tick_reload_} + 1 : std::int64_t{tick_held_};
    tick_at_ = fabric_.now() + steps * tick_step();
  }
  fabric_.reschedule();
}

void Exceptions::happen() {
  tick_flag_ = true;
  tick_at_ += (std::int64_t{tick_reload_} + 1) * tick_step();
  if ((tick_control_ & 2U) != 0) set_pending(exception::sys_tick, true);
}

void Exceptions::clock_changed() {
  if (tick_at_ == never) return;
  tick_at_ = fabric_.now() + (std::int64_t{tick_reload_} + 1) * tick_step();
}

}  // namespace thyrode::silicon
