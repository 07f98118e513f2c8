#include <gtest/gtest.h>

#include "daemon/thyrode_control.hpp"

namespace thyrode::program {
namespace {

const experiment::RunKnob tau{"tau_L", true, "ms", 1e-3};
const experiment::RunKnob bath{"bath", true, "degC", 1.0};

TEST(ParseAnswer, YesAndNothingGoOnAndNoEnds) {
  for (const char* text : {"", "y", "yes", " yes \n"}) EXPECT_EQ(parse_answer(text, &tau).value(), OperatorAnswer{});
  for (const char* text : {"n", "no", "s", "stop"}) EXPECT_FALSE(parse_answer(text, nullptr).value().go_on) << text;
}

TEST(ParseAnswer, AValueHasItsUnitOrThatOfTheKnob) {
  EXPECT_DOUBLE_EQ(parse_answer("310 us", &tau)->value.value_or(0.0), 0.31e-3);
  EXPECT_DOUBLE_EQ(parse_answer("0.31", &tau)->value.value_or(0.0), 0.31e-3);
  EXPECT_DOUBLE_EQ(parse_answer("36.5", &bath)->value.value_or(0.0), 36.5);
}

TEST(ParseAnswer, WhatIsNoneIsRefusedWithWhatWouldBeRight) {
  const auto other_kind = parse_answer("3 mV", &tau);
  ASSERT_FALSE(other_kind);
  EXPECT_NE(other_kind.error().message.find("the value of tau_L in ms"), std::string::npos);
  EXPECT_FALSE(parse_answer("perhaps", &tau));
  EXPECT_FALSE(parse_answer("0.31", nullptr)) << "nothing was asked for";
}

TEST(PauseAnswer, GoesOnOrStopsByEitherPairOfWords) {
  for (const char* text : {"r", "resume", "y", "yes", " y \n"}) EXPECT_EQ(parse_pause_answer(text), true) << text;
  for (const char* text : {"s", "stop", "n", "no"}) EXPECT_EQ(parse_pause_answer(text), false) << text;
  for (const char* text : {"", "what?", "rs", "Y N"}) EXPECT_EQ(parse_pause_answer(text), std::nullopt) << text;
}

TEST(QuestionText, HasOneSignAtItsEnd) {
  EXPECT_EQ(question_text({"Is the circuit at 25 degC?", ""}), "Is the circuit at 25 degC?");
  EXPECT_EQ(question_text({"Is the circuit at 25 degC", ""}), "Is the circuit at 25 degC?");
  EXPECT_EQ(question_text({"Set C_L to 2 nF, and enter its value.", "C_L"}), "Set C_L to 2 nF, and enter its value.");
  EXPECT_EQ(question_text({"set C_L to 10 nF", "C_L"}), "set C_L to 10 nF: done?");
}

TEST(RunControl, RefusesAPlanThatAsksWhereNobodyIs) {
  experiment::RunPlan plan;
  const RunControl nobody{{}};
  EXPECT_TRUE(nobody.can_answer(plan));
  plan.asks = true;
  const auto refused = nobody.can_answer(plan);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--answer"), std::string::npos);
  EXPECT_TRUE(RunControl{{"yes"}}.can_answer(plan));
}

}  // namespace
}  // namespace thyrode::program
