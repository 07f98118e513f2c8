// The Cortex-M4 with its floating point unit: Unicorn carries the instructions out, everything around them is here.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "firmware/silicon/exceptions.hpp"
#include "firmware/silicon/instruction_cost.hpp"

struct uc_struct;

namespace thyrode::silicon {

/// What the processor reaches beyond its memories, and who keeps the time.
class Surround {
 public:
  virtual ~Surround() = default;
  virtual std::uint32_t bus_read(std::uint32_t address, unsigned bytes) = 0;
  virtual void bus_write(std::uint32_t address, unsigned bytes, std::uint32_t value) = 0;
  /// Takes the time that cycles last, and lets happen what is due before.
  /// @returns false when the processor has to stop: the time is over, or something was refused
  virtual bool pass(std::uint64_t cycles) = 0;
};

/// Cycles that handlers of one exception took, entry and return included, interruptions by others not.
struct HandlerCost {
  std::uint64_t runs = 0;
  std::uint64_t cycles = 0;
  std::uint64_t worst = 0;
};

class Processor {
 public:
  static constexpr std::uint32_t flash_base = 0x08000000, flash_bytes = 512 * 1024;
  static constexpr std::uint32_t ram_base = 0x20000000, ram_bytes = 128 * 1024;

  Processor(Fabric& fabric, Surround& surround, Exceptions& exceptions, std::span<const std::uint8_t> image);
  ~Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  /// Stack pointer and program counter from the vector table at 0, as after each reset.
  void reset();
  /// Runs until the surround says stop, or the processor sleeps with nothing to do.
  void run();
  bool sleeping() const { return sleeping_; }
  void wake() { sleeping_ = false; }
  Masks masks() const;

  std::uint64_t cycles() const { return cycles_; }
  std::uint64_t instructions() const { return instructions_; }
  std::uint64_t asleep() const { return asleep_; }
  void sleep_through(std::uint64_t cycles) { cycles_ += cycles, asleep_ += cycles; }
  std::uint32_t block_address() const { return block_; }
  const HandlerCost& cost_of(int exception) const { return costs_[static_cast<std::size_t>(exception)]; }
  void forget_costs() { costs_.assign(costs_.size(), {}); }
  /// Memory as a DMA stream reaches it; nullptr outside.
  std::uint8_t* memory(std::uint32_t address, unsigned bytes);

 private:
  struct Known {
    std::uint16_t bytes = 0;
    std::uint16_t cycles = 0;
    std::uint16_t instructions = 0;
    bool conditional_end = false;
    bool floating_point = false;
  };
  static void block_hook(uc_struct*, std::uint64_t address, std::uint32_t bytes, void* self);
  static void interrupt_hook(uc_struct*, std::uint32_t number, void* self);
  static bool unmapped_hook(uc_struct*, int type, std::uint64_t address, int bytes, std::int64_t value, void* self);
  void on_block(std::uint32_t address, std::uint32_t bytes);
  Known look_at(std::uint32_t address, std::uint32_t bytes);
  bool charge(std::uint64_t cycles);
  void after_stop(int error);
  void enter(int number);
  void leave(std::uint32_t exc_return);
  void jump_to_handler(int number, std::uint32_t exc_return);
  void fault(int number, std::uint32_t status, std::uint32_t address, const char* what);
  void begin_cost(int number);
  void end_cost();
  void count_entry(int number);
  void push_frame(std::uint32_t frame, bool extended, std::uint32_t status);
  void pop_frame(std::uint32_t exc_return);
  std::uint32_t get(int reg) const;
  void set(int reg, std::uint32_t value);
  std::uint32_t load(std::uint32_t address);
  void store(std::uint32_t address, std::uint32_t value);

  /// A stretch of addresses whose accesses go to the surround.
  struct Region {
    Surround* surround;
    std::uint32_t base;
  };
  static std::uint64_t region_read(uc_struct*, std::uint64_t offset, unsigned bytes, void* region);
  static void region_write(uc_struct*, std::uint64_t offset, unsigned bytes, std::uint64_t value, void* region);
  void map_memory(std::span<const std::uint8_t> image);

  Fabric& fabric_;
  Surround& surround_;
  Exceptions& exceptions_;
  std::array<Region, 3> regions_;
  uc_struct* engine_ = nullptr;
  std::uint8_t* flash_ = nullptr;
  std::uint8_t* ram_ = nullptr;
  std::vector<Known> known_;
  std::uint64_t cycles_ = 0;
  std::uint64_t instructions_ = 0;
  std::uint64_t asleep_ = 0;
  std::uint32_t block_ = 0;
  std::uint32_t block_end_ = 0;
  bool branch_open_ = false;  // the last block ended in a branch that may have been taken
  bool sleeping_ = false;
  int interrupt_ = -1;
  bool bad_access_ = false;
  bool bad_fetch_ = false;
  std::uint32_t bad_address_ = 0;
  struct Running {
    int number;
    std::uint64_t begun;
    std::uint64_t elsewhere;
  };
  std::vector<Running> running_;
  std::vector<HandlerCost> costs_;
  int last_number_ = 0;
  std::uint64_t entries_in_a_row_ = 0;
};

}  // namespace thyrode::silicon
