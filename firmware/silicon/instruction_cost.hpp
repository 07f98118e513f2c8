// Cycles of Thumb-2 instructions by class, after the table of the Cortex-M4 Technical Reference Manual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace thyrode::silicon {

/// Refill of the pipeline after a taken branch: the manual says 1 to 3 cycles; the longest is taken.
constexpr std::uint32_t refill_cycles = 3;
/// Divisions take 2 to 12 cycles, by their operands; the longest is taken.
constexpr std::uint32_t divide_cycles = 12;
/// Entry of an exception from the core's own registers, its return, and the step from one handler to the next.
constexpr std::uint32_t entry_cycles = 12;
constexpr std::uint32_t return_cycles = 10;
constexpr std::uint32_t tail_chain_cycles = 6;

struct InstructionCost {
  std::uint32_t bytes = 2;
  std::uint32_t cycles = 1;  ///< of a branch: taken if it always is, else not taken
  bool conditional_branch = false;
  bool floating_point = false;
};

/// The class of one instruction.
/// @param first, second  half words; the second is looked at only for an instruction of 32 bits
/// Source: Cortex-M4 Technical Reference Manual (ARM DDI 0439B), tables 3-1 and 7-1; encodings: ARM DDI 0403E, A5.
InstructionCost instruction_cost(std::uint16_t first, std::uint16_t second) noexcept;

struct BlockCost {
  std::uint32_t cycles = 0;
  std::uint32_t instructions = 0;
  bool conditional_end = false;  ///< its last instruction is a branch that costs refill_cycles more when taken
  bool floating_point = false;
};

/// Adds up a basic block.
/// @param code  its half words
BlockCost block_cost(std::span<const std::uint16_t> code) noexcept;

}  // namespace thyrode::silicon
