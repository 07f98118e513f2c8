#include "daemon/thyrode_neuron.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/thyrode_commands.hpp"
#include "firmware/neurons/spread.hpp"

namespace thyrode::program {
namespace {

constexpr std::string_view neuron_folder = "neurons/";
constexpr std::string_view noise_prefix = "noise.";

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

Result<void> set_noise(load::NeuronFile& file, const std::string& assignment) {
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorKind::bad_input, fmt::format("--set {}: {}", load::shortened(assignment), why));
  };
  const std::size_t equals = std::min(assignment.find('='), assignment.size());
  const std::string name = assignment.substr(noise_prefix.size(), equals - std::min(equals, noise_prefix.size()));
  const std::string text = assignment.substr(std::min(equals + 1, assignment.size()));
  const std::vector<std::string> names{"deviation", "correlation_time", "white_density", "white_step"};
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return refuse(fmt::format("noise has no '{}'; it has {}", load::shortened(name), load::list_of_words(names)));
  }
  const auto kind = name == "deviation"       ? load::QuantityKind::current
                    : name == "white_density" ? load::QuantityKind::current_density
                                              : load::QuantityKind::duration;
  const auto value = load::parse_quantity(text, kind);
  if (!value) return refuse(value.error().message);
  if (name == "deviation") file.noise_deviation = Current::from_si(*value);
  if (name == "correlation_time") file.noise_correlation_time = Duration::from_si(*value);
  if (name == "white_density") file.noise_white_density = *value;
  if (name == "white_step") file.noise_white_step = Duration::from_si(*value);
  return {};
}

// An impossible combination is laid to a parameter of the file; the options that made it so are named with it.
Error with_options(Error error, const NeuronChoice& choice) {
  if (error.message.starts_with("--set ")) return error;
  std::string options;
  if (choice.spread) options += fmt::format(" --spread {}", *choice.spread);
  for (const std::string& assignment : choice.set) options += " --set " + load::shortened(assignment);
  if (!options.empty()) error.message += " (with" + options + ")";
  return error;
}

neurons::Parameters values_of(const load::NeuronFile& file) {
  neurons::Parameters parameters;
  for (const auto& [key, value] : file.parameters) parameters[key] = value.si;
  return parameters;
}

/// A device that nobody tuned.
Result<neurons::Parameters> draw_device(const load::NeuronFile& file, std::uint64_t seed) {
  if (file.spread.empty()) {
    return fail(ErrorKind::bad_input, fmt::format("--spread {}: {} does not say how its parameters scatter; add for "
                                                  "example \"spread: {{C_m: 5 %}}\" to the file",
                                                  seed, file.source.file_name));
  }
  std::vector<neurons::Scatter> spread;
  for (const load::NeuronScatter& source : file.spread) spread.push_back({source.parameters, source.deviation});
  auto drawn = neurons::spread_parameters(file.model, values_of(file), spread, seed);
  if (!drawn) return load::parameter_error(file, drawn.error().parameter, drawn.error().reason);
  return *std::move(drawn);
}

/// Refuses to be told a parameter twice: which of the two values was meant, nobody knows.
Result<void> check_set_once(std::string_view model, const std::vector<std::string>& set) {
  for (std::size_t k = 0; k < set.size(); ++k) {
    const std::string name = set[k].substr(0, set[k].find('='));
    for (std::size_t before = 0; before < k; ++before) {
      const std::string other = set[before].substr(0, set[before].find('='));
      if (!same_parameter(model, name, other)) continue;
      return fail(ErrorKind::bad_input,
                  fmt::format("--set {} and --set {}: {}; leave one of them out", load::shortened(set[before]),
                              load::shortened(set[k]), why_same(name, other)));
    }
  }
  return {};
}

}  // namespace

std::vector<load::ParameterUnit> model_units(std::string_view model) {
  std::vector<load::ParameterUnit> units;
  for (const neurons::ParameterRule& rule : neurons::model_parameters(model)) {
    units.push_back({rule.name, rule.unit, rule.instead_of});
  }
  return units;
}

bool same_parameter(std::string_view model, std::string_view a, std::string_view b) {
  const auto own_name = [&](std::string_view name) {
    for (const neurons::ParameterRule& rule : neurons::model_parameters(model)) {
      if (rule.name == name && !rule.instead_of.empty()) return rule.instead_of;
    }
    return name;
  };
  return own_name(a) == own_name(b);
}

std::string why_same(std::string_view a, std::string_view b) {
  return a == b ? fmt::format("both set {}", a) : fmt::format("{} follows from {}", a, b);
}

Result<NeuronPlan> plan_neuron(const NeuronChoice& choice) {
  auto file = neuron_file(choice.name);
  if (!file) return tl::make_unexpected(file.error());
  const auto units = model_units(file->model);
  if (units.empty()) return load::parameter_error(*file, "", fmt::format("model '{}' is not known", file->model));
  if (auto checked = load::check_units(*file, units); !checked) return tl::make_unexpected(checked.error());
  if (auto checked = check_set_once(file->model, choice.set); !checked) return tl::make_unexpected(checked.error());
  NeuronPlan plan;
  plan.parameters = values_of(*file);
  if (choice.spread) {
    auto drawn = draw_device(*file, *choice.spread);
    if (!drawn) return tl::make_unexpected(drawn.error());
    plan.parameters = *std::move(drawn);
  }
  for (const std::string& assignment : choice.set) {
    const bool of_noise = assignment.starts_with(noise_prefix);
    const auto done = of_noise ? set_noise(*file, assignment) : load::set_parameter(*file, assignment, units);
    if (!done) return tl::make_unexpected(done.error());
    if (of_noise) continue;
    const std::string name = assignment.substr(0, assignment.find('='));
    neurons::set_parameter(file->model, plan.parameters, name, file->parameters.find(name)->second.si);
  }
  if (choice.noise) {
    plan.noise = {file->noise_deviation.si(), file->noise_correlation_time.si(), file->noise_white_density,
                  file->noise_white_step.si()};
  }
  plan.file = *std::move(file);
  if (const auto trial = build_neuron(plan, 1); !trial) {
    return tl::make_unexpected(with_options(trial.error(), choice));
  }
  return plan;
}

Result<std::unique_ptr<neurons::Neuron>> build_neuron(const NeuronPlan& plan, std::uint64_t seed) {
  auto neuron = neurons::make_neuron(plan.file.model, plan.parameters, plan.noise, seed);
  if (!neuron) return load::parameter_error(plan.file, neuron.error().parameter, neuron.error().reason);
  return std::move(*neuron);
}

std::string channel_name(std::size_t channel) {
  return std::string(1, static_cast<char>('A' + channel));
}

bool is_noisy(const NeuronPlan& plan) {
  return plan.noise.deviation > 0.0 || plan.noise.white_density > 0.0;
}

std::optional<Duration> load_time(const std::string& model, const neurons::Parameters& parameters) {
  const auto resolved = neurons::resolve_parameters(model, parameters);
  if (!resolved) return std::nullopt;
  const auto resistance = resolved->find("R_L");
  const auto capacitance = resolved->find("C_L");
  if (resistance == resolved->end() || capacitance == resolved->end()) return std::nullopt;
  return Duration::from_si(resistance->second * capacitance->second);
}

Result<std::unique_ptr<neurons::Neuron>> make_named_neuron(const std::string& name, std::uint64_t seed, bool noise,
                                                           std::optional<std::uint64_t> spread) {
  return plan_neuron({name, {}, noise, spread}).and_then([&](const NeuronPlan& plan) {
    return build_neuron(plan, seed);
  });
}

}  // namespace thyrode::program
