// From URIs to devices, and what every verb shares.

#include <fmt/core.h>

#include <cstdio>
#include <memory>

#include "daemon/recording/replay_device.hpp"
#include "daemon/thyrode_commands.hpp"
#include "drivers/make_device.hpp"
#include "drivers/simulated/simulated.hpp"

namespace thyrode::program {

std::string_view embedded_file(std::string_view path) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.path == path) return file.text;
  }
  return {};
}

int exit_code(const Error& error) {
  switch (error.kind) {
    case ErrorKind::not_in_recording:
    case ErrorKind::bad_input: return 2;
    case ErrorKind::device:
    case ErrorKind::timeout: return 3;
    case ErrorKind::safety: return 4;
    case ErrorKind::data_gap: return 5;
    case ErrorKind::run_failed: return 1;
  }
  return 1;
}

int report(const Error& error) {
  fmt::print(stderr, "thyrode: {}\n", error.message);
  return exit_code(error);
}

Result<std::function<void(const native::Truth&)>> open_truth(const std::string& path) {
  std::function<void(const native::Truth&)> write;
  if (path.empty()) return write;
  // "x": a side file belongs to one run and never takes the place of another.
  const std::shared_ptr<std::FILE> file{std::fopen(path.c_str(), "wx"), [](std::FILE* f) {
                                          if (f != nullptr) std::fclose(f);
                                        }};
  if (!file) {
    return fail(ErrorKind::bad_input,
                fmt::format("{}: the side file with the truth cannot be made: {}", path, std::strerror(errno)));
  }
  std::fputs("tick,channel,event,current_ua,load_ohm\n", file.get());
  write = [file](const native::Truth& truth) {
    // A tick is 1/256 of an ADC sample; the fraction says where between two ticks.
    const double ticks = truth.fraction * static_cast<double>(ticks_per_sample);
    const auto whole = static_cast<std::int64_t>(ticks);
    const std::int64_t tick = to_ticks(truth.sample).count + whole;
    const char channel = static_cast<char>('A' + truth.channel);
    const auto thousandths = static_cast<int>((ticks - static_cast<double>(whole)) * 1000.0);
    std::string event;
    switch (truth.kind) {
      case native::Truth::Kind::current: event = fmt::format("current,{:.9g},", truth.value * 1e6); break;
      case native::Truth::Kind::load: event = fmt::format("load,,{:.9g}", truth.value); break;
      case native::Truth::Kind::fire: event = "fire,,"; break;
      case native::Truth::Kind::open: event = "open,,"; break;
    }
    const std::string line = fmt::format("{}.{:03d},{},{}\n", tick, thousandths, channel, event);
    // A full disk ends the side file, not the measurement beside it.
    std::fwrite(line.data(), 1, line.size(), file.get());
  };
  return write;
}

std::optional<std::string> replayed_path(const std::string& uri) {
  constexpr std::string_view replayed = "replay:";
  return uri.starts_with(replayed) ? std::optional{uri.substr(replayed.size())} : std::nullopt;
}

Result<std::unique_ptr<Device>> open_device(const std::string& uri, const SimulatorOptions& options) {
  if (const auto recorded = replayed_path(uri)) return recording::open_replay(*recorded);
  constexpr std::string_view simulated = "sim:";
  if (!uri.starts_with(simulated)) return make_device(uri);
  auto neuron = make_named_neuron(uri.substr(simulated.size()), options.seed, options.noise, options.spread);
  if (!neuron) return tl::make_unexpected(neuron.error());
  auto truth = open_truth(options.truth_path);
  if (!truth) return tl::make_unexpected(truth.error());
  return open_simulated(std::move(*neuron),
                        {.seed = options.seed,
                         .ideal_front_end = !options.noise,
                         .link_rate = options.link_rate,
                         .truth = std::move(*truth)},
                        uri, options.speed);
}

}  // namespace thyrode::program
