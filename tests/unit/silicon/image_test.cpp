// Whole images on the emulated chip: one that is right, and one for each thing that silicon would not do.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "firmware/silicon/chip.hpp"

namespace thyrode::silicon {
namespace {

constexpr Time millisecond = 1'000'000'000;

std::vector<std::uint8_t> image(int fault) {
  std::ifstream file(std::string{SILICON_IMAGES} + "/" + std::to_string(fault) + ".bin", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Nothing but a record of what the chip does.
class Bare final : public Board {
 public:
  std::uint16_t convert(int, int channel, Time at) override {
    conversions.push_back(at);
    return static_cast<std::uint16_t>(channel == 18 ? 944 : 100 + channel);
  }
  void dac(int channel, std::uint16_t code, Time at) override {
    if (channel == 0) codes.push_back({code, at});
  }
  void outputs(char, std::uint32_t, Time) override {}
  void serial(std::uint8_t byte, Time) override { text.push_back(static_cast<char>(byte)); }

  struct Code {
    std::uint16_t code;
    Time at;
  };
  std::vector<Time> conversions;
  std::vector<Code> codes;
  std::string text;
};

struct ImageRun {
  explicit ImageRun(int fault, ChipOptions options = {}) : chip{image(fault), board, options} {}
  Bare board;
  Chip chip;
};

TEST(FlashImage, RunsWithoutAFaultAndEchoesWhatItIsSent) {
  ImageRun run{0};
  EXPECT_TRUE(run.chip.run_until(5 * millisecond)) << run.chip.refusal();
  const std::string sent = "Hello";
  run.chip.usart().deliver({reinterpret_cast<const std::uint8_t*>(sent.data()), sent.size()});
  EXPECT_TRUE(run.chip.run_until(50 * millisecond)) << run.chip.refusal();
  // First the causes of the reset (power, brown-out, pin), and the clock that runs: the PLL.
  EXPECT_EQ(run.board.text, std::string{"\x0E\x0A"} + sent);
  EXPECT_EQ(run.chip.core_hz(), 160e6);
  EXPECT_EQ(run.chip.resets(), 0U);
  EXPECT_EQ(run.chip.processor().cost_of(16 + 58).runs, 248U) << "an interrupt each 50 conversions at 250 kHz";
}

TEST(FlashImage, ConvertsAndWritesAtTheSampleClockExactly) {
  ImageRun run{0};
  ASSERT_TRUE(run.chip.run_until(20 * millisecond)) << run.chip.refusal();
  const auto& conversions = run.board.conversions;
  ASSERT_GT(conversions.size(), 1000U);
  // Two in a thousand are the temperature's, between the others.
  for (std::size_t k = 500; k + 1 < conversions.size(); ++k) ASSERT_EQ(conversions[k + 1] - conversions[k], 4'000'000);
  const auto& codes = run.board.codes;
  for (std::size_t k = 500; k + 1 < codes.size(); ++k) {
    ASSERT_EQ(codes[k + 1].at - codes[k].at, 4'000'000);
    ASSERT_EQ(codes[k + 1].code, (codes[k].code + 1) % 100);
  }
}

TEST(FlashImage, DoesTheSameEachTime) {
  ImageRun one{0};
  ImageRun other{0};
  ASSERT_TRUE(one.chip.run_until(20 * millisecond));
  for (int k = 1; k <= 2000; ++k) ASSERT_TRUE(other.chip.run_until(k * millisecond / 100));
  EXPECT_EQ(one.chip.processor().instructions(), other.chip.processor().instructions());
  EXPECT_EQ(one.board.conversions, other.board.conversions);
  EXPECT_EQ(one.board.text, other.board.text);
}

TEST(FlashImage, AHardFaultReachesItsHandler) {
  ImageRun run{28};
  EXPECT_TRUE(run.chip.run_until(20 * millisecond)) << run.chip.refusal();
  EXPECT_EQ(run.board.text, std::string{"\x0E\x0A"} + "H");
}

TEST(FlashImage, TheWatchdogResetsAProgramThatDoesNotServeIt) {
  ImageRun run{29};
  EXPECT_TRUE(run.chip.run_until(60 * millisecond)) << run.chip.refusal();
  EXPECT_EQ(run.chip.resets(), 1U);
  EXPECT_EQ(run.board.text, std::string{"\x0E\x0A\x24\x0A"}) << "the second time: watchdog and pin";
}

TEST(FlashImage, FallsBackToItsOwnOscillatorWhenNoClockComes) {
  ChipOptions options;
  options.oscillators.hse_runs = false;
  ImageRun run{30, options};
  EXPECT_TRUE(run.chip.run_until(60 * millisecond)) << run.chip.refusal();
  EXPECT_EQ(run.chip.core_hz(), 16e6);
  EXPECT_EQ(run.board.text, (std::string{"\x0E", 1} + std::string(1, '\0')));
}

TEST(FlashImage, FloatingPointRegistersComeThroughAnInterrupt) {
  ImageRun run{31};
  EXPECT_TRUE(run.chip.run_until(50 * millisecond)) << run.chip.refusal();
  EXPECT_EQ(run.board.text, std::string{"\x0E\x0A"}) << "a byte more tells of a changed register";
}

TEST(FlashImage, AConverterThatNobodyReadsStopsAtItsOverrun) {
  ImageRun run{27};
  EXPECT_TRUE(run.chip.run_until(20 * millisecond)) << run.chip.refusal();
  EXPECT_EQ(run.board.conversions.size(), 3U) << "one kept, one lost, one of the temperature";
}

struct Refused {
  int fault;
  const char* what;
  const char* section;
};

class SiliconRefuses : public testing::TestWithParam<Refused> {};

TEST_P(SiliconRefuses, TheImageThatDoesIt) {
  ImageRun run{GetParam().fault};
  run.chip.run_until(5 * millisecond);
  const std::string sent = "Hello";
  run.chip.usart().deliver({reinterpret_cast<const std::uint8_t*>(sent.data()), sent.size()});
  EXPECT_FALSE(run.chip.run_until(50 * millisecond));
  EXPECT_NE(run.chip.refusal().find(GetParam().what), std::string::npos) << run.chip.refusal();
  EXPECT_NE(run.chip.refusal().find(GetParam().section), std::string::npos) << run.chip.refusal();
}

INSTANTIATE_TEST_SUITE_P(
    Each, SiliconRefuses,
    testing::Values(Refused{1, "write of USART_BRR at 0x40004408 while the clock of the peripheral is off", "6.2"},
                    Refused{2, "ADC_DR is read before the end of a conversion", "13.8"},
                    Refused{3, "is written to channel 1 while it is off (DAC_CR.EN1)", "14.3.1"},
                    Refused{4, "the line runs at 1000000: -88.47 % off, allowed is 1 %", "25.4.4"},
                    Refused{5, "IWDG_RLR is written while it is locked", "20.3.2"},
                    Refused{6, "interrupt 58) came 1000 times", "PM0214"},
                    Refused{7, "stack past its end", "RM0390 2.2.2"},
                    Refused{8, "there is no register at offset 0x01c", "2.2.2"},
                    Refused{9, "to USART_CR2 at 0x40004410 changes reserved bits 0x00000010", "25.6.5"},
                    Refused{10, "stream 2 is enabled with channel 5: there is no such request", "9.3.3"},
                    Refused{11, "160.0 MHz with 2 flash wait states; it needs 5", "3.4.1"},
                    Refused{12, "ADCCLK is 40.00 MHz; allowed are 36", "13.3.2"},
                    Refused{13, "channel 10 is converted while PC0 is not in analog mode", "7.3.12"},
                    Refused{14, "the PLL's oscillator runs at 440.0 MHz; allowed are 100 to 432", "6.3.2"},
                    Refused{15, "of stream 2 while it is enabled: the register is protected", "9.3.18"},
                    Refused{16, "stream 6 is enabled while its flags", "9.3.18"},
                    Refused{17, "USART_DR while TXE is 0", "25.4.2"},
                    Refused{18, "a floating point instruction in the block", "PM0214 4.6.1"},
                    Refused{19, "write to FLASH_CR while it is locked", "3.6.1"},
                    Refused{20, "of pins that GPIOC_LCKR has locked until reset", "7.4.8"},
                    Refused{21, "PA2 is not alternate function 7", "7.3.2"},
                    Refused{22, "PCLK1 would be 80.0 MHz; allowed are 45", "6.2"},
                    Refused{23, "the temperature sensor is off", "13.10"},
                    Refused{24, "TIM2_TRGO comes while a conversion is under way", "13.3.5"},
                    Refused{25, "within the hard fault handler: lock-up", "B1.5.15"},
                    Refused{26, "write of 0x00000001 to 0x40005c00: no peripheral lies there", "2.2.2"},
                    Refused{32, "ns after its trigger, within the three cycles of APB1", "14.3.6"}),
    [](const auto& one) { return "Fault" + std::to_string(one.param.fault); });

TEST(SiliconRefusal, NamesRegisterAddressTimeAndPlaceInTheCode) {
  ImageRun run{1};
  run.chip.run_until(5 * millisecond);
  EXPECT_EQ(run.chip.refusal().substr(0, 48), "USART2: write of USART_BRR at 0x40004408 while t") << run.chip.refusal();
  EXPECT_NE(run.chip.refusal().find("; at 27"), std::string::npos) << run.chip.refusal();
  EXPECT_NE(run.chip.refusal().find("in the block of code at 0x0800"), std::string::npos) << run.chip.refusal();
}

TEST(SiliconRefusal, ARateThatIsWrongByLessThanOnePercentIsTaken) {
  ImageRun run{0};
  run.chip.usart().line_rate(1'009'000.0);
  EXPECT_TRUE(run.chip.run_until(5 * millisecond)) << run.chip.refusal();
  ImageRun wrong{0};
  wrong.chip.usart().line_rate(1'011'000.0);
  EXPECT_FALSE(wrong.chip.run_until(5 * millisecond));
}

}  // namespace
}  // namespace thyrode::silicon
