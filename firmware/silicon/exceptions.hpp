// The system control space of the Cortex-M4: which exceptions are pending, enabled, active, and which comes next;
// SysTick, the system control block, the cycle counter.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "firmware/silicon/fabric.hpp"

namespace thyrode::silicon {

namespace exception {
constexpr int none = 0, nmi = 2, hard_fault = 3, memory_fault = 4, bus_fault = 5, usage_fault = 6, supervisor_call = 11,
              pend_sv = 14, sys_tick = 15, first_interrupt = 16;
constexpr int interrupts = 97;  // RM0390 10.1
constexpr int count = first_interrupt + interrupts;
}  // namespace exception

/// Registers of the processor that mask exceptions.
struct Masks {
  bool primask = false;
  bool faultmask = false;
  unsigned basepri = 0;
};

class Exceptions {
 public:
  /// @param cycles  of the core since reset
  /// @param reset   asked for by AIRCR
  Exceptions(Fabric& fabric, std::function<std::uint64_t()> cycles, std::function<void()> reset);

  void reset();
  std::uint32_t read(std::uint32_t address, unsigned bytes);
  void write(std::uint32_t address, unsigned bytes, std::uint32_t value);
  Time due() const { return tick_at_; }
  void happen();
  void clock_changed();

  void line(Interrupt interrupt, bool high);
  void pend(int number) { set_pending(number, true); }
  /// Whether anything enabled is pending at all.
  bool attention() const { return attention_; }
  /// The exception to be taken now, or none.
  int next(const Masks& masks) const;
  /// Whether WFI ends: as next(), without PRIMASK.
  bool wakes(Masks masks) const;
  void enter(int number);
  void leave(int number);
  int active() const { return stack_.empty() ? exception::none : stack_.back(); }
  bool is_active(int number) const { return active_[static_cast<std::size_t>(number)]; }
  std::size_t depth() const { return stack_.size(); }
  /// A fault becomes a hard fault where it is not enabled or may not interrupt what runs.
  int escalated(int fault, const Masks& masks);
  void note_fault(std::uint32_t configurable_status, std::uint32_t address);

  std::uint32_t vector_table() const { return vtor_; }
  bool floating_point_on() const { return (cpacr_ >> 20U & 0xFU) == 0xFU; }
  bool keeps_floating_point() const { return (fpccr_ >> 31U) != 0; }

 private:
  void set_pending(int number, bool pending);
  void look_again();
  int priority(int number) const;
  int group(int priority) const;
  int running_priority(const Masks& masks) const;
  std::uint32_t read_word(std::uint32_t address);
  void write_word(std::uint32_t address, std::uint32_t value, std::uint32_t touched);
  bool write_bank(std::uint32_t address, std::uint32_t value);
  bool write_control(std::uint32_t address, std::uint32_t value);
  std::uint32_t read_bank(std::uint32_t address) const;
  std::uint32_t bits(const std::array<bool, exception::count>& flags, unsigned word) const;
  void write_tick(std::uint32_t address, std::uint32_t value);
  std::uint32_t tick_count() const;
  Time tick_step() const;
  void refuse(const char* what, std::uint32_t address, std::uint32_t value, const char* section);

  Fabric& fabric_;
  std::function<std::uint64_t()> cycles_;
  std::function<void()> reset_;
  std::array<bool, exception::count> pending_{}, enabled_{}, active_{}, lines_{};
  std::array<std::uint8_t, exception::count> priorities_{};
  std::vector<int> stack_;
  bool attention_ = false;
  std::uint32_t vtor_ = 0, prigroup_ = 0, scr_ = 0, ccr_ = 0x200, shcsr_ = 0, cfsr_ = 0, hfsr_ = 0, fault_address_ = 0;
  std::uint32_t cpacr_ = 0, fpccr_ = 0xC0000000, fpcar_ = 0, fpdscr_ = 0, demcr_ = 0, dwt_control_ = 0x40000000;
  std::uint64_t cycle_base_ = 0;
  std::array<std::uint32_t, 4> debug_{};
  std::uint32_t tick_control_ = 0, tick_reload_ = 0;
  bool tick_flag_ = false;
  Time tick_at_ = never;         // the next moment at which the counter reaches zero
  std::uint32_t tick_held_ = 0;  // while it does not count
};

}  // namespace thyrode::silicon
