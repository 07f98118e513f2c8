// From URIs to devices, and what every verb shares.

#include <fmt/core.h>

#include <cstdio>
#include <memory>

#include "daemon/recording/replay_device.hpp"
#include "daemon/thyrode_commands.hpp"
#include "drivers/make_device.hpp"
#include "drivers/simulated/simulated.hpp"
#ifdef THYRODE_SILICON
#include "drivers/simulated/silicon.hpp"
#endif

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

/// A long run must not fill the disk of its recording with a file that serves tests: some million spikes.
constexpr std::int64_t most_truth_bytes = 100'000'000;

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
  write = [file, path, left = most_truth_bytes](const native::Truth& truth) mutable {
    if (left <= 0) return;
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
    left -= static_cast<std::int64_t>(line.size());
    if (left > 0) return;
    std::fputs(fmt::format("{}.{:03d},{},limit,,\n", tick, thousandths, channel).c_str(), file.get());
    fmt::print(stderr, "thyrode: {}: has {} MB and ends here; the run goes on\n", path, most_truth_bytes / 1000000);
  };
  return write;
}

std::optional<std::string> replayed_path(const std::string& uri) {
  constexpr std::string_view replayed = "replay:";
  return uri.starts_with(replayed) ? std::optional{uri.substr(replayed.size())} : std::nullopt;
}

namespace {

constexpr std::string_view simulated = "sim:";

/// What stands in sim:NEURON?board=NAME.
struct SimulatedUri {
  std::string neuron;
  std::string board = "native";
};

/// Errors: bad_input (a board or a key that there is not).
Result<SimulatedUri> split_simulated(const std::string& uri) {
  SimulatedUri parts;
  const std::size_t mark = uri.find('?');
  parts.neuron = uri.substr(simulated.size(), mark == std::string::npos ? mark : mark - simulated.size());
  if (mark == std::string::npos) return parts;
  constexpr std::string_view key = "board=";
  const std::string query = uri.substr(mark + 1);
  if (query.starts_with(key)) parts.board = query.substr(key.size());
  if (!query.starts_with(key) || (parts.board != "native" && parts.board != "nucleo_f446re")) {
    return fail(
        ErrorKind::bad_input,
        fmt::format("{}: '?{}' is not understood; there are ?board=native and ?board=nucleo_f446re", uri, query));
  }
  return parts;
}

/// The flash image of a board on the emulated chip.
Result<std::unique_ptr<Device>> open_image(std::unique_ptr<neurons::Neuron> neuron, const std::string& uri,
                                           const SimulatorOptions& options,
                                           std::function<void(const native::Truth&)> truth) {
#ifdef THYRODE_SILICON
  const auto image = read_flash_image();
  if (!image) return tl::make_unexpected(image.error());
  return open_silicon(
      std::make_unique<silicon::SiliconInstrument>(
          *image, std::move(neuron),
          silicon::BenchOptions{.seed = options.seed, .ideal_front_end = !options.noise, .truth = std::move(truth)}),
      uri, options.speed);
#else
  static_cast<void>(neuron);
  static_cast<void>(options);
  static_cast<void>(truth);
  return fail(ErrorKind::bad_input, fmt::format("{}: this program was built without libunicorn-dev, which carries out "
                                                "the chip's instructions; install it and build again",
                                                uri));
#endif
}

}  // namespace

Result<std::unique_ptr<Device>> open_device(const std::string& uri, const SimulatorOptions& options) {
  if (const auto recorded = replayed_path(uri)) return recording::open_replay(*recorded);
  if (!uri.starts_with(simulated)) return make_device(uri);
  const auto parts = split_simulated(uri);
  if (!parts) return tl::make_unexpected(parts.error());
  auto neuron = make_named_neuron(parts->neuron, options.seed, options.noise, options.spread);
  if (!neuron) return tl::make_unexpected(neuron.error());
  auto truth = open_truth(options.truth_path);
  if (!truth) return tl::make_unexpected(truth.error());
  if (parts->board != "native") return open_image(std::move(*neuron), uri, options, std::move(*truth));
  return open_simulated(std::move(*neuron),
                        {.seed = options.seed,
                         .ideal_front_end = !options.noise,
                         .link_rate = options.link_rate,
                         .truth = std::move(*truth)},
                        uri, options.speed);
}

}  // namespace thyrode::program
