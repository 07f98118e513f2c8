#include "daemon/experiment/plans/sequence.hpp"

#include <gtest/gtest.h>

namespace thyrode::experiment {
namespace {

using analysis::Label;
using analysis::StepResult;

std::unique_ptr<Strategy> two_steps(int legs = 1) {
  std::vector<PlannedStep> steps(2);
  steps[0].current = 10.0_uA;
  steps[1].current = 20.0_uA;
  steps[1].leg = legs - 1;
  return std::make_unique<Timetable>(std::move(steps));
}

/// Carries a strategy out; every row has the label.
std::vector<StepResult> carry_out(Strategy& strategy, Label label) {
  std::vector<StepResult> rows;
  while (const auto step = strategy.next(rows)) {
    StepResult row;
    row.current_ua = step->current.in(1.0_uA);
    row.leg = step->leg;
    row.part = step->part;
    row.label = label;
    rows.push_back(row);
    if (rows.size() > 100) break;
  }
  return rows;
}

Sequence three_parts(std::optional<Label> second) {
  std::vector<SequencePart> parts;
  parts.push_back({"first", two_steps(2)});
  parts.push_back({"second", two_steps(), second, std::nullopt});
  parts.push_back({"third", two_steps(), std::nullopt, Question{"turn the knob", ""}});
  return Sequence{std::move(parts)};
}

TEST(Sequence, PartsFollowEachOtherUnderTheirNamesAndOnLegsOfTheirOwn) {
  Sequence sequence = three_parts(std::nullopt);
  EXPECT_EQ(sequence.known_steps(), 6U);
  const auto rows = carry_out(sequence, Label::TS);
  ASSERT_EQ(rows.size(), 6U);
  const std::vector<std::string> names{"first", "first", "second", "second", "third", "third"};
  const std::vector<int> legs{0, 1, 2, 2, 3, 3};
  for (std::size_t k = 0; k < rows.size(); ++k) {
    EXPECT_EQ(rows[k].part, names[k]);
    EXPECT_EQ(rows[k].leg, legs[k]) << k;
    EXPECT_EQ(rows[k].current_ua, k % 2 == 0 ? 10.0 : 20.0);
  }
}

TEST(Sequence, APartThatWantsALabelBeginsAfterIt) {
  Sequence sequence = three_parts(Label::FS);
  EXPECT_FALSE(sequence.known_steps());
  EXPECT_EQ(sequence.most_steps(), 6U);
  EXPECT_EQ(carry_out(sequence, Label::FS).size(), 6U);
}

TEST(Sequence, ALabelThatIsNotThereEndsItAndIsTold) {
  Sequence sequence = three_parts(Label::FS);
  const auto rows = carry_out(sequence, Label::TS);
  ASSERT_EQ(rows.size(), 2U);
  const auto targets = sequence.targets(rows);
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_FALSE(targets[0].met);
  EXPECT_EQ(targets[0].target, "second: begins after FS");
  EXPECT_NE(targets[0].reached.find("TS"), std::string::npos);
}

TEST(Sequence, OnlyTheFirstStepOfAPartAsksItsQuestion) {
  Sequence sequence = three_parts(std::nullopt);
  auto rows = carry_out(sequence, Label::TS);
  rows.resize(4);
  const auto first = sequence.next(rows);
  ASSERT_TRUE(first && first->question);
  EXPECT_EQ(first->question->text, "turn the knob");
  rows.emplace_back().part = "third";
  const auto second = sequence.next(rows);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->question);
}

/// Measures at one current until f of the last row is above 10 Hz.
class UntilFast final : public Strategy {
 public:
  std::optional<PlannedStep> next(std::span<const StepResult> rows) override {
    if (!rows.empty() && rows.back().frequency_hz.value > 10.0) return std::nullopt;
    PlannedStep step;
    step.current = 50.0_uA;
    return step;
  }
};

Sequence until_fast_and_two_steps() {
  std::vector<SequencePart> parts;
  parts.push_back({"first", std::make_unique<UntilFast>()});
  parts.push_back({"second", two_steps()});
  return Sequence{std::move(parts)};
}

StepResult row_of(const PlannedStep& step, double f_hz) {
  StepResult row;
  row.part = step.part;
  row.leg = step.leg;
  row.frequency_hz.value = f_hz;
  return row;
}

TEST(Sequence, APartThatIsOverStaysOverWhenItsLastRowChanges) {
  Sequence sequence = until_fast_and_two_steps();
  // Asked while the row is under way, at 11 Hz; when it has ended it is at 9 Hz.
  std::vector<StepResult> rows{row_of(*sequence.next({}), 11.0)};
  auto step = sequence.next(rows);
  rows.front().frequency_hz.value = 9.0;
  for (int k = 0; k < 2; ++k) {
    ASSERT_TRUE(step);
    EXPECT_EQ(step->part, "second");
    EXPECT_EQ(step->leg, 1);
    rows.push_back(row_of(*step, 9.0));
    step = sequence.next(rows);
  }
  EXPECT_FALSE(step) << step->part;
}

TEST(Sequence, FinishedRowsAloneLeadToTheSameStep) {
  Sequence sequence = until_fast_and_two_steps();
  std::vector<StepResult> rows{row_of(*sequence.next({}), 11.0)};
  rows.push_back(row_of(*sequence.next(rows), 9.0));
  rows.front().frequency_hz.value = 9.0;
  Sequence resumed = until_fast_and_two_steps();
  const auto step = resumed.next(rows);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->part, "second");
  EXPECT_EQ(step->current, 20.0_uA);
}

}  // namespace
}  // namespace thyrode::experiment
