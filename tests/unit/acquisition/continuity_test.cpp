#include "daemon/acquisition/continuity.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace thyrode::acquisition {
namespace {

using protocol::State;

constexpr std::int64_t period = 2500;  // samples between marks
constexpr std::int64_t start = 5000;

/// What a device says, as one frame each: the trace in blocks of 110 values, and at each mark what has gathered.
class ContinuityTest : public testing::Test {
 protected:
  void begin(int decimation = 10, std::size_t channels = 1, bool virtual_time = true) {
    device_.channels.resize(channels);
    device_.now = Sample{0};
    device_.virtual_time = virtual_time;
    decimation_ = decimation;
    next_.fill(Sample{start});
    continuity_ = std::make_unique<Continuity>(device_, Sample{start}, std::vector<int>(channels, decimation));
  }
  /// The frames of the 10 ms that end at `mark`, in the order of the firmware.
  std::vector<DeviceMessage> frames_before(std::int64_t mark, State state = State::running, int spikes = 0) {
    std::vector<DeviceMessage> frames;
    for (std::uint8_t c = 0; c < device_.channels.size() && mark > start; ++c) {
      while (decimation_ > 0 && next_[c] + decimation_ <= Sample{mark}) {
        protocol::SampleBlock block{c, static_cast<std::uint8_t>(decimation_), next_[c], {}};
        while (!block.sums.full() && next_[c] + decimation_ <= Sample{mark}) {
          block.sums.push_back(7);
          next_[c] = next_[c] + decimation_;
        }
        frames.emplace_back(block);
      }
      protocol::SpikeBlock block{c, spike_index_[c], {}};
      for (int k = 0; k < spikes; ++k) {
        block.records.push_back({to_ticks(Sample{mark - period + 100 + 10 * k}), 100, 3000, 100});
        ++spike_index_[c];
        if (k + 1 < spikes && !block.records.full()) continue;
        frames.emplace_back(block);
        block = {c, spike_index_[c], {}};
      }
      protocol::CurrentBlock means{c, Sample{mark - period}, 250, 25, {}};
      means.means.resize(10);
      frames.emplace_back(means);
      protocol::LevelRecord levels;
      levels.channel = c;
      levels.first = Sample{mark - period};
      frames.emplace_back(levels);
    }
    frames.emplace_back(protocol::Mark{Sample{mark}, mark < start ? State::armed : state});
    return frames;
  }
  void say(const DeviceMessage& message) {
    DeviceMessage copy = message;
    continuity_->take(std::move(copy), heard_);
  }
  void say_all(const std::vector<DeviceMessage>& frames) {
    for (const DeviceMessage& frame : frames) say(frame);
  }
  void run_until(std::int64_t mark) {
    for (std::int64_t at = period; at <= mark; at += period) say_all(frames_before(at));
  }
  /// Says the frames but some, as a device driver tells of them.
  template <class IsLost>
  void say_without(const std::vector<DeviceMessage>& frames, IsLost&& is_lost) {
    std::uint32_t lost = 0;
    for (std::size_t k = 0; k < frames.size(); ++k) {
      if (is_lost(k, frames[k])) {
        ++lost;
        continue;
      }
      if (lost % 256 != 0) say(FramesLost{lost % 256});
      lost = 0;
      say(frames[k]);
    }
    lost_at_end_ = lost;
  }
  template <class Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const auto& message : heard_) {
      if (const auto* kind = std::get_if<Kind>(&message)) found.push_back(*kind);
    }
    return found;
  }
  void expect_gap(std::size_t k, std::int64_t first, std::int64_t last, std::int64_t trace, bool records) const {
    const auto gaps = all<Gap>();
    ASSERT_GT(gaps.size(), k);
    EXPECT_EQ(gaps[k].first.index, first);
    EXPECT_EQ(gaps[k].last.index, last);
    EXPECT_EQ(gaps[k].trace_samples, trace);
    EXPECT_EQ(gaps[k].records, records);
  }
  DeviceInfo device_;
  int decimation_ = 0;
  std::array<Sample, 2> next_;
  std::array<std::uint32_t, 2> spike_index_{};
  std::uint32_t lost_at_end_ = 0;
  std::unique_ptr<Continuity> continuity_;
  std::vector<DeviceMessage> heard_;
};

template <class Kind>
bool is(const DeviceMessage& message) {
  return std::holds_alternative<Kind>(message);
}

TEST_F(ContinuityTest, AWholeStreamHasNoGapAtAnyRateOfTheTrace) {
  for (int decimation = 0; decimation <= 16; ++decimation) {
    begin(decimation, 2);
    heard_.clear();
    spike_index_ = {};
    run_until(40'000);
    say_all(frames_before(42'500, State::running, 40));
    say_all(frames_before(45'000, State::idle));
    say_all({protocol::Mark{Sample{47'500}, State::idle}, protocol::Mark{Sample{50'000}, State::idle}});
    EXPECT_EQ(continuity_->counters().gaps, 0) << decimation;
    EXPECT_EQ(continuity_->counters().lost_frames, 0) << decimation;
    const std::int64_t whole = decimation == 0 ? 0 : 40'000 / decimation * decimation;
    EXPECT_EQ(continuity_->counters().samples, 2 * whole) << decimation;
  }
}

TEST_F(ContinuityTest, ARunStoppedBeforeItsFirstSampleLacksNothing) {
  begin();
  for (std::int64_t mark = period; mark <= start + 2 * period; mark += period) {
    say(protocol::Mark{Sample{mark}, mark < start ? State::armed : State::idle});
  }
  EXPECT_EQ(continuity_->counters().gaps, 0);
  EXPECT_EQ(continuity_->counters().lost_frames, 0);
}

TEST_F(ContinuityTest, ALostPieceOfTheTraceIsAGapAtItsExactSamples) {
  begin();
  run_until(7500);
  say_without(frames_before(10'000), [](std::size_t k, const auto&) { return k == 1; });
  ASSERT_EQ(all<Gap>().size(), 1U);
  expect_gap(0, 8600, 9700, 1100, false);
  EXPECT_EQ(continuity_->counters().lost_frames, 1);
  ASSERT_EQ(all<FramesLost>().size(), 1U);
  const auto& after = heard_[heard_.size() - 4];
  EXPECT_EQ(std::get<protocol::SampleBlock>(after).first, Sample{9700}) << "what was held back comes after the gap";
}

TEST_F(ContinuityTest, TheFirstPieceOfTheTraceIsExpectedAtTheStart) {
  begin();
  run_until(5000);
  say_without(frames_before(7500), [](std::size_t k, const auto&) { return k == 0; });
  expect_gap(0, 5000, 6100, 1100, false);
}

TEST_F(ContinuityTest, TheLastPieceOfTheTraceIsExpectedAtTheLastMark) {
  for (const int decimation : {10, 7}) {
    begin(decimation);
    heard_.clear();
    run_until(7500);
    std::size_t blocks = 0;
    const auto last = frames_before(10'000, State::idle);
    for (const auto& frame : last) blocks += is<protocol::SampleBlock>(frame) ? 1 : 0;
    const auto first = std::get<protocol::SampleBlock>(last[blocks - 1]).first.index;
    say_without(last, [&](std::size_t k, const auto&) { return k == blocks - 1; });
    const std::int64_t end = start + (10'000 - start) / decimation * decimation;
    ASSERT_EQ(all<Gap>().size(), 1U);
    expect_gap(0, first, end, end - first, false);
  }
}

TEST_F(ContinuityTest, ALostRecordOfAnyOtherKindIsAGapFromMarkToMark) {
  using Missing = bool (*)(const DeviceMessage&);
  for (const int decimation : {0, 10}) {
    for (const Missing missing : {Missing{is<protocol::LevelRecord>}, Missing{is<protocol::CurrentBlock>},
                                  Missing{is<protocol::SpikeBlock>}, Missing{is<protocol::StepApplied>}}) {
      begin(decimation);
      heard_.clear();
      spike_index_ = {};
      run_until(7500);
      auto frames = frames_before(10'000, State::running, 3);
      frames.insert(frames.begin(), protocol::StepApplied{});
      say_without(frames, [&](std::size_t, const auto& frame) { return missing(frame); });
      say_all(frames_before(12'500, State::running, 3));
      say_all(frames_before(15'000, State::idle, 1));
      ASSERT_EQ(all<Gap>().size(), 1U);
      expect_gap(0, 7500, 10'000, 0, true);
      EXPECT_EQ(continuity_->counters().gaps, 1);
      EXPECT_EQ(continuity_->counters().lost_frames, 1);
    }
  }
}

TEST_F(ContinuityTest, ALostMarkIsAGapToTheNextMark) {
  begin();
  run_until(7500);
  auto frames = frames_before(10'000);
  const auto more = frames_before(12'500);
  const std::size_t lost = frames.size() - 1;
  frames.insert(frames.end(), more.begin(), more.end());
  say_without(frames, [&](std::size_t k, const auto&) { return k == lost; });
  ASSERT_EQ(all<Gap>().size(), 1U);
  expect_gap(0, 7500, 12'500, 0, true);
}

TEST_F(ContinuityTest, TraceAndSpikesLostTogetherAreOneGap) {
  begin();
  run_until(7500);
  const auto frames = frames_before(10'000, State::running, 3);
  say_without(frames, [&](std::size_t k, const auto& frame) { return k == 1 || is<protocol::SpikeBlock>(frame); });
  say_all(frames_before(12'500, State::running, 3));
  ASSERT_EQ(all<Gap>().size(), 1U);
  expect_gap(0, 7500, 10'000, 1100, true);
  EXPECT_EQ(continuity_->counters().lost_frames, 2);
}

TEST_F(ContinuityTest, SpikesKnownToBeWholeMakeNoGapOfTheirOwn) {
  begin();
  run_until(7500);
  say_without(frames_before(10'000, State::running, 3), [](std::size_t k, const auto&) { return k == 0 || k == 2; });
  ASSERT_EQ(all<Gap>().size(), 2U) << "two pieces of the trace";
  expect_gap(0, 7500, 8600, 1100, false);
  expect_gap(1, 9700, 10'000, 300, false);
}

TEST_F(ContinuityTest, NothingReachesOverASecondHoleAmongTheSpikesOfOneMark) {
  begin(0);
  run_until(7500);
  int block = 0;
  // Three blocks of 14, 14 and 12 spikes, of which the middle one is lost, behind a level record that is lost too.
  auto frames = frames_before(10'000, State::running, 40);
  frames.insert(frames.begin(), protocol::StepApplied{});
  say_without(frames, [&](std::size_t k, const auto& frame) {
    return k == 0 || (is<protocol::SpikeBlock>(frame) && block++ == 1);
  });
  const std::int64_t third = 7500 + 100 + 10 * 28;
  ASSERT_EQ(all<Gap>().size(), 2U);
  expect_gap(0, 7500, third, 0, true);
  expect_gap(1, third, 10'000, 0, true);
  std::vector<std::size_t> order;
  for (const auto& message : heard_) {
    if (is<Gap>(message) || is<protocol::SpikeBlock>(message)) order.push_back(message.index());
  }
  const std::size_t gap = DeviceMessage{Gap{}}.index();
  const std::size_t spikes = DeviceMessage{protocol::SpikeBlock{}}.index();
  EXPECT_EQ(order, (std::vector{gap, spikes, gap, spikes}));
}

TEST_F(ContinuityTest, OnlyTheChannelThatLostARecordHasAGap) {
  begin(10, 2);
  run_until(7500);
  say_without(frames_before(10'000), [&](std::size_t, const auto& frame) {
    const auto* levels = std::get_if<protocol::LevelRecord>(&frame);
    return levels != nullptr && levels->channel == 1;
  });
  ASSERT_EQ(all<Gap>().size(), 1U);
  EXPECT_EQ(all<Gap>()[0].channel.index, 1);
}

TEST_F(ContinuityTest, ALossThatNothingExplainsIsAGapOfEachChannel) {
  begin(10, 2);
  run_until(7500);
  auto frames = frames_before(10'000);
  frames.insert(frames.begin(), protocol::SnippetBlock{});
  say_without(frames, [&](std::size_t k, const auto&) { return k == 0; });
  ASSERT_EQ(all<Gap>().size(), 2U);
  EXPECT_EQ(all<Gap>()[0].channel.index, 0);
  EXPECT_EQ(all<Gap>()[1].channel.index, 1);
}

/// Everything between two marks that are `periods` apart is lost.
class LongLoss : public ContinuityTest, public testing::WithParamInterface<int> {};

TEST_P(LongLoss, IsCountedWholeAlsoWhereTheSequenceNumbersGoRound) {
  for (const bool virtual_time : {true, false}) {
    for (const int decimation : {0, 1, 10}) {
      begin(decimation, 1, virtual_time);
      heard_.clear();
      run_until(7500);
      const auto before = continuity_->counters().samples;
      std::uint32_t lost = 0;
      std::int64_t mark = 7500;
      for (int k = 0; k < GetParam(); ++k) lost += static_cast<std::uint32_t>(frames_before(mark += period).size());
      if (lost % 256 != 0) say(FramesLost{lost % 256});
      say_all(frames_before(mark += period, State::idle));
      EXPECT_EQ(continuity_->counters().lost_frames, lost) << decimation;
      ASSERT_EQ(all<Gap>().size(), 1U);
      const std::int64_t missing = decimation == 0 ? 0 : mark - period - 7500;
      expect_gap(0, 7500, mark, missing, true);
      EXPECT_EQ(before + missing + (decimation == 0 ? 0 : period), continuity_->counters().samples + missing);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Periods, LongLoss, testing::Values(1, 9, 10, 11, 20, 37, 64, 86, 100));

TEST_F(ContinuityTest, ExactlyOneRoundOfSequenceNumbersIsSeen) {
  begin(0);
  run_until(7500);
  // A mark, a level record and a block of means each 10 ms, and one spike: 85 * 3 + 1.
  std::uint32_t lost = 0;
  std::int64_t mark = 7500;
  for (int k = 0; k < 85; ++k) {
    lost += static_cast<std::uint32_t>(frames_before(mark += period, State::running, k == 3 ? 1 : 0).size());
  }
  ASSERT_EQ(lost, 256U);
  say_all(frames_before(mark += period, State::running, 1));
  EXPECT_EQ(continuity_->counters().lost_frames, 256);
  EXPECT_EQ(continuity_->counters().gaps, 1);
  ASSERT_EQ(all<FramesLost>().size(), 1U);
  EXPECT_EQ(all<FramesLost>()[0].count, 256U);
}

TEST_F(ContinuityTest, SpikeNumbersTellOfALossThatNothingElseShows) {
  begin(0);
  run_until(7500);
  spike_index_[0] = 5;
  say_all(frames_before(10'000, State::running, 2));
  ASSERT_EQ(all<Gap>().size(), 1U);
  expect_gap(0, 7500, 10'000, 0, true);
  EXPECT_EQ(continuity_->counters().lost_frames, 256) << "a whole round of numbers";
}

TEST_F(ContinuityTest, TheEndOfTheDataIsFoundWhenItsMarkIsLost) {
  for (const int decimation : {0, 10}) {
    begin(decimation);
    heard_.clear();
    run_until(7500);
    // The mark of the end is lost; the next ones come without data.
    auto frames = frames_before(10'000, State::idle);
    const std::size_t end = frames.size() - 1;
    frames.emplace_back(protocol::Mark{Sample{12'500}, State::idle});
    say_without(frames, [&](std::size_t k, const auto&) { return k == end; });
    ASSERT_EQ(all<Gap>().size(), 1U);
    expect_gap(0, 7500, 10'000, 0, true);
    EXPECT_EQ(continuity_->counters().lost_frames, 1);
  }
}

TEST_F(ContinuityTest, WhatIsLostAfterTheRunIsCountedAndNoGap) {
  begin();
  run_until(7500);
  say_all(frames_before(10'000, State::idle));
  say_all({protocol::Mark{Sample{12'500}, State::idle}, FramesLost{1}, protocol::Mark{Sample{17'500}, State::idle}});
  EXPECT_EQ(continuity_->counters().gaps, 0);
  EXPECT_EQ(continuity_->counters().lost_frames, 1);
}

TEST_F(ContinuityTest, ALossBeforeTheStartMayHaveBeenTheFirstStep) {
  begin();
  say(protocol::Mark{Sample{2500}, State::armed});
  say(FramesLost{1});
  say(protocol::Mark{Sample{5000}, State::running});
  ASSERT_EQ(all<Gap>().size(), 1U);
  expect_gap(0, 2500, 5000, 0, true);
}

TEST_F(ContinuityTest, ALostFirstMarkIsSeenInVirtualTime) {
  begin();
  say(FramesLost{1});
  say(protocol::Mark{Sample{5000}, State::running});
  ASSERT_EQ(all<Gap>().size(), 1U);
  expect_gap(0, 0, 5000, 0, true);
  EXPECT_EQ(continuity_->counters().lost_frames, 1);
}

TEST_F(ContinuityTest, ARealDeviceHasBeenTalkingBeforeItsFirstMarkIsHeard) {
  begin(10, 1, false);
  say(protocol::Mark{Sample{5000}, State::running});
  say_all(frames_before(7500));
  EXPECT_EQ(continuity_->counters().gaps, 0);
  EXPECT_EQ(continuity_->counters().lost_frames, 0);
}

TEST_F(ContinuityTest, AnEmulatedDeviceThatServedAnotherHostStoodStillSince) {
  begin();
  device_.now = Sample{50};
  continuity_ = std::make_unique<Continuity>(device_, Sample{start}, std::vector<int>{decimation_});
  say(FramesLost{1});  // the mark of 2500
  say(protocol::Mark{Sample{start}, protocol::State::running});
  say_all(frames_before(start + 2500));
  EXPECT_EQ(continuity_->counters().lost_frames, 1);
}

TEST_F(ContinuityTest, ARefusalWaitsForNoMark) {
  begin();
  run_until(5000);
  heard_.clear();
  say(FramesLost{1});
  say(protocol::StepApplied{});
  EXPECT_TRUE(heard_.empty());
  say(Rejected{protocol::Schedule::type, protocol::Status::too_late, Sample{5100}});
  ASSERT_EQ(heard_.size(), 1U);
  EXPECT_TRUE(is<Rejected>(heard_[0]));
}

TEST_F(ContinuityTest, ADeviceWithoutMarksDoesNotFillTheMemory) {
  begin(1);
  run_until(5000);
  say(FramesLost{1});
  heard_.clear();
  protocol::SampleBlock block{0, 1, Sample{5110}, {}};
  block.sums.resize(110);
  for (int k = 0; k < 20'000; ++k, block.first = block.first + 110) say(block);
  EXPECT_GT(heard_.size(), 15'000U);
  expect_gap(0, 5000, 5110, 110, false);
}

TEST_F(ContinuityTest, AChangeOfTheTraceRateIsNoGap) {
  begin();
  run_until(5000);
  const auto block = [](std::int64_t first, std::size_t count, std::uint8_t decimation) {
    protocol::SampleBlock samples{0, decimation, Sample{first}, {}};
    samples.sums.resize(count);
    return samples;
  };
  say_all({block(5000, 10, 10), block(5100, 10, 1), block(5110, 10, 16), block(5270, 1, 10)});
  EXPECT_EQ(continuity_->counters().gaps, 0);
}

}  // namespace
}  // namespace thyrode::acquisition
