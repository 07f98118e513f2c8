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
