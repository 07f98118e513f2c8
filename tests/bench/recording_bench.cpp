// The recorder against plain fwrite of the same bytes, in interleaved pairs, so that a noisy machine hits both alike.
// bench_recording [FOLDER] [PAIRS]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "daemon/recording/recorder.hpp"

namespace {

using namespace thyrode;
namespace fs = std::filesystem;

/// What is recorded and how often it is flushed.
struct Case {
  const char* name;
  bool trace_only;
  std::int64_t flush_samples;
};

constexpr std::int64_t period = 2500;          // samples in 10 ms
constexpr std::int64_t periods = 12000;        // two minutes of device time, 30 million samples
constexpr std::size_t block_bytes = 64 << 10;  // of fwrite

DeviceInfo device() {
  DeviceInfo info;
  info.uri = "sim:bench";
  info.virtual_time = true;
  ChannelDescription channel;
  channel.label = "A";
  channel.signals = {Scale{0.8 / 4095.0, 12.0, 1, 12}, Scale{3.0 / 4095.0, 0.0, 25, 12},
                     Scale{400e-6 / 4095.0, 2047.5, 25, 12}};
  channel.command = Scale{400e-6 / 4095.0, 2047.5, 1, 12};
  info.channels.push_back(channel);
  return info;
}

recording::RunDescription description(std::int64_t flush_samples) {
  recording::RunDescription run;
  run.experiment = "bench";
  run.device = device();
  run.channels.resize(1);
  run.channels[0].trace_decimation = 1;
  run.wall_clock.session_start = "2024-01-01T00:00:00+00:00";
  run.wall_clock.created = run.wall_clock.session_start;
  run.flush_samples = flush_samples;
  return run;
}

/// What a device says in 10 ms at full rate; the samples are set when it is written.
std::vector<DeviceMessage> ten_milliseconds(bool trace_only) {
  std::vector<DeviceMessage> messages;
  for (std::int64_t at = 0; at < period;) {
    protocol::SampleBlock block{.channel = 0, .decimation = 1, .first = {at}, .sums = {}};
    for (; at < period && !block.sums.full(); ++at) block.sums.push_back(static_cast<std::uint16_t>(at * 7 % 4096));
    messages.emplace_back(block);
  }
  if (trace_only) return messages;
  protocol::CurrentBlock current{.channel = 0, .first = {0}, .span = 250, .read_count = 10, .means = {}};
  for (std::uint32_t k = 0; k < 10; ++k) current.means.push_back({30000 + k, 600000 + k});
  messages.emplace_back(current);
  protocol::SpikeBlock spike{.channel = 0, .index = 0, .records = {}};
  spike.records.push_back({Ticks{1234}, 5120, 3000, 500});
  messages.emplace_back(spike);
  messages.emplace_back(protocol::LevelRecord{.channel = 0, .first = {0}, .command_count = 2500});
  messages.emplace_back(protocol::Mark{.at = {period}, .state = protocol::State::running});
  return messages;
}

/// Moves a message on by `period` samples.
struct Advance {
  void operator()(protocol::Mark& mark) const { mark.at.index += period; }
  void operator()(protocol::SpikeBlock& block) const {
    ++block.index;
    block.records[0].at.count += period * ticks_per_sample;
  }
  template <class Message>
  void operator()(Message& message) const {
    if constexpr (requires { message.first.index; }) message.first.index += period;
  }
};

void must(const Result<void>& done) {
  if (done) return;
  fmt::print(stderr, "{}\n", done.error().message);
  std::exit(1);
}

double seconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Records the whole stream to one file. @returns bytes of the file
std::uintmax_t record(const std::string& path, const Case& what, double& seconds) {
  auto messages = ten_milliseconds(what.trace_only);
  auto recorder = recording::Recorder::create(path, description(what.flush_samples));
  if (!recorder) must(tl::make_unexpected(recorder.error()));
  seconds = seconds_of([&] {
    for (std::int64_t k = 0; k < periods; ++k) {
      for (DeviceMessage& message : messages) {
        must(recorder->write(message));
        std::visit(Advance{}, message);
      }
    }
    must(recorder->flush());
  });
  const auto bytes = fs::file_size(recorder->path());
  must(recorder->finalise({}, "success"));
  fs::remove(path);
  return bytes;
}

double write_plainly(const std::string& path, std::uintmax_t bytes) {
  std::vector<char> block(block_bytes);
  for (std::size_t k = 0; k < block.size(); ++k) block[k] = static_cast<char>(k * 31);
  const double seconds = seconds_of([&] {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) std::exit(1);
    for (std::uintmax_t done = 0; done < bytes; done += block.size()) {
      if (std::fwrite(block.data(), 1, block.size(), file) != block.size()) std::exit(1);
    }
    std::fclose(file);
  });
  fs::remove(path);
  return seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const std::string& folder, int pairs, const Case& what) {
  const std::string name = fmt::format("{}/bench_recording-{}", folder, ::getpid());
  std::vector<double> ratios;
  std::vector<double> rates;
  std::uintmax_t bytes = 0;
  for (int k = -1; k < pairs; ++k) {  // the first pair warms up and is not counted
    double recorded = 0.0;
    bytes = record(name + ".nwb", what, recorded);
    const double plain = write_plainly(name + ".raw", bytes);
    if (k < 0) continue;
    ratios.push_back(plain / recorded);
    rates.push_back(static_cast<double>(period * periods) / recorded);
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print(
      "{:<36} {:6.1f} M samples/s  {:6.0f} MB/s  fwrite ratio: median {:.2f}, {:.2f} to {:.2f}, {} pairs of {} MB\n",
      what.name, median(rates) * 1e-6,
      median(rates) * 1e-6 * static_cast<double>(bytes) / static_cast<double>(period * periods), median(ratios), *least,
      *most, pairs, bytes / 1000000);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : fs::temp_directory_path().string();
  const int pairs = argc > 2 ? std::atoi(argv[2]) : 15;
  if (pairs < 1) {
    fmt::print(stderr, "usage: bench_recording [FOLDER] [PAIRS]\n");
    return 2;
  }
  fmt::print("folder {}\n", folder);
  compare(folder, pairs, {"trace alone", true, 0});
  compare(folder, pairs, {"all streams, flushed each 10 s", false, 2500000});
  compare(folder, pairs, {"all streams, flushed each 250 ms", false, 62500});
  return 0;
}
