#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>

#include "tests/unit/drivers/scripted_link.hpp"

namespace thyrode {
namespace {

using protocol::ChannelInfo;
using protocol::Ident;

/// Opens a script that must fail. @returns the message
std::string refused(Script& script) {
  const auto device = open_scripted(script);
  if (device) {
    ADD_FAILURE() << "the handshake succeeded";
    return {};
  }
  EXPECT_EQ(device.error().kind, ErrorKind::device);
  EXPECT_TRUE(device.error().message.starts_with("test:script: ")) << device.error().message;
  return device.error().message;
}

bool says(const std::string& message, const std::string& part) {
  return message.find(part) != std::string::npos;
}

TEST(Handshake, TellsWhatTheBoardIs) {
  Script script;
  behave(script);
  const auto device = open_scripted(script);
  ASSERT_TRUE(device) << device.error().message;
  const DeviceInfo& info = (*device)->info();
  EXPECT_EQ(info.board, "fake");
  EXPECT_EQ(info.firmware, "fw-1");
  EXPECT_EQ(info.serial, "S1");
  EXPECT_EQ(info.uri, "test:script");
  EXPECT_EQ(info.now, Sample{2500});
  EXPECT_TRUE(info.virtual_time);
  EXPECT_FALSE(info.full_trace);
  ASSERT_EQ(info.channels.size(), 1U);
  EXPECT_EQ(info.channels[0].label, "A");
  EXPECT_DOUBLE_EQ(info.channels[0].lowest.in(1.0_uA), -200.0);
  EXPECT_DOUBLE_EQ(info.channels[0].highest.in(1.0_uA), 2047.0 * 400.0 / 4096.0);
  EXPECT_DOUBLE_EQ(info.channels[0].fastest.si(), 400e-6 / 4096.0 * 250e3);
}

/// A device that owns the load of channel 0, 47 Ohm beside 100 nF.
void own_part(Script& script, protocol::PartInfo part) {
  Ident ident = good_ident();
  ident.capabilities |= protocol::can_set_part;
  behave(script, ident);
  const auto good = script.answer;
  script.answer = [&script, part, good](const HeardFrame& frame) {
    if (frame.type == protocol::DescribePart::type) return script.say(part, frame.sequence);
    good(frame);
  };
}

TEST(Handshake, LearnsThePartThatTheDeviceCanExchange) {
  Script script;
  own_part(script, {0, 1000, 9'000'000, 47'000, 100e-9});
  const auto device = open_scripted(script);
  ASSERT_TRUE(device) << device.error().message;
  const auto& part = (*device)->info().channels[0].part;
  ASSERT_TRUE(part);
  EXPECT_DOUBLE_EQ(part->lowest.si(), 1.0);
  EXPECT_DOUBLE_EQ(part->highest.si(), 9e3);
  EXPECT_DOUBLE_EQ(part->present.si(), 47.0);
  EXPECT_DOUBLE_EQ(part->capacitance.si(), 100e-9);
  ASSERT_TRUE((*device)->configure(Channel{0}, PartSettings{Resistance::from_si(3000.0)}, Sample{500}));
  const auto set = protocol::decode<protocol::SetPart>(script.heard.back().payload);
  ASSERT_TRUE(set);
  EXPECT_EQ(*set, (protocol::SetPart{0, Sample{500}, 3'000'000}));
}

TEST(Handshake, KnowsAChannelWithoutAPart) {
  Script script;
  own_part(script, {});
  const auto device = open_scripted(script);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_FALSE((*device)->info().channels[0].part);
  Script plain;
  behave(plain);
  ASSERT_TRUE(open_scripted(plain));
  EXPECT_EQ(plain.count(protocol::DescribePart::type), 0U);
}

TEST(Handshake, SurvivesGarbageBeforeTheAnswer) {
  Script script;
  behave(script);
  const auto good = script.answer;
  script.answer = [&, good](const HeardFrame& frame) {
    if (script.heard.size() == 1) script.outbox.insert(script.outbox.end(), {0x11, 0x00, 0x42, 0x42});
    good(frame);
  };
  EXPECT_TRUE(open_scripted(script));
  EXPECT_EQ(script.count(protocol::Hello::type), 2U) << "the garbage took the first answer with it";
}

TEST(Handshake, AsksAgainWhenTheFirstAnswersAreLost) {
  Script script;
  behave(script);
  const auto good = script.answer;
  int asked = 0;
  script.answer = [&, good](const HeardFrame& frame) {
    if (++asked > 3) good(frame);
  };
  EXPECT_TRUE(open_scripted(script));
  EXPECT_EQ(script.count(protocol::Hello::type), 4U);
}

TEST(Handshake, ReportsASilentDevice) {
  Script script;
  EXPECT_TRUE(says(refused(script), "no answer within 2 s"));
  EXPECT_EQ(script.count(protocol::Hello::type), 20U);
}

TEST(Handshake, ReportsAForeignDeviceThatNeverStopsTalking) {
  Script script;
  std::mt19937 random{20250613};
  script.before_read = [&] {
    for (int k = 0; k < 100; ++k) script.outbox.push_back(static_cast<std::uint8_t>(random()));
  };
  const std::string message = refused(script);
  EXPECT_TRUE(says(message, "bytes came, but no thyrode device answers")) << message;
}

TEST(Handshake, ReportsFramesThatAreNoAnswer) {
  Script script;
  std::uint8_t sequence = 0;
  script.answer = [&](const HeardFrame&) { script.say(protocol::Mark{}, sequence++); };
  const std::string message = refused(script);
  EXPECT_TRUE(says(message, "no thyrode device answers (0 broken frames)")) << message;
}

TEST(Handshake, ReportsAnotherMajorVersion) {
  Script script;
  Ident ident = good_ident();
  ident.major = 7;
  ident.minor = 3;
  behave(script, ident);
  EXPECT_TRUE(says(refused(script), "the device speaks protocol 7.3, this program 1.3"));
}

TEST(Handshake, ReportsAnotherMajorVersionWhoseIdentityHasAnotherLayout) {
  Script script;
  script.answer = [&](const HeardFrame&) {
    const std::array<std::uint8_t, 5> other{9, 2, 1, 1, 1};
    script.say_bytes(Ident::type, 0, other);
  };
  EXPECT_TRUE(says(refused(script), "the device speaks protocol 9.2, this program 1.3"));
}

TEST(Handshake, ReportsAnotherMessageTable) {
  Script script;
  Ident ident = good_ident();
  ident.schema = 0xDEADBEEF;
  behave(script, ident);
  EXPECT_TRUE(says(refused(script), "the device's message table is deadbeef"));
}

TEST(Handshake, ReportsAnAbsurdIdentity) {
  const std::function<void(Ident&)> faults[] = {
      [](Ident& i) { i.channels = 0; },
      [](Ident& i) { i.channels = 17; },
      [](Ident& i) { i.sample_rate = 0; },
      [](Ident& i) { i.sample_rate = 999; },
      [](Ident& i) { i.sample_rate = 4000000000U; },
      [](Ident& i) { i.sample_rate = 250'001; },
      [](Ident& i) { i.block = 0; },
      [](Ident& i) { i.credit = 0; },
      [](Ident& i) { i.credit = 63; },
  };
  for (std::size_t k = 0; k < std::size(faults); ++k) {
    Script script;
    Ident ident = good_ident();
    faults[k](ident);
    behave(script, ident);
    EXPECT_TRUE(says(refused(script), "identity makes no sense")) << "fault " << k;
  }
}

TEST(Handshake, ReportsAbsurdScales) {
  const std::function<void(ChannelInfo&)> faults[] = {
      [](ChannelInfo& c) { c.command.scale = 0.0; },         [](ChannelInfo& c) { c.command.scale = -1e-7; },
      [](ChannelInfo& c) { c.command.zero = std::nan(""); }, [](ChannelInfo& c) { c.signals[0].scale = std::nan(""); },
      [](ChannelInfo& c) { c.signals[1].scale = HUGE_VAL; }, [](ChannelInfo& c) { c.signals[2].bits = 0; },
      [](ChannelInfo& c) { c.signals[2].bits = 17; },
  };
  for (std::size_t k = 0; k < std::size(faults); ++k) {
    Script script;
    ChannelInfo channel = good_channel();
    faults[k](channel);
    behave(script, good_ident(), channel);
    EXPECT_TRUE(says(refused(script), "the scales of channel 0 make no sense")) << "fault " << k;
  }
}

TEST(Handshake, ReportsAChannelThatIsNotDescribed) {
  Script script;
  Ident ident = good_ident();
  ident.channels = 2;
  behave(script, ident);  // describes channel 0 whatever is asked
  EXPECT_TRUE(says(refused(script), "does not answer describe for its channel 1"));
}

TEST(Handshake, TextsOfTheDeviceArePrintable) {
  Script script;
  Ident ident = good_ident();
  ident.serial = {'\x1b', '[', '2', 'J', '\n', 'x'};
  behave(script, ident);
  const auto device = open_scripted(script);
  ASSERT_TRUE(device);
  EXPECT_EQ((*device)->info().serial, "?[2J?x");
}

}  // namespace
}  // namespace thyrode
