// Steps that a strategy decides on: leads, steps of fixed length, pieces of the command, and rows measured before.
#include <gtest/gtest.h>

#include "tests/unit/experiment/conductor_fixture.hpp"

namespace thyrode::experiment {
namespace {

using analysis::StepResult;
using analysis::StepStatus;

class ConductorStrategyTest : public ConductorTest {
 protected:
  using Decide = std::function<std::optional<PlannedStep>(const std::vector<StepResult>&)>;

  /// A strategy that decides, and remembers what it was told.
  class Scripted final : public Strategy {
   public:
    Scripted(Decide decide, std::vector<std::vector<StepResult>>& told) : decide_{std::move(decide)}, told_{told} {}
    std::optional<PlannedStep> next(std::span<const StepResult> rows) override {
      told_.emplace_back(rows.begin(), rows.end());
      return decide_(told_.back());
    }
    std::optional<std::size_t> most_steps() const override { return 7; }
    std::vector<TargetReport> targets(std::span<const StepResult> rows) const override {
      return {{"three steps", rows.size() == 3, std::to_string(rows.size())}};
    }

   private:
    Decide decide_;
    std::vector<std::vector<StepResult>>& told_;
  };
  void decide(Decide decide) {
    plan_.strategy = [this, decide] { return std::make_unique<Scripted>(decide, told_); };
  }
  static PlannedStep at(Current current) {
    PlannedStep step;
    step.current = current;
    return step;
  }
  static PlannedStep lasting(Current current, Duration length) {
    PlannedStep step = at(current);
    step.lasts = length;
    return step;
  }
  Sample start_of(std::size_t k) const { return schedules().at(k).segment.start; }

  std::vector<std::vector<StepResult>> told_;
};

TEST_F(ConductorStrategyTest, IsAskedAtTheMarkOfTheDecisionWithTheRowAsItStandsThere) {
  Sample asked;
  decide([&](const auto& rows) -> std::optional<PlannedStep> {
    if (rows.size() == 3) return std::nullopt;
    if (rows.size() == 1) asked = now_;
    return at(rows.empty() ? 30.0_uA : Current::from_si(rows.back().current_ua * 1e-6) + 5.0_uA);
  });
  begin();
  EXPECT_EQ(events<RunStarted>().at(0).steps, 0U) << "nobody knows";
  EXPECT_EQ(events<RunStarted>().at(0).most_steps, 7U);
  play_until([&] { return told_.size() == 2; });
  EXPECT_EQ(told_[1].at(0).end, to_ticks(asked));
  EXPECT_NEAR(told_[1].at(0).frequency_hz.value.value_or(0.0), 100.0, 1e-6);
  EXPECT_TRUE(conductor_->results().empty()) << "the step itself goes on until the next one begins";
  EXPECT_EQ(start_of(1), asked + latency);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_NEAR(row(2).current_ua, 40.0, 1e-9);
  EXPECT_EQ(told_.size(), 4U) << "once for each step and once for the end";
  analysis::RunResult result;
  conductor_->complete(result);
  ASSERT_EQ(result.targets.size(), 1U);
  EXPECT_TRUE(result.targets[0].met);
}

TEST_F(ConductorStrategyTest, AStepIsEnteredFromItsLead) {
  decide([&](const auto& rows) -> std::optional<PlannedStep> {
    if (rows.size() == 2) return std::nullopt;
    PlannedStep step = at(40.0_uA);
    if (rows.size() == 1) step.lead = Lead{10.0_uA, 100.0_ms};
    return step;
  });
  begin();
  play_until([&] { return told_.size() == 2; });
  const Sample left = now_ + latency;
  EXPECT_EQ(start_of(1), left);
  EXPECT_EQ(schedules()[1].segment.last, 10.0_uA);
  // 30 uA at 5 mA/s, 1 ms, 100 ms: 107 ms, and decisions stand on a grid of 10 ms.
  const Sample entered = left + 27'500;
  play_until([&] { return schedules().size() == 3; });
  EXPECT_EQ(start_of(2), entered);
  EXPECT_LE(now_ + latency, entered);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_EQ(row(0).end, to_ticks(left)) << "the lead is no part of the step before";
  EXPECT_EQ(row(1).start, to_ticks(entered + settling));
  EXPECT_NEAR(row(1).lead_s, 0.11, 1e-9);
  EXPECT_NEAR(row(1).current_ua, 40.0, 1e-9);
  EXPECT_EQ(row(0).lead_s, 0.0);
}

TEST_F(ConductorStrategyTest, APauseDuringALeadBeginsTheLeadAnew) {
  decide([&](const auto& rows) -> std::optional<PlannedStep> {
    if (rows.size() == 2) return std::nullopt;
    PlannedStep step = at(40.0_uA);
    if (rows.size() == 1) step.lead = Lead{10.0_uA, 1.0_s};
    return step;
  });
  begin();
  play_until([this] { return conductor_->results().size() == 1; });
  for (int k = 0; k < 10; ++k) play();
  conductor_->request_pause();
  play_until([this] { return conductor_->held(); });
  EXPECT_EQ(events<Paused>().at(0).index, 1);
  conductor_->request_resume();
  EXPECT_EQ(schedules().back().segment.last, 10.0_uA);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_NEAR(row(1).lead_s, 1.01, 1e-9);
  EXPECT_EQ(told_.size(), 3U) << "the step was asked for once";
}

TEST_F(ConductorStrategyTest, AStepOfFixedLengthLastsThatLongWhateverItsData) {
  plan_.steps = {lasting(30.0_uA, 4.0_s), lasting(40.0_uA, 100.0_ms), lasting(50.0_uA, 105.0_ms)};
  begin();
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  const Sample start = conductor_->start_sample();
  EXPECT_EQ(start_of(1), start + 1'000'000);
  EXPECT_EQ(start_of(2), start + 1'025'000);
  EXPECT_EQ(stop_at(), start + 1'052'500) << "whole periods of 10 ms";
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(row(k).current_ua, 30.0 + 10.0 * static_cast<double>(k), 1e-9) << k;
    EXPECT_EQ(row(k).index, static_cast<int>(k));
  }
  EXPECT_EQ(row(0).status, StepStatus::ok);
  EXPECT_EQ(row(1).end - row(0).end, 25'000 * ticks_per_sample);
}

TEST_F(ConductorStrategyTest, StepsShorterThanTheLatencyAreAskedForBeforeThoseInFrontHaveBegun) {
  decide([&](const auto& rows) -> std::optional<PlannedStep> {
    if (rows.size() == 20) return std::nullopt;
    return lasting(Current::from_si((30.0 + static_cast<double>(rows.size())) * 1e-6), 50.0_ms);
  });
  begin();
  EXPECT_EQ(schedules().size(), 1U);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 20U);
  for (std::size_t k = 0; k < 20; ++k) {
    EXPECT_EQ(start_of(k), conductor_->start_sample() + static_cast<std::int64_t>(12'500 * k));
    EXPECT_NEAR(row(k).current_ua, 30.0 + static_cast<double>(k), 1e-9) << "nothing of its neighbours";
    EXPECT_EQ(told_[k].size(), k);
  }
  EXPECT_EQ(told_[10].back().status, StepStatus::undetermined) << "it has not begun";
}

TEST_F(ConductorStrategyTest, PiecesAreToldTheLatencyAheadAndNeverMoreThanTheDeviceQueues) {
  device_.queue_depth = 4;
  PlannedStep step = at(35.0_uA);
  for (int k = 0; k < 40; ++k) {
    const Current from = Current::from_si((30.0 + 0.25 * k) * 1e-6);
    step.pieces.push_back({100.0_ms, from, from + 0.25_uA});
  }
  plan_.steps = {step};
  begin();
  std::size_t told = 0;
  for (int k = 0; k < 4'000 && !stop_at(); ++k) {
    const Sample before = now_;
    play();
    const auto all = schedules();
    const auto waiting = std::count_if(all.begin(), all.end(), [&](const auto& s) { return s.segment.start > before; });
    ASSERT_LE(waiting, 4);
    for (; told < all.size(); ++told) {
      EXPECT_GE(all[told].segment.start, now_ + latency - grid) << "piece " << told;
      EXPECT_LT(all[told].segment.start, now_ + latency + grid) << "piece " << told;
    }
  }
  ASSERT_EQ(told, 40U);
  play_to_the_end();
  EXPECT_EQ(stop_at(), conductor_->start_sample() + 1'000'000);
  for (std::size_t k = 1; k < 40; ++k) EXPECT_EQ(start_of(k) - start_of(k - 1), 25'000);
  EXPECT_EQ(schedules()[7].segment.first, Current::from_si(31.75e-6));
  EXPECT_EQ(schedules()[7].segment.last, 32.0_uA);
  EXPECT_EQ(schedules()[7].segment.duration, 100.0_ms);
  ASSERT_EQ(conductor_->results().size(), 1U);
}

TEST_F(ConductorStrategyTest, APauseWithinThePiecesTakesBackThoseThatAreLeft) {
  PlannedStep step = at(35.0_uA);
  for (int k = 0; k < 40; ++k) step.pieces.push_back({33.3_ms, 30.0_uA, 35.0_uA});
  plan_.steps = {at(20.0_uA), step};
  begin();
  play_until([this] { return schedules().size() > 12; });
  conductor_->request_pause();
  play();
  const Sample zero = schedules().back().segment.start;
  EXPECT_EQ(schedules().back().segment.last, Current{});
  const auto told = schedules();
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end(), [](const auto& a, const auto& b) {
    return a.segment.start < b.segment.start;
  })) << "the device takes nothing that begins before what it has";
  play_until([this] { return conductor_->held(); });
  EXPECT_EQ(schedules().size(), told.size());
  EXPECT_EQ(row(1).status, StepStatus::interrupted);
  EXPECT_EQ(row(1).end, to_ticks(zero));
  conductor_->request_resume();
  EXPECT_EQ(schedules().back().segment.last, 20.0_uA) << "the current before the step";
  play_to_the_end();
  EXPECT_EQ(schedules().size(), told.size() + 1 + 40);
  EXPECT_EQ(row(2).index, 1);
}

TEST_F(ConductorStrategyTest, ALatePieceHasItsStepMeasuredAgain) {
  PlannedStep step = at(35.0_uA);
  for (int k = 0; k < 20; ++k) step.pieces.push_back({100.0_ms, 30.0_uA, 35.0_uA});
  plan_.steps = {at(20.0_uA), step};
  begin();
  play_until([this] { return schedules().size() == 12; });
  conductor_->take(Rejected{protocol::Schedule::type, protocol::Status::too_late, now_});
  EXPECT_EQ(conductor_->late_decisions(), 1);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(1).status, StepStatus::interrupted);
  EXPECT_EQ(row(2).index, 1);
  EXPECT_NE(row(2).status, StepStatus::interrupted);
  EXPECT_EQ(row(2).end - row(2).start, (500'000 - 750) * ticks_per_sample)
      << "2 s from the current before it: 10 uA take 2 ms, and one more";
}

TEST_F(ConductorStrategyTest, AStepMayWantAPrecisionOfItsOwn) {
  plan_.steps = {at(30.0_uA), at(30.0_uA)};
  plan_.steps[1].relative_precision = 1e-9;  // less than the jitter of a spike time
  plan_.rules.longest_s = 5.0;
  begin();
  play_to_the_end();
  EXPECT_EQ(row(0).status, StepStatus::ok);
  EXPECT_EQ(row(1).status, StepStatus::timeout);
}

TEST_F(ConductorStrategyTest, RowsMeasuredBeforeAreGivenAndNeverRepeated) {
  StepResult before;
  before.index = 0;
  before.current_ua = 30.0;
  before.status = StepStatus::ok;
  before.frequency_hz = {90.0, 89.0, 91.0};
  before.resumed_from = "first.nwb";
  plan_.before = {{before, {1, 2, 3}}};
  decide([&](const auto& rows) -> std::optional<PlannedStep> {
    if (rows.size() == 3) return std::nullopt;
    return at(Current::from_si((30.0 + 10.0 * static_cast<double>(rows.size())) * 1e-6));
  });
  begin();
  ASSERT_EQ(events<StepFinished>().size(), 1U);
  EXPECT_EQ(events<StepFinished>()[0].isi_counts.size(), 3U);
  EXPECT_EQ(told_.at(0).size(), 1U);
  EXPECT_EQ(schedules()[0].segment.last, 30.0_uA) << "the first new step is entered from the row before it";
  play_to_the_end();
  EXPECT_EQ(schedules()[1].segment.last, 40.0_uA);
  EXPECT_NEAR(row(1).lead_s, 3.0, 1e-9) << "3 / f_min, at 1 Hz";
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(0).resumed_from, "first.nwb");
  EXPECT_EQ(row(1).index, 1);
  EXPECT_EQ(row(1).resumed_from, "");
  EXPECT_EQ(row(2).index, 2);
}

TEST_F(ConductorStrategyTest, ARunThatGoesOnIsEnteredFromTheRowOfItsOwnChannel) {
  StepResult own;
  own.current_ua = 30.0;
  own.status = StepStatus::ok;
  StepResult beside = own;
  beside.channel = 1;
  beside.current_ua = 77.0;
  plan_.companions = {{Channel{1}, {}, plan_.limits}};
  plan_.before = {{own, {}}, {beside, {}}};
  plan_.steps = {at(30.0_uA), at(40.0_uA)};
  begin();
  EXPECT_EQ(schedules()[0].channel, plan_.channel);
  EXPECT_EQ(schedules()[0].segment.last, 30.0_uA);
}

TEST_F(ConductorStrategyTest, APlanThatWasCarriedOutBeforeMeasuresNothing) {
  plan_.before = {{StepResult{}, {}}, {StepResult{}, {}}};
  begin();
  EXPECT_TRUE(schedules().empty());
  ASSERT_TRUE(stop_at());
  while (now_ < *stop_at()) play();
  play(true, true, 0, protocol::State::idle);
  EXPECT_TRUE(conductor_->finished());
  EXPECT_FALSE(conductor_->error());
}

}  // namespace
}  // namespace thyrode::experiment
