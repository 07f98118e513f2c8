// Trips of the whole core on a board made of boxes.
#include <gtest/gtest.h>

#include <random>

#include "firmware/core/instrument.hpp"
#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

TEST(InstrumentFaults, TripsWhenASegmentComesDueBeforeTheRunHasBegun) {
  Rig rig;
  rig.start(5000);
  ASSERT_EQ(rig.step_to(4950, 3000), Status::done);
  rig.run_until(7500);
  EXPECT_EQ(rig.core.state(), State::fault);
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0].code, FaultCode::late_segment);
  EXPECT_GT(rig.all<Fault>()[0].value, 0);
  EXPECT_TRUE(rig.at_zero(0, 0, 7500));
}

TEST(InstrumentFaults, AnExpiredLeaseRampsToZeroAndLatches) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(0.5), Status::done);
  ASSERT_EQ(rig.ask(ConfigureLease{5000}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2248), Status::done);
  rig.run_until(5000);
  rig.write(Heartbeat{}, 0);
  rig.talk();
  rig.silent = true;
  rig.run_until(10000);
  EXPECT_EQ(rig.core.state(), State::running);  // 5000 samples of silence are allowed
  rig.run_until(12500);
  EXPECT_EQ(rig.core.state(), State::fault);
  const auto faults = rig.all<Fault>();
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].code, FaultCode::lease_expired);
  EXPECT_GT(faults[0].value, 5000);
  EXPECT_LE(faults[0].value, 5100);
  EXPECT_EQ(faults[0].limit, 5000);
  // The slope is the slew limit, not a jump; then the switch opens.
  int falling = 0;
  for (std::size_t k = 10000; k < 12500; ++k) {
    ASSERT_LE(rig.played[0][k - 1] - rig.played[0][k], 1) << "sample " << k;
    falling += rig.played[0][k] > 2048 && rig.played[0][k] < 2248 ? 1 : 0;
  }
  EXPECT_NEAR(falling, 398, 3);
  EXPECT_FALSE(rig.board.closed());
  EXPECT_TRUE(rig.at_zero(0, 10800, 12500));
  EXPECT_EQ(rig.ask(Arm{}), Status::bad_state);
  EXPECT_EQ(rig.step_to(20000, 2100), Status::bad_state);
}

TEST(InstrumentFaults, AnyValidFrameRenewsTheLease) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureLease{5000}), Status::done);
  rig.start(2500);
  rig.silent = true;
  for (int k = 1; k <= 10; ++k) {
    rig.run_until(4500 * k);
    if (k % 2 == 0) rig.write(Grant{Sample{1}}, 0);
    if (k % 2 == 1) rig.send(GetClock{});
  }
  EXPECT_EQ(rig.core.state(), State::running);
}

TEST(InstrumentFaults, EmergencyStopMeansNoCurrentAtOnce) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(0.1), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2148), Status::done);
  ASSERT_EQ(rig.step_to(6000, 2200), Status::done);
  rig.run_until(5000);
  EXPECT_EQ(rig.played[0].back(), 2148);
  rig.send(EmergencyStop{});
  rig.talk();
  EXPECT_FALSE(rig.board.closed());
  EXPECT_EQ(rig.core.state(), State::fault);
  rig.run_until(7500);
  EXPECT_TRUE(rig.at_zero(0, 5000, 7500));
  for (std::size_t k = 5100; k < 7500; ++k) ASSERT_EQ(rig.written[0][k], 2048) << "sample " << k;
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0].code, FaultCode::estop);
}

// The host falls silent under a current, and at sample 16000 that is still on its way to zero.
void trip_while_falling(Rig& rig) {
  ASSERT_EQ(rig.set_slew(0.1), Status::done);
  ASSERT_EQ(rig.ask(ConfigureLease{5000}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2648), Status::done);
  rig.run_until(10000);
  rig.silent = true;
  rig.run_until(16000);
  ASSERT_EQ(rig.core.state(), State::fault);
}

TEST(InstrumentFaults, EmergencyStopCutsACurrentThatIsStillFalling) {
  Rig rig;
  ASSERT_NO_FATAL_FAILURE(trip_while_falling(rig));
  ASSERT_GT(rig.played[0].back(), 2200);
  rig.send(EmergencyStop{});
  rig.run_until(17500);
  EXPECT_TRUE(rig.at_zero(0, 16000, 17500));
  EXPECT_FALSE(rig.board.closed());
  // The first reason stays.
  EXPECT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.ask(Clear{FaultCode::estop}), Status::wrong_reason);
  EXPECT_EQ(rig.ask(Clear{FaultCode::lease_expired}), Status::done);
}

TEST(InstrumentFaults, AFaultIsClearedOnlyByItsName) {
  Rig rig;
  EXPECT_EQ(rig.ask(Clear{FaultCode::none}), Status::bad_state);
  ASSERT_EQ(rig.ask(EmergencyStop{}), Status::done);
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_EQ(rig.ask(Arm{}), Status::bad_state);
  EXPECT_EQ(rig.ask(Clear{FaultCode::lease_expired}), Status::wrong_reason);
  EXPECT_EQ(rig.ask(Clear{FaultCode::none}), Status::wrong_reason);
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_EQ(rig.ask(Clear{FaultCode::estop}), Status::done);
  EXPECT_EQ(rig.core.state(), State::idle);
  rig.start(2500);
  rig.run_until(3000);
  EXPECT_EQ(rig.core.state(), State::running);
}

TEST(InstrumentFaults, AFaultIsNotClearedWhileCurrentFlows) {
  Rig rig;
  ASSERT_NO_FATAL_FAILURE(trip_while_falling(rig));
  EXPECT_EQ(rig.ask(Clear{FaultCode::lease_expired}), Status::bad_state);
  rig.run_until(25000);
  EXPECT_EQ(rig.ask(Clear{FaultCode::lease_expired}), Status::done);
}

TEST(InstrumentFaults, TripsWhenTheReadBackLeavesItsBand) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800, 0xFFFF, 10), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2548), Status::done);
  rig.readback_offset = 9;
  rig.run_until(10000);
  EXPECT_EQ(rig.core.state(), State::running);
  rig.readback_offset = -12;
  rig.step();
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_FALSE(rig.board.closed());
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0].code, FaultCode::readback);
  EXPECT_EQ(rig.all<Fault>()[0].at, Sample{10000});
  EXPECT_NEAR(rig.all<Fault>()[0].value, -12, 1);
  EXPECT_EQ(rig.all<Fault>()[0].limit, 10);
  rig.run_until(12500);
  EXPECT_TRUE(rig.at_zero(0, 10050, 12500));
}

TEST(InstrumentFaults, TripsWhenAWireComesOff) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800, 0xFFFF, 10), Status::done);
  rig.start(2500);
  rig.readback_gain = 0.0;
  rig.run_until(5000);
  EXPECT_EQ(rig.core.state(), State::running);  // no current asked for, none read
  ASSERT_EQ(rig.step_to(5250, 2148), Status::done);
  rig.run_until(5550);
  EXPECT_EQ(rig.core.state(), State::fault);
}

TEST(InstrumentFaults, ReadBackFollowsStepsWithoutAFalseTrip) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(0.2, 0xFFFF, 3), Status::done);
  rig.start(2500);
  std::mt19937_64 random{5};
  std::uniform_real_distribution<double> code{1800.0, 2300.0};
  for (int k = 1; k < 60; ++k) {
    ASSERT_EQ(rig.step_to(2500 + 1237 * k, code(random)), Status::done);
    rig.run_until(2500 + 1237 * k);
  }
  EXPECT_EQ(rig.core.state(), State::running);
  ASSERT_EQ(rig.ask(Stop{Sample{0}}), Status::done);
  rig.run_until(90000);
  EXPECT_EQ(rig.core.state(), State::idle);
  EXPECT_TRUE(rig.all<Fault>().empty());
}

TEST(InstrumentFaults, TripsWhenTheMembraneLeavesItsCompliance) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800, 3000), Status::done);
  rig.v_m = [](std::int64_t at) { return at == 6020 ? 3001 : 3000; };
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2548), Status::done);
  rig.run_until(6000);
  EXPECT_EQ(rig.core.state(), State::running);
  rig.run_until(6050);
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_FALSE(rig.board.closed());
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0], (Fault{FaultCode::compliance, 0, Sample{6000}, 3001, 3000, Signal::v_m}));
}

TEST(InstrumentFaults, TripsWhenTheLimitsNarrowBelowTheAppliedCurrent) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2548), Status::done);
  rig.run_until(5000);
  ASSERT_EQ(rig.ask(ConfigureLimits{0, 0, fine(2300), 1}), Status::done);
  rig.run_until(5250);
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_FALSE(rig.board.closed());
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0].code, FaultCode::current_limit);
  EXPECT_EQ(rig.all<Fault>()[0].value, fine(2548));
  EXPECT_EQ(rig.all<Fault>()[0].limit, fine(2300));
  EXPECT_TRUE(rig.at_zero(0, 5050, 5250));
}

TEST(InstrumentFaults, TripsBeforeAQueuedPieceBeyondNarrowedLimitsIsPlayed) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(6000, 1500), Status::done);
  ASSERT_EQ(rig.ask(ConfigureLimits{0, fine(1800), fine(4095), fine(800)}), Status::done);
  rig.run_until(7500);
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0].code, FaultCode::current_limit);
  EXPECT_EQ(rig.all<Fault>()[0].limit, fine(1800));
  EXPECT_TRUE(rig.at_zero(0, 0, 7500));
}

TEST(InstrumentFaults, InRealTimeAFullRingEndsTheRun) {
  for (const bool real_time : {false, true}) {
    Rig rig{1, real_time};
    ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 1}), Status::done);
    rig.start(2500);
    ASSERT_EQ(rig.step_to(2500, 2548), Status::done);
    rig.run_until(5000);
    rig.board.accepts = 0;  // the link hangs
    rig.run_until(20000);
    rig.board.accepts = std::numeric_limits<std::size_t>::max();
    rig.run_until(22500);
    EXPECT_GT(rig.all<Mark>().back().dropped_frames, 0U);
    EXPECT_EQ(rig.all<Mark>().back().fault, real_time ? FaultCode::telemetry_lost : FaultCode::none);
    EXPECT_EQ(rig.board.closed(), !real_time);
  }
}

TEST(InstrumentFaults, AnOverrunTripsWhileCurrentFlows) {
  Rig rig;
  rig.core.overrun(Sample{0});
  EXPECT_EQ(rig.core.state(), State::idle);
  rig.start(2500);
  rig.run_until(5000);
  rig.core.overrun(Sample{5000});
  EXPECT_EQ(rig.core.state(), State::fault);
  rig.run_until(7500);
  EXPECT_EQ(rig.all<Mark>().back().overruns, 2U);
  EXPECT_EQ(rig.all<Mark>().back().fault, FaultCode::overrun);
}

TEST(InstrumentFaults, ALostLinkMeansNoCurrentAndIdle) {
  Rig rig;
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 3000), Status::done);
  ASSERT_EQ(rig.step_to(9000, 3100), Status::done);
  rig.run_until(5000);
  rig.core.link_lost();
  EXPECT_EQ(rig.core.state(), State::idle);
  EXPECT_FALSE(rig.board.closed());
  rig.run_until(10000);
  for (std::size_t k = 5100; k < 10000; ++k) ASSERT_EQ(rig.written[0][k], 2048) << "sample " << k;
}

TEST(InstrumentFaults, AResetForgetsEveryLimit) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800, 400, 3), Status::done);
  rig.core.reset();
  rig.core.tested();
  rig.readback_offset = 50;
  rig.start(2500);
  rig.run_until(7500);
  EXPECT_EQ(rig.core.state(), State::running);  // V_m is 500, the read-back 50 off
}

}  // namespace
}  // namespace thyrode::firmware
