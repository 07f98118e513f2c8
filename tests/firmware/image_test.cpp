// The flash image fits the chip, with room to spare, and begins as the chip wants it to.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/firmware/elf_image.hpp"

namespace thyrode::test {
namespace {

// docs/firmware.md tells these figures; ./dev firmware prints what is used.
constexpr std::uint32_t flash_bound = 64 * 1024;  // of 512 KB
constexpr std::uint32_t ram_bound = 80 * 1024;    // of 128 KB, the stack included
constexpr std::uint32_t stack_size = 8 * 1024;

const ElfImage& image() {
  static const ElfImage read = read_elf("build/firmware/bin/thyrode_nucleo_f446re.elf");
  return read;
}

std::uint32_t vector(std::size_t number) {
  std::uint32_t value = 0;
  if (4 * number + 4 <= image().vectors.size()) std::memcpy(&value, image().vectors.data() + 4 * number, 4);
  return value;
}

TEST(FlashImage, IsBuilt) {
  EXPECT_EQ(image().trouble, "");
}

TEST(FlashImage, StaysWithinItsFlash) {
  EXPECT_GT(image().flash(), 1000U);
  EXPECT_LE(image().flash(), flash_bound);
}

TEST(FlashImage, StaysWithinItsRamWithTheStack) {
  ASSERT_NE(image().find(".stack"), nullptr);
  EXPECT_EQ(image().find(".stack")->size, stack_size);
  EXPECT_GT(image().ram(), stack_size);
  EXPECT_LE(image().ram(), ram_bound);
}

TEST(FlashImage, HasItsStackBelowEverythingElse) {
  for (const Section& section : image().sections) {
    if (!section.in_memory || section.address < 0x20000000 || section.name == ".stack") continue;
    EXPECT_GE(section.address, 0x20000000 + stack_size) << section.name;
  }
}

TEST(FlashImage, BeginsWithTheStackAndTheResetHandler) {
  ASSERT_NE(image().find(".vectors"), nullptr);
  EXPECT_EQ(image().find(".vectors")->address, 0x08000000U);
  EXPECT_EQ(vector(0), 0x20000000 + stack_size);
  EXPECT_EQ(vector(1), image().symbols.at("reset_handler"));
  EXPECT_EQ(image().symbols.at("reset_handler") & 1U, 1U) << "Thumb";
}

TEST(FlashImage, TakesEveryUnexpectedExceptionToTheFaultHandler) {
  EXPECT_EQ(image().vectors.size(), 4U * (16 + 97));
  const std::map<std::size_t, std::string> expected = {{5, "bus_fault_handler"},
                                                       {15, "systick_handler"},
                                                       {16 + 17, "sent_handler"},
                                                       {16 + 38, "usart2_handler"},
                                                       {16 + 58, "block_handler"}};
  for (std::size_t number = 2; number < 16 + 97; ++number) {
    const auto found = expected.find(number);
    const std::string name = found == expected.end() ? "fault_handler" : found->second;
    EXPECT_EQ(vector(number), image().symbols.at(name)) << number;
  }
}

TEST(FlashImage, CopiesItsDataFromFlash) {
  for (const Section& section : image().sections) {
    if (!section.has_bytes || section.address < 0x20000000) continue;
    EXPECT_GE(section.load, 0x08000000U) << section.name;
    EXPECT_LT(section.load, 0x08080000U) << section.name;
  }
}

}  // namespace
}  // namespace thyrode::test
