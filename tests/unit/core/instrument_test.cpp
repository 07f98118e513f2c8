// Commands and states of the whole core on a board made of boxes.
#include "firmware/core/instrument.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

TEST(Instrument, SaysWhoItIsAndWhatItsChannelsAre) {
  Rig rig{2};
  rig.run_until(100);
  rig.send(Hello{});
  rig.send(Describe{0});
  rig.send(Describe{1});
  rig.send(Describe{2});
  rig.send(GetClock{});
  rig.talk();
  const auto idents = rig.all<Ident>();
  ASSERT_EQ(idents.size(), 1U);
  EXPECT_EQ(idents[0].schema, schema_hash);
  EXPECT_EQ(idents[0].channels, 2);
  EXPECT_EQ(idents[0].now, Sample{100});
  EXPECT_EQ(idents[0].board[0], 'f');
  const auto channels = rig.all<ChannelInfo>();
  ASSERT_EQ(channels.size(), 2U);
  EXPECT_EQ(channels[1], rig.board.describe(1));
  ASSERT_EQ(rig.all<Ack>().size(), 1U);
  EXPECT_EQ(rig.all<Ack>()[0].status, Status::unknown);
  ASSERT_EQ(rig.all<ClockReply>().size(), 1U);
  EXPECT_EQ(rig.all<ClockReply>()[0].now, Sample{100});
}

TEST(Instrument, WalksFromIdleToRunningAndBack) {
  Rig rig;
  EXPECT_EQ(rig.core.state(), State::idle);
  EXPECT_EQ(rig.ask(Start{Sample{2500}}), Status::bad_state);
  EXPECT_EQ(rig.ask(Stop{Sample{0}}), Status::bad_state);
  EXPECT_EQ(rig.ask(Arm{}), Status::done);
  EXPECT_EQ(rig.core.state(), State::armed);
  EXPECT_EQ(rig.ask(Arm{}), Status::bad_state);
  EXPECT_EQ(rig.ask(Stop{Sample{0}}), Status::done);
  EXPECT_EQ(rig.core.state(), State::idle);
  EXPECT_EQ(rig.ask(Arm{}), Status::done);
  EXPECT_EQ(rig.ask(Start{Sample{2501}}), Status::out_of_range);
  EXPECT_EQ(rig.ask(Start{Sample{2500}}), Status::done);
  EXPECT_EQ(rig.core.state(), State::armed);
  rig.run_until(2500);
  EXPECT_EQ(rig.core.state(), State::running);
  EXPECT_EQ(rig.ask(Start{Sample{5000}}), Status::bad_state);
  EXPECT_EQ(rig.ask(Stop{Sample{5000}}), Status::done);
  rig.run_until(4800);
  EXPECT_EQ(rig.core.state(), State::running);
  rig.run_until(5100);
  EXPECT_EQ(rig.core.state(), State::idle);
}

TEST(Instrument, RefusesAStartThatIsTooLate) {
  Rig rig;
  rig.run_until(5000);
  ASSERT_EQ(rig.ask(Arm{}), Status::done);
  EXPECT_EQ(rig.ask(Start{Sample{5000}}), Status::too_late);
  EXPECT_EQ(rig.ask(Start{Sample{7500}}), Status::done);
}

TEST(Instrument, RefusesASecondStart) {
  Rig rig;
  rig.start(5000);
  EXPECT_EQ(rig.ask(Start{Sample{2500}}), Status::bad_state);
  EXPECT_EQ(rig.ask(Start{Sample{7500}}), Status::bad_state);
  rig.run_until(5000);
  EXPECT_EQ(rig.core.state(), State::running);  // at the sample of the first
  EXPECT_EQ(rig.ask(Start{Sample{10000}}), Status::bad_state);
}

TEST(Instrument, ClosesTheSwitchAtTheStartAndOpensItAfterTheRamp) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(0.5), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2600, 2248), Status::done);  // 400 samples up
  ASSERT_EQ(rig.ask(Stop{Sample{5000}}), Status::done);
  rig.run_until(7500);
  for (std::size_t b = 0; b < rig.closed.size(); ++b) {
    const auto first = static_cast<std::int64_t>(b) * Rig::block;
    if (first >= 5400 && first < 5600) continue;  // opens within the blocks that were written ahead
    ASSERT_EQ(rig.closed[b], first >= 2500 && first < 5400) << "sample " << first;
  }
  // What flowed: nothing, the slope up, the step, the slope down.
  EXPECT_TRUE(rig.at_zero(0, 0, 2600));
  EXPECT_NEAR(rig.played[0][2800], 2048 + 100, 1);
  EXPECT_EQ(rig.played[0][4999], 2248);
  EXPECT_NEAR(rig.played[0][5200], 2248 - 100, 1);
  EXPECT_TRUE(rig.at_zero(0, 5400, 7500));
  const auto steps = rig.all<StepApplied>();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0], (StepApplied{0, Sample{2600}, fine(2048), fine(2248), fine(0.5)}));
  EXPECT_EQ(steps[1], (StepApplied{0, Sample{5000}, fine(2248), fine(2048), fine(0.5)}));
}

TEST(Instrument, ForgetsTheQueueWhenItLeavesArmed) {
  for (const bool by_hello : {false, true}) {
    Rig rig;
    ASSERT_EQ(rig.ask(Arm{}), Status::done);
    ASSERT_EQ(rig.step_to(6000, 3000), Status::done);
    if (by_hello) {
      rig.send(Hello{});
      rig.talk();
    } else {
      ASSERT_EQ(rig.ask(Stop{Sample{0}}), Status::done);
    }
    ASSERT_EQ(rig.core.state(), State::idle);
    rig.start(2500);
    rig.run_until(10000);
    EXPECT_TRUE(rig.at_zero(0, 0, 10000)) << "left by " << (by_hello ? "hello" : "stop");
  }
}

TEST(Instrument, AStopOfARunThatNeverBeganDoesNotEndTheNext) {
  Rig rig;
  rig.start(2500);
  ASSERT_EQ(rig.ask(Stop{Sample{2500}}), Status::done);
  rig.send(Hello{});
  rig.talk();
  rig.start(5000);
  rig.run_until(10000);
  EXPECT_EQ(rig.core.state(), State::running);
}

TEST(Instrument, HelloEndsWhatRanForTheLastHostAtOnce) {
  Rig rig;
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 3000), Status::done);
  ASSERT_EQ(rig.step_to(9000, 3100), Status::done);
  rig.run_until(3000);
  ASSERT_TRUE(rig.board.closed());
  rig.send(Hello{});
  rig.talk();
  EXPECT_EQ(rig.core.state(), State::idle);
  EXPECT_FALSE(rig.board.closed());
  EXPECT_EQ(rig.ask(Arm{}), Status::done) << "the next host may begin without waiting";
  rig.run_until(10000);
  EXPECT_TRUE(rig.at_zero(0, 3000, 10000));
}

TEST(Instrument, HelloDropsWhatWasOnItsWayToTheLastHost) {
  Rig rig;
  rig.start(2500);
  rig.run_until(5000);
  rig.board.accepts = 5;  // the link is full in the middle of a frame, and the ring fills behind it
  rig.run_until(20000);
  std::vector<std::uint8_t> bytes = rig.board.outbox;
  ASSERT_TRUE(bytes.empty()) << "talk() has read the half of a frame";
  rig.board.accepts = 100000;
  rig.send(Hello{});
  rig.core.poll();
  rig.board.advance(0);
  std::vector<std::uint8_t> types;
  FrameReader reader;
  std::span<const std::uint8_t> left{rig.board.outbox};
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.front(), 0) << "the frame that was half out is ended";
  while (!left.empty()) {
    if (!reader.push(left)) continue;
    ASSERT_TRUE(reader.frame());
    types.push_back(reader.frame()->type);
  }
  EXPECT_EQ(types, std::vector<std::uint8_t>{Ident::type});
  rig.board.outbox.clear();
  rig.core.poll();
  EXPECT_TRUE(rig.core.all_sent());
}

TEST(Instrument, TheStreamIsCountedFromZeroForEachHost) {
  Rig rig;
  for (int host = 0; host < 2; ++host) {
    rig.send(Hello{});
    rig.talk();
    rig.received.clear();
    rig.run_until(10000 * (host + 1));
    ASSERT_FALSE(rig.received.empty());
    EXPECT_EQ(rig.received.front().type, Mark::type);
    EXPECT_EQ(rig.received.front().sequence, 0) << "host " << host;
  }
}

TEST(Instrument, SchedulesOnlyWhileArmedOrRunning) {
  Rig rig;
  EXPECT_EQ(rig.step_to(5000, 2100), Status::bad_state);
  rig.start(2500);
  EXPECT_EQ(rig.step_to(5000, 2100), Status::done);
  EXPECT_EQ(rig.step_to(5000, 2100, 1), Status::unknown);
  rig.run_until(3000);
  EXPECT_EQ(rig.step_to(5050, 2200), Status::done);
  // Two blocks are written ahead: 3000 plus 100 is the first free sample.
  EXPECT_EQ(rig.core.state(), State::running);
}

TEST(Instrument, RefusesALateSegmentAndOneAboveTheLimits) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureLimits{0, fine(1500), fine(2500), fine(800)}), Status::done);
  rig.start(2500);
  rig.run_until(3000);
  EXPECT_EQ(rig.step_to(3099, 2100), Status::too_late);
  EXPECT_EQ(rig.step_to(3200, 2501), Status::out_of_range);
  EXPECT_EQ(rig.step_to(3200, 1499), Status::out_of_range);
  EXPECT_EQ(rig.step_to(3100, 2500), Status::done);
  rig.run_until(4000);
  EXPECT_TRUE(rig.at_zero(0, 0, 3100));
  EXPECT_EQ(rig.played[0][3100], 2500);
  EXPECT_EQ(rig.played[0][3999], 2500);
}

TEST(Instrument, StepAtTheSampleOfTheStartIsNotLate) {
  Rig rig;
  rig.start(5000);
  ASSERT_EQ(rig.step_to(5000, 3000), Status::done);
  rig.run_until(7500);
  EXPECT_EQ(rig.core.state(), State::running);
  EXPECT_TRUE(rig.at_zero(0, 0, 5000));
  EXPECT_EQ(rig.played[0][5000] > 2048, true);
}

TEST(Instrument, WidensLimitsAndChangesTheLeaseOnlyWhileIdle) {
  Rig rig;
  EXPECT_EQ(rig.ask(ConfigureLimits{1, 0, fine(4095), 1}), Status::unknown);
  EXPECT_EQ(rig.ask(ConfigureLimits{0, -1, fine(4095), 1}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLimits{0, 0, fine(4095) + 1, 1}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLimits{0, 0, fine(4095), 0}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLimits{0, 0, fine(4095), fine(800) + 1}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLimits{0, fine(3000), fine(2000), 1}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLease{4999}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLease{250001}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureLease{5000}), Status::done);
  EXPECT_EQ(rig.set_slew(1), Status::done);
  rig.start(2500);
  EXPECT_EQ(rig.set_slew(2), Status::bad_state);
  rig.run_until(3000);
  EXPECT_EQ(rig.set_slew(2), Status::bad_state);
  EXPECT_EQ(rig.ask(ConfigureLease{25000}), Status::bad_state);
  ASSERT_EQ(rig.ask(EmergencyStop{}), Status::done);
  EXPECT_EQ(rig.set_slew(2), Status::bad_state);
}

TEST(Instrument, NarrowsLimitsUnderCurrent) {
  Rig rig;
  const ConfigureLimits wide{0, fine(1000), fine(3000), 100, 600, 20};
  ASSERT_EQ(rig.ask(wide), Status::done);
  rig.start(2500);
  rig.run_until(3000);
  const auto changed = [&wide](auto&& change) {
    ConfigureLimits limits = wide;
    change(limits);
    return limits;
  };
  EXPECT_EQ(rig.ask(changed([](auto& l) { l.lowest -= 1; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& l) { l.highest += 1; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& l) { l.slew += 1; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& l) { l.compliance += 1; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& l) { l.readback_band += 1; })), Status::bad_state);
  EXPECT_EQ(rig.step_to(4000, 2900), Status::done);
  EXPECT_EQ(rig.ask(ConfigureLimits{0, fine(1500), fine(2800), 99, 599, 19}), Status::done);
  EXPECT_EQ(rig.step_to(5000, 2900), Status::out_of_range);
  EXPECT_EQ(rig.core.state(), State::running);
}

TEST(Instrument, ARepeatedCommandIsAnsweredAgainAndNotCarriedOutTwice) {
  Rig rig;
  rig.start(2500);
  const Schedule segment{0, Sample{5000}, 0, fine(2100), fine(2100)};
  rig.write(segment, 77);
  rig.write(segment, 77);
  rig.talk();
  rig.run_until(3000);
  rig.write(segment, 77);
  rig.talk();
  std::vector<Ack> answers;
  for (const Ack& ack : rig.all<Ack>()) {
    if (ack.sequence == 77) answers.push_back(ack);
  }
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].status, Status::done);
  EXPECT_EQ(answers[1], answers[0]);
  EXPECT_EQ(answers[2], answers[0]);
  // Queued once: the queue takes the rest of its depth and no more.
  for (std::size_t k = 1; k < Stimulus::queue_depth; ++k) {
    ASSERT_EQ(rig.step_to(6000, 2100), Status::done) << "segment " << k;
  }
  EXPECT_EQ(rig.step_to(6000, 2100), Status::queue_full);
}

TEST(Instrument, AnotherTypeOrSequenceNumberIsAnotherCommand) {
  Rig rig;
  rig.write(Arm{}, 5);
  rig.write(Stop{}, 5);
  rig.write(Arm{}, 6);
  rig.talk();
  EXPECT_EQ(rig.core.state(), State::armed);
  ASSERT_EQ(rig.all<Ack>().size(), 3U);
  for (const Ack& ack : rig.all<Ack>()) EXPECT_EQ(ack.status, Status::done);
}

TEST(Instrument, CountsGarbageAndSurvivesIt) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rig rig;
    std::mt19937_64 random{seed};
    std::uniform_int_distribution<int> byte{0, 255};
    for (int k = 0; k < 5000; ++k) rig.board.inbox.push_back(static_cast<std::uint8_t>(byte(random)));
    rig.board.inbox.push_back(0);
    rig.talk();
    EXPECT_EQ(rig.core.state(), State::idle) << "seed " << seed;
    EXPECT_EQ(rig.ask(Arm{}), Status::done) << "seed " << seed;
    rig.run_until(2500);
    ASSERT_FALSE(rig.all<Mark>().empty());
    // About every 256th byte ends a frame, and none of them is valid.
    EXPECT_GT(rig.all<Mark>().back().bad_frames, 5U) << "seed " << seed;
    EXPECT_LT(rig.all<Mark>().back().bad_frames, 60U) << "seed " << seed;
  }
}

TEST(Instrument, AnswersWhatItDoesNotUnderstand) {
  Rig rig;
  ConfigureDetector elsewhere;
  elsewhere.channel = 9;
  EXPECT_EQ(rig.ask(elsewhere), Status::unknown);
  std::array<std::uint8_t, 64> frame;
  const std::array<std::uint8_t, 3> payload{1, 2, 3};
  const std::size_t size = write_frame(Start::type, 9, payload, frame);
  rig.board.inbox.insert(rig.board.inbox.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
  rig.talk();
  EXPECT_EQ(rig.all<Ack>().back().status, Status::malformed);
  EXPECT_EQ(rig.all<Ack>().back().sequence, 9);
}

TEST(Instrument, RefusesSettingsThatMakeNoSense) {
  Rig rig;
  ConfigureDetector level;
  level.trigger = Trigger::level;
  level.fire_level = 300;
  level.rearm_level = 300;
  EXPECT_EQ(rig.ask(level), Status::out_of_range);
  level.rearm_level = 299;
  EXPECT_EQ(rig.ask(level), Status::done);
  level.at = Sample{25};
  EXPECT_EQ(rig.ask(level), Status::out_of_range);
  for (std::uint16_t decimation = 0; decimation <= 50; ++decimation) {
    // A block has 50 samples, a sum of 16 codes 16 bits.
    const bool fits = decimation == 0 || decimation == 1 || decimation == 2 || decimation == 5 || decimation == 10;
    EXPECT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, decimation}), fits ? Status::done : Status::out_of_range)
        << decimation;
  }
  EXPECT_EQ(rig.ask(ConfigureSnippets{0, 1, 1048, 1001, 50}), Status::out_of_range);
  EXPECT_EQ(rig.ask(ConfigureSnippets{0, 1, 1048, 1000, 50}), Status::done);
}

TEST(Instrument, AGrantNeverTakesBackAnEarlierOne) {
  Rig rig;
  rig.write(Grant{Sample{5000}}, 0);
  rig.write(Grant{Sample{4000}}, 0);
  rig.talk();
  EXPECT_EQ(rig.core.granted(), Sample{5000});
}

}  // namespace
}  // namespace thyrode::firmware
