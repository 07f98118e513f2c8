// A step whose analysis missed messages has the row that it would have had without.
#include <gtest/gtest.h>

#include <random>

#include "daemon/experiment/documents.hpp"
#include "tests/unit/experiment/conductor_fixture.hpp"

namespace thyrode::experiment {
namespace {

/// A stream of one run, made once and given to conductors with and without holes.
class ConductorReadBackTest : public ConductorTest {
 protected:
  static constexpr int periods = 1'300;

  void SetUp() override {
    ConductorTest::SetUp();
    plan_.steps.push_back({50.0_uA, analysis::Direction::up, 0});
    // Every step ends at its ceiling: what the data say does not change how long it lasts.
    plan_.rules.relative_precision = 1e-9;
    plan_.rules.longest_s = 3.0;
  }

  /// Irregular spikes, plateaus over the marks, and gaps.
  std::vector<DeviceMessage> stream(std::uint64_t seed) const {
    std::mt19937_64 random{seed};
    std::vector<DeviceMessage> messages;
    std::vector<protocol::SpikeRecord> spikes;
    Ticks at = Ticks{60 * ms};
    for (; at < to_ticks(Sample{periods * grid}); at = at + 2 * ms + static_cast<std::int64_t>(random() % (7 * ms))) {
      const auto width = static_cast<std::uint32_t>(40 + random() % (2 * ms - 100));
      const std::uint32_t whole = width + static_cast<std::uint32_t>(ticks_per_sample - (at.count + width) % 256);
      spikes.push_back({at, whole, static_cast<AdcCode>(2500 + random() % 500), static_cast<AdcCode>(random() % 90)});
    }
    std::size_t next = 0;
    for (std::int64_t p = 0; p < periods; ++p) {
      const Ticks end = to_ticks(Sample{(p + 1) * grid});
      if (p % 97 == 13) messages.emplace_back(Gap{Channel{0}, Sample{p * grid + 300}, Sample{p * grid + 1'400}});
      protocol::SpikeBlock block{0, static_cast<std::uint32_t>(next), {}};
      for (; next < spikes.size() && spikes[next].at + spikes[next].width < end; ++next) {
        block.records.push_back(spikes[next]);
      }
      if (!block.records.empty()) messages.emplace_back(block);
      protocol::LevelRecord levels;
      levels.first = Sample{p * grid};
      levels.signals[0] = {40, 3000, static_cast<std::uint32_t>(2500 * (60 + random() % 9)), 2500};
      levels.command_sum = static_cast<std::int64_t>(2048 + random() % 3) * grid;
      levels.command_count = grid;
      if (next < spikes.size() && spikes[next].at < end) {
        levels.open_spike = static_cast<std::uint32_t>(end - spikes[next].at);
      }
      messages.emplace_back(levels);
      messages.emplace_back(protocol::Mark{Sample{(p + 1) * grid}, protocol::State::running});
    }
    return messages;
  }

  /// Plays a stream without the messages of the periods that `dropped` names.
  std::vector<analysis::StepResult> measure(const std::vector<DeviceMessage>& messages,
                                            const std::function<bool(std::int64_t period, std::size_t k)>& dropped) {
    asked_.clear();
    events_.clear();
    orders_.clear();
    begin();
    bool hole = false;
    std::int64_t period = 0;
    for (std::size_t k = 0; k < messages.size() && !(stop_at() && Sample{period * grid} >= *stop_at()); ++k) {
      if (dropped(period, k)) {
        hole = true;
      } else {
        conductor_->take(messages[k], std::exchange(hole, false));
      }
      period += std::holds_alternative<protocol::Mark>(messages[k]) ? 1 : 0;
    }
    EXPECT_TRUE(stop_at());
    conductor_->take(protocol::Mark{*stop_at() + grid, protocol::State::idle});
    for (std::size_t k = 0; k < 10 && conductor_->awaits_read_back(); ++k) conductor_->take_read_back(messages);
    EXPECT_FALSE(conductor_->awaits_read_back());
    std::vector<std::vector<std::uint32_t>> histograms;
    for (const auto& finished : events<StepFinished>()) histograms.push_back(finished.isi_counts);
    histograms_ = histograms;
    return conductor_->results();
  }
  static void expect_same(const std::vector<analysis::StepResult>& rows,
                          const std::vector<analysis::StepResult>& expected) {
    ASSERT_EQ(rows.size(), expected.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
      EXPECT_EQ(rows[k], expected[k]) << to_json(rows[k]).dump() << "\n" << to_json(expected[k]).dump();
    }
  }
  std::vector<std::vector<std::uint32_t>> histograms_;
};

TEST_F(ConductorReadBackTest, TheRowsAreTheSameToTheBit) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto messages = stream(seed);
    const auto whole = measure(messages, [](std::int64_t, std::size_t) { return false; });
    const auto histograms = histograms_;
    ASSERT_EQ(whole.size(), 3U);
    EXPECT_TRUE(asked_.empty());
    // In the midst of a step, and over the change from the second to the third; the marks too.
    const auto holed = measure(
        messages, [](std::int64_t p, std::size_t) { return (p > 60 && p < 150) || (p > 644 && p < 680) || p == 700; });
    ASSERT_FALSE(asked_.empty());
    ASSERT_EQ(holed.size(), whole.size());
    expect_same(holed, whole);
    EXPECT_EQ(histograms_, histograms);
  }
}

TEST_F(ConductorReadBackTest, SingleMessagesThatAreDroppedAreReadBackToo) {
  const auto messages = stream(4);
  const auto whole = measure(messages, [](std::int64_t, std::size_t) { return false; });
  std::mt19937_64 random{9};
  const auto holed = measure(messages, [&](std::int64_t p, std::size_t k) {
    return p < 1'000 && !std::holds_alternative<protocol::Mark>(messages[k]) && random() % 5 == 0;
  });
  expect_same(holed, whole);
}

TEST_F(ConductorReadBackTest, OnlyTheStepsThatMissedMessagesAreReadBackAndTheirOrderStays) {
  const auto messages = stream(5);
  measure(messages, [](std::int64_t p, std::size_t) { return p > 60 && p < 70; });
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].from, conductor_->start_sample() - grid);
  EXPECT_EQ(to_ticks(asked_[0].until), row(0).end);
  const auto finished = events<StepFinished>();
  ASSERT_EQ(finished.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(finished[k].row.index, static_cast<int>(k));
}

TEST_F(ConductorReadBackTest, AStepThatCannotBeReadBackIsUndetermined) {
  begin();
  const auto messages = stream(6);
  for (const auto& message : messages) {
    if (!stop_at()) conductor_->take(message, true);
  }
  conductor_->take(protocol::Mark{*stop_at() + grid, protocol::State::idle});
  while (conductor_->awaits_read_back()) {
    conductor_->take_read_back(fail(ErrorKind::run_failed, "the disk is gone"));
  }
  ASSERT_EQ(conductor_->results().size(), 3U);
  EXPECT_EQ(row(0).status, analysis::StepStatus::undetermined);
}

}  // namespace
}  // namespace thyrode::experiment
