// What was written can be read while the run goes on, with the codes and ticks that came.
#include <algorithm>

#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording::testing {
namespace {

template <class Wanted>
std::vector<Wanted> all(const std::vector<DeviceMessage>& messages) {
  std::vector<Wanted> found;
  for (const DeviceMessage& message : messages) {
    if (const auto* wanted = std::get_if<Wanted>(&message)) found.push_back(*wanted);
  }
  return found;
}

/// Twenty periods of 10 ms from sample 5000 on, each spike with codes of its own, and two gaps.
std::vector<DeviceMessage> stream() {
  std::vector<DeviceMessage> messages;
  for (int k = 0; k < 20; ++k) {
    for (DeviceMessage& message : ten_milliseconds(5000 + 2500 * k, 10)) {
      if (auto* spikes = std::get_if<protocol::SpikeBlock>(&message)) {
        spikes->records[0].peak = static_cast<AdcCode>(4095 - 171 * k);
        spikes->records[0].trough = static_cast<AdcCode>(37 * k);
      }
      if (auto* level = std::get_if<protocol::LevelRecord>(&message)) level->open_spike = static_cast<unsigned>(k);
      messages.push_back(message);
    }
    if (k == 3) messages.emplace_back(Gap{Channel{0}, Sample{12'600}, Sample{12'700}, 100, false});
    if (k == 9) messages.emplace_back(Gap{Channel{0}, Sample{27'600}, Sample{30'000}, 0, true});
  }
  return messages;
}

TEST(ReadBack, GivesTheSpikesLevelsGapsAndMarksOfAStretchAsTheyCame) {
  const Folder folder;
  auto recorder = Recorder::create(folder.file("a.nwb"), description());
  ASSERT_TRUE(recorder) << recorder.error().message;
  const auto written = stream();
  write_all(*recorder, written);
  const Sample from{5000 + 2500 * 8};
  const Sample until{5000 + 2500 * 15};
  const auto read = recorder->read_back(Channel{0}, from, until);
  ASSERT_TRUE(read) << read.error().message;

  const auto spikes = all<protocol::SpikeBlock>(*read);
  const auto written_spikes = all<protocol::SpikeBlock>(written);
  ASSERT_EQ(spikes.size(), 7U);
  for (std::size_t k = 0; k < spikes.size(); ++k) EXPECT_EQ(spikes[k], written_spikes[k + 8]);
  const auto levels = all<protocol::LevelRecord>(*read);
  const auto written_levels = all<protocol::LevelRecord>(written);
  ASSERT_EQ(levels.size(), 7U);
  for (std::size_t k = 0; k < levels.size(); ++k) EXPECT_EQ(levels[k], written_levels[k + 8]);
  const auto marks = all<protocol::Mark>(*read);
  ASSERT_EQ(marks.size(), 7U);
  EXPECT_EQ(marks.front().at, from + 2500);
  EXPECT_EQ(marks.back().at, until);
  EXPECT_EQ(marks.back().state, protocol::State::running);
  const auto gaps = all<Gap>(*read);
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].first, Sample{27'600});
  EXPECT_EQ(gaps[0].last, Sample{30'000});
  EXPECT_TRUE(gaps[0].records);
}

TEST(ReadBack, TheRecordingGoesOnAfterwards) {
  const Folder folder;
  const auto file = folder.file("a.nwb");
  auto recorder = Recorder::create(file, description());
  ASSERT_TRUE(recorder);
  write_all(*recorder, stream());
  ASSERT_TRUE(recorder->read_back(Channel{0}, Sample{5000}, Sample{55'000}));
  write_all(*recorder, ten_milliseconds(55'000, 10));
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const auto spikes = read_spikes(file, "A", 0, 100);
  ASSERT_TRUE(spikes);
  EXPECT_EQ(spikes->size(), 21U);
}

TEST(ReadBack, AFinishedFileGivesTheSameStretchAndTheScalesOfItsCodes) {
  const Folder folder;
  const auto file = folder.file("a.nwb");
  auto recorder = Recorder::create(file, description());
  ASSERT_TRUE(recorder);
  write_all(*recorder, stream());
  const Sample from{5000 + 2500 * 8};
  const Sample until{5000 + 2500 * 15};
  const auto before = recorder->read_back(Channel{0}, from, until);
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const auto after = read_stretch(file, Channel{0}, from, until);
  ASSERT_TRUE(before && after) << after.error().message;
  ASSERT_EQ(after->size(), before->size());
  EXPECT_EQ(all<protocol::SpikeBlock>(*after), all<protocol::SpikeBlock>(*before));
  EXPECT_EQ(all<protocol::LevelRecord>(*after), all<protocol::LevelRecord>(*before));
  EXPECT_FALSE(read_stretch(file, Channel{9}, from, until));

  const auto read = read_device(file);
  ASSERT_TRUE(read) << read.error().message;
  const DeviceInfo written = description().device;
  EXPECT_EQ(read->sample_rate_hz, written.sample_rate_hz);
  ASSERT_EQ(read->channels.size(), written.channels.size());
  for (std::size_t k = 0; k < written.channels.size(); ++k) {
    EXPECT_EQ(read->channels[k].label, written.channels[k].label);
    EXPECT_EQ(read->channels[k].command.scale, written.channels[k].command.scale);
    for (std::size_t s = 0; s < protocol::signal_count; ++s) {
      EXPECT_EQ(read->channels[k].signals[s].scale, written.channels[k].signals[s].scale);
      EXPECT_EQ(read->channels[k].signals[s].zero, written.channels[k].signals[s].zero);
      EXPECT_EQ(read->channels[k].signals[s].bits, written.channels[k].signals[s].bits);
    }
  }
}

TEST(ReadBack, OfAnEmptyStretchThereIsNothing) {
  const Folder folder;
  auto recorder = Recorder::create(folder.file("a.nwb"), description());
  ASSERT_TRUE(recorder);
  const auto read = recorder->read_back(Channel{0}, Sample{5000}, Sample{55'000});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->empty());
}

}  // namespace
}  // namespace thyrode::recording::testing
