// Costs by class, against encodings written down by hand from the architecture manual.
#include "firmware/silicon/instruction_cost.hpp"

#include <gtest/gtest.h>

#include <array>

namespace thyrode::silicon {
namespace {

std::uint32_t cycles(std::uint16_t first, std::uint16_t second = 0) {
  return instruction_cost(first, second).cycles;
}

TEST(InstructionCost, OfSixteenBits) {
  EXPECT_EQ(cycles(0x2005), 1U) << "MOVS r0, #5";
  EXPECT_EQ(cycles(0x4348), 1U) << "MULS r0, r1";
  EXPECT_EQ(cycles(0x6801), 2U) << "LDR r1, [r0]";
  EXPECT_EQ(cycles(0x9001), 2U) << "STR r0, [sp, #4]";
  EXPECT_EQ(cycles(0xB570), 5U) << "PUSH {r4, r5, r6, lr}";
  EXPECT_EQ(cycles(0xBD70), 5U + refill_cycles) << "POP {r4, r5, r6, pc}";
  EXPECT_EQ(cycles(0xC81E), 5U) << "LDMIA r0, {r1-r4}";
  EXPECT_EQ(cycles(0x4770), 1U + refill_cycles) << "BX lr";
  EXPECT_EQ(cycles(0x4680), 1U) << "MOV r8, r0";
  EXPECT_EQ(cycles(0x4687), 1U + refill_cycles) << "MOV pc, r0";
  EXPECT_EQ(cycles(0xE7FE), 1U + refill_cycles) << "B .";
  EXPECT_EQ(cycles(0xBF00), 1U) << "NOP";
}

TEST(InstructionCost, OfThirtyTwoBits) {
  EXPECT_EQ(cycles(0xF44F, 0x5000), 1U) << "MOV.W r0, #0x2000";
  EXPECT_EQ(cycles(0xFB00, 0x1202), 2U) << "MLA r2, r0, r2, r1";
  EXPECT_EQ(cycles(0xFB00, 0xF001), 1U) << "MUL r0, r0, r1";
  EXPECT_EQ(cycles(0xFBA0, 0x2301), 1U) << "UMULL r2, r3, r0, r1";
  EXPECT_EQ(cycles(0xFBB0, 0xF0F1), divide_cycles) << "UDIV r0, r0, r1";
  EXPECT_EQ(cycles(0xF8D0, 0x1004), 2U) << "LDR.W r1, [r0, #4]";
  EXPECT_EQ(cycles(0xF8D0, 0xF004), 2U + refill_cycles) << "LDR.W pc, [r0, #4]";
  EXPECT_EQ(cycles(0xE9D0, 0x2300), 3U) << "LDRD r2, r3, [r0]";
  EXPECT_EQ(cycles(0xE92D, 0x41F0), 7U) << "PUSH.W {r4-r8, lr}";
  EXPECT_EQ(cycles(0xE8BD, 0x81F0), 7U + refill_cycles) << "POP.W {r4-r8, pc}";
  EXPECT_EQ(cycles(0xE8DF, 0xF000), 2U + refill_cycles) << "TBB [pc, r0]";
  EXPECT_EQ(cycles(0xF000, 0xF800), 1U + refill_cycles) << "BL";
  EXPECT_EQ(cycles(0xF3BF, 0x8F4F), 4U) << "DSB";
}

TEST(InstructionCost, OfFloatingPoint) {
  EXPECT_EQ(cycles(0xEE30, 0x0A20), 1U) << "VADD.F32 s0, s0, s1";
  EXPECT_EQ(cycles(0xEE20, 0x0A20), 1U) << "VMUL.F32 s0, s0, s1";
  EXPECT_EQ(cycles(0xEE00, 0x0A20), 3U) << "VMLA.F32 s0, s0, s1";
  EXPECT_EQ(cycles(0xEEA0, 0x0A20), 3U) << "VFMA.F32 s0, s0, s1";
  EXPECT_EQ(cycles(0xEE80, 0x0A20), 14U) << "VDIV.F32 s0, s0, s1";
  EXPECT_EQ(cycles(0xEEB1, 0x0AC0), 14U) << "VSQRT.F32 s0, s0";
  EXPECT_EQ(cycles(0xEEB1, 0x0A40), 1U) << "VNEG.F32 s0, s0";
  EXPECT_EQ(cycles(0xED90, 0x0A00), 2U) << "VLDR s0, [r0]";
  EXPECT_EQ(cycles(0xED2D, 0x8A04), 5U) << "VPUSH {s16-s19}";
  EXPECT_TRUE(instruction_cost(0xEE30, 0x0A20).floating_point);
}

TEST(InstructionCost, OfABlockWithABranchAtItsEnd) {
  // LDR r1, [r0]; ADDS r1, #1; BNE
  constexpr std::array<std::uint16_t, 3> loop{0x6801, 0x3101, 0xD1FC};
  const BlockCost cost = block_cost(loop);
  EXPECT_EQ(cost.cycles, 4U) << "not taken";
  EXPECT_EQ(cost.instructions, 3U);
  EXPECT_TRUE(cost.conditional_end);
}

}  // namespace
}  // namespace thyrode::silicon
