#include "drivers/make_device.hpp"

#include <gtest/gtest.h>

#include "drivers/tcp_listener.hpp"
#include "drivers/terminal.hpp"

namespace thyrode {
namespace {

class MalformedUri : public testing::TestWithParam<const char*> {};

TEST_P(MalformedUri, IsBadInputAndIsQuoted) {
  const auto device = make_device(GetParam());
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().kind, ErrorKind::bad_input) << device.error().message;
  EXPECT_NE(device.error().message.find(GetParam()), std::string::npos) << device.error().message;
}

INSTANTIATE_TEST_SUITE_P(All, MalformedUri,
                         testing::Values("", "msn", "sim:msn", "serial", "serial:", "pty", "pty:", "PTY:/dev/pts/0",
                                         "usb:", "usb:serial", "usb:serial=", "usb:SN=1", "tcp:", "tcp://",
                                         "tcp://:7001", "tcp://localhost", "tcp://localhost:", "tcp://localhost:0",
                                         "tcp://localhost:65536", "tcp://localhost:99999999999", "tcp://localhost:-1",
                                         "tcp://localhost:70x", "tcp://localhost:+7", "tcp://localhost: 7",
                                         "tcp:localhost:7001", "tcp://[::1]", "tcp://[::1", "tcp://[]:7001",
                                         "tcp://[::1]7001", "tcp://[::1]:", "tcp://[::1]:0", "tcp://::1:7001",
                                         "/dev/ttyACM0", " serial:/dev/ttyACM0"));

void expect_no_device(const std::string& uri, const std::string& part) {
  const auto device = make_device(uri);
  ASSERT_FALSE(device) << uri;
  EXPECT_EQ(device.error().kind, ErrorKind::device) << device.error().message;
  EXPECT_NE(device.error().message.find(part), std::string::npos) << device.error().message;
}

TEST(MakeDevice, SaysThatAPseudoTerminalIsNotThere) {
  expect_no_device("pty:/dev/pts/987654", "/dev/pts/987654");
}
TEST(MakeDevice, SaysThatASerialPortIsNotThere) {
  expect_no_device("serial:/dev/ttyNOT_THERE", "/dev/ttyNOT_THERE");
}
TEST(MakeDevice, SaysThatAFileIsNoTerminal) {
  expect_no_device("pty:CMakeLists.txt", "is not a serial port or terminal");
}
TEST(MakeDevice, SaysThatNoUsbPortHasTheSerialNumber) {
  expect_no_device("usb:serial=NOT-THERE-1", "usb:serial=NOT-THERE-1");
}

TEST(MakeDevice, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    auto listener = TcpListener::open(0);
    ASSERT_TRUE(listener) << listener.error().message;
    port = listener->port();
  }
  expect_no_device("tcp://127.0.0.1:" + std::to_string(port), "is the device on");
}

TEST(MakeDevice, SaysWhatIsWrongWithAnAddress) {
  const std::pair<const char*, const char*> table[] = {
      {"tcp://::1:7001", "an IPv6 address stands in brackets"},
      {"tcp://[::1:7001", "the bracket around the address is not closed"},
      {"tcp://[::1]", "names no port behind the bracket"},
      {"tcp://localhost", "names no port"},
      {"tcp://:7001", "names no host"},
      {"tcp://localhost:70x", "the port '70x' is not a number from 1 to 65535"},
  };
  for (const auto& [uri, reason] : table) {
    const auto device = make_device(uri);
    ASSERT_FALSE(device);
    EXPECT_NE(device.error().message.find(reason), std::string::npos) << device.error().message;
  }
}

TEST(MakeDevice, TakesTheBracketsOffAnAddress) {
  // The port was free a moment ago, so nobody listens; a machine without IPv6 has no such address: told either way.
  std::uint16_t port = 0;
  {
    auto listener = TcpListener::open(0);
    ASSERT_TRUE(listener) << listener.error().message;
    port = listener->port();
  }
  expect_no_device("tcp://[::1]:" + std::to_string(port), "is the device on, and is this its address?");
}

TEST(MakeDevice, SaysThatATerminalIsSilent) {
  auto terminal = PseudoTerminal::open();
  ASSERT_TRUE(terminal) << terminal.error().message;
  expect_no_device("pty:" + terminal->client_path(), "no answer within 2 s");
}

}  // namespace
}  // namespace thyrode
