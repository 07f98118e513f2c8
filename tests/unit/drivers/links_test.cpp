// The links that go through the system: pseudo terminals and TCP, both ends in this process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <numeric>
#include <vector>

#include "drivers/tcp_listener.hpp"
#include "drivers/terminal.hpp"

namespace thyrode {
namespace {

std::vector<std::uint8_t> every_byte_twice() {
  std::vector<std::uint8_t> bytes(512);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

/// Reads until `count` bytes are there or nothing comes for 2 s.
std::vector<std::uint8_t> read_all(Link& link, std::size_t count) {
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 100> piece;
  while (bytes.size() < count) {
    const auto came = link.read(piece, 2.0_s);
    if (!came || *came == 0) break;
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*came));
  }
  return bytes;
}

void expect_both_ways(Link& one, Link& other) {
  const auto bytes = every_byte_twice();
  ASSERT_TRUE(one.write(bytes));
  EXPECT_EQ(read_all(other, bytes.size()), bytes);
  ASSERT_TRUE(other.write(bytes));
  EXPECT_EQ(read_all(one, bytes.size()), bytes);
  EXPECT_EQ(one.unsent(), 0U);
  EXPECT_EQ(other.unsent(), 0U);
  EXPECT_FALSE(one.in_lockstep());
  std::array<std::uint8_t, 8> piece;
  const auto nothing = one.read(piece, Duration{});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(*nothing, 0U);
}

void expect_hang_up(Link& link) {
  std::array<std::uint8_t, 8> piece;
  const auto gone = link.read(piece, 2.0_s);
  ASSERT_FALSE(gone) << *gone;
  EXPECT_EQ(gone.error().kind, ErrorKind::device);
  EXPECT_NE(gone.error().message.find("is gone"), std::string::npos) << gone.error().message;
  EXPECT_FALSE(link.write(piece));
}

class TerminalLink : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = PseudoTerminal::open();
    ASSERT_TRUE(opened) << opened.error().message;
    terminal_ = std::make_unique<PseudoTerminal>(std::move(*opened));
    EXPECT_FALSE(terminal_->wait_for_client(Duration{}));
    auto client = open_terminal(terminal_->client_path());
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
    EXPECT_TRUE(terminal_->wait_for_client(1.0_s));
    auto device = terminal_->link();
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
  }
  std::unique_ptr<PseudoTerminal> terminal_;
  std::unique_ptr<Link> client_;
  std::unique_ptr<Link> device_;
};

TEST_F(TerminalLink, CarriesEveryByteBothWays) {
  expect_both_ways(*client_, *device_);
}

TEST_F(TerminalLink, TheDeviceNoticesThatTheClientIsGone) {
  client_.reset();
  expect_hang_up(*device_);
}

TEST_F(TerminalLink, TheClientNoticesThatTheDeviceIsGone) {
  device_.reset();
  terminal_.reset();
  expect_hang_up(*client_);
}

TEST_F(TerminalLink, ANextClientFindsTheTerminalAgain) {
  client_.reset();
  device_.reset();
  auto client = open_terminal(terminal_->client_path());
  ASSERT_TRUE(client) << client.error().message;
  auto device = terminal_->link();
  ASSERT_TRUE(device);
  expect_both_ways(**client, **device);
}

TEST_F(TerminalLink, ASecondProgramIsRefused) {
  const auto second = open_terminal(terminal_->client_path());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("is in use by another program"), std::string::npos) << second.error().message;
}

/// As libserialport hands it over: its own mode, and closing it hangs up.
TEST(TerminalDescriptor, IsTakenOverForThisProgramAloneAndWithoutHangUp) {
  auto terminal = PseudoTerminal::open();
  ASSERT_TRUE(terminal) << terminal.error().message;
  const int descriptor = ::open(terminal->client_path().c_str(), O_RDWR | O_NOCTTY);
  ASSERT_GE(descriptor, 0);
  termios settings{};
  ASSERT_EQ(tcgetattr(descriptor, &settings), 0);
  settings.c_cflag |= HUPCL;
  settings.c_lflag |= ECHO | ICANON;
  ASSERT_EQ(tcsetattr(descriptor, TCSANOW, &settings), 0);
  const int watched = ::dup(descriptor);
  {
    const auto link = open_terminal_descriptor(descriptor, "the port");
    ASSERT_TRUE(link) << link.error().message;
    ASSERT_EQ(tcgetattr(watched, &settings), 0);
    EXPECT_EQ(settings.c_cflag & HUPCL, 0U);
    EXPECT_EQ(settings.c_lflag & (ECHO | ICANON), 0U);
    int exclusive = 0;
    ASSERT_EQ(ioctl(watched, TIOCGEXCL, &exclusive), 0);
    EXPECT_NE(exclusive, 0);
    EXPECT_FALSE(open_terminal(terminal->client_path())) << "also as root, whom TIOCEXCL does not stop";
  }
  ::close(watched);
}

TEST(TerminalDescriptor, IsClosedWhereItIsNoTerminal) {
  const int descriptor = ::open("/dev/null", O_RDWR);
  const auto link = open_terminal_descriptor(descriptor, "/dev/null");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().message, "/dev/null is not a serial port or terminal");
  EXPECT_EQ(fcntl(descriptor, F_GETFD), -1);
}

TEST_F(TerminalLink, RefusesMoreThanItsQueueHoldsWhenNobodyReads) {
  const std::vector<std::uint8_t> bytes(64 * 1024);
  Result<void> written;
  for (int k = 0; k < 8 && written; ++k) written = client_->write(bytes);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::device);
  EXPECT_GT(client_->unsent(), 0U);
}

class TcpLink : public testing::Test {
 protected:
  void SetUp() override {
    auto listener = TcpListener::open(0);
    ASSERT_TRUE(listener) << listener.error().message;
    ASSERT_NE(listener->port(), 0);
    auto client = open_tcp("127.0.0.1", listener->port());
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
    auto device = listener->accept(2.0_s);
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
  }
  std::unique_ptr<Link> client_;
  std::unique_ptr<Link> device_;
};

TEST_F(TcpLink, CarriesEveryByteBothWays) {
  expect_both_ways(*client_, *device_);
}
TEST_F(TcpLink, TheDeviceNoticesThatTheClientIsGone) {
  client_.reset();
  expect_hang_up(*device_);
}
TEST_F(TcpLink, TheClientNoticesThatTheDeviceIsGone) {
  device_.reset();
  expect_hang_up(*client_);
}

TEST(TcpListener, ReportsThatNobodyCame) {
  auto listener = TcpListener::open(0);
  ASSERT_TRUE(listener);
  const auto link = listener->accept(10.0_ms);
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().kind, ErrorKind::timeout);
}

TEST(TcpListener, ReportsAPortInUse) {
  auto first = TcpListener::open(0);
  ASSERT_TRUE(first);
  const auto second = TcpListener::open(first->port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::device);
}

}  // namespace
}  // namespace thyrode
