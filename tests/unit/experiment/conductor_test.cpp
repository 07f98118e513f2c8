#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/unit/experiment/conductor_fixture.hpp"

namespace thyrode::experiment {
namespace {

TEST_F(ConductorTest, BeginsTheFirstStepAfterTheLatencyOnTheGrid) {
  device_.now = Sample{1'234};
  begin();
  EXPECT_EQ(conductor_->start_sample(), Sample{52'500});
  ASSERT_EQ(schedules().size(), 1U);
  EXPECT_EQ(schedules()[0].segment.start, Sample{52'500});
  EXPECT_EQ(schedules()[0].segment.last, 30.0_uA);
  EXPECT_EQ(events<RunStarted>().at(0).steps, 2U);
}

TEST_F(ConductorTest, ADecisionTakenAtTActsAtTPlusTheLatency) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  const Sample decided = now_;
  EXPECT_EQ(schedules()[1].segment.start, decided + latency);
  EXPECT_EQ(schedules()[1].segment.last, 40.0_uA);
  ASSERT_TRUE(std::holds_alternative<acquisition::Decided>(orders_.back()));
  EXPECT_EQ(std::get<acquisition::Decided>(orders_.back()).until, decided) << "granted after the order, never before";
  EXPECT_TRUE(conductor_->results().empty());
  while (now_ < decided + latency) play();
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).end, to_ticks(decided + latency));
  EXPECT_EQ(row(0).start, to_ticks(conductor_->start_sample() + settling));
  EXPECT_EQ(row(0).status, analysis::StepStatus::ok);
}

TEST_F(ConductorTest, MeasuresEveryStepAndStops) {
  begin();
  play_to_the_end();
  EXPECT_TRUE(conductor_->finished());
  EXPECT_FALSE(conductor_->stopped_by_request());
  ASSERT_EQ(conductor_->results().size(), 2U);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(row(k).index, static_cast<int>(k));
    EXPECT_EQ(row(k).status, analysis::StepStatus::ok);
    EXPECT_NEAR(row(k).frequency_hz.value.value_or(0.0), 100.0, 1e-6);
    EXPECT_NEAR(row(k).current_ua, 30.0 + 10.0 * static_cast<double>(k), 1e-9);
    EXPECT_EQ(row(k).n_gaps, 0);
  }
  const auto finished = events<StepFinished>();
  ASSERT_EQ(finished.size(), 2U);
  EXPECT_EQ(std::accumulate(finished[0].isi_counts.begin(), finished[0].isi_counts.end(), 0U), row(0).n_spikes - 1);
}

TEST_F(ConductorTest, DecidesOnEachMarkWhateverTheSpikes) {
  begin();
  for (int k = 0; k < 50; ++k) play();
  std::vector<Sample> decided;
  for (const auto& order : orders_) {
    if (const auto* d = std::get_if<acquisition::Decided>(&order)) decided.push_back(d->until);
  }
  ASSERT_EQ(decided.size(), 50U);
  for (int k = 0; k < 50; ++k) EXPECT_EQ(decided[static_cast<std::size_t>(k)], Sample{grid * (k + 1)});
}

TEST_F(ConductorTest, ALateDecisionIsCountedAndTakenAgain) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  refused_.push_back(schedules()[1].segment.start);
  play();
  const Sample reported = now_ + 60'001;
  conductor_->take(Rejected{protocol::Schedule::type, protocol::Status::too_late, reported});
  EXPECT_EQ(conductor_->late_decisions(), 1);
  ASSERT_EQ(schedules().size(), 3U);
  EXPECT_EQ(schedules()[2].segment.start, Sample{(reported.index / grid + 1) * grid + latency});
  EXPECT_EQ(schedules()[2].segment.last, 40.0_uA);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_EQ(row(0).end, to_ticks(schedules()[2].segment.start));
  EXPECT_NEAR(row(0).current_ua, 30.0, 1e-9);
  EXPECT_NEAR(row(1).current_ua, 40.0, 1e-9);
}

TEST_F(ConductorTest, AStepThatTheDeviceNeverBeganBeginsAgain) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  refused_.push_back(schedules()[1].segment.start);
  while (now_ < schedules()[1].segment.start) play();
  ASSERT_EQ(conductor_->results().size(), 1U);
  play();
  conductor_->take(Rejected{protocol::Schedule::type, protocol::Status::too_late, now_});
  EXPECT_EQ(conductor_->late_decisions(), 1);
  ASSERT_EQ(schedules().size(), 3U);
  EXPECT_EQ(schedules()[2].segment.start, now_ + latency);
  play_to_the_end();
  EXPECT_FALSE(conductor_->stopped_by_request());
  ASSERT_EQ(conductor_->results().size(), 2U);
  EXPECT_NEAR(row(1).current_ua, 40.0, 1e-9) << "nothing of the time before it began";
  EXPECT_GT(row(1).start, to_ticks(schedules()[2].segment.start));
}

TEST_F(ConductorTest, NoIntervalCrossesAGap) {
  begin();
  for (int k = 0; k < 40; ++k) play();
  conductor_->take(Gap{Channel{0}, now_, now_ + grid, 0, true});
  play(false);
  play_to_the_end();
  EXPECT_EQ(row(0).n_gaps, 1);
  EXPECT_NEAR(row(0).cv.value_or(1.0), 0.0, 1e-9) << "an interval of twice the length was counted";
  EXPECT_NEAR(row(0).frequency_hz.value.value_or(0.0), 100.0, 1e-6);
  EXPECT_EQ(row(1).n_gaps, 0);
}

TEST_F(ConductorTest, AGapOverTheChangeOfStepsIsOneInEach) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  while (now_ < schedules()[1].segment.start - grid) play();
  conductor_->take(Gap{Channel{0}, now_ + 10, now_ + 2 * grid, 0, true});
  play(true, false);
  play();
  play_to_the_end();
  EXPECT_EQ(row(0).n_gaps, 1);
  EXPECT_EQ(row(1).n_gaps, 1);
}

TEST_F(ConductorTest, AGapWhileTheCurrentMovesIsOfNoStep) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  while (now_ < schedules()[1].segment.start) play();
  conductor_->take(Gap{Channel{0}, now_ + 10, now_ + 200, 0, true});
  play_to_the_end();
  EXPECT_EQ(row(0).n_gaps + row(1).n_gaps, 0);
}

TEST_F(ConductorTest, APlateauThatOutlastsItsStepIsCountedOnce) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  while (now_ < schedules()[1].segment.start - grid) play();
  const Ticks fired = to_ticks(now_) + 4 * ms;
  const std::int64_t regular = (fired - to_ticks(conductor_->start_sample() + settling)) / period_;
  next_spike_ = to_ticks(now_) + 1000 * ms;
  play(true, true, static_cast<std::uint32_t>(to_ticks(now_ + grid) - fired));
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_NEAR(static_cast<double>(row(0).n_spikes), static_cast<double>(regular + 1), 1.0);
  const std::int64_t counted = row(0).n_spikes;
  protocol::SpikeBlock late{0, index_++, {}};
  late.records.push_back({fired, static_cast<std::uint32_t>(20 * ms), 3000, 40});
  conductor_->take(late);
  next_spike_ = to_ticks(now_) + 21 * ms;
  const std::uint32_t first_of_second = index_;
  play_until([this] { return stop_at().has_value(); });
  while (now_ < *stop_at()) play();
  EXPECT_EQ(row(0).n_spikes, counted);
  EXPECT_EQ(row(1).n_spikes, index_ - first_of_second) << "the plateau is not one of the second step";
  EXPECT_EQ(row(1).n_gaps, 0);
}

TEST_F(ConductorTest, ALostMarkAtTheChangeOfStepsMixesNothing) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  while (now_ < schedules()[1].segment.start - grid) play();
  const auto before = index_;
  play(true, false);
  const auto of_first_step = index_;
  EXPECT_GT(of_first_step, before);
  play(true, false);
  play();
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).end, to_ticks(schedules()[1].segment.start));
  EXPECT_NEAR(row(0).current_ua, 30.0, 1e-9);
  EXPECT_LE(row(0).n_spikes, of_first_step);
  EXPECT_GE(row(0).n_spikes, of_first_step - 1);
  play_to_the_end();
  EXPECT_NEAR(row(1).current_ua, 40.0, 1e-9);
  EXPECT_EQ(row(1).n_gaps, 0);
}

TEST_F(ConductorTest, AGapOfThisChannelClosesTheInterval) {
  begin();
  for (int k = 0; k < 40; ++k) play();
  conductor_->take(Gap{Channel{0}, now_ - 100, now_ - 50});
  conductor_->take(Gap{Channel{1}, now_ - 100, now_ - 50});
  play_to_the_end();
  EXPECT_EQ(row(0).n_gaps, 1);
}

TEST_F(ConductorTest, SpikesOfAnotherChannelAreNotItsOwn) {
  begin();
  for (int k = 0; k < 40; ++k) play();
  protocol::SpikeBlock other{1, 77, {}};
  other.records.push_back({to_ticks(now_) + 1, 100, 3000, 40});
  conductor_->take(other);
  play_to_the_end();
  EXPECT_EQ(row(0).n_gaps, 0);
  EXPECT_NEAR(row(0).cv.value_or(1.0), 0.0, 1e-9);
}

TEST_F(ConductorTest, AStopActsAtOnceAndKeepsTheStepUnderWayAsInterrupted) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->request_stop();
  conductor_->request_stop();
  ASSERT_TRUE(stop_at());
  EXPECT_LE(*stop_at(), now_) << "a sample that has passed: the device stops with its next block";
  const Sample stopped = now_;
  play_the_stop();
  EXPECT_TRUE(conductor_->finished());
  EXPECT_TRUE(conductor_->stopped_by_request());
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::interrupted);
  EXPECT_EQ(row(0).end, to_ticks(stopped)) << "nothing of the falling current";
  EXPECT_NEAR(row(0).current_ua, 30.0, 1e-9);
}

TEST_F(ConductorTest, AStopWhoseStepAppliedWasLostEndsAtTheMarkBefore) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->request_stop();
  const Sample before = now_;
  play(true, true, 0, protocol::State::stopping);
  play(true, true, 0, protocol::State::idle);
  EXPECT_TRUE(conductor_->finished());
  EXPECT_EQ(row(0).end, to_ticks(before));
}

TEST_F(ConductorTest, AStopDoesNotWaitForADecisionThatIsOnItsWay) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  conductor_->request_stop();
  const Sample stopped = now_;
  play_the_stop();
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::interrupted);
  EXPECT_EQ(row(0).end, to_ticks(stopped));
  EXPECT_LT(row(0).end, to_ticks(schedules()[1].segment.start));
}

TEST_F(ConductorTest, AStopDuringTheLastStepsEndIsAStop) {
  begin();
  play_until([this] { return stop_at().has_value(); });
  conductor_->request_stop();
  play_the_stop();
  EXPECT_TRUE(conductor_->stopped_by_request());
  EXPECT_EQ(row(1).status, analysis::StepStatus::interrupted);
}

TEST_F(ConductorTest, AStopBeforeTheStartMeasuresNothingThatIsNotThere) {
  begin();
  conductor_->request_stop();
  while (now_ < conductor_->start_sample()) play(true, true, 0, protocol::State::armed);
  play(true, true, 0, protocol::State::idle);
  EXPECT_TRUE(conductor_->finished());
  EXPECT_TRUE(conductor_->results().empty());
}

TEST_F(ConductorTest, AFaultEndsTheRun) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->take(protocol::Fault{protocol::FaultCode::compliance, 0, now_ + 10, 4000, 3755});
  EXPECT_FALSE(conductor_->finished()) << "the mark with everything before the fault comes first";
  play(true, true, 0, protocol::State::fault);
  EXPECT_TRUE(conductor_->finished());
  ASSERT_TRUE(conductor_->fault());
  EXPECT_EQ(conductor_->fault()->code, protocol::FaultCode::compliance);
  EXPECT_EQ(conductor_->fault()->value, 4000);
  conductor_->close_interrupted();
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::interrupted);
}

TEST_F(ConductorTest, AFaultWhoseMessageWasLostIsSeenAtTheMark) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->take(protocol::Mark{now_ + grid, protocol::State::fault, protocol::FaultCode::lease_expired});
  EXPECT_TRUE(conductor_->finished());
  ASSERT_TRUE(conductor_->fault());
  EXPECT_EQ(conductor_->fault()->code, protocol::FaultCode::lease_expired);
}

TEST_F(ConductorTest, ARefusedStepEndsTheRunAndSaysWhy) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->take(Rejected{protocol::Schedule::type, protocol::Status::out_of_range, now_});
  ASSERT_TRUE(conductor_->error());
  EXPECT_EQ(conductor_->error()->kind, ErrorKind::device);
  EXPECT_TRUE(stop_at());
}

TEST_F(ConductorTest, ADeviceThatBecomesIdleByItselfEndsTheRun) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->take(protocol::Mark{now_ + grid, protocol::State::idle});
  EXPECT_TRUE(conductor_->finished());
  ASSERT_TRUE(conductor_->error());
  EXPECT_EQ(conductor_->error()->kind, ErrorKind::device);
}

TEST_F(ConductorTest, ADeviceThatBeginsItsTimeAnewEndsTheRun) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->take(protocol::Mark{Sample{2500}, protocol::State::idle});
  EXPECT_TRUE(conductor_->finished());
  ASSERT_TRUE(conductor_->error());
  EXPECT_NE(conductor_->error()->message.find("anew"), std::string::npos);
}

TEST_F(ConductorTest, ARunningStepIsToldOnceASecond) {
  period_ = 200 * ms;
  begin();
  while (now_ < conductor_->start_sample() + 1'250'000) play();
  const auto told = events<StepProgress>();
  ASSERT_EQ(told.size(), 5U);
  for (std::size_t k = 0; k < told.size(); ++k) {
    EXPECT_NEAR(told[k].device_time_s, 0.2 + static_cast<double>(k + 1), 1e-9);
    EXPECT_GE(told[k].row.n_spikes, static_cast<std::int64_t>(5 * (k + 1)) - 1);
  }
}

TEST_F(ConductorTest, AnUndershootBelowZeroIsNoSaturationAndAnOutputThereIs) {
  for (const auto& [mean, status] : {std::pair{30, analysis::StepStatus::ok}, {3, analysis::StepStatus::saturated}}) {
    events_.clear();
    orders_.clear();
    now_ = {};
    begin();
    while (now_ < conductor_->start_sample() + 60'000) play();
    protocol::LevelRecord levels;
    levels.first = now_ - grid;
    // 0 V is code 32: the output rests there and rings below it, or it lies below.
    levels.signals[0] = {0, 900, static_cast<std::uint32_t>(2500 * mean), 2500};
    conductor_->take(levels);
    play_to_the_end();
    EXPECT_EQ(row(0).status, status) << mean;
  }
}

TEST_F(ConductorTest, ClippedCodesAreSaturation) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  protocol::LevelRecord levels;
  levels.first = now_ - grid;
  levels.signals[0] = {40, 4095, 2500 * 60, 2500};
  conductor_->take(levels);
  play_to_the_end();
  EXPECT_EQ(row(0).status, analysis::StepStatus::saturated);
  EXPECT_EQ(row(1).status, analysis::StepStatus::ok);
}

}  // namespace
}  // namespace thyrode::experiment
