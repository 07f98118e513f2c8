#include "firmware/silicon/processor.hpp"

#include <fmt/core.h>
#include <unicorn/unicorn.h>

#include <cstdlib>
#include <cstring>

namespace thyrode::silicon {
namespace {

// What Unicorn calls an interrupt, by QEMU's numbers.
constexpr int undefined_instruction = 1, software_interrupt = 2, breakpoint = 7, exception_exit = 8,
              no_coprocessor = 17, invalid_state = 18;
constexpr std::uint32_t extended_frame = 26 * 4, plain_frame = 8 * 4;
/// An exception that comes again so often, without an instruction of the program between, was not cleared.
constexpr std::uint64_t most_entries_in_a_row = 1000;
constexpr std::uint32_t floating_point_active = 1U << 2U;
constexpr std::uint32_t exception_mask = 0x1FF;
constexpr std::array<int, 8> frame_registers{UC_ARM_REG_R0,  UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3,
                                             UC_ARM_REG_R12, UC_ARM_REG_LR, UC_ARM_REG_PC, 0};

void check(uc_err error, const char* doing) {
  if (error == UC_ERR_OK) return;
  fmt::print(stderr, "thyrode: the processor emulator cannot {}: {}\n", doing, uc_strerror(error));
  std::abort();
}

std::uint8_t* pages(std::size_t bytes, int fill) {
  auto* memory = static_cast<std::uint8_t*>(std::aligned_alloc(4096, bytes));
  std::memset(memory, fill, bytes);
  return memory;
}

}  // namespace

std::uint64_t Processor::region_read(uc_struct*, std::uint64_t offset, unsigned bytes, void* region) {
  const auto& at = *static_cast<Region*>(region);
  return at.surround->bus_read(at.base + static_cast<std::uint32_t>(offset), bytes);
}
void Processor::region_write(uc_struct*, std::uint64_t offset, unsigned bytes, std::uint64_t value, void* region) {
  const auto& at = *static_cast<Region*>(region);
  at.surround->bus_write(at.base + static_cast<std::uint32_t>(offset), bytes, static_cast<std::uint32_t>(value));
}

Processor::Processor(Fabric& fabric, Surround& surround, Exceptions& exceptions, std::span<const std::uint8_t> image)
    : fabric_{fabric},
      surround_{surround},
      exceptions_{exceptions},
      regions_{{{&surround, 0x40000000}, {&surround, 0x50000000}, {&surround, 0xE0000000}}},
      known_(flash_bytes / 2),
      costs_(exception::count) {
  check(uc_open(UC_ARCH_ARM, static_cast<uc_mode>(UC_MODE_THUMB | UC_MODE_MCLASS), &engine_), "begin");
  check(uc_ctl_set_cpu_model(engine_, UC_CPU_ARM_CORTEX_M4), "be a Cortex-M4");
  map_memory(image);
  uc_hook hook = 0;
  check(uc_hook_add(engine_, &hook, UC_HOOK_BLOCK, reinterpret_cast<void*>(&block_hook), this, 1, 0), "watch blocks");
  check(uc_hook_add(engine_, &hook, UC_HOOK_INTR, reinterpret_cast<void*>(&interrupt_hook), this, 1, 0),
        "watch interrupts");
  check(uc_hook_add(engine_, &hook, UC_HOOK_MEM_INVALID, reinterpret_cast<void*>(&unmapped_hook), this, 1, 0),
        "watch accesses");
}

void Processor::map_memory(std::span<const std::uint8_t> image) {
  flash_ = pages(flash_bytes, 0xFF);
  ram_ = pages(ram_bytes, 0);
  std::memcpy(flash_, image.data(), std::min<std::size_t>(image.size(), flash_bytes));
  check(uc_mem_map_ptr(engine_, flash_base, flash_bytes, UC_PROT_READ | UC_PROT_EXEC, flash_), "map the flash");
  // The boot pin selects the flash: it is seen at 0 as well (RM0390 2.4).
  check(uc_mem_map_ptr(engine_, 0, flash_bytes, UC_PROT_READ | UC_PROT_EXEC, flash_), "map the flash at 0");
  check(uc_mem_map_ptr(engine_, ram_base, ram_bytes, UC_PROT_ALL, ram_), "map the RAM");
  constexpr std::array<std::size_t, 3> lengths{0x80000, 0x61000, 0x100000};
  for (std::size_t k = 0; k < regions_.size(); ++k) {
    check(uc_mmio_map(engine_, regions_[k].base, lengths[k], &region_read, &regions_[k], &region_write, &regions_[k]),
          "map the peripherals");
  }
  // System memory with what is written at production: unique identity, flash size, calibration of the sensor
  // (RM0390 34, data sheet DS10693, table 80).
  std::vector<std::uint8_t> system(0x1000, 0xFF);
  const std::uint32_t identity[3] = {0x00450021, 0x3436510A, 0x33303533};
  std::memcpy(system.data() + 0xA10, identity, sizeof identity);
  const std::uint16_t production[4] = {512, 0, 0, 0};
  std::memcpy(system.data() + 0xA22, production, 2);
  const std::uint16_t calibration[3] = {1500, 944, 1200};  // VREFINT, 30 and 110 degrees
  std::memcpy(system.data() + 0xA2A, calibration, sizeof calibration);
  check(uc_mem_map(engine_, 0x1FFF7000, 0x1000, UC_PROT_READ), "map the system memory");
  check(uc_mem_write(engine_, 0x1FFF7000, system.data(), system.size()), "write the system memory");
}

Processor::~Processor() {
  uc_close(engine_);
  std::free(flash_);
  std::free(ram_);
}

std::uint32_t Processor::get(int reg) const {
  std::uint32_t value = 0;
  uc_reg_read(engine_, reg, &value);
  return value;
}
void Processor::set(int reg, std::uint32_t value) {
  uc_reg_write(engine_, reg, &value);
}

std::uint8_t* Processor::memory(std::uint32_t address, unsigned bytes) {
  if (address >= ram_base && address + bytes <= ram_base + ram_bytes) return ram_ + (address - ram_base);
  if (address >= flash_base && address + bytes <= flash_base + flash_bytes) return flash_ + (address - flash_base);
  return nullptr;
}

std::uint32_t Processor::load(std::uint32_t address) {
  std::uint32_t value = 0;
  const std::uint8_t* from = memory(address < flash_bytes ? address + flash_base : address, 4);
  if (from != nullptr) std::memcpy(&value, from, 4);
  return value;
}
void Processor::store(std::uint32_t address, std::uint32_t value) {
  std::uint8_t* to = address >= ram_base ? memory(address, 4) : nullptr;
  if (to != nullptr) std::memcpy(to, &value, 4);
}

void Processor::reset() {
  for (const int reg : frame_registers) {
    if (reg != 0) set(reg, 0);
  }
  set(UC_ARM_REG_XPSR, 0x01000000);
  set(UC_ARM_REG_PRIMASK, 0);
  set(UC_ARM_REG_BASEPRI, 0);
  set(UC_ARM_REG_FAULTMASK, 0);
  set(UC_ARM_REG_CONTROL, 0);
  set(UC_ARM_REG_SP, load(0));
  set(UC_ARM_REG_LR, 0xFFFFFFFF);
  set(UC_ARM_REG_PC, load(4) & ~1U);
  sleeping_ = branch_open_ = false;
  interrupt_ = -1;
  bad_access_ = bad_fetch_ = false;
  running_.clear();
  entries_in_a_row_ = 0;
  if ((load(4) & 1U) == 0) {
    fabric_.refuse(fmt::format("core: the reset vector {:#010x} is no Thumb address", load(4)), "ARM DDI 0403E B1.5.5");
  }
}

Masks Processor::masks() const {
  return {(get(UC_ARM_REG_PRIMASK) & 1U) != 0, (get(UC_ARM_REG_FAULTMASK) & 1U) != 0, get(UC_ARM_REG_BASEPRI) & 0xFFU};
}

// ---------------------------------------------------------------- cost and time

Processor::Known Processor::look_at(std::uint32_t address, std::uint32_t bytes) {
  std::vector<std::uint16_t> code(bytes / 2);
  if (const std::uint8_t* from = memory(address, bytes)) std::memcpy(code.data(), from, bytes);
  const BlockCost cost = block_cost(code);
  return {static_cast<std::uint16_t>(bytes), static_cast<std::uint16_t>(cost.cycles),
          static_cast<std::uint16_t>(cost.instructions), cost.conditional_end, cost.floating_point};
}

bool Processor::charge(std::uint64_t cycles) {
  cycles_ += cycles;
  return surround_.pass(cycles);
}

void Processor::block_hook(uc_struct*, std::uint64_t address, std::uint32_t bytes, void* self) {
  static_cast<Processor*>(self)->on_block(static_cast<std::uint32_t>(address), bytes);
}

/// The block that came before is over: its time has passed. What is due happens; then this one is paid for.
void Processor::on_block(std::uint32_t address, std::uint32_t bytes) {
  if (branch_open_ && address != block_end_) cycles_ += refill_cycles, surround_.pass(refill_cycles);
  branch_open_ = false;
  block_ = address;
  if (!surround_.pass(0) || (exceptions_.attention() && exceptions_.next(masks()) != exception::none)) {
    uc_emu_stop(engine_);
    return;
  }
  Known known;
  const std::uint32_t offset = address - flash_base;
  if (offset < flash_bytes) {
    Known& kept = known_[offset / 2];
    if (kept.bytes != bytes) kept = look_at(address, bytes);
    known = kept;
  } else {
    known = look_at(address, bytes);
  }
  if (known.floating_point && !exceptions_.floating_point_on()) {
    fabric_.refuse(fmt::format("core: a floating point instruction in the block at {:#010x} while CPACR keeps the unit "
                               "off",
                               address),
                   "PM0214 4.6.1");
    uc_emu_stop(engine_);
    return;
  }
  block_end_ = address + bytes;
  branch_open_ = known.conditional_end;
  instructions_ += known.instructions;
  entries_in_a_row_ = exceptions_.depth() == 0 ? 0 : entries_in_a_row_;
  charge(known.cycles);
}

void Processor::begin_cost(int number) {
  running_.push_back({number, cycles_, 0});
}

void Processor::end_cost() {
  if (running_.empty()) return;
  const Running ended = running_.back();
  running_.pop_back();
  const std::uint64_t whole = cycles_ - ended.begun;
  HandlerCost& cost = costs_[static_cast<std::size_t>(ended.number)];
  const std::uint64_t own = whole - ended.elsewhere;
  ++cost.runs;
  cost.cycles += own;
  cost.worst = std::max(cost.worst, own);
  if (!running_.empty()) running_.back().elsewhere += whole;
}

// ---------------------------------------------------------------- exceptions: ARM DDI 0403E, B1.5

void Processor::interrupt_hook(uc_struct* engine, std::uint32_t number, void* self) {
  static_cast<Processor*>(self)->interrupt_ = static_cast<int>(number);
  uc_emu_stop(engine);
}

bool Processor::unmapped_hook(uc_struct*, int type, std::uint64_t address, int, std::int64_t, void* self) {
  auto& processor = *static_cast<Processor*>(self);
  processor.bad_access_ = true;
  processor.bad_fetch_ = type == UC_MEM_FETCH_UNMAPPED || type == UC_MEM_FETCH_PROT;
  processor.bad_address_ = static_cast<std::uint32_t>(address);
  return false;
}

void Processor::push_frame(std::uint32_t frame, bool extended, std::uint32_t status) {
  for (std::size_t k = 0; k < 7; ++k) {
    store(frame + static_cast<std::uint32_t>(4 * k), get(frame_registers[k]) & (k == 6 ? ~1U : ~0U));
  }
  store(frame + 28, status);
  if (!extended) return;
  for (int k = 0; k < 16; ++k) store(frame + 32 + 4 * static_cast<std::uint32_t>(k), get(UC_ARM_REG_S0 + k));
  store(frame + 96, get(UC_ARM_REG_FPSCR));
}

void Processor::count_entry(int number) {
  entries_in_a_row_ = number == last_number_ ? entries_in_a_row_ + 1 : 1;
  last_number_ = number;
  if (entries_in_a_row_ <= most_entries_in_a_row) return;
  fabric_.refuse(fmt::format("core: exception {} (interrupt {}) came {} times without an instruction of the program "
                             "between: its handler does not clear what asks for it",
                             number, number - exception::first_interrupt, most_entries_in_a_row),
                 "PM0214 4.3.9");
}

void Processor::enter(int number) {
  count_entry(number);
  const bool extended = (get(UC_ARM_REG_CONTROL) & floating_point_active) != 0 && exceptions_.keeps_floating_point();
  const std::uint32_t sp = get(UC_ARM_REG_SP);
  const std::uint32_t frame = (sp - (extended ? extended_frame : plain_frame)) & ~7U;
  if (memory(frame, extended ? extended_frame : plain_frame) == nullptr || frame < ram_base) {
    fabric_.refuse(fmt::format("core: stack past its end: exception {} would be stacked at {:#010x}, the RAM begins at "
                               "{:#010x} (SP {:#010x}, block {:#010x}); the processor would lock up",
                               number, frame, ram_base, sp, block_),
                   "ARM DDI 0403E B1.5.15");
    return;
  }
  const bool in_handler = exceptions_.depth() > 0;
  push_frame(frame, extended, (get(UC_ARM_REG_XPSR) & ~0x200U) | ((sp & 4U) != 0 ? 0x200U : 0U));
  set(UC_ARM_REG_SP, frame);
  begin_cost(number);
  exceptions_.enter(number);
  jump_to_handler(number, (in_handler ? 0xFFFFFFF1U : 0xFFFFFFF9U) & (extended ? ~0x10U : ~0U));
  charge(entry_cycles);
}

void Processor::jump_to_handler(int number, std::uint32_t exc_return) {
  set(UC_ARM_REG_CONTROL, get(UC_ARM_REG_CONTROL) & ~floating_point_active);
  set(UC_ARM_REG_XPSR, 0x01000000U | static_cast<std::uint32_t>(number));
  set(UC_ARM_REG_LR, exc_return);
  const std::uint32_t vector = load(exceptions_.vector_table() + 4U * static_cast<std::uint32_t>(number));
  set(UC_ARM_REG_PC, vector & ~1U);
  branch_open_ = false;
  if ((vector & 1U) == 0 || memory(vector & ~1U, 2) == nullptr) {
    fabric_.refuse(fmt::format("core: the vector of exception {} is {:#010x}: no code lies there", number, vector),
                   "ARM DDI 0403E B1.5.8");
  }
}

void Processor::leave(std::uint32_t exc_return) {
  const int number = exceptions_.active();
  exceptions_.leave(number);
  if (number != exception::nmi) set(UC_ARM_REG_FAULTMASK, 0);
  const int next = exceptions_.attention() ? exceptions_.next(masks()) : exception::none;
  if (next != exception::none) {
    // The stacked registers stay where they are (B1.5.12, tail-chaining).
    charge(tail_chain_cycles);
    end_cost();
    count_entry(next);
    begin_cost(next);
    exceptions_.enter(next);
    jump_to_handler(next, exc_return | 1U);
    return;
  }
  charge(return_cycles);
  end_cost();
  pop_frame(exc_return);
}

void Processor::pop_frame(std::uint32_t exc_return) {
  const bool extended = (exc_return & 0x10U) == 0;
  const std::uint32_t frame = get(UC_ARM_REG_SP);
  if (memory(frame, extended ? extended_frame : plain_frame) == nullptr) {
    fabric_.refuse(fmt::format("core: return from an exception with SP {:#010x} outside the RAM", frame),
                   "ARM DDI 0403E B1.5.8");
    return;
  }
  const std::uint32_t status = load(frame + 28);
  set(UC_ARM_REG_XPSR, (status & ~0x200U) | 0x01000000U);
  for (std::size_t k = 0; k < 6; ++k) set(frame_registers[k], load(frame + static_cast<std::uint32_t>(4 * k)));
  if (extended) {
    for (int k = 0; k < 16; ++k) set(UC_ARM_REG_S0 + k, load(frame + 32 + 4 * static_cast<std::uint32_t>(k)));
    set(UC_ARM_REG_FPSCR, load(frame + 96));
  }
  const std::uint32_t control = get(UC_ARM_REG_CONTROL) & ~floating_point_active;
  set(UC_ARM_REG_CONTROL, control | (extended ? floating_point_active : 0U));
  set(UC_ARM_REG_SP, frame + (extended ? extended_frame : plain_frame) + ((status & 0x200U) != 0 ? 4U : 0U));
  set(UC_ARM_REG_PC, load(frame + 24) & ~1U);
}

void Processor::fault(int number, std::uint32_t status, std::uint32_t address, const char* what) {
  exceptions_.note_fault(status, address);
  const int taken = exceptions_.escalated(number, masks());
  if (taken == exception::hard_fault &&
      (exceptions_.is_active(exception::hard_fault) || exceptions_.is_active(exception::nmi))) {
    fabric_.refuse(fmt::format("core: {} at {:#010x} in the block at {:#010x}, within the hard fault handler: lock-up",
                               what, address, block_),
                   "ARM DDI 0403E B1.5.15");
    return;
  }
  const bool no_stack = address < ram_base && address >= ram_base - 0x1000 && !bad_fetch_;
  if (no_stack && get(UC_ARM_REG_SP) < ram_base + plain_frame) {
    fabric_.refuse(
        fmt::format("core: stack past its end: {:#010x} is accessed, the RAM begins at {:#010x} (SP {:#010x}, "
                    "block {:#010x})",
                    address, ram_base, get(UC_ARM_REG_SP), block_),
        "RM0390 2.2.2");
    return;
  }
  enter(taken);
}

// ---------------------------------------------------------------- run

void Processor::run() {
  if (exceptions_.attention()) {
    const int number = exceptions_.next(masks());
    if (number != exception::none) enter(number);
  }
  if (!surround_.pass(0)) return;
  interrupt_ = -1;
  bad_access_ = bad_fetch_ = false;
  const std::uint32_t pc = get(UC_ARM_REG_PC);
  const uc_err error = uc_emu_start(engine_, pc | 1U, 0xFFFFFFFE, 0, 0);
  after_stop(error);
}

void Processor::after_stop(int error) {
  if (interrupt_ == exception_exit) return leave(get(UC_ARM_REG_PC));
  if (interrupt_ == software_interrupt) return exceptions_.pend(exception::supervisor_call);
  if (interrupt_ == breakpoint) {
    fabric_.refuse(fmt::format("core: BKPT in the block at {:#010x} without a debugger", block_), "PM0214 2.4.1");
    return;
  }
  if (interrupt_ == undefined_instruction || interrupt_ == no_coprocessor || interrupt_ == invalid_state ||
      error == UC_ERR_INSN_INVALID) {
    const std::uint32_t status = interrupt_ == no_coprocessor  ? 1U << 19U
                                 : interrupt_ == invalid_state ? 1U << 17U
                                                               : 1U << 16U;
    return fault(exception::usage_fault, status, get(UC_ARM_REG_PC), "an undefined instruction");
  }
  if (bad_access_) {
    return fault(exception::bus_fault, bad_fetch_ ? 1U << 8U : 1U << 9U | 1U << 15U, bad_address_,
                 bad_fetch_ ? "code is fetched from no memory" : "no memory");
  }
  if (interrupt_ >= 0 || error != UC_ERR_OK) {
    fabric_.refuse(fmt::format("core: the emulator ends with {} (interrupt {}) in the block at {:#010x}",
                               uc_strerror(static_cast<uc_err>(error)), interrupt_, block_),
                   "not modelled");
    return;
  }
  // It stops by itself at WFI only; the instruction is done.
  const std::uint32_t pc = get(UC_ARM_REG_PC);
  const std::uint16_t before = static_cast<std::uint16_t>(load((pc - 2U) & ~3U) >> ((pc & 2U) != 0 ? 0U : 16U));
  if ((before == 0xBF30U || before == 0xBF20U) && pc == block_end_) sleeping_ = true;
}

}  // namespace thyrode::silicon
