#include "daemon/acquisition/acquisition.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace thyrode::acquisition {
namespace {

/// Says what the test put into it and notes what it is told.
class FakeDevice final : public Device {
 public:
  DeviceInfo information;
  std::deque<DeviceMessage> messages;
  std::vector<std::string> calls;
  std::vector<Sample> grants;
  Result<void> answer;

  const DeviceInfo& info() const override { return information; }
  Result<DeviceMessage> read(Duration) override {
    if (messages.empty()) return fail(ErrorKind::timeout, "nothing came");
    DeviceMessage message = messages.front();
    messages.pop_front();
    return message;
  }
  Result<void> schedule(Channel channel, std::span<const Segment> segments) override {
    for (const Segment& s : segments) calls.push_back(fmt::format("schedule {} {}", channel.index, s.start.index));
    return answer;
  }
  Result<void> configure(Channel, const Setting&, Sample) override { return answer; }
  Result<void> arm() override { return answer; }
  Result<void> start(Sample) override { return answer; }
  Result<void> stop(Sample at) override {
    calls.push_back(fmt::format("stop {}", at.index));
    return answer;
  }
  Result<void> estop() override {
    calls.emplace_back("estop");
    return answer;
  }
  Result<void> clear(protocol::FaultCode) override { return answer; }
  Result<void> grant(Sample until) override {
    grants.push_back(until);
    return answer;
  }
  LinkCounters counters() const override { return {}; }
};

class AcquisitionTest : public testing::Test {
 protected:
  void begin(bool virtual_time, bool trace_on = true) {
    device_.information.uri = "test:fake";
    device_.information.virtual_time = virtual_time;
    device_.information.now = Sample{1000};
    device_.information.channels.resize(2);
    Settings settings;
    settings.decision_latency = 200.0_ms;
    settings.lease = 100.0_ms;
    settings.silence = 200.0_ms;
    settings.patience = 2.0_s;
    settings.trace_on = trace_on;
    settings.wall_clock = [this] { return wall_; };
    acquisition_ = std::make_unique<Acquisition>(device_, *queues_, settings);
  }
  Turn turn() {
    const auto done = acquisition_->turn(Duration{});
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(Turn::idle);
  }
  std::vector<DeviceMessage> recorded() { return drain(queues_->recording); }
  std::vector<DeviceMessage> analysed() { return drain(queues_->analysis); }
  static std::vector<DeviceMessage> drain(MessageQueue& queue) {
    std::vector<DeviceMessage> all;
    DeviceMessage message;
    while (queue.pop(message)) all.push_back(message);
    return all;
  }
  static std::vector<Gap> gaps(const std::vector<DeviceMessage>& messages) {
    std::vector<Gap> found;
    for (const auto& message : messages) {
      if (const auto* gap = std::get_if<Gap>(&message)) found.push_back(*gap);
    }
    return found;
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

void expect_gap(const Gap& gap, int channel, std::int64_t first, std::int64_t last) {
  EXPECT_EQ(gap.channel.index, channel);
  EXPECT_EQ(gap.first.index, first);
  EXPECT_EQ(gap.last.index, last);
}

TEST_F(AcquisitionTest, FindsAGapAtItsExactSamples) {
  begin(true);
  device_.messages = {block(2500, 100), block(3500, 50), FramesLost{1}, block(4900, 10)};
  for (int k = 0; k < 4; ++k) EXPECT_EQ(turn(), Turn::moved);
  const auto all = recorded();
  ASSERT_EQ(all.size(), 5U);
  ASSERT_TRUE(std::holds_alternative<Gap>(all[3])) << "the gap comes before the samples after it";
  expect_gap(std::get<Gap>(all[3]), 0, 4000, 4900);
  const auto analysis = analysed();
  ASSERT_EQ(analysis.size(), 2U) << "the analysis gets no trace";
  expect_gap(gaps(analysis).at(0), 0, 4000, 4900);
  EXPECT_EQ(acquisition_->counters().gaps, 1);
  EXPECT_EQ(acquisition_->counters().samples, 1600);
}

TEST_F(AcquisitionTest, ChannelsHaveTheirOwnTraces) {
  begin(true);
  device_.messages = {block(2500, 10), block(9000, 10, 10, 1), block(2600, 10), block(9100, 10, 10, 1)};
  for (int k = 0; k < 4; ++k) turn();
  EXPECT_EQ(acquisition_->counters().gaps, 0);
}

TEST_F(AcquisitionTest, AChangeOfTheTraceRateIsNoGap) {
  begin(true);
  device_.messages = {block(2500, 10, 10), block(2600, 10, 1), block(2610, 10, 16), block(2770, 1, 10)};
  for (int k = 0; k < 4; ++k) turn();
  EXPECT_EQ(acquisition_->counters().gaps, 0);
}

TEST_F(AcquisitionTest, WithoutATraceALossIsKnownFromMarkToMark) {
  begin(true, false);
  device_.messages = {protocol::Mark{Sample{2500}}, FramesLost{1}, protocol::Mark{Sample{5000}},
                      protocol::Mark{Sample{7500}}};
  for (int k = 0; k < 4; ++k) turn();
  const auto found = gaps(analysed());
  ASSERT_EQ(found.size(), 2U);
  expect_gap(found[0], 0, 2500, 5000);
  expect_gap(found[1], 1, 2500, 5000);
  EXPECT_EQ(gaps(recorded()).size(), 2U);
}

TEST_F(AcquisitionTest, WithoutATraceALostMarkMakesTheGapLonger) {
  begin(true, false);
  device_.messages = {protocol::Mark{Sample{2500}}, FramesLost{3}, protocol::Mark{Sample{7500}}};
  for (int k = 0; k < 3; ++k) turn();
  expect_gap(gaps(recorded()).at(0), 0, 2500, 7500);
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
  queues_->orders.push(EmergencyStop{});
  queues_->orders.push(ScheduleStep{Channel{0}, step});
  turn();
  const std::vector<std::string> expected{"schedule 1 50000", "stop 60000", "estop", "schedule 0 50000"};
  EXPECT_EQ(device_.calls, expected);
}

TEST_F(AcquisitionTest, AnOrderThatTheDeviceRefusesEndsTheRun) {
  begin(true);
  device_.answer = fail(ErrorKind::bad_input, "too much");
  queues_->orders.push(EmergencyStop{});
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

TEST_F(AcquisitionTest, HeartbeatsGoOnWhileTheAnalysisIsBehind) {
  begin(false);
  for (int k = 0; k < 1030; ++k) device_.messages.push_back(protocol::StepApplied{});
  for (int k = 0; k < 1030; ++k) {
    turn();
    recorded();
  }
  ASSERT_EQ(turn(), Turn::blocked);
  const std::size_t before = device_.grants.size();
  wall_ += 0.021;
  EXPECT_EQ(turn(), Turn::blocked);
  EXPECT_EQ(device_.grants.size(), before + 1);
}

TEST_F(AcquisitionTest, CountsTheOverrunsThatAMarkReports) {
  begin(true);
  device_.messages = {protocol::Mark{Sample{2500}, protocol::State::running, protocol::FaultCode::none, 7}};
  turn();
  EXPECT_EQ(acquisition_->counters().overruns, 7);
  EXPECT_EQ(acquisition_->last_mark(), Sample{2500});
}

}  // namespace
}  // namespace thyrode::acquisition
