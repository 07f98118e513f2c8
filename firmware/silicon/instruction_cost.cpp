#include "firmware/silicon/instruction_cost.hpp"

#include <bit>

namespace thyrode::silicon {
namespace {

using Half = std::uint16_t;

std::uint32_t registers_in(unsigned list) noexcept {
  return static_cast<std::uint32_t>(std::popcount(list));
}
constexpr InstructionCost narrow(std::uint32_t cycles) noexcept {
  return {2, cycles, false, false};
}
constexpr InstructionCost wide(std::uint32_t cycles) noexcept {
  return {4, cycles, false, false};
}
constexpr InstructionCost floating(std::uint32_t cycles) noexcept {
  return {4, cycles, false, true};
}

InstructionCost special_data(Half x) noexcept {
  if ((x & 0xFF00U) == 0x4700U) return narrow(1 + refill_cycles);  // BX, BLX
  const bool compare = (x & 0xFF00U) == 0x4500U;
  const bool to_pc = (x & 0x0087U) == 0x0087U && !compare;
  return narrow(to_pc ? 1 + refill_cycles : 1);
}

InstructionCost miscellaneous(Half x) noexcept {
  if ((x & 0xF500U) == 0xB100U) return {2, 1, true, false};                   // CBZ, CBNZ
  if ((x & 0xFE00U) == 0xB400U) return narrow(1 + registers_in(x & 0x1FFU));  // PUSH
  if ((x & 0xFE00U) == 0xBC00U) {                                             // POP
    const bool to_pc = (x & 0x100U) != 0;
    return narrow(1 + registers_in(x & 0x1FFU) + (to_pc ? refill_cycles : 0));
  }
  if ((x & 0xFFE0U) == 0xB660U) return narrow(2);  // CPS
  return narrow(1);
}

InstructionCost of_16_bits(Half x) noexcept {
  if (x < 0x4400U) return narrow(1);
  if (x < 0x4800U) return special_data(x);
  if (x < 0xA000U) return narrow(2);  // loads and stores of one register
  if (x < 0xB000U) return narrow(1);
  if (x < 0xC000U) return miscellaneous(x);
  if (x < 0xD000U) return narrow(1 + registers_in(x & 0xFFU));
  if (x >= 0xE000U) return narrow(1 + refill_cycles);
  if ((x & 0xFE00U) == 0xDE00U) return narrow(1);  // UDF, SVC: the exception is counted by itself
  return {2, 1, true, false};
}

InstructionCost load_store_multiple(Half x, Half y) noexcept {
  const bool to_pc = (x & 0x10U) != 0 && (y & 0x8000U) != 0;
  return wide(1 + registers_in(y) + (to_pc ? refill_cycles : 0));
}

InstructionCost load_store_dual(Half x, Half y) noexcept {
  if ((x & 0xFFF0U) == 0xE8D0U && (y & 0xFFE0U) == 0xF000U) return wide(2 + refill_cycles);  // TBB, TBH
  const bool exclusive = (x & 0xFFE0U) == 0xE840U || (x & 0xFFE0U) == 0xE8C0U;
  return wide(exclusive ? 2 : 3);
}

/// VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP and moves of two registers.
InstructionCost floating_memory(Half x, Half y) noexcept {
  if ((x & 0xFFE0U) == 0xEC40U) return floating(2);  // VMOV of two core registers
  if ((x & 0x0120U) == 0x0100U) return floating((y & 0x100U) != 0 ? 3 : 2);
  return floating(1 + (y & 0xFFU));
}

InstructionCost floating_data(Half x, Half y) noexcept {
  if ((y & 0x10U) != 0) return floating(1);  // transfers between the two register files, VMRS
  const unsigned opcode = (x >> 4U) & 0xBU;
  if (opcode == 0x8U) return floating(14);                   // VDIV
  if (opcode == 0x0U || opcode == 0x1U) return floating(3);  // VMLA, VMLS, VNMLA, VNMLS
  if (opcode == 0x9U || opcode == 0xAU) return floating(3);  // VFMA, VFMS, VFNMA, VFNMS
  const bool root = opcode == 0xBU && (x & 0xFU) == 0x1U && (y & 0xC0U) == 0xC0U;
  return floating(root ? 14 : 1);
}

InstructionCost branch_or_control(Half x, Half y) noexcept {
  if ((y & 0x5000U) != 0) return wide(1 + refill_cycles);    // B.W, BL
  if ((x & 0x0380U) != 0x0380U) return {4, 1, true, false};  // B<cond>.W
  const bool barrier = (x & 0xFFF0U) == 0xF3B0U;
  return wide(barrier ? 4 : (x & 0xFFF0U) == 0xF3A0U ? 1 : 2);  // MRS and MSR: 2
}

InstructionCost load_store_single(Half x, Half y) noexcept {
  const bool load = (x & 0x10U) != 0;
  const bool to_pc = load && (y & 0xF000U) == 0xF000U;
  if (!to_pc) return wide(2);
  const bool word = (x & 0x60U) == 0x40U;
  return wide(word ? 2 + refill_cycles : 1);  // a byte or half word to PC is a hint to fetch ahead
}

InstructionCost multiply(Half x, Half y) noexcept {
  const unsigned opcode = (x >> 4U) & 0xFU;
  if ((x & 0x80U) == 0) return wide((x & 0x70U) == 0 && (y & 0xF000U) != 0xF000U ? 2 : 1);  // MLA, MLS: 2
  return wide(opcode == 0x9U || opcode == 0xBU ? divide_cycles : 1);
}

InstructionCost of_32_bits(Half x, Half y) noexcept {
  switch ((x >> 9U) & 0x3FU) {
    case 0x34: return (x & 0x40U) != 0 ? load_store_dual(x, y) : load_store_multiple(x, y);  // E8, E9
    case 0x35: return wide(1);                                                               // EA, EB
    case 0x36: return floating_memory(x, y);                                                 // EC, ED
    case 0x37: return floating_data(x, y);                                                   // EE, EF
    case 0x3C: return load_store_single(x, y);                                               // F8, F9
    case 0x3D: return (x & 0x100U) != 0 ? multiply(x, y) : wide(1);                          // FA, FB
    case 0x3E:
    case 0x3F: return floating(1);
    default: return (y & 0x8000U) != 0 ? branch_or_control(x, y) : wide(1);  // F0 to F7
  }
}

}  // namespace

InstructionCost instruction_cost(std::uint16_t first, std::uint16_t second) noexcept {
  return first < 0xE800U ? of_16_bits(first) : of_32_bits(first, second);
}

BlockCost block_cost(std::span<const std::uint16_t> code) noexcept {
  BlockCost sum;
  for (std::size_t at = 0; at < code.size();) {
    const InstructionCost one = instruction_cost(code[at], at + 1 < code.size() ? code[at + 1] : std::uint16_t{0});
    sum.cycles += one.cycles;
    ++sum.instructions;
    sum.conditional_end = one.conditional_branch;
    sum.floating_point = sum.floating_point || one.floating_point;
    at += one.bytes / 2;
  }
  return sum;
}

}  // namespace thyrode::silicon
