// From names and URIs to neurons and devices.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "daemon/experiment/load/neuron_file.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/thyrode_commands.hpp"
#include "drivers/make_device.hpp"
#include "drivers/simulated/simulated.hpp"

namespace thyrode::program {
namespace {

constexpr std::string_view neuron_folder = "neurons/";

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml");
}

std::vector<std::string> known_neurons() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with(neuron_folder)) continue;
    const std::string_view name = file.path.substr(neuron_folder.size());
    names.emplace_back(name.substr(0, name.size() - std::string_view{".yaml"}.size()));
  }
  return names;
}

Result<load::NeuronFile> neuron_file(const std::string& name) {
  if (is_path(name)) return load::load_neuron_file(name);
  const std::string_view text = embedded_file(std::string{neuron_folder} + name + ".yaml");
  if (!text.empty()) return load::parse_neuron_file(text, name + ".yaml");
  const std::vector<std::string> known = known_neurons();
  const std::string near = load::nearest(name, known);
  return fail(ErrorKind::bad_input,
              fmt::format("there is no neuron '{}'{}; there are {}, and any file NAME.yaml", load::shortened(name),
                          near.empty() ? "" : "; did you mean '" + near + "'?", load::list_of_words(known)));
}

Result<void> check_parameters(const load::NeuronFile& file) {
  const auto rules = neurons::model_parameters(file.model);
  if (rules.empty()) return load::parameter_error(file, "", fmt::format("model '{}' is not known", file.model));
  std::vector<load::ParameterUnit> units;
  for (const neurons::ParameterRule& rule : rules) units.push_back({rule.name, rule.unit, rule.instead_of});
  return load::check_units(file, units);
}

}  // namespace

std::string_view embedded_file(std::string_view path) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.path == path) return file.text;
  }
  return {};
}

int exit_code(const Error& error) {
  switch (error.kind) {
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

Result<std::unique_ptr<neurons::Neuron>> make_named_neuron(const std::string& name, std::uint64_t seed, bool noise) {
  const auto file = neuron_file(name);
  if (!file) return tl::make_unexpected(file.error());
  if (auto checked = check_parameters(*file); !checked) return tl::make_unexpected(checked.error());
  neurons::Parameters parameters;
  for (const auto& [key, value] : file->parameters) parameters[key] = value.si;
  neurons::NoiseParameters noise_parameters;
  if (noise) noise_parameters = {file->noise_deviation.si(), file->noise_correlation_time.si(), file->noise_white_density,
                                   file->noise_white_step.si()};
  auto neuron = neurons::make_neuron(file->model, parameters, noise_parameters, seed);
  if (!neuron) {
    return load::parameter_error(*file, neuron.error().parameter, neuron.error().reason);
  }
  return std::move(*neuron);
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
  std::fputs("tick,channel,event,current_ua\n", file.get());
  write = [file](const native::Truth& truth) {
    // A tick is 1/256 of an ADC sample; the fraction says where between two ticks.
    const double ticks = truth.fraction * static_cast<double>(ticks_per_sample);
    const auto whole = static_cast<std::int64_t>(ticks);
    const std::int64_t tick = to_ticks(truth.sample).count + whole;
    const char channel = static_cast<char>('A' + truth.channel);
    const auto thousandths = static_cast<int>((ticks - static_cast<double>(whole)) * 1000.0);
    std::string line;
    if (truth.kind == native::Truth::Kind::current) {
      line = fmt::format("{}.{:03d},{},current,{:.9g}\n", tick, thousandths, channel, truth.current * 1e6);
    } else {
      line = fmt::format("{}.{:03d},{},{},\n", tick, thousandths, channel,
                         truth.kind == native::Truth::Kind::fire ? "fire" : "open");
    }
    // A full disk ends the side file, not the measurement beside it.
    std::fwrite(line.data(), 1, line.size(), file.get());
  };
  return write;
}

Result<std::unique_ptr<Device>> open_device(const std::string& uri, const SimulatorOptions& options) {
  constexpr std::string_view simulated = "sim:";
  if (!uri.starts_with(simulated)) return make_device(uri);
  auto neuron = make_named_neuron(uri.substr(simulated.size()), options.seed, options.noise);
  if (!neuron) return tl::make_unexpected(neuron.error());
  auto truth = open_truth(options.truth_path);
  if (!truth) return tl::make_unexpected(truth.error());
  return open_simulated(std::move(*neuron), {options.seed, !options.noise, options.link_rate, std::move(*truth)}, uri,
                        options.speed);
}

}  // namespace thyrode::program
