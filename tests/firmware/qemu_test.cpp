// The flash image on somebody else's processor: QEMU's netduinoplus2 has the same USART, NVIC, SysTick and FPU as the
// chip, but no clock tree, no DMA and no converters. So every wait of the start runs out, and the image has to say so.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "drivers/current_clamp/current_clamp.hpp"
#include "drivers/make_device.hpp"
#include "tests/emulator/process.hpp"

namespace thyrode::test {
namespace {

const std::string image = "build/firmware/bin/thyrode_nucleo_f446re.elf";

class Machine {
 public:
  Machine()
      : process_{{"/usr/bin/qemu-system-arm", "-M", "netduinoplus2", "-nographic", "-monitor", "none", "-serial",
                  "null", "-serial", "pty", "-icount", "shift=3", "-kernel", image}} {
    // "char device redirected to /dev/pts/3 (label serial1)"
    const std::string said = process_.line();
    const std::size_t begin = said.find("/dev/pts/");
    if (begin != std::string::npos) terminal_ = said.substr(begin, said.find(' ', begin) - begin);
  }
  const std::string& terminal() const { return terminal_; }

 private:
  Process process_;
  std::string terminal_;
};

std::unique_ptr<Device> connect(const Machine& machine) {
  if (machine.terminal().empty()) {
    ADD_FAILURE() << "QEMU has opened no terminal; is qemu-system-arm installed?";
    return nullptr;
  }
  auto device = make_device("pty:" + machine.terminal());
  if (!device) {
    ADD_FAILURE() << device.error().message;
    return nullptr;
  }
  return std::move(*device);
}

TEST(ImageInQemu, ShakesHandsAndSaysWhatItLacks) {
  ASSERT_TRUE(std::filesystem::exists(image)) << "run ./dev firmware";
  const Machine machine;
  const auto device = connect(machine);
  ASSERT_NE(device, nullptr);
  const DeviceInfo& info = device->info();
  EXPECT_EQ(info.board, "nucleo_f446re");
  EXPECT_EQ(info.serial.size(), 16U);
  EXPECT_EQ(info.channels.size(), 2U);
  EXPECT_EQ(info.sample_rate_hz, 250e3);
  EXPECT_FALSE(info.virtual_time);
  EXPECT_TRUE(info.lacks_clock);
  EXPECT_TRUE(info.lacks_converters);
}

TEST(ImageInQemu, RefusesToArmAndSaysWhy) {
  const Machine machine;
  const auto device = connect(machine);
  ASSERT_NE(device, nullptr);
  const auto armed = device->arm();
  ASSERT_FALSE(armed);
  EXPECT_NE(armed.error().message.find("self-test"), std::string::npos) << armed.error().message;
  EXPECT_NE(armed.error().message.find("crystal"), std::string::npos) << armed.error().message;
}

TEST(ImageInQemu, KeepsItsTimeAndTellsItsHealth) {
  const Machine machine;
  const auto device = connect(machine);
  ASSERT_NE(device, nullptr);
  std::int64_t last = -1;
  int marks = 0;
  // Two seconds of its time: health comes once in each.
  while (marks < 200) {
    const auto message = device->read(Duration::from_si(10.0));
    ASSERT_TRUE(message) << message.error().message;
    const auto* mark = std::get_if<protocol::Mark>(&*message);
    if (mark == nullptr) continue;
    EXPECT_EQ(mark->at.index % 2500, 0);
    EXPECT_TRUE(last < 0 || mark->at.index == last + 2500) << mark->at.index << " after " << last;
    last = mark->at.index;
    EXPECT_EQ(mark->state, protocol::State::boot);
    EXPECT_EQ(mark->overruns, 0U);
    ++marks;
  }
  const auto* board = dynamic_cast<const CurrentClamp*>(device.get());
  ASSERT_NE(board, nullptr);
  ASSERT_TRUE(board->health());
  EXPECT_GT(board->health()->stack_left, 2048U);
  EXPECT_EQ(device->counters().bad_frames, 0U);
  EXPECT_EQ(device->counters().lost_frames, 0U);
}

}  // namespace
}  // namespace thyrode::test
