#include "drivers/current_clamp/current_clamp.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "drivers/simulated/simulated.hpp"
#include "tests/emulator/support/tonic_neuron.hpp"
#include "tests/unit/drivers/scripted_link.hpp"

namespace thyrode {
namespace {

using protocol::Arm;
using protocol::Mark;
using protocol::Schedule;
using protocol::Status;

/// A shaken device and its script.
class CurrentClampTest : public testing::Test {
 protected:
  void SetUp() override {
    behave(script_);
    auto opened = open_scripted(script_);
    ASSERT_TRUE(opened) << opened.error().message;
    device_ = std::move(*opened);
    script_.heard.clear();
  }
  Result<void> schedule(Current current, std::uint8_t channel = 0) {
    const Segment segment{Sample{5000}, Duration{}, current, current};
    return device_->schedule(Channel{channel}, {&segment, 1});
  }
  template <class Message>
  Message next() {
    const auto message = device_->read(Duration{});
    if (!message || !std::holds_alternative<Message>(*message)) {
      ADD_FAILURE() << (message ? "another message, kind " + std::to_string(message->index())
                                : message.error().message);
      return {};
    }
    return std::get<Message>(*message);
  }
  void expect_nothing() {
    const auto message = device_->read(Duration{});
    ASSERT_FALSE(message) << "kind " << message->index();
    EXPECT_EQ(message.error().kind, ErrorKind::timeout);
  }
  Script script_;
  std::unique_ptr<CurrentClamp> device_;
};

TEST_F(CurrentClampTest, SendsACommandOnceWhenItIsAcknowledged) {
  EXPECT_TRUE(device_->arm());
  EXPECT_EQ(script_.count(Arm::type), 1U);
  EXPECT_EQ(device_->counters().retransmits, 0U);
}

TEST_F(CurrentClampTest, TellsARefusalInWords) {
  script_.answer = [&](const HeardFrame& frame) { script_.acknowledge(frame, Status::bad_state); };
  const auto armed = device_->arm();
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().kind, ErrorKind::device);
  EXPECT_EQ(armed.error().message, "test:script: the device refuses arm: not allowed in its present state");
}

TEST_F(CurrentClampTest, ARefusedValueIsTheUsersFault) {
  script_.answer = [&](const HeardFrame& frame) { script_.acknowledge(frame, Status::out_of_range); };
  const auto done = device_->configure(Channel{0}, LeaseSettings{1.0_ms}, Sample{});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(done.error().message, "test:script: the device refuses configure_lease: a value is out of range");
}

TEST_F(CurrentClampTest, NamesTheLatchedFaultThatForbidsToArm) {
  script_.say(protocol::Fault{protocol::FaultCode::compliance, 0, Sample{9}, 1, 2}, 0);
  next<protocol::Fault>();
  script_.answer = [&](const HeardFrame& frame) { script_.acknowledge(frame, Status::bad_state); };
  const auto armed = device_->arm();
  ASSERT_FALSE(armed);
  EXPECT_NE(armed.error().message.find("latched fault compliance"), std::string::npos) << armed.error().message;
}

TEST_F(CurrentClampTest, RepeatsACommandWhoseAnswerWasLost) {
  int heard = 0;
  script_.answer = [&](const HeardFrame& frame) {
    if (++heard == 3) script_.acknowledge(frame);
  };
  EXPECT_TRUE(device_->arm());
  ASSERT_EQ(script_.heard.size(), 3U);
  EXPECT_EQ(script_.heard[0].sequence, script_.heard[2].sequence);
  EXPECT_EQ(device_->counters().retransmits, 2U);
}

TEST_F(CurrentClampTest, GivesUpAfterFourTries) {
  script_.answer = nullptr;
  const auto armed = device_->arm();
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().kind, ErrorKind::device);
  EXPECT_NE(armed.error().message.find("command 0x06 was not acknowledged after 4 tries"), std::string::npos)
      << armed.error().message;
  EXPECT_EQ(script_.count(Arm::type), 4U);
  EXPECT_EQ(device_->counters().retransmits, 3U);
}

TEST_F(CurrentClampTest, GivesUpAScheduleThatNobodyWaitsForToo) {
  script_.answer = nullptr;
  ASSERT_TRUE(schedule(50.0_uA));
  Result<DeviceMessage> read = fail(ErrorKind::timeout, "");
  for (int k = 0; k < 10 && read.error().kind == ErrorKind::timeout; ++k) read = device_->read(Duration{});
  EXPECT_EQ(read.error().kind, ErrorKind::device);
  EXPECT_EQ(script_.count(Schedule::type), 4U);
}

TEST_F(CurrentClampTest, ARepeatedAnswerIsNoMessage) {
  script_.answer = [&](const HeardFrame& frame) {
    script_.acknowledge(frame, Status::too_late, Sample{77});
    script_.acknowledge(frame, Status::too_late, Sample{77});
  };
  ASSERT_TRUE(schedule(50.0_uA));
  const auto rejected = next<Rejected>();
  EXPECT_EQ(rejected.command, Schedule::type);
  EXPECT_EQ(rejected.status, Status::too_late);
  EXPECT_EQ(rejected.now, Sample{77});
  expect_nothing();
}

TEST_F(CurrentClampTest, TellsLostFramesBeforeTheNextMessage) {
  script_.say(Mark{Sample{2500}}, 0);
  script_.say(Mark{Sample{5000}}, 1);
  script_.say(Mark{Sample{12500}}, 4);
  EXPECT_EQ(next<Mark>().at, Sample{2500});
  EXPECT_EQ(next<Mark>().at, Sample{5000});
  EXPECT_EQ(next<FramesLost>().count, 2U);
  EXPECT_EQ(next<Mark>().at, Sample{12500});
  EXPECT_EQ(device_->counters().lost_frames, 2U);
  expect_nothing();
}

TEST_F(CurrentClampTest, SequenceNumbersGoRound) {
  for (int k = 0; k < 520; ++k) script_.say(Mark{Sample{k}}, static_cast<std::uint8_t>(k));
  for (int k = 0; k < 520; ++k) EXPECT_EQ(next<Mark>().at, Sample{k});
  EXPECT_EQ(device_->counters().lost_frames, 0U);
}

TEST_F(CurrentClampTest, AnswersBetweenTelemetryAreNoHole) {
  script_.say(Mark{Sample{1}}, 0);
  EXPECT_EQ(next<Mark>().at, Sample{1});
  EXPECT_TRUE(device_->arm());
  script_.say(Mark{Sample{2}}, 1);
  EXPECT_EQ(next<Mark>().at, Sample{2});
}

TEST_F(CurrentClampTest, APayloadOfAnotherLayoutIsALostFrame) {
  script_.say(Mark{Sample{1}}, 0);
  const std::array<std::uint8_t, 7> piece{1, 2, 3, 4, 5, 6, 7};
  script_.say_bytes(Mark::type, 1, piece);
  std::array<std::uint8_t, 70> list{};
  list[10] = 255;  // a list longer than its capacity
  script_.say_bytes(protocol::SampleBlock::type, 2, list);
  script_.say(Mark{Sample{2}}, 3);
  EXPECT_EQ(next<Mark>().at, Sample{1});
  EXPECT_EQ(next<FramesLost>().count, 1U);
  EXPECT_EQ(next<FramesLost>().count, 1U);
  EXPECT_EQ(next<Mark>().at, Sample{2});
  EXPECT_EQ(device_->counters().bad_frames, 2U);
  EXPECT_EQ(device_->counters().lost_frames, 2U);
}

TEST_F(CurrentClampTest, NoFlippedBitReachesTheCaller) {
  const auto sentence = [](std::uint8_t sequence) {
    Script said;
    said.say(Mark{Sample{123456}, protocol::State::running, protocol::FaultCode::none, 1, 2, 3}, sequence);
    return said.outbox;
  };
  std::uint8_t sequence = 0;
  for (std::size_t bit = 0; bit < 8 * sentence(0).size(); ++bit) {
    const auto now = static_cast<std::int64_t>(bit);
    script_.say(Mark{Sample{now}}, sequence++);
    std::vector<std::uint8_t> damaged = sentence(sequence++);
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
    script_.outbox.insert(script_.outbox.end(), damaged.begin(), damaged.end());
    script_.outbox.push_back(0);
    script_.say(Mark{Sample{now}}, sequence++);
    EXPECT_EQ(next<Mark>().at, Sample{now});
    EXPECT_EQ(next<FramesLost>().count, 1U) << "bit " << bit;
    EXPECT_EQ(next<Mark>().at, Sample{now}) << "bit " << bit;
  }
}

TEST_F(CurrentClampTest, AChannelTheDeviceDoesNotHaveNeverReachesTheCaller) {
  protocol::SpikeBlock block;
  block.channel = 9;
  script_.say(block, 0);
  script_.say(Mark{Sample{2}}, 1);
  EXPECT_EQ(next<FramesLost>().count, 1U) << "whatever it held is missing";
  EXPECT_EQ(next<Mark>().at, Sample{2});
  EXPECT_EQ(device_->counters().bad_frames, 1U);
}

TEST_F(CurrentClampTest, AFrameThatComesAgainIsDroppedAndCounted) {
  for (int k = 0; k < 300; ++k) {
    script_.say(Mark{Sample{k}}, static_cast<std::uint8_t>(k));
    for (int back = 0; back < std::min(k + 1, 8); back += 3) {
      script_.say(Mark{Sample{k - back}}, static_cast<std::uint8_t>(k - back));
    }
  }
  for (int k = 0; k < 300; ++k) EXPECT_EQ(next<Mark>().at, Sample{k});
  expect_nothing();
  EXPECT_EQ(device_->counters().lost_frames, 0U);
  EXPECT_EQ(device_->counters().repeated_frames, 3U * 300U - 3U - 6U);
}

TEST_F(CurrentClampTest, AnotherFrameWithAnEarlierNumberIsNoRepetition) {
  for (int k = 0; k < 10; ++k) script_.say(Mark{Sample{k}}, static_cast<std::uint8_t>(k));
  script_.say(Mark{Sample{264}}, 8);  // 254 were lost
  for (int k = 0; k < 10; ++k) EXPECT_EQ(next<Mark>().at, Sample{k});
  EXPECT_EQ(next<FramesLost>().count, 254U);
  EXPECT_EQ(next<Mark>().at, Sample{264});
  EXPECT_EQ(device_->counters().repeated_frames, 0U);
}

TEST_F(CurrentClampTest, ALossBeforeTheFirstFrameIsSeenInVirtualTime) {
  script_.say(Mark{Sample{5000}}, 2);
  EXPECT_EQ(next<FramesLost>().count, 2U);
  EXPECT_EQ(next<Mark>().at, Sample{5000});
}

TEST(CurrentClampInRealTime, TakesTheFirstNumberAsItComes) {
  Script script;
  protocol::Ident ident = good_ident();
  ident.capabilities = 0;
  behave(script, ident);
  const auto device = open_scripted(script);
  ASSERT_TRUE(device);
  script.say(Mark{Sample{2500}}, 77);
  const auto message = (*device)->read(Duration{});
  ASSERT_TRUE(message);
  EXPECT_TRUE(std::holds_alternative<Mark>(*message));
  EXPECT_EQ((*device)->counters().lost_frames, 0U);
}

TEST(CurrentClamp, CountsTheStreamFromItsOwnHelloOn) {
  Script script;
  behave(script);
  const auto good = script.answer;
  script.answer = [&, good](const HeardFrame& frame) {
    if (frame.type == protocol::Hello::type) script.say(protocol::Mark{Sample{2500}, protocol::State::running}, 77);
    good(frame);
  };
  auto device = open_scripted(script);
  ASSERT_TRUE(device);
  script.say(protocol::Mark{Sample{5000}, protocol::State::idle}, 0);
  const auto message = (*device)->read(Duration{});
  ASSERT_TRUE(message);
  EXPECT_TRUE(std::holds_alternative<protocol::Mark>(*message)) << "what the last host was sent is not missing";
}

TEST_F(CurrentClampTest, GrantsUseUpNoSequenceNumber) {
  ASSERT_TRUE(device_->arm());
  for (int k = 0; k < 300; ++k) ASSERT_TRUE(device_->grant(Sample{5000 + k}));
  ASSERT_TRUE(schedule(50.0_uA));
  const std::uint8_t armed = script_.heard.front().sequence;
  EXPECT_EQ(script_.heard.back().type, Schedule::type);
  EXPECT_EQ(script_.heard.back().sequence, static_cast<std::uint8_t>(armed + 1));
  EXPECT_EQ(script_.count(protocol::Grant::type), 300U);
}

TEST_F(CurrentClampTest, VirtualTimeWaitsForACommandUnderWay) {
  script_.answer = nullptr;
  ASSERT_TRUE(schedule(50.0_uA));
  ASSERT_TRUE(device_->grant(Sample{7500}));
  EXPECT_EQ(script_.count(protocol::Grant::type), 0U);
  script_.acknowledge(script_.heard.front());
  expect_nothing();
  ASSERT_GE(script_.count(protocol::Grant::type), 1U);
  const auto grant = protocol::decode<protocol::Grant>(script_.heard.back().payload);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->until, Sample{7500});
}

TEST(CurrentClampInRealTime, HeartbeatsUseUpNoSequenceNumber) {
  Script script;
  protocol::Ident ident = good_ident();
  ident.capabilities = 0;
  behave(script, ident);
  const auto device = open_scripted(script);
  ASSERT_TRUE(device);
  ASSERT_TRUE((*device)->arm());
  for (int k = 0; k < 300; ++k) ASSERT_TRUE((*device)->grant(Sample{}));
  ASSERT_TRUE((*device)->start(Sample{5000}));
  EXPECT_EQ(script.count(protocol::Heartbeat::type), 300U);
  EXPECT_EQ(script.count(protocol::Grant::type), 0U);
  const auto armed =
      std::find_if(script.heard.begin(), script.heard.end(), [](const auto& f) { return f.type == Arm::type; });
  EXPECT_EQ(script.heard.back().sequence, static_cast<std::uint8_t>(armed->sequence + 1));
}

TEST_F(CurrentClampTest, AmperesBecomeFineCodesExactly) {
  // code = 2048 + I / (400 uA / 4096), times 65536: worked out by hand.
  const std::pair<Current, FineCode> table[] = {
      {0.0_uA, 134217728}, {50.0_uA, 167772160}, {-200.0_uA, 0}, {32.3_uA, 155893891}, {1.0_nA, 134218399}};
  for (const auto& [current, code] : table) {
    ASSERT_TRUE(schedule(current));
    const auto sent = protocol::decode<Schedule>(script_.heard.back().payload);
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->first, code) << current.in(1.0_uA);
    EXPECT_EQ(sent->last, code);
    EXPECT_EQ(sent->start, Sample{5000});
    EXPECT_EQ(sent->duration, 0U);
    expect_nothing();
  }
}

TEST_F(CurrentClampTest, RefusesACurrentBeyondTheBoardBeforeAnythingIsSent) {
  for (const Current current : {200.0_uA, -200.1_uA, Current::from_si(std::nan("")), Current::from_si(HUGE_VAL)}) {
    const auto done = schedule(current);
    ASSERT_FALSE(done) << current.in(1.0_uA);
    EXPECT_EQ(done.error().kind, ErrorKind::bad_input);
  }
  EXPECT_EQ(schedule(200.0_uA).error().message, "channel A: 200 uA is outside the board's -200 to 199.902 uA");
  EXPECT_TRUE(script_.heard.empty());
}

TEST_F(CurrentClampTest, RefusesAChannelThatIsNotThere) {
  const auto scheduled = schedule(50.0_uA, 3);
  ASSERT_FALSE(scheduled);
  EXPECT_EQ(scheduled.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(scheduled.error().message, "test:script: there is no channel 3; the device has 1");
  EXPECT_FALSE(device_->configure(Channel{1}, TelemetrySettings{10}, Sample{}));
  EXPECT_TRUE(script_.heard.empty());
}

TEST_F(CurrentClampTest, NeverHasMoreUnderWayThanTheDeviceCanHold) {
  std::size_t waiting = 0;
  std::deque<HeardFrame> unanswered;
  script_.answer = [&](const HeardFrame& frame) {
    unanswered.push_back(frame);
    waiting += frame.payload.size() + 6;
    EXPECT_LE(waiting, 1024U);
  };
  script_.before_read = [&] {
    if (unanswered.empty()) return;
    waiting -= unanswered.front().payload.size() + 6;
    script_.acknowledge(unanswered.front());
    unanswered.pop_front();
  };
  for (int k = 0; k < 100; ++k) ASSERT_TRUE(schedule(50.0_uA)) << k;
  EXPECT_EQ(script_.count(Schedule::type), 100U);
}

TEST(CurrentClampWithTheNativeBoard, NoScheduleIsTakenForARepetitionWhateverIsGrantedBetween) {
  constexpr int steps = 60;
  constexpr std::int64_t apart = 5000;
  auto instrument =
      std::make_unique<native::NativeInstrument>(test::tonic_neuron(1), native::NativeOptions{1, true, false, 0, {}});
  auto opened = CurrentClamp::open(memory_link(std::move(instrument)), "sim:tonic");
  ASSERT_TRUE(opened) << opened.error().message;
  CurrentClamp& device = **opened;
  ASSERT_TRUE(device.arm());
  ASSERT_TRUE(device.start(Sample{apart}));
  std::vector<protocol::StepApplied> applied;
  const auto drain = [&] {
    while (true) {
      const auto message = device.read(Duration{});
      if (!message) {
        ASSERT_EQ(message.error().kind, ErrorKind::timeout) << message.error().message;
        return;
      }
      ASSERT_FALSE(std::holds_alternative<Rejected>(*message));
      ASSERT_FALSE(std::holds_alternative<protocol::Fault>(*message));
      if (const auto* step = std::get_if<protocol::StepApplied>(&*message)) applied.push_back(*step);
    }
  };
  for (int k = 0; k < steps; ++k) {
    const Sample at{apart * (k + 2)};
    const Segment segment{at, Duration{}, 10.0_uA + (k % 2) * 5.0_uA, 10.0_uA + (k % 2) * 5.0_uA};
    ASSERT_TRUE(device.schedule(Channel{0}, {&segment, 1}));
    drain();
    // 255 others and one schedule would be a whole turn of the sequence numbers.
    const int grants = k == steps / 2 ? 10'000 : 255;
    for (int g = 1; g <= grants; ++g) ASSERT_TRUE(device.grant(Sample{at.index - apart / 2 + apart * g / grants}));
    drain();
  }
  ASSERT_EQ(applied.size(), static_cast<std::size_t>(steps));
  for (int k = 0; k < steps; ++k) EXPECT_EQ(applied[static_cast<std::size_t>(k)].at, Sample{apart * (k + 2)});
}

}  // namespace
}  // namespace thyrode
