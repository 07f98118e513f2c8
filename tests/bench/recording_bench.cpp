// The recorder against plain fwrite of the same bytes and against h5py doing the same appends, in interleaved pairs, so
// that a noisy machine hits all alike; on a disk in memory and on the disk of the temporary folder.
// bench_recording [PAIRS [FOLDER ...]]; THYRODE_PYTHON names the interpreter that has h5py.
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
  std::int64_t flush_samples;  ///< of device time; 0: never
  double flush_seconds;        ///< of the clock, as a run in real time does; 0: never
  double least_ratio;          ///< of fwrite; 0: no target
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

double clock_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_of(const auto& work) {
  const double begin = clock_seconds();
  work();
  return clock_seconds() - begin;
}

/// Records the whole stream to one file. @returns bytes of the file
std::uintmax_t record(const std::string& path, const Case& what, double& seconds) {
  auto messages = ten_milliseconds(what.trace_only);
  auto recorder = recording::Recorder::create(path, description(what.flush_samples));
  if (!recorder) must(tl::make_unexpected(recorder.error()));
  double flushed = clock_seconds();
  seconds = seconds_of([&] {
    for (std::int64_t k = 0; k < periods; ++k) {
      for (DeviceMessage& message : messages) {
        must(recorder->write(message));
        std::visit(Advance{}, message);
      }
      if (what.flush_seconds > 0.0 && clock_seconds() - flushed > what.flush_seconds) {
        flushed = clock_seconds();
        must(recorder->flush());
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

/// Bytes per second of h5py, or 0 where there is no h5py.
double appended_by_h5py(const std::string& path) {
  const char* const python = std::getenv("THYRODE_PYTHON");
  if (python == nullptr) return 0.0;
  // A tenth of the stream: the rate is the same, and it is slow.
  const std::string command =
      fmt::format("'{}' '{}/h5py_appends.py' '{}' {} 25", python, THYRODE_BENCH_SOURCES, path, periods / 10);
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  double seconds = 0.0;
  double bytes = 0.0;
  const bool told = pipe != nullptr && std::fscanf(pipe, "%lf %lf", &seconds, &bytes) == 2;
  if (pipe != nullptr) ::pclose(pipe);
  fs::remove(path);
  if (told) return bytes / seconds;
  fmt::print(stderr, "h5py did not answer: {}\n", command);
  std::exit(1);
}

/// @returns whether the targets are reached
bool compare(const std::string& folder, int pairs, const Case& what) {
  const std::string name = fmt::format("{}/bench_recording-{}", folder, ::getpid());
  std::vector<double> ratios;
  std::vector<double> rates;
  std::vector<double> h5py;
  std::uintmax_t bytes = 0;
  for (int k = -1; k < pairs; ++k) {  // the first pair warms up and is not counted
    double recorded = 0.0;
    bytes = record(name + ".nwb", what, recorded);
    const double plain = write_plainly(name + ".raw", bytes);
    const double other = what.least_ratio > 0.0 ? appended_by_h5py(name + ".h5") : 0.0;
    if (k < 0) continue;
    ratios.push_back(plain / recorded);
    rates.push_back(static_cast<double>(bytes) / recorded);
    if (other > 0.0) h5py.push_back(static_cast<double>(bytes) / recorded / other);
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  const double per_sample = static_cast<double>(bytes) / static_cast<double>(period * periods);
  fmt::print("{:<44} {:6.1f} M samples/s {:6.0f} MB/s; of fwrite: median {:.2f}, {:.2f} to {:.2f}; {} pairs of {} MB\n",
             what.name, median(rates) * 1e-6 / per_sample, median(rates) * 1e-6, median(ratios), *least, *most, pairs,
             bytes / 1000000);
  if (!h5py.empty()) fmt::print("{:<44} {:.0f} times h5py (median of {})\n", "", median(h5py), h5py.size());
  const bool reached = median(ratios) >= what.least_ratio && (h5py.empty() || median(h5py) >= 8.0);
  if (!reached) fmt::print("{:<44} below the target of {} of fwrite and 8 times h5py\n", "", what.least_ratio);
  return reached;
}

}  // namespace

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 15;
  if (pairs < 1) {
    fmt::print(stderr, "usage: bench_recording [PAIRS [FOLDER ...]]\n");
    return 2;
  }
  std::vector<std::string> folders(argv + std::min(argc, 2), argv + argc);
  if (folders.empty()) {
    if (fs::is_directory("/dev/shm")) folders.emplace_back("/dev/shm");
    folders.push_back(fs::temp_directory_path().string());
  }
  bool reached = true;
  for (const std::string& folder : folders) {
    fmt::print("folder {}\n", folder);
    reached &= compare(folder, pairs, {"as in real time: all, flushed by the clock", false, 0, 0.2, 0.7});
    compare(folder, pairs, {"as in virtual time: all, each 250 ms of it", false, 62500, 0.0, 0.0});
    compare(folder, pairs, {"trace alone", true, 0, 0.0, 0.0});
  }
  return reached ? 0 : 1;
}
