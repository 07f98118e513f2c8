// What the core tells the host while it runs: marks, traces, levels, currents, spikes, snippets.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

bool is_stream(std::uint8_t type) {
  return type >= SampleBlock::type;
}

/// A spike of 20 samples up and 60 down by 600 codes every `period` samples, on 400 codes.
Rig::Source spiking(std::int64_t period) {
  return [period](std::int64_t at) {
    const std::int64_t k = at % period - 100;
    if (k < 0 || k > 80) return 400;
    return static_cast<int>(k <= 20 ? 400 + 30 * k : 1000 - 10 * (k - 20));
  };
}

TEST(TelemetryStream, SaysNothingButMarksBeforeTheStart) {
  Rig rig;
  rig.v_out[0] = spiking(1000);
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 10}), Status::done);
  rig.start(10000);
  rig.run_until(10000);
  for (const auto& frame : rig.received) EXPECT_TRUE(!is_stream(frame.type) || frame.type == Mark::type);
  EXPECT_EQ(rig.all<Mark>().size(), 4U);
  rig.run_until(12500);
  EXPECT_FALSE(rig.all<SampleBlock>().empty());
  EXPECT_EQ(rig.all<SampleBlock>()[0].first, Sample{10000});
  EXPECT_EQ(rig.all<LevelRecord>().at(0).first, Sample{10000});
  ASSERT_FALSE(rig.all<SpikeBlock>().empty());
  EXPECT_EQ(rig.all<SpikeBlock>()[0].index, 0U);
  EXPECT_GE(rig.all<SpikeBlock>()[0].records[0].at, to_ticks(Sample{10000}));
}

TEST(TelemetryStream, FallsSilentAfterTheRun) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 10}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.ask(Stop{Sample{6000}}), Status::done);
  rig.run_until(7500);
  const std::size_t at_the_end = rig.received.size();
  rig.run_until(20000);
  for (std::size_t k = at_the_end; k < rig.received.size(); ++k) EXPECT_EQ(rig.received[k].type, Mark::type);
  EXPECT_EQ(rig.all<LevelRecord>().back().first, Sample{5000});
}

TEST(TelemetryStream, MarksEveryTenMillisecondsAfterAllDataBeforeThem) {
  Rig rig;
  rig.v_out[0] = spiking(700);
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 10}), Status::done);
  rig.start(2500);
  rig.run_until(50000);
  std::int64_t trace_end = 2500, level_end = 2500, current_end = 2500, mark = 0;
  std::size_t spikes = 0;
  for (const auto& frame : rig.received) {
    if (frame.type == SampleBlock::type) {
      const auto block = *decode<SampleBlock>(frame.payload);
      EXPECT_EQ(block.first.index, trace_end);
      trace_end = block.first.index + static_cast<std::int64_t>(block.sums.size()) * block.decimation;
    } else if (frame.type == LevelRecord::type) {
      const auto record = *decode<LevelRecord>(frame.payload);
      EXPECT_EQ(record.first.index, level_end);
      level_end += record.signals[0].count;
    } else if (frame.type == CurrentBlock::type) {
      const auto block = *decode<CurrentBlock>(frame.payload);
      EXPECT_EQ(block.first.index, current_end);
      current_end += static_cast<std::int64_t>(block.means.size()) * block.span;
    } else if (frame.type == SpikeBlock::type) {
      const auto block = *decode<SpikeBlock>(frame.payload);
      EXPECT_EQ(block.index, spikes);
      for (const SpikeRecord& spike : block.records) {
        EXPECT_GE((spike.at + spike.width).count, mark * ticks_per_sample);  // not from before the last mark
      }
      spikes += block.records.size();
    } else if (frame.type == Mark::type) {
      const auto m = *decode<Mark>(frame.payload);
      EXPECT_EQ(m.at.index, mark + 2500);
      mark = m.at.index;
      if (mark <= 2500) continue;
      EXPECT_EQ(trace_end, mark);
      EXPECT_EQ(level_end, mark);
      EXPECT_EQ(current_end, mark);
      // Re-armed 46 samples after the start of a spike at the latest: 250 under the top of 1000.
      std::size_t expected = 0;
      for (std::int64_t begin = 100; begin < mark; begin += 700) {
        const std::int64_t rearm = begin + 20 + 26;
        if (begin + 8 >= 2500 && rearm < mark) ++expected;
      }
      EXPECT_EQ(spikes, expected) << "mark " << mark;
    }
  }
  EXPECT_EQ(mark, 50000);
}

TEST(TelemetryStream, LevelRecordsHoldExtremesSumsAndCounts) {
  Rig rig;
  std::mt19937_64 random{11};
  std::uniform_int_distribution<int> codes{0, 4095};
  std::vector<int> v(15000);
  for (int& code : v) code = codes(random);
  rig.v_out[0] = [&](std::int64_t at) { return v[static_cast<std::size_t>(at)]; };
  rig.v_m = [&](std::int64_t at) { return v[static_cast<std::size_t>(at)] / 2; };
  rig.start(2500);
  ASSERT_EQ(rig.step_to(3111, 2100.3), Status::done);
  ASSERT_EQ(rig.step_to(9000, 1900.9), Status::done);
  rig.run_until(15000);
  const auto records = rig.all<LevelRecord>();
  ASSERT_EQ(records.size(), 5U);
  for (std::size_t r = 0; r < records.size(); ++r) {
    const std::size_t first = 2500 * (r + 1);
    int lowest = 4095, highest = 0;
    std::uint32_t sum = 0, m_sum = 0;
    std::int64_t command = 0;
    for (std::size_t k = first; k < first + 2500; ++k) {
      lowest = std::min(lowest, v[k]);
      highest = std::max(highest, v[k]);
      sum += static_cast<std::uint32_t>(v[k]);
      if (k % 10 == 0) m_sum += static_cast<std::uint32_t>(v[k] / 2);
      command += rig.written[0][k];
    }
    EXPECT_EQ(records[r].first.index, static_cast<std::int64_t>(first));
    EXPECT_EQ(records[r].signals[0].lowest, lowest);
    EXPECT_EQ(records[r].signals[0].highest, highest);
    EXPECT_EQ(records[r].signals[0].sum, sum);
    EXPECT_EQ(records[r].signals[0].count, 2500);
    EXPECT_EQ(records[r].signals[1].sum, m_sum);
    EXPECT_EQ(records[r].signals[1].count, 250);
    EXPECT_EQ(records[r].signals[2].count, 250);
    EXPECT_EQ(records[r].command_sum, command) << "record " << r;
    EXPECT_EQ(records[r].command_count, 2500U);
  }
}

TEST(TelemetryStream, CurrentMeansAreTheSumsOfWhatWasWrittenAndRead) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(0.2), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(3111, 2100.3), Status::done);
  ASSERT_EQ(rig.step_to(9000, 1900.9), Status::done);
  rig.run_until(15000);
  const auto blocks = rig.all<CurrentBlock>();
  ASSERT_EQ(blocks.size(), 5U);
  for (const CurrentBlock& block : blocks) {
    ASSERT_EQ(block.means.size(), 10U);
    EXPECT_EQ(block.span, 250);
    EXPECT_EQ(block.read_count, 25);
    auto at = static_cast<std::size_t>(block.first.index);
    for (const CurrentMean& mean : block.means) {
      std::uint32_t command = 0, read = 0;
      for (std::size_t k = at; k < at + 250; ++k) {
        command += rig.written[0][k];
        if (k % 10 == 0) read += static_cast<std::uint32_t>(std::lround(2048 + 0.8 * (rig.played[0][k] - 2048)));
      }
      EXPECT_EQ(mean.command_sum, command) << "sample " << at;
      EXPECT_EQ(mean.read_sum, read) << "sample " << at;
      at += 250;
    }
  }
}

TEST(TelemetryStream, DecimatedTracesAreSumsOfConsecutiveCodes) {
  for (const std::uint16_t decimation : std::initializer_list<std::uint16_t>{1, 2, 5, 10}) {
    Rig rig;
    std::mt19937_64 random{decimation};
    std::uniform_int_distribution<int> codes{0, 4095};
    std::vector<int> v(25000);
    for (int& code : v) code = decimation == 10 ? 4095 : codes(random);  // the largest sum still fits
    rig.v_out[0] = [&](std::int64_t at) { return v[static_cast<std::size_t>(at)]; };
    ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, decimation}), Status::done);
    rig.start(2500);
    rig.run_until(25000);
    std::size_t next = 2500;
    for (const SampleBlock& block : rig.all<SampleBlock>()) {
      ASSERT_EQ(block.decimation, decimation);
      ASSERT_EQ(block.first.index, static_cast<std::int64_t>(next)) << "decimation " << decimation;
      for (const std::uint16_t value : block.sums) {
        int sum = 0;
        for (std::size_t k = 0; k < decimation; ++k) sum += v[next + k];
        ASSERT_EQ(value, sum) << "decimation " << decimation << ", sample " << next;
        next += decimation;
      }
    }
    EXPECT_EQ(next, 25000U);
  }
}

TEST(TelemetryStream, ChangesTheDecimationAtItsSample) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 5}), Status::done);
  rig.start(2500);
  rig.run_until(4000);
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{5050}, 10}), Status::done);
  rig.run_until(7500);
  std::int64_t next = 2500;
  for (const SampleBlock& block : rig.all<SampleBlock>()) {
    ASSERT_EQ(block.first.index, next);  // nothing is left out where the rate changes
    ASSERT_EQ(block.decimation, next < 5050 ? 5 : 10);
    next += block.decimation * static_cast<std::int64_t>(block.sums.size());
  }
  EXPECT_EQ(next, 7500);
}

TEST(TelemetryStream, AMarkLeavesNoConversionBehind) {
  for (const std::uint16_t decimation : std::initializer_list<std::uint16_t>{1, 2, 5, 10}) {
    Rig rig;
    ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, decimation}), Status::done);
    rig.start(2500);
    rig.run_until(25000);
    std::int64_t sent = 2500;
    for (const Rig::Received& frame : rig.received) {
      if (frame.type == SampleBlock::type) {
        const auto block = decode<SampleBlock>(frame.payload);
        sent = block->first.index + block->decimation * static_cast<std::int64_t>(block->sums.size());
      } else if (frame.type == Mark::type) {
        const std::int64_t mark = decode<Mark>(frame.payload)->at.index;
        if (mark > 2500) {
          ASSERT_EQ(sent, mark) << "decimation " << decimation;
        }
      }
    }
  }
}

TEST(TelemetryStream, TracesBothChannels) {
  Rig rig{2};
  rig.v_out[0] = [](std::int64_t) { return 111; };
  rig.v_out[1] = [](std::int64_t) { return 222; };
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 10}), Status::done);
  ASSERT_EQ(rig.ask(ConfigureTelemetry{1, Sample{0}, 10}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2500, 1), Status::done);
  rig.run_until(7500);
  std::map<int, int> values;
  for (const SampleBlock& block : rig.all<SampleBlock>()) {
    for (const std::uint16_t value : block.sums) {
      EXPECT_EQ(value, block.channel == 0 ? 1110 : 2220);
      ++values[block.channel];
    }
  }
  EXPECT_EQ(values, (std::map<int, int>{{0, 500}, {1, 500}}));
  EXPECT_TRUE(rig.at_zero(0, 0, 7500));
  EXPECT_GT(rig.played[1].back(), 2048);
}

TEST(TelemetryStream, SnippetsHoldTheCodesAroundTheirSpike) {
  Rig rig;
  rig.v_out[0] = [](std::int64_t at) { return spiking(5000)(at) + static_cast<int>(at * 7 % 13); };
  ASSERT_EQ(rig.ask(ConfigureSnippets{0, 1, 250, 1000, 1000}), Status::done);
  rig.start(2500);
  rig.run_until(50000);
  std::map<std::int64_t, std::size_t> snippets;  // codes seen of each spike
  for (const SnippetBlock& block : rig.all<SnippetBlock>()) {
    EXPECT_EQ(block.length, 1250);
    EXPECT_EQ(block.first, to_sample(block.spike) - 250);
    EXPECT_EQ(block.offset, snippets[block.spike.count]);
    for (std::size_t k = 0; k < block.codes.size(); ++k) {
      const std::int64_t at = block.first.index + block.offset + static_cast<std::int64_t>(k);
      ASSERT_EQ(block.codes[k], rig.v_out[0](at)) << "sample " << at;
    }
    snippets[block.spike.count] += block.codes.size();
  }
  ASSERT_EQ(snippets.size(), 9U);  // spikes near 5100, 10100, ..., 45100
  for (const auto& [spike, codes] : snippets) EXPECT_EQ(codes, 1250U) << "spike " << spike;
}

TEST(TelemetryStream, ASnippetDoesNotReachBackBeforeTheStart) {
  Rig rig;
  rig.v_out[0] = spiking(2500);
  ASSERT_EQ(rig.ask(ConfigureSnippets{0, 1, 250, 250, 1000}), Status::done);
  rig.start(5000);
  rig.run_until(7500);
  const auto blocks = rig.all<SnippetBlock>();
  ASSERT_FALSE(blocks.empty());
  EXPECT_EQ(blocks[0].first, Sample{5000});
  EXPECT_EQ(blocks[0].codes[0], rig.v_out[0](5000));
}

TEST(TelemetryStream, SendsNoMoreSnippetsThanAskedForInASecond) {
  Rig rig;
  rig.v_out[0] = spiking(2500);
  ASSERT_EQ(rig.ask(ConfigureSnippets{0, 1, 20, 80, 7}), Status::done);
  rig.start(250000);
  rig.run_until(750000);
  EXPECT_EQ(rig.all<SnippetBlock>().size(), 14U);
}

TEST(TelemetryStream, NumbersItsFramesWithoutAHole) {
  Rig rig;
  rig.v_out[0] = spiking(500);
  rig.board.at_once = 7;  // a link that takes few bytes at a time must not mix frames
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 2}), Status::done);
  rig.start(2500);
  rig.run_until(100000);
  std::uint8_t expected = 0;
  std::size_t frames = 0;
  for (const auto& frame : rig.received) {
    if (!is_stream(frame.type)) continue;
    ASSERT_EQ(frame.sequence, expected) << "frame " << frames;
    ++expected;
    ++frames;
  }
  EXPECT_GT(frames, 256U);
}

TEST(TelemetryStream, DroppedFramesLeaveAHoleInTheNumbers) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 1}), Status::done);
  rig.start(2500);
  rig.run_until(5000);
  rig.board.accepts = 0;  // the link hangs while the device goes on
  rig.run_until(25000);
  rig.board.accepts = std::numeric_limits<std::size_t>::max();
  rig.run_until(30000);
  std::uint32_t missing = 0;
  std::uint8_t expected = 0;
  for (const auto& frame : rig.received) {
    if (!is_stream(frame.type)) continue;
    missing += static_cast<std::uint8_t>(frame.sequence - expected);
    expected = static_cast<std::uint8_t>(frame.sequence + 1);
  }
  const std::uint32_t dropped = rig.all<Mark>().back().dropped_frames;
  EXPECT_GT(dropped, 0U);
  EXPECT_LT(dropped, 256U);
  EXPECT_EQ(missing, dropped);
}

TEST(TelemetryStream, AnswersOvertakeTheStreamAtTheEndOfAFrame) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 1}), Status::done);
  rig.start(2500);
  rig.run_until(2500);
  rig.board.accepts = 100;  // stops in the midst of a frame
  rig.run_until(5000);
  rig.talk();
  rig.send(GetClock{});
  rig.board.accepts = std::numeric_limits<std::size_t>::max();
  const std::size_t before = rig.received.size();
  rig.talk();
  ASSERT_GT(rig.received.size(), before + 2);
  EXPECT_EQ(rig.received[before + 1].type, ClockReply::type);
}

TEST(TelemetryStream, ReportsASpikeThatStaysOpen) {
  Rig rig;
  rig.v_out[0] = [](std::int64_t at) { return at < 4000 ? 100 : 2000; };
  rig.start(2500);
  rig.run_until(10000);
  const auto records = rig.all<LevelRecord>();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_TRUE(rig.all<SpikeBlock>().empty());
  EXPECT_NEAR(records[0].open_spike, 1000 * 256, 256);
  EXPECT_NEAR(records[2].open_spike, 6000 * 256, 256);
}

TEST(TelemetryStream, CountsEveryFrameThatEitherContextDrops) {
  constexpr std::uint32_t each = 100'000;
  Telemetry telemetry;
  std::thread interrupt{[&] {
    for (std::uint32_t k = 0; k < each; ++k) telemetry.stream(Mark{});
  }};
  std::thread main_loop{[&] {
    for (std::uint32_t k = 0; k < each; ++k) telemetry.answer(Ack{}, 0);
  }};
  interrupt.join();
  main_loop.join();
  std::uint32_t taken = 0;
  telemetry.drain([&](std::span<const std::uint8_t> piece) {
    taken += static_cast<std::uint32_t>(std::count(piece.begin(), piece.end(), 0));
    return piece.size();
  });
  EXPECT_GT(taken, 100U);
  EXPECT_EQ(telemetry.dropped(), 2 * each - taken);
}

}  // namespace
}  // namespace thyrode::firmware
