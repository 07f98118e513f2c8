// Pause and resume: what becomes of the current, of the step under way, and of device time.
#include <gtest/gtest.h>

#include "tests/unit/experiment/conductor_fixture.hpp"

namespace thyrode::experiment {
namespace {

class ConductorPauseTest : public ConductorTest {
 protected:
  void begin_on(bool virtual_time) {
    device_.virtual_time = virtual_time;
    device_.channels[0].highest = 200.0_uA;
    plan_.rules.f_min_hz = 5.0;  // enters again 0.6 s before
    begin();
  }
  Sample last_decided() const {
    Sample last;
    for (const auto& order : orders_) {
      if (const auto* decided = std::get_if<acquisition::Decided>(&order)) last = decided->until;
    }
    return last;
  }
  /// Into the second step, then a pause.
  void pause_in_the_second_step() {
    play_until([this] { return conductor_->results().size() == 1; });
    for (int k = 0; k < 10; ++k) play();
    conductor_->request_pause();
  }
};

TEST_F(ConductorPauseTest, ThePauseTakesTheCurrentAwayAndKeepsTheAttemptAsInterrupted) {
  begin_on(true);
  pause_in_the_second_step();
  play();
  const Sample zero = now_ + latency;
  ASSERT_EQ(schedules().size(), 3U);
  EXPECT_EQ(schedules()[2].segment.start, zero);
  EXPECT_EQ(schedules()[2].segment.last, Current{});
  play_until([this] { return conductor_->held(); });
  ASSERT_EQ(events<Paused>().size(), 1U);
  EXPECT_EQ(events<Paused>()[0].index, 1);
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_EQ(row(1).status, analysis::StepStatus::interrupted);
  EXPECT_EQ(row(1).end, to_ticks(zero));
  EXPECT_GE(now_, zero + 12'500) << "the longest way to zero takes 40 ms";
}

TEST_F(ConductorPauseTest, VirtualTimeStandsStillUntilTheEnd) {
  begin_on(true);
  pause_in_the_second_step();
  play_until([this] { return conductor_->held(); });
  const Sample held = now_;
  const Sample decided = last_decided();
  EXPECT_LT(decided, held);
  for (int k = 0; k < 15; ++k) play();  // what the device may still run
  EXPECT_EQ(last_decided(), decided) << "no more time is granted";
  conductor_->request_resume();
  EXPECT_EQ(schedules().back().segment.start, held + latency) << "whenever it is that somebody resumes";
  EXPECT_EQ(last_decided(), now_);
}

TEST_F(ConductorPauseTest, TheStepIsMeasuredAgainFromItsBeginningEnteredFromTheCurrentBeforeIt) {
  begin_on(true);
  pause_in_the_second_step();
  play_until([this] { return conductor_->held(); });
  const Sample held = now_;
  conductor_->request_resume();
  ASSERT_EQ(events<Resumed>().size(), 1U);
  EXPECT_EQ(schedules().back().segment.last, 30.0_uA) << "the current before the step";
  play_until([this] { return schedules().size() == 5; });
  const Sample again = held + latency + 150'000;
  EXPECT_EQ(schedules()[4].segment.start, again) << "3 / f_min later";
  EXPECT_EQ(schedules()[4].segment.last, 40.0_uA);
  EXPECT_LE(now_ + latency, again);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(2).index, 1);
  EXPECT_EQ(row(2).status, analysis::StepStatus::ok);
  EXPECT_GT(row(2).start, to_ticks(again));
  EXPECT_NEAR(row(2).current_ua, 40.0, 1e-9);
  EXPECT_EQ(row(2).n_gaps, 0) << "spikes during the pause are no spikes missing";
}

TEST_F(ConductorPauseTest, TheFirstStepIsEnteredFromZeroAsItWasAtFirst) {
  begin_on(true);
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->request_pause();
  play_until([this] { return conductor_->held(); });
  conductor_->request_resume();
  EXPECT_EQ(schedules().back().segment.last, 30.0_uA);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(0).index, 0);
  EXPECT_EQ(row(1).index, 0);
  EXPECT_EQ(row(2).index, 1);
}

TEST_F(ConductorPauseTest, AResumeBeforeThePauseIsTakenUpTakesItBack) {
  begin_on(true);
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->request_pause();
  conductor_->request_resume();
  play_to_the_end();
  EXPECT_TRUE(events<Paused>().empty());
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::ok);
}

TEST_F(ConductorPauseTest, AResumeOnTheWayToZeroGoesOnAtTheSameSamples) {
  begin_on(true);
  pause_in_the_second_step();
  play();
  conductor_->request_resume();
  play_until([this] { return !events<Resumed>().empty(); });
  EXPECT_EQ(events<Paused>().size(), 1U);
  EXPECT_EQ(schedules().back().segment.start, now_ + latency);
}

TEST_F(ConductorPauseTest, AStepThatIsDecidedEndsAndTheNextOneIsPaused) {
  begin_on(true);
  play_until([this] { return schedules().size() == 2; });
  conductor_->request_pause();
  play_until([this] { return conductor_->held(); });
  EXPECT_EQ(events<Paused>()[0].index, 1);
  EXPECT_EQ(row(0).status, analysis::StepStatus::ok) << "the step that was done is whole";
  EXPECT_EQ(row(0).end, to_ticks(schedules()[1].segment.start));
  conductor_->request_resume();
  play_to_the_end();
  EXPECT_EQ(conductor_->results().back().index, 1);
  EXPECT_EQ(conductor_->results().back().status, analysis::StepStatus::ok);
}

TEST_F(ConductorPauseTest, APauseDuringTheEntranceBeginsTheEntranceAnew) {
  begin_on(true);
  pause_in_the_second_step();
  play_until([this] { return conductor_->held(); });
  conductor_->request_resume();
  for (int k = 0; k < 30; ++k) play();
  conductor_->request_pause();
  play_until([this] { return conductor_->held(); });
  EXPECT_EQ(events<Paused>().back().index, 1);
  EXPECT_EQ(conductor_->results().size(), 2U) << "nothing was measured in between";
  conductor_->request_resume();
  EXPECT_EQ(schedules().back().segment.last, 30.0_uA);
  play_to_the_end();
  EXPECT_EQ(conductor_->results().back().status, analysis::StepStatus::ok);
}

TEST_F(ConductorPauseTest, AStopWorksWhilePaused) {
  begin_on(true);
  pause_in_the_second_step();
  play_until([this] { return conductor_->held(); });
  const Sample decided = last_decided();
  conductor_->request_stop();
  EXPECT_TRUE(stop_at());
  EXPECT_GT(last_decided(), decided) << "the stop needs time to happen in";
  play(true, true, 0, protocol::State::idle);
  EXPECT_TRUE(conductor_->finished());
  EXPECT_EQ(conductor_->results().size(), 2U);
}

TEST_F(ConductorPauseTest, AnEmergencyStopWorksWhilePaused) {
  begin_on(true);
  pause_in_the_second_step();
  play_until([this] { return conductor_->held(); });
  const Sample decided = last_decided();
  conductor_->take(protocol::Fault{protocol::FaultCode::estop, 0, now_ + 10, 0, 0});
  EXPECT_GT(last_decided(), decided) << "the mark that ends the run needs time to come";
  play(true, true, 0, protocol::State::fault);
  EXPECT_TRUE(conductor_->finished());
  EXPECT_EQ(conductor_->fault()->code, protocol::FaultCode::estop);
}

TEST_F(ConductorPauseTest, InRealTimeTheStepBeginsAfterTheMomentOfTheResume) {
  begin_on(false);
  pause_in_the_second_step();
  play_until([this] { return conductor_->held(); });
  for (int k = 0; k < 500; ++k) play();
  conductor_->request_resume();
  EXPECT_EQ(schedules().back().segment.start, now_ + latency);
}

TEST_F(ConductorPauseTest, AZeroThatTheDeviceCallsTooLateIsOrderedAgain) {
  begin_on(false);
  pause_in_the_second_step();
  play();
  const Sample refused = schedules().back().segment.start;
  refused_.push_back(refused);
  while (now_ < refused + grid) play();
  conductor_->take(Rejected{protocol::Schedule::type, protocol::Status::too_late, now_});
  EXPECT_EQ(schedules().back().segment.last, Current{});
  EXPECT_EQ(schedules().back().segment.start, now_ + latency);
  EXPECT_FALSE(conductor_->held());
  play_until([this] { return conductor_->held(); });
  EXPECT_GT(now_, schedules().back().segment.start);
}

}  // namespace
}  // namespace thyrode::experiment
