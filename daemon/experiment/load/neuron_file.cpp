#include "daemon/experiment/load/neuron_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/experiment/load/yaml_tree.hpp"

namespace thyrode::load {
namespace {

constexpr std::string_view schema = "thyrode.neuron/1";

void read_parameters(MapReader& root, NeuronFile& file) {
  const YamlNode* node = root.require("parameters", "parameters: {C_m: 10 uF}");
  if (node == nullptr) return;
  Reading& reading = root.reading();
  if (node->kind != YamlNode::Kind::map || node->keys.empty()) {
    reading.refuse(node->at,
                   "parameters must be a map of names and values; write for example \"parameters: {C_m: 10 "
                   "uF}\"");
    return;
  }
  for (std::size_t i = 0; i < node->keys.size(); ++i) {
    const YamlNode& value = node->items[i];
    const std::string path = "parameters." + shortened(node->keys[i].name);
    reading.note(path, value.at);
    if (value.kind != YamlNode::Kind::text) {
      reading.refuse(value.at, fmt::format("{} has no single value; write for example \"10 uF\"", path));
      return;
    }
    const auto quantity = parse_any_quantity(value.text);
    if (!quantity) {
      reading.refuse(value.at, fmt::format("{}: {}", path, quantity.error().message));
      return;
    }
    file.parameters.emplace(node->keys[i].name,
                            NeuronParameter{quantity->si, std::string{si_unit(quantity->kind)}, value.text, value.at});
  }
}

// Two keys of which each needs the other.
struct NoisePair {
  std::string_view size, size_example, time, time_example;
};

bool begins_pair(MapReader& map, const NoisePair& pair) {
  const bool size = map.find(pair.size) != nullptr;
  const bool time = map.find(pair.time) != nullptr;
  if (size && !time) map.require(pair.time, pair.time_example);
  if (time && !size) map.require(pair.size, pair.size_example);
  return size && time;
}

void read_noise(MapReader& root, NeuronFile& file) {
  const YamlNode* node = root.find("noise");
  if (node == nullptr) return;
  MapReader map(root.reading(), *node, "noise", {"deviation", "correlation_time", "white_density", "white_step"});
  const bool white =
      begins_pair(map, {"white_density", "white_density: 2 nA/rtHz", "white_step", "white_step: 100 us"});
  if (!white) map.require("deviation", "deviation: 0.4 uA");
  if (begins_pair(map, {"deviation", "deviation: 0.4 uA", "correlation_time", "correlation_time: 20 ms"})) {
    const auto deviation = map.quantity("deviation", QuantityKind::current, between(0.0, 0.1));
    const auto time = map.quantity("correlation_time", QuantityKind::duration, above_zero_to(3600.0));
    file.noise_deviation = Current::from_si(deviation.value_or(0.0));
    file.noise_correlation_time = Duration::from_si(time.value_or(0.0));
  }
  if (!white) return;
  file.noise_white_density =
      map.quantity("white_density", QuantityKind::current_density, between(0.0, 1e-3)).value_or(0.0);
  file.noise_white_step =
      Duration::from_si(map.quantity("white_step", QuantityKind::duration, above_zero_to(3600.0)).value_or(0.0));
}

// The parameters that share the factor of one entry of `spread`.
std::optional<std::vector<std::string>> read_companions(MapReader& map, std::string_view path) {
  std::vector<std::string> names;
  const YamlNode* list = map.find("with");
  if (list == nullptr) return names;
  if (list->kind != YamlNode::Kind::list || list->items.empty()) {
    map.reading().refuse(list->at, fmt::format("{} must be a list of parameters; write for example \"[V_on]\"", path));
    return std::nullopt;
  }
  for (const YamlNode& item : list->items) {
    if (item.kind != YamlNode::Kind::text) {
      map.reading().refuse(item.at, fmt::format("{} must name parameters; write for example \"[V_on]\"", path));
      return std::nullopt;
    }
    names.push_back(item.text);
  }
  return names;
}

void read_spread(MapReader& root, NeuronFile& file) {
  const YamlNode* node = root.find("spread");
  if (node == nullptr) return;
  Reading& reading = root.reading();
  if (node->kind != YamlNode::Kind::map || node->keys.empty()) {
    reading.refuse(node->at, "spread must be a map of parameters; write for example \"spread: {C_m: 5 %}\"");
    return;
  }
  const Bounds bounds = between(0.0, 1.0);
  for (std::size_t i = 0; i < node->keys.size() && !reading.failed(); ++i) {
    const YamlNode& value = node->items[i];
    const std::string path = "spread." + shortened(node->keys[i].name);
    reading.note(path, value.at);
    NeuronScatter scatter{{node->keys[i].name}, 0.0};
    std::optional<double> deviation;
    if (value.kind == YamlNode::Kind::map) {
      MapReader map(reading, value, path, {"deviation", "with"});
      map.require("deviation", "deviation: 5 %");
      deviation = map.quantity("deviation", QuantityKind::ratio, bounds);
      const auto companions = read_companions(map, path + ".with");
      if (companions) scatter.parameters.insert(scatter.parameters.end(), companions->begin(), companions->end());
    } else {
      deviation = read_quantity(reading, value, path, QuantityKind::ratio, bounds);
    }
    if (deviation) scatter.deviation = *deviation;
    file.spread.push_back(std::move(scatter));
  }
}

// The kind of quantity that has this SI unit.
std::optional<QuantityKind> kind_of_unit(std::string_view unit) {
  for (int k = 0; k <= static_cast<int>(last_quantity_kind); ++k) {
    const auto kind = static_cast<QuantityKind>(k);
    if (si_unit(kind) == unit) return kind;
  }
  return std::nullopt;
}

const ParameterUnit* find(std::span<const ParameterUnit> model, std::string_view name) {
  const auto it = std::find_if(model.begin(), model.end(), [&](const ParameterUnit& p) { return p.name == name; });
  return it == model.end() ? nullptr : &*it;
}

// Whether the file gives what may stand in the place of this parameter.
bool is_replaced(const NeuronFile& file, std::span<const ParameterUnit> model, std::string_view name) {
  return std::any_of(model.begin(), model.end(),
                     [&](const ParameterUnit& p) { return p.instead_of == name && file.parameters.contains(p.name); });
}

std::string no_such_parameter(const NeuronFile& file, std::span<const ParameterUnit> model, std::string_view name) {
  std::vector<std::string> names;
  for (const ParameterUnit& known : model) names.emplace_back(known.name);
  const std::string near = nearest(name, names);
  return fmt::format(
      "model {} has no such parameter; {}", file.model,
      near.empty() ? fmt::format("it has {}", list_of_words(names)) : fmt::format("did you mean '{}'?", near));
}

std::string wrong_unit(std::string_view text, std::string_view unit) {
  const auto wrong = parse_quantity(text, kind_of_unit(unit).value_or(QuantityKind::number));
  return wrong ? fmt::format("its unit must be {}", unit) : wrong.error().message;
}

}  // namespace

Result<NeuronFile> parse_neuron_file(std::string_view text, std::string_view file_name) {
  const auto tree = parse_yaml(text, file_name, "a neuron file", "schema: thyrode.neuron/1");
  if (!tree) return tl::make_unexpected(tree.error());
  NeuronFile file;
  file.source.file_name = file_name;
  file.source.text = text;
  Reading reading(file.source);
  check_schema(reading, *tree, schema);
  MapReader root(reading, *tree, "",
                 {"schema", "name", "model", "description", "source", "parameters", "noise", "spread"});
  file.name = read_name(root).value_or("");
  root.require("model", "model: thyristor");
  file.model = root.text("model").value_or("");
  file.description = root.text("description").value_or("");
  file.source_text = root.text("source").value_or("");
  read_parameters(root, file);
  read_noise(root, file);
  read_spread(root, file);
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  return file;
}

Result<NeuronFile> load_neuron_file(const std::string& path) {
  return read_text_file(path).and_then([&](const std::string& text) { return parse_neuron_file(text, path); });
}

Result<void> check_units(const NeuronFile& file, std::span<const ParameterUnit> model) {
  for (const auto& [name, parameter] : file.parameters) {
    if (find(model, name) == nullptr) return parameter_error(file, name, no_such_parameter(file, model, name));
  }
  for (const ParameterUnit& known : model) {
    const auto found = file.parameters.find(known.name);
    if (found == file.parameters.end()) {
      if (!known.instead_of.empty() || is_replaced(file, model, known.name)) continue;
      const auto kind = kind_of_unit(known.unit);
      return file.source.error(
          "parameters",
          fmt::format("parameter '{}' of model {} is missing; add for example \"{}: 1{}{}\"", known.name, file.model,
                      known.name, known.unit.empty() ? "" : " ", kind ? usual_unit(*kind) : known.unit));
    }
    if (!known.instead_of.empty() && file.parameters.contains(known.instead_of)) {
      return parameter_error(
          file, known.name,
          fmt::format("{} is given too, and each follows from the other; remove one of them", known.instead_of));
    }
    if (found->second.unit == known.unit) continue;
    return parameter_error(file, known.name, wrong_unit(found->second.text, known.unit));
  }
  return {};
}

Result<void> set_parameter(NeuronFile& file, std::string_view assignment, std::span<const ParameterUnit> model) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::bad_input, fmt::format("--set {}: {}", shortened(assignment), why));
  };
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return refuse("must be a parameter, '=' and its value; write for example \"tau_L=0.3ms\"");
  }
  const std::string name{assignment.substr(0, equals)};
  const std::string text{assignment.substr(equals + 1)};
  const ParameterUnit* known = find(model, name);
  if (known == nullptr) return refuse(no_such_parameter(file, model, name));
  const auto quantity = parse_any_quantity(text);
  if (!quantity) return refuse(quantity.error().message);
  if (si_unit(quantity->kind) != known->unit) return refuse(wrong_unit(text, known->unit));
  if (!known->instead_of.empty()) file.parameters.erase(std::string{known->instead_of});
  for (const ParameterUnit& other : model) {
    if (other.instead_of == name) file.parameters.erase(std::string{other.name});
  }
  file.parameters.insert_or_assign(name, NeuronParameter{quantity->si, std::string{known->unit}, text, {0, 0}});
  return {};
}

tl::unexpected<Error> parameter_error(const NeuronFile& file, std::string_view parameter, std::string_view reason) {
  if (parameter.empty())
    return file.source.error("model", fmt::format("model '{}': {}", shortened(file.model), reason));
  const auto given = file.parameters.find(parameter);
  if (given != file.parameters.end() && given->second.at.line == 0) {
    return fail(ErrorKind::bad_input, fmt::format("--set {}={}: {}", parameter, shortened(given->second.text), reason));
  }
  const std::string path = parameter.starts_with("noise.") || parameter.starts_with("spread.")
                               ? std::string{parameter}
                               : fmt::format("parameters.{}", shortened(parameter));
  return file.source.error(path, fmt::format("{}: {}", path, reason));
}

}  // namespace thyrode::load
