// Writes a small recording that has one of everything: two channels, a gap, snippets, a fault, a lost frame.
// recording_sample FILE [--no-trace]
#include <fmt/format.h>

#include <string_view>

#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording::testing {
namespace {

constexpr int steps_of_sample = 4;

DeviceMessage snippet(std::int64_t at, std::uint8_t channel) {
  protocol::SnippetBlock block{.channel = channel,
                               .spike = Ticks{at * ticks_per_sample + 1234},
                               .first = {at - 20},
                               .offset = 0,
                               .length = 100,
                               .codes = {}};
  for (int k = 0; k < 100; ++k) block.codes.push_back(static_cast<AdcCode>(500 + 20 * k));
  return block;
}

Result<void> record_step(Recorder& recorder, int index, std::int64_t at, int decimation) {
  for (std::uint8_t channel = 0; channel < 2; ++channel) {
    std::vector<DeviceMessage> messages{
        protocol::StepApplied{.channel = channel, .at = {at}, .first = 134184960, .last = 150000000, .slew = 13421}};
    for (int part = 0; part < 10; ++part) {
      if (index == 2 && part == 4) {
        messages.emplace_back(FramesLost{3});
        messages.emplace_back(Gap{Channel{channel}, Sample{at + part * 2500}, Sample{at + (part + 1) * 2500}});
        continue;
      }
      for (const auto& message : ten_milliseconds(at + part * 2500, std::max(1, decimation), channel)) {
        if (decimation > 0 || !std::holds_alternative<protocol::SampleBlock>(message)) messages.push_back(message);
      }
      messages.push_back(snippet(at + part * 2500, channel));
    }
    for (const DeviceMessage& message : messages) {
      if (auto done = recorder.write(message); !done) return done;
    }
    analysis::StepResult row = step(index);
    row.channel = channel;
    if (auto done = recorder.add_step(row, histogram(static_cast<std::uint32_t>(index))); !done) return done;
  }
  return {};
}

Result<void> record_sample(const std::string& path, int decimation) {
  RunDescription run = description(decimation, 2);
  for (ChannelSetup& setup : run.channels) setup.snippet_samples = 100;
  auto recorder = Recorder::create(path, run);
  if (!recorder) return tl::make_unexpected(recorder.error());
  analysis::RunResult whole = result(0);
  for (int k = 0; k < steps_of_sample; ++k) {
    if (auto done = record_step(*recorder, k, 5000 + 25000 * k, decimation); !done) return done;
    for (int channel = 0; channel < 2; ++channel) {
      whole.steps.push_back(step(k));
      whole.steps.back().channel = channel;
    }
  }
  const protocol::Fault fault{.code = protocol::FaultCode::estop, .channel = 0, .at = {105000}, .value = 0, .limit = 0};
  if (auto done = recorder->write(fault); !done) return done;
  return recorder->finalise(whole, "success", "2024-02-03T20:30:00+01:00");
}

}  // namespace
}  // namespace thyrode::recording::testing

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: recording_sample FILE [--no-trace]\n");
    return 2;
  }
  const bool trace = argc < 3 || std::string_view{argv[2]} != "--no-trace";
  const auto done = thyrode::recording::testing::record_sample(argv[1], trace ? 10 : 0);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 1;
}
