#include "daemon/acquisition/acquisition.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/acquisition/fake_device.hpp"

namespace thyrode::acquisition {
namespace {

using test::FakeDevice;

class AcquisitionTest : public testing::Test {
 protected:
  void begin(bool virtual_time) {
    device_.information.uri = "test:fake";
    device_.information.virtual_time = virtual_time;
    device_.information.now = Sample{1000};
    device_.information.channels.resize(2);
    Settings settings;
    settings.decision_latency = 200.0_ms;
    settings.lease = 100.0_ms;
    settings.silence = 200.0_ms;
    settings.patience = 2.0_s;
    settings.start = Sample{2500};
    settings.decimation = {10};
    settings.wall_clock = [this] { return wall_; };
    acquisition_ = std::make_unique<Acquisition>(device_, *queues_, settings);
  }
  Turn turn() {
    const auto done = acquisition_->turn(Duration{});
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(Turn::idle);
  }
  std::vector<DeviceMessage> recorded() { return drain(queues_->recording); }
  std::vector<DeviceMessage> analysed() {
    std::vector<DeviceMessage> all;
    AnalysisMessage next;
    while (queues_->analysis.pop(next)) all.push_back(next.message);
    return all;
  }
  static std::vector<DeviceMessage> drain(MessageQueue& queue) {
    std::vector<DeviceMessage> all;
    DeviceMessage message;
    while (queue.pop(message)) all.push_back(message);
    return all;
  }
  static protocol::SampleBlock block(std::int64_t first, std::size_t count, std::uint8_t decimation = 10,
                                     std::uint8_t channel = 0) {
    protocol::SampleBlock samples{channel, decimation, Sample{first}, {}};
    samples.sums.resize(count);
    return samples;
  }
  double wall_ = 50.0;
  FakeDevice device_;
  std::unique_ptr<Queues> queues_ = std::make_unique<Queues>();
  std::unique_ptr<Acquisition> acquisition_;
};

TEST_F(AcquisitionTest, BothQueuesHearOfAGapAndOnlyTheRecordingOfTheTrace) {
  begin(true);
  device_.messages = {protocol::Mark{Sample{2500}, protocol::State::running}, block(2500, 100), FramesLost{1},
                      block(4500, 50), protocol::Mark{Sample{5000}, protocol::State::running}};
  while (turn() == Turn::moved) {
  }
  const auto all = recorded();
  const auto analysis = analysed();
  const auto kinds = [](const std::vector<DeviceMessage>& messages) {
    std::vector<std::size_t> kind;
    for (const auto& message : messages) kind.push_back(message.index());
    return kind;
  };
  const auto kind = [](const DeviceMessage& message) { return message.index(); };
  const std::size_t mark = kind(protocol::Mark{});
  const std::size_t trace = kind(protocol::SampleBlock{});
  const std::size_t lost = kind(FramesLost{});
  const std::size_t gap = kind(Gap{});
  // The level records and the current means never came: both channels have a hole.
  EXPECT_EQ(kinds(all), (std::vector{mark, trace, lost, gap, gap, trace, mark}));
  EXPECT_EQ(kinds(analysis), (std::vector{mark, lost, gap, gap, mark}));
  EXPECT_EQ(acquisition_->counters().gaps, 2);
  EXPECT_EQ(acquisition_->counters().samples, 1500);
}

TEST_F(AcquisitionTest, TheLinkCountsTheLostFramesThatOnlyTheSamplesTellOf) {
  begin(true);
  device_.link.lost_frames = 3;
  device_.link.retransmits = 2;
  device_.messages = {protocol::Mark{Sample{2500}}, FramesLost{3}, protocol::Mark{Sample{5000}},
                      protocol::Mark{Sample{10'000}}};
  while (turn() == Turn::moved) {
  }
  EXPECT_EQ(acquisition_->link().lost_frames, 3U + 256U + 256U)
      << "more is missing than three frames, and then all of two marks";
  EXPECT_EQ(acquisition_->link().retransmits, 2U);
}

TEST_F(AcquisitionTest, ALostDeviceStillGivesWhatWasHeldBack) {
  begin(true);
  device_.messages = {protocol::Mark{Sample{2500}, protocol::State::running}, FramesLost{1}, block(2500, 100)};
  device_.when_empty = {ErrorKind::device, "the cable is out"};
  for (int k = 0; k < 3; ++k) EXPECT_EQ(turn(), Turn::moved);
  EXPECT_EQ(recorded().size(), 1U) << "only the mark, as long as nobody knows what was lost";
  const auto lost = acquisition_->turn(Duration{});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().message, "the cable is out");
  const auto all = recorded();
  ASSERT_EQ(all.size(), 4U) << "frames lost, a gap for each channel, the block";
  EXPECT_EQ(std::get<protocol::SampleBlock>(all.back()).first, Sample{2500});
}

TEST_F(AcquisitionTest, InVirtualTimeAFullRecordingQueueMakesTheDeviceWait) {
  begin(true);
  for (int k = 0; k < 1100; ++k) device_.messages.push_back(protocol::StepApplied{0, Sample{k}, 0, 0, 1});
  std::vector<DeviceMessage> analysis;
  for (int k = 0; k < 1024; ++k) EXPECT_EQ(turn(), Turn::moved);
  EXPECT_EQ(turn(), Turn::blocked);
  EXPECT_EQ(turn(), Turn::blocked);
  EXPECT_EQ(device_.messages.size(), 75U) << "nothing is read while the queue is full";
  auto all = recorded();
  analysis = analysed();
  while (turn() == Turn::moved) {
  }
  for (const auto& message : recorded()) all.push_back(message);
  for (const auto& message : analysed()) analysis.push_back(message);
  ASSERT_EQ(all.size(), 1100U);
  ASSERT_EQ(analysis.size(), 1100U);
  for (std::size_t k = 0; k < all.size(); ++k) {
    EXPECT_EQ(std::get<protocol::StepApplied>(all[k]).at.index, static_cast<std::int64_t>(k));
    EXPECT_EQ(std::get<protocol::StepApplied>(analysis[k]).at.index, static_cast<std::int64_t>(k));
  }
}

TEST_F(AcquisitionTest, AFullAnalysisQueueRecordsEachMessageOnce) {
  begin(true);
  for (int k = 0; k < 1030; ++k) device_.messages.push_back(protocol::StepApplied{0, Sample{k}, 0, 0, 1});
  std::size_t count = 0;
  for (int k = 0; k < 1040; ++k) {
    turn();
    count += recorded().size();
  }
  EXPECT_EQ(count, 1025U) << "1024 analysed ones and the one that waits";
}

TEST_F(AcquisitionTest, InRealTimeAFullRecordingQueueEndsTheRun) {
  begin(false);
  for (int k = 0; k < 1100; ++k) device_.messages.push_back(block(2500 + 10 * k, 1));
  for (int k = 0; k < 1024; ++k) EXPECT_EQ(turn(), Turn::moved);
  const auto over = acquisition_->turn(Duration{});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::run_failed);
  EXPECT_TRUE(over.error().message.starts_with("recording_overrun:")) << over.error().message;
}

TEST_F(AcquisitionTest, CarriesOrdersInTheirOrderBeforeItReads) {
  begin(true);
  const Segment step{Sample{50'000}, {}, {}, {}};
  queues_->orders.push(ScheduleStep{Channel{1}, step});
  queues_->orders.push(StopRun{Sample{60'000}});
  queues_->orders.push(ScheduleStep{Channel{0}, step});
  turn();
  const std::vector<std::string> expected{"schedule 1 50000", "stop 60000", "schedule 0 50000"};
  EXPECT_EQ(device_.calls, expected);
}

TEST_F(AcquisitionTest, AnOrderThatTheDeviceRefusesEndsTheRun) {
  begin(true);
  device_.answer = fail(ErrorKind::bad_input, "too much");
  queues_->orders.push(StopRun{Sample{60'000}});
  const auto refused = acquisition_->turn(Duration{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "too much");
}

TEST_F(AcquisitionTest, GrantsUntilTheEarliestDecisionButNeverBeyondTheLease) {
  begin(true);
  turn();
  ASSERT_EQ(device_.grants, (std::vector<Sample>{Sample{1000 + 15'000}})) << "0.6 of the lease of 100 ms";
  turn();
  EXPECT_EQ(device_.grants.size(), 1U) << "a grant that grants nothing new is not sent";
  // Marks go on without decisions: the latency of 200 ms is the limit.
  device_.messages = {protocol::Mark{Sample{40'000}}};
  turn();
  turn();
  EXPECT_EQ(device_.grants.back(), Sample{1000 + 50'000});
  queues_->orders.push(Decided{Sample{40'000}});
  turn();
  EXPECT_EQ(device_.grants.back(), Sample{40'000 + 15'000});
  queues_->orders.push(Decided{Sample{2'000}});
  turn();
  EXPECT_EQ(device_.grants.back(), Sample{55'000}) << "nothing granted is taken back";
}

TEST_F(AcquisitionTest, ARealDeviceThatIsSilentFor200MillisecondsIsLost) {
  begin(false);
  wall_ += 5.0;
  EXPECT_EQ(turn(), Turn::idle) << "what the settings took before the first turn is no silence";
  wall_ += 0.199;
  EXPECT_EQ(turn(), Turn::idle);
  wall_ += 0.002;
  const auto lost = acquisition_->turn(Duration{});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::device);
  EXPECT_TRUE(lost.error().message.starts_with("test:fake: the device has been silent for 201 ms (limit 200 ms)"))
      << lost.error().message;
}

TEST_F(AcquisitionTest, AnyMessageEndsTheSilence) {
  begin(false);
  wall_ += 0.19;
  device_.messages = {protocol::Mark{Sample{2500}}};
  EXPECT_EQ(turn(), Turn::moved);
  wall_ += 0.19;
  EXPECT_EQ(turn(), Turn::idle);
}

TEST_F(AcquisitionTest, AVirtualDeviceThatIsSilentIsToldOfOnce) {
  begin(true);
  turn();
  wall_ += 0.19;
  turn();
  EXPECT_FALSE(acquisition_->take_silence_notice());
  wall_ += 0.02;
  turn();
  turn();
  EXPECT_TRUE(acquisition_->take_silence_notice());
  EXPECT_FALSE(acquisition_->take_silence_notice());
}

TEST_F(AcquisitionTest, AVirtualDeviceMayBeSilentForItsPatience) {
  begin(true);
  EXPECT_EQ(turn(), Turn::idle);
  wall_ += 1.99;
  EXPECT_EQ(turn(), Turn::idle);
  wall_ += 0.02;
  const auto lost = acquisition_->turn(Duration{});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::device);
}

TEST_F(AcquisitionTest, InRealTimeAHeartbeatGoesOutEach20Milliseconds) {
  begin(false);
  for (int k = 0; k < 101; ++k) {
    device_.messages.push_back(protocol::StepApplied{});
    turn();
    wall_ += 0.001;
  }
  EXPECT_GE(device_.grants.size(), 5U);
  EXPECT_LE(device_.grants.size(), 6U);
}

TEST_F(AcquisitionTest, InRealTimeAnAnalysisThatIsBehindLosesMessagesAndTheRecordingNone) {
  begin(false);
  for (int k = 0; k < 1100; ++k) device_.messages.push_back(protocol::StepApplied{0, Sample{k}, 0, 0, 1});
  device_.messages[1030] = Rejected{protocol::Schedule::type, protocol::Status::too_late, Sample{1030}};
  device_.messages[1040] = protocol::Fault{};
  std::size_t recorded_messages = 0;
  for (int k = 0; k < 1100; ++k) {
    EXPECT_EQ(turn(), Turn::moved);
    recorded_messages += recorded().size();
  }
  EXPECT_EQ(recorded_messages, 1100U);
  const auto first = analysed();
  ASSERT_EQ(first.size(), 1024U);
  device_.messages = {protocol::StepApplied{0, Sample{2000}, 0, 0, 1}, protocol::StepApplied{0, Sample{2001}, 0, 0, 1}};
  turn();
  turn();
  AnalysisMessage next;
  ASSERT_TRUE(queues_->analysis.pop(next));
  EXPECT_TRUE(std::holds_alternative<Rejected>(next.message)) << "a refusal is never lost";
  EXPECT_TRUE(next.after_drop);
  ASSERT_TRUE(queues_->analysis.pop(next));
  EXPECT_TRUE(std::holds_alternative<protocol::Fault>(next.message));
  EXPECT_FALSE(next.after_drop) << "told once";
  ASSERT_TRUE(queues_->analysis.pop(next));
  EXPECT_EQ(std::get<protocol::StepApplied>(next.message).at, Sample{2000});
  ASSERT_TRUE(queues_->analysis.pop(next));
  EXPECT_FALSE(next.after_drop);
}

TEST_F(AcquisitionTest, ADeviceThatHasUsedUpItsGrantedTimeIsNotSilent) {
  begin(true);
  turn();  // granted: sample 16'000
  device_.messages = {protocol::Mark{Sample{15'000}}};
  turn();  // by the lease now: 30'000
  device_.messages = {protocol::Mark{Sample{29'000}}, protocol::Mark{Sample{44'000}}, protocol::Mark{Sample{50'000}}};
  for (int k = 0; k < 3; ++k) turn();  // by the latency: 51'000, and no mark comes before it
  for (int k = 0; k < 5; ++k) {
    wall_ += 60.0;
    EXPECT_EQ(turn(), Turn::idle);
  }
  EXPECT_FALSE(acquisition_->take_silence_notice());
  queues_->orders.push(Decided{Sample{50'000}});
  turn();
  wall_ += 2.1;
  EXPECT_FALSE(acquisition_->turn(Duration{})) << "it has time again and says nothing";
}

TEST_F(AcquisitionTest, CountsTheOverrunsThatAMarkReports) {
  begin(true);
  device_.messages = {protocol::Mark{Sample{2500}, protocol::State::running, protocol::FaultCode::none, 7}};
  turn();
  EXPECT_EQ(acquisition_->counters().overruns, 7);
}

}  // namespace
}  // namespace thyrode::acquisition
