// Conditions that are set at zero current, by the device or by an operator, and questions before a step.
#include <gtest/gtest.h>

#include "tests/unit/experiment/conductor_fixture.hpp"

namespace thyrode::experiment {
namespace {

class ConductorQuestionTest : public ConductorTest {
 protected:
  void begin_on(bool virtual_time) {
    device_.virtual_time = virtual_time;
    device_.channels[0].highest = 200.0_uA;
    device_.channels[0].part = VariablePart{Resistance::from_si(100.0), Resistance::from_si(1e5),
                                            Resistance::from_si(1e3), Capacitance::from_si(100e-9)};
    begin();
  }
  static PlannedStep at(Current current, double tau) {
    PlannedStep step;
    step.current = current;
    step.conditions["tau_L"] = tau;
    return step;
  }
  std::vector<acquisition::Configure> settings() const {
    std::vector<acquisition::Configure> found;
    for (const auto& order : orders_) {
      if (const auto* set = std::get_if<acquisition::Configure>(&order)) found.push_back(*set);
    }
    return found;
  }
  double load_of(std::size_t k) const { return std::get<PartSettings>(settings().at(k).setting).load.si(); }
  Sample last_decided() const {
    Sample last;
    for (const auto& order : orders_) {
      if (const auto* decided = std::get_if<acquisition::Decided>(&order)) last = decided->until;
    }
    return last;
  }
  void ask_an_operator() { plan_.knobs = {{"tau_L", true, "ms", 1e-3}}; }
};

TEST_F(ConductorQuestionTest, TheDeviceSetsItsPartAtZeroCurrentWhereTheConditionsDiffer) {
  plan_.steps = {at(30.0_uA, 0.1e-3), at(40.0_uA, 0.1e-3), at(50.0_uA, 0.3e-3)};
  begin_on(true);
  play_until([this] { return !settings().empty(); });
  EXPECT_NEAR(load_of(0), 1e3, 1e-9) << "tau_L = R_L C_L";
  EXPECT_GE(settings()[0].at, now_ + latency) << "nothing that is decided acts earlier";
  play_until([this] { return settings().size() == 2; });
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_NEAR(load_of(1), 3e3, 1e-9);
  const auto before = schedules();
  ASSERT_EQ(before.size(), 4U);
  EXPECT_EQ(before[2].segment.last, Current{});
  EXPECT_EQ(to_ticks(before[2].segment.start), row(1).end);
  EXPECT_GT(settings()[1].at, before[2].segment.start + 2'000 + 250) << "40 uA need 8 ms, and one more";
  EXPECT_GE(before[3].segment.start, settings()[1].at);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(0).conditions.at("tau_L"), 0.1e-3);
  EXPECT_EQ(row(2).conditions.at("tau_L"), 0.3e-3);
  EXPECT_NEAR(row(2).current_ua, 50.0, 1e-9);
  EXPECT_EQ(row(2).lead_s, 0.0);
  EXPECT_TRUE(events<Asked>().empty());
}

TEST_F(ConductorQuestionTest, APartThatTheDeviceCannotSetEndsTheRun) {
  plan_.steps = {at(30.0_uA, 0.1e-3), at(50.0_uA, 1.0)};
  begin_on(true);
  play_until([this] { return conductor_->error().has_value(); });
  EXPECT_NE(conductor_->error()->message.find("outside"), std::string::npos) << conductor_->error()->message;
  EXPECT_TRUE(stop_at());
}

TEST_F(ConductorQuestionTest, AnOperatorIsAskedAndTheValueToldGoesIntoTheRows) {
  ask_an_operator();
  plan_.steps = {at(30.0_uA, 0.1e-3), at(40.0_uA, 0.1e-3), at(50.0_uA, 0.3e-3)};
  begin_on(true);
  play_until([this] { return conductor_->held(); });
  ASSERT_EQ(events<Asked>().size(), 1U);
  EXPECT_EQ(events<Asked>()[0].question.text, "set tau_L to 0.1 ms");
  EXPECT_EQ(events<Asked>()[0].question.quantity, "tau_L");
  EXPECT_EQ(events<Asked>()[0].index, 0);
  conductor_->answer(true, 0.11e-3);
  EXPECT_FALSE(conductor_->held());
  play_until([this] { return conductor_->held(); });
  EXPECT_EQ(events<Asked>()[1].question.text, "set tau_L to 0.3 ms");
  conductor_->answer(true, std::nullopt);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(0).conditions.at("tau_L"), 0.11e-3);
  EXPECT_EQ(row(1).conditions.at("tau_L"), 0.11e-3) << "nobody has turned it since";
  EXPECT_EQ(row(2).conditions.at("tau_L"), 0.3e-3);
  EXPECT_TRUE(settings().empty());
  EXPECT_EQ(events<Asked>().size(), 2U);
}

TEST_F(ConductorQuestionTest, VirtualTimeStandsStillUntilTheAnswer) {
  ask_an_operator();
  plan_.steps = {at(30.0_uA, 0.1e-3)};
  begin_on(true);
  play_until([this] { return conductor_->held(); });
  const Sample asked = now_;
  for (int k = 0; k < 15; ++k) play();  // what the device may still run
  EXPECT_LT(last_decided(), asked);
  conductor_->answer(true, std::nullopt);
  EXPECT_EQ(last_decided(), now_);
  EXPECT_EQ(schedules().back().segment.start, asked + latency + grid) << "whenever it is that somebody answers";
  play_to_the_end();
  EXPECT_EQ(conductor_->results().size(), 1U);
}

TEST_F(ConductorQuestionTest, InRealTimeTheStepBeginsAfterTheMomentOfTheAnswer) {
  ask_an_operator();
  plan_.steps = {at(30.0_uA, 0.1e-3)};
  begin_on(false);
  play_until([this] { return conductor_->held(); });
  for (int k = 0; k < 500; ++k) play();
  conductor_->answer(true, std::nullopt);
  EXPECT_EQ(schedules().back().segment.start, now_ + latency + grid);
}

TEST_F(ConductorQuestionTest, AStepsOwnQuestionIsAskedBeforeItAndOnlyOnce) {
  plan_.steps[1].question = Question{"is the probe in place?", ""};
  begin_on(true);
  play_until([this] { return conductor_->held(); });
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(schedules().back().segment.last, Current{});
  EXPECT_EQ(events<Asked>().at(0).index, 1);
  conductor_->answer(true, std::nullopt);
  conductor_->answer(true, std::nullopt);
  for (int k = 0; k < 40; ++k) play();
  conductor_->request_pause();
  play_until([this] { return conductor_->held(); });
  conductor_->request_resume();
  play_to_the_end();
  EXPECT_EQ(events<Asked>().size(), 1U);
  EXPECT_EQ(conductor_->results().back().status, analysis::StepStatus::ok);
}

TEST_F(ConductorQuestionTest, WhoSaysNoEndsTheRun) {
  plan_.steps[1].question = Question{"is the probe in place?", ""};
  begin_on(true);
  play_until([this] { return conductor_->held(); });
  const Sample decided = last_decided();
  conductor_->answer(false, std::nullopt);
  EXPECT_TRUE(stop_at());
  EXPECT_GT(last_decided(), decided) << "the stop needs time to happen in";
  play(true, true, 0, protocol::State::idle);
  EXPECT_TRUE(conductor_->finished());
  EXPECT_TRUE(conductor_->stopped_by_request());
  EXPECT_EQ(conductor_->results().size(), 1U);
}

TEST_F(ConductorQuestionTest, APauseAskedForDuringAQuestionIsTakenUpAfterTheAnswer) {
  plan_.steps[1].question = Question{"is the probe in place?", ""};
  begin_on(true);
  play_until([this] { return conductor_->held(); });
  conductor_->request_pause();
  EXPECT_TRUE(events<Paused>().empty());
  conductor_->answer(true, std::nullopt);
  play_until([this] { return conductor_->held(); });
  EXPECT_EQ(events<Paused>().size(), 1U);
  EXPECT_EQ(events<Paused>()[0].index, 1);
  conductor_->request_resume();
  play_to_the_end();
  EXPECT_EQ(conductor_->results().back().index, 1);
  EXPECT_EQ(conductor_->results().back().status, analysis::StepStatus::ok);
}

TEST_F(ConductorQuestionTest, AnAnswerToNothingDoesNothing) {
  begin_on(true);
  conductor_->answer(false, 3.0);
  play_to_the_end();
  EXPECT_EQ(conductor_->results().size(), 2U);
  EXPECT_FALSE(conductor_->stopped_by_request());
}

}  // namespace
}  // namespace thyrode::experiment
