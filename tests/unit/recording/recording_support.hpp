// A small instrument and a small run for the tests of the recording room.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/recording/recorder.hpp"

namespace thyrode::recording::testing {

/// A folder of its own for each test, gone afterwards.
class Folder {
 public:
  Folder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            (std::string{"thyrode-"} + test->test_suite_name() + "-" + test->name() + "-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// 250 kS/s, 12 bits, channels A and B ... of the reference front end.
inline DeviceInfo device(std::size_t channels = 1) {
  DeviceInfo info;
  info.uri = "sim:msn";
  info.board = "native";
  info.firmware = "0.1.0";
  info.serial = "EMU-1";
  info.protocol_major = 1;
  info.schema = 0x12345678;
  info.virtual_time = true;
  info.now = Sample{5000};
  for (std::size_t k = 0; k < channels; ++k) {
    ChannelDescription channel;
    channel.label = std::string(1, static_cast<char>('A' + k));
    channel.signals = {Scale{0.8 / 4095.0, 12.0, 1, 12}, Scale{3.0 / 4095.0, 0.0, 25, 12},
                       Scale{400e-6 / 4095.0, 2047.5, 25, 12}};
    channel.command = Scale{400e-6 / 4095.0, 2047.5, 1, 12};
    channel.lowest = Current::from_si(-200e-6);
    channel.highest = Current::from_si(200e-6);
    channel.fastest = Slew::from_si(5e-3);
    info.channels.push_back(channel);
  }
  return info;
}

inline RunDescription description(int decimation = 10, std::size_t channels = 1) {
  RunDescription run;
  run.experiment = "msn-activation";
  run.experiment_yaml = "# What this shows: µA and \"quotes\"\nschema: thyrode.experiment/1\n\n";
  run.station_yaml = "schema: thyrode.station/1\r\n# no newline at the end";
  run.experiment_files = {{"pulse.csv", "t,I\n0,1"}, {"noise/a.csv", ""}};
  run.device = device(channels);
  run.channels.resize(channels);
  for (ChannelSetup& setup : run.channels) setup.trace_decimation = decimation;
  run.lease.lease = Duration::from_si(0.1);
  run.seed = 42;
  run.host_version = "0.1.0";
  run.conditions = {"tau_L", "temperature"};
  run.wall_clock = {"2024-02-03T20:15:00+01:00", "2024-02-03T20:15:01+01:00", "bench-pc", "thyrode run msn.yaml"};
  return run;
}

inline protocol::SampleBlock samples(std::int64_t first, int decimation, const std::vector<std::uint16_t>& sums,
                                     std::uint8_t channel = 0) {
  protocol::SampleBlock block{
      .channel = channel, .decimation = static_cast<std::uint8_t>(decimation), .first = {first}, .sums = {}};
  for (const std::uint16_t sum : sums) block.sums.push_back(sum);
  return block;
}

/// A step with every field set, different for each index.
inline analysis::StepResult step(int index) {
  const double x = 1.0 / (index + 3.0);
  analysis::StepResult row;
  row.index = index;
  row.leg = index / 2;
  row.conditions = {{"tau_L", 0.3 * x}};
  if (index % 2 == 1) row.conditions["temperature"] = 25.0 + x;
  row.current_ua = 34.0 + x;
  row.direction = index / 2 == 0 ? analysis::Direction::up : analysis::Direction::down;
  row.start = Ticks{(5000 + 25000 * index) * ticks_per_sample + 7};
  row.end = Ticks{(5000 + 25000 * (index + 1)) * ticks_per_sample};
  row.duration_s = 0.1 - x * 1e-3;
  row.status = static_cast<analysis::StepStatus>(index % 8);
  row.label = static_cast<analysis::Label>(index % 11);
  row.label_fractions = {{"TS", 0.75 + x / 8}, {"QH", 0.0}};
  row.vacancies = index % 2 == 0;
  row.n_spikes = 1000000007LL * index;
  row.n_gaps = index;
  row.frequency_hz = {x * 17.0, x * 16.0, x * 18.0};
  row.spike_rate_hz = {std::nullopt, 0.0, 3.0 * x};
  row.spikes_per_burst = x * 7;
  if (index != 1) row.cv = x / 7.0;
  row.beta_n_per_ua = {x / 11.0, std::nullopt, x / 10.0};
  row.beta_status = static_cast<analysis::BetaStatus>(index % 4);
  double feature = 0.0;
  for (const analysis::FeatureField& field : analysis::feature_fields()) {
    feature += x;
    if (index != 2) row.features.*field.value = feature;
  }
  row.lead_s = index * x;
  row.part = index % 2 == 1 ? "evening" : "";
  row.purpose = index % 3 == 0 ? "bracket" : "sentinel";
  return row;
}

/// g_n of a step; those of even steps have none.
inline analysis::PairCorrelation pairs(int index) {
  analysis::PairCorrelation g;
  if (index % 2 == 0) return g;
  g.bin = 64000;
  g.spikes = 1000 + index;
  g.observed = 64'000'000'000;
  g.clipped = index % 3 == 0;
  for (int k = 0; k < 200; ++k) {
    g.counts.push_back((std::int64_t{1} << 33) + k * index);
    g.border.push_back(k * 0.5);
  }
  return g;
}

inline analysis::RunResult result(int steps) {
  analysis::RunResult whole;
  whole.experiment = "msn-activation";
  whole.device_uri = "sim:msn";
  whole.device_board = "native";
  whole.device_firmware = "0.1.0";
  whole.device_serial = "EMU-1";
  whole.seed = 42;
  for (int k = 0; k < steps; ++k) whole.steps.push_back(step(k));
  whole.fit.onset_low_ua = 31.9;
  whole.fit.onset_high_ua = 1.0 / 3.0;
  whole.fit.end_high_ua = 128.0;
  whole.fit.lif =
      analysis::LifFit{31.0, 30.5, 31.5, 12.0, 11.0, 13.0, 1.0, 0.5, 1.5, {2.6, 2.5, 2.7}, 32.0, 64.0, 1.07, true};
  whole.fit.upper_line = analysis::StraightLine{{2.5, 2.4, 2.6}, 14.0, 80.0, 120.0, 3.0};
  using analysis::Label;
  const analysis::RowGroup warm{0, {{"tau_L", 3e-4}}};
  whole.fit.transitions = {{{}, 0, {30.0, 32.0}, Label::QH, Label::TS, false, {}, {}},
                           {warm, 1, {50.0, 51.0}, Label::TS, Label::FS, true, {1.1, 1.0, 1.2}, 0.9}};
  whole.fit.loops = {{{}, Label::IB1, Label::FS, {40.0, 41.0}, {38.0, 38.5}, {}, 2.25, 0.75, true, false},
                     {warm, Label::IB1, Label::FS, {40.0, 41.0}, {38.0, 38.5}, {{40.5, 41.5}}, 2.25, 0.75, true, true}};
  whole.fit.rates = {{warm, 17, 40.5, 0.001, true, true}};
  whole.fit.precursors = {
      {{}, 0, {60.0, 62.0}, 61.0, 0.04, 0.02, 7.5, analysis::Precursor::Reference::lif},
      {{1, {}}, 2, {60.0, 62.0}, 61.0, 0.04, 0.02, 7.5, analysis::Precursor::Reference::neighbours}};
  whole.integrity = {123456789, 2, 1, 3, 4, 5};
  return whole;
}

inline std::vector<std::uint32_t> histogram(std::uint32_t salt) {
  std::vector<std::uint32_t> counts(analysis::IsiHistogram::size);
  for (std::size_t k = 0; k < counts.size(); ++k) counts[k] = static_cast<std::uint32_t>(k * 31 + salt);
  return counts;
}

/// Everything a device says in 10 ms, beginning at a sample: trace, levels, currents, a spike, a mark.
inline std::vector<DeviceMessage> ten_milliseconds(std::int64_t first, int decimation, std::uint8_t channel = 0) {
  std::vector<DeviceMessage> messages;
  for (std::int64_t at = first; at < first + 2500;) {
    std::vector<std::uint16_t> sums;
    for (; at < first + 2500 && sums.size() < 110; at += decimation) {
      sums.push_back(static_cast<std::uint16_t>((at * 7) % 4096 * decimation));
    }
    messages.push_back(samples(at - static_cast<std::int64_t>(sums.size()) * decimation, decimation, sums, channel));
  }
  protocol::CurrentBlock current{.channel = channel, .first = {first}, .span = 250, .read_count = 10, .means = {}};
  for (std::uint32_t k = 0; k < 10; ++k) current.means.push_back({30000 + k, 600000 + k});
  messages.push_back(current);
  protocol::SpikeBlock spike{
      .channel = channel, .index = static_cast<std::uint32_t>((first - 5000) / 2500), .records = {}};
  spike.records.push_back({Ticks{first * ticks_per_sample + 1234}, 5120, 3000, 500});
  messages.push_back(spike);
  protocol::LevelRecord level{.channel = channel, .first = {first}};
  level.signals = {protocol::Level{12, 3000, 2500000, 2500}, protocol::Level{1, 2, 150, 100},
                   protocol::Level{2400, 2402, 240100, 100}};
  level.command_sum = 6000000;
  level.command_count = 2500;
  messages.push_back(level);
  messages.push_back(protocol::Mark{.at = {first + 2500}, .state = protocol::State::running});
  return messages;
}

inline void write_all(Recorder& recorder, const std::vector<DeviceMessage>& messages) {
  for (const DeviceMessage& message : messages) {
    const auto done = recorder.write(message);
    ASSERT_TRUE(done) << done.error().message;
  }
}

/// Records a whole run of `steps` steps of 100 ms.
inline void record_run(const std::string& path, const RunDescription& run, int steps) {
  auto recorder = Recorder::create(path, run);
  ASSERT_TRUE(recorder) << recorder.error().message;
  const int decimation = run.channels[0].trace_decimation;
  std::int64_t at = 5000;
  for (int k = 0; k < steps; ++k) {
    ASSERT_TRUE(
        recorder->write(protocol::StepApplied{.at = {at}, .first = 134184960, .last = 150000000 + k, .slew = 13421}));
    for (int part = 0; part < 10; ++part, at += 2500) write_all(*recorder, ten_milliseconds(at, decimation));
    const auto added = recorder->add_step(step(k), histogram(static_cast<std::uint32_t>(k)), pairs(k));
    ASSERT_TRUE(added) << added.error().message;
  }
  const auto done = recorder->finalise(result(steps), "success", "2024-02-03T20:30:00+01:00");
  ASSERT_TRUE(done) << done.error().message;
}

}  // namespace thyrode::recording::testing
