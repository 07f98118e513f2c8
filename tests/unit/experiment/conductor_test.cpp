#include "daemon/experiment/conductor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

namespace thyrode::experiment {
namespace {

constexpr std::int64_t grid = 2'500;      // samples between marks
constexpr std::int64_t latency = 50'000;  // samples
constexpr std::int64_t ms = 250 * ticks_per_sample;
constexpr std::int64_t settling = 1'750;  // samples: 30 uA at 5 mA/s, and 1 ms

/// A device that fires regularly, played period by period into a conductor.
class ConductorTest : public testing::Test {
 protected:
  void SetUp() override {
    ChannelDescription channel;
    channel.label = "A";
    channel.signals = {Scale{2e-4, 32.0, 1, 12}, Scale{8e-4, 32.0, 10, 12}, Scale{1e-7, 2048.0, 10, 12}};
    channel.command = {1e-7, 2048.0, 1, 12};
    device_.channels.assign(2, channel);
    plan_.name = "test";
    plan_.steps = {{30.0_uA, analysis::Direction::up, 0}, {40.0_uA, analysis::Direction::up, 0}};
    plan_.limits.slew = Slew::from_si(5e-3);
    plan_.lease = 100.0_ms;
    plan_.decision_latency = 200.0_ms;
  }
  void begin() {
    conductor_ = std::make_unique<Conductor>(
        plan_, device_, [this](const acquisition::Order& order) { orders_.push_back(order); },
        [this](const Event& event) { events_.push_back(event); });
    conductor_->begin();
    next_spike_ = to_ticks(conductor_->start_sample()) + 10 * ms;
  }

  /// The command as the orders so far set it, DAC codes.
  std::int64_t code_at(Sample at) const {
    Current current;
    for (const auto& order : orders_) {
      const auto* step = std::get_if<acquisition::ScheduleStep>(&order);
      if (step != nullptr && step->segment.start <= at && !refused(step->segment.start)) current = step->segment.last;
    }
    return std::llround(device_.channels[0].command.code(current.si()));
  }
  bool refused(Sample start) const { return std::find(refused_.begin(), refused_.end(), start) != refused_.end(); }

  protocol::SpikeBlock spikes_before(Ticks end) {
    protocol::SpikeBlock block{0, index_, {}};
    for (; next_spike_ < end; next_spike_ = next_spike_ + period_, ++index_)
      block.records.push_back({next_spike_, 100, 3000, 40});
    return block;
  }
  /// One period of 10 ms.
  void play(bool spikes_arrive = true, bool mark_arrives = true, std::uint32_t open_spike = 0,
            protocol::State state = protocol::State::running) {
    const Sample first = now_;
    now_ = now_ + grid;
    if (first >= conductor_->start_sample()) {
      const auto block = spikes_before(to_ticks(now_));
      if (spikes_arrive && !block.records.empty()) conductor_->take(block);
      protocol::LevelRecord levels;
      levels.first = first;
      levels.signals[0] = {40, 3000, 2500 * 60, 2500};
      levels.command_sum = code_at(first) * grid;
      levels.command_count = grid;
      levels.open_spike = open_spike;
      conductor_->take(levels);
    }
    if (mark_arrives) conductor_->take(protocol::Mark{now_, state});
  }
  void play_until(const std::function<bool()>& done) {
    for (int k = 0; k < 20'000 && !done(); ++k) play();
    ASSERT_TRUE(done());
  }
  void play_to_the_end() {
    play_until([this] { return stop_at().has_value(); });
    while (now_ < *stop_at()) play();
    play(true, true, 0, protocol::State::idle);
  }
  std::vector<acquisition::ScheduleStep> schedules() const {
    std::vector<acquisition::ScheduleStep> found;
    for (const auto& order : orders_) {
      if (const auto* step = std::get_if<acquisition::ScheduleStep>(&order)) found.push_back(*step);
    }
    return found;
  }
  std::optional<Sample> stop_at() const {
    for (const auto& order : orders_) {
      if (const auto* stop = std::get_if<acquisition::StopRun>(&order)) return stop->at;
    }
    return {};
  }
  template <class Wanted>
  std::vector<Wanted> events() const {
    std::vector<Wanted> found;
    for (const auto& event : events_) {
      if (const auto* wanted = std::get_if<Wanted>(&event)) found.push_back(*wanted);
    }
    return found;
  }
  const analysis::StepResult& row(std::size_t k) const { return conductor_->results().at(k); }

  DeviceInfo device_;
  RunPlan plan_;
  std::unique_ptr<Conductor> conductor_;
  std::vector<acquisition::Order> orders_;
  std::vector<Event> events_;
  std::vector<Sample> refused_;
  Sample now_{};
  Ticks next_spike_{};
  std::int64_t period_ = 10 * ms;
  std::uint32_t index_ = 0;
};

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

TEST_F(ConductorTest, NoIntervalCrossesALostSpikeRecord) {
  begin();
  for (int k = 0; k < 40; ++k) play();
  play(false);
  play_to_the_end();
  EXPECT_EQ(row(0).n_gaps, 1);
  EXPECT_NEAR(row(0).cv.value_or(1.0), 0.0, 1e-9) << "an interval of twice the length was counted";
  EXPECT_NEAR(row(0).frequency_hz.value.value_or(0.0), 100.0, 1e-6);
  EXPECT_EQ(row(1).n_gaps, 0);
}

TEST_F(ConductorTest, ARecordLostAtTheChangeOfStepsIsNoGapInside) {
  begin();
  period_ = 5 * ms / 2;
  next_spike_ = to_ticks(conductor_->start_sample()) + ms;
  play_until([this] { return schedules().size() == 2; });
  while (now_ < schedules()[1].segment.start - grid) play();
  play(false);
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

TEST_F(ConductorTest, AStopKeepsTheStepUnderWayAsInterrupted) {
  begin();
  while (now_ < conductor_->start_sample() + 60'000) play();
  conductor_->request_stop();
  ASSERT_TRUE(stop_at());
  EXPECT_EQ(*stop_at(), now_ + latency);
  play_to_the_end();
  EXPECT_TRUE(conductor_->finished());
  EXPECT_TRUE(conductor_->stopped_by_request());
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::interrupted);
  EXPECT_EQ(row(0).end, to_ticks(*stop_at()));
}

TEST_F(ConductorTest, AStopAfterTheDecisionLeavesTheStepWhole) {
  begin();
  play_until([this] { return schedules().size() == 2; });
  conductor_->request_stop();
  conductor_->request_stop();
  EXPECT_EQ(*stop_at(), schedules()[1].segment.start);
  play_to_the_end();
  ASSERT_EQ(conductor_->results().size(), 1U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::ok);
}

TEST_F(ConductorTest, AStopBeforeTheStartMeasuresNothingThatIsNotThere) {
  begin();
  conductor_->request_stop();
  play_to_the_end();
  EXPECT_TRUE(conductor_->finished());
  for (const auto& step : conductor_->results()) {
    EXPECT_EQ(step.status, analysis::StepStatus::interrupted);
    EXPECT_GT(step.duration_s, 0.0);
  }
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
