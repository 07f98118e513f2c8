#include "daemon/experiment/load/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

constexpr double longest_tau = 10.0;
constexpr double largest_resistance = 1e9;
constexpr std::size_t longest_unit = 16;
constexpr std::size_t longest_quantity = 32;

/// How values of a parameter are written.
struct ParameterUnit {
  std::string unit;
  double one = 1.0;
  QuantityKind kind = QuantityKind::number;
  bool known = true;  ///< false: a word of the user's, its values are plain numbers behind which it stands
};

ParameterUnit unit_of(std::string_view name) {
  if (name == "tau_L") return {"ms", 1e-3, QuantityKind::duration, true};
  return {"Ohm", 1.0, QuantityKind::resistance, true};
}

Bounds bounds_of(std::string_view name) {
  return above_zero_to(name == "tau_L" ? longest_tau : largest_resistance);
}

std::optional<ParameterUnit> read_unit(MapReader& map) {
  if (map.find("unit") == nullptr) return ParameterUnit{};
  const auto text = map.text("unit");
  if (!text) return std::nullopt;
  if (const auto one = parse_any_quantity("1 " + *text)) return ParameterUnit{*text, one->si, one->kind, true};
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= 0x20U || (c >= '0' && c <= '9') || c == '-'; };
  if (text->size() > longest_unit || std::any_of(text->begin(), text->end(), odd)) {
    map.reading().refuse(map.path("unit"), fmt::format("{}: '{}' is no unit; write a word such as ms, mS or turns",
                                                       map.path("unit"), shortened(*text)));
    return std::nullopt;
  }
  return ParameterUnit{*text, 1.0, QuantityKind::number, false};
}

/// A value that is written with the parameter's unit.
std::optional<double> read_value(MapReader& map, std::string_view key, const ParameterUnit& unit,
                                 const Bounds& bounds) {
  const YamlNode* node = map.require(key, fmt::format("{}: 1{}{}", key, unit.unit.empty() ? "" : " ", unit.unit));
  if (node == nullptr) return std::nullopt;
  if (unit.known) return read_quantity(map.reading(), *node, map.path(key), unit.kind, bounds);
  YamlNode number = *node;
  if (number.kind == YamlNode::Kind::text) {
    if (!number.text.ends_with(unit.unit)) {
      map.reading().refuse(node->at, fmt::format("{}: '{}' is not in the unit of the quantity; write for example "
                                                 "\"1 {}\"",
                                                 map.path(key), shortened(number.text), unit.unit));
      return std::nullopt;
    }
    number.text.resize(number.text.size() - unit.unit.size());
    while (number.text.ends_with(' ')) number.text.pop_back();
  }
  return read_quantity(map.reading(), number, map.path(key), QuantityKind::number, bounds);
}

/// `quantity` and `unit` of something that an operator sets.
std::optional<std::pair<std::string, ParameterUnit>> read_asked(MapReader& map) {
  map.require("quantity", "quantity: tau_L");
  const auto name = map.text("quantity");
  const auto unit = read_unit(map);
  if (!name || !unit) return std::nullopt;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name->size() > longest_quantity || !std::all_of(name->begin(), name->end(), plain)) {
    map.reading().refuse(map.path("quantity"),
                         fmt::format("{}: '{}' cannot name a column of the table of steps; use at "
                                     "most {} letters, digits and '_'",
                                     map.path("quantity"), shortened(*name), longest_quantity));
    return std::nullopt;
  }
  return std::pair(*name, *unit);
}

constexpr Bounds any_value{-1e12, 1e12, false};
constexpr std::string_view axis_example =
    "operator: {quantity: C_L, unit: uF, start: 1 uF, stop: 9 uF, resolution: 1 uF}";
constexpr std::string_view setting_example = "neuron: {operator: {quantity: C_L, unit: uF, value: 1 uF}}";

/// Circuits have more parameters than an instrument can set.
void refuse_other_parameters(MapReader& map, const YamlNode& neuron) {
  for (const YamlNode::Key& key : neuron.keys) {
    // A slip of the hand is told as such.
    static const std::vector<std::string> known{"tau_L", "R_L", "operator", "tau_l", "r_L", "r_l"};
    const bool parameter = key.name.size() > 2 && key.name[1] == '_';
    if (!parameter || std::find(known.begin(), known.end(), key.name) != known.end()) continue;
    map.reading().refuse(key.at,
                         fmt::format("unknown key '{}' in {}: an instrument sets tau_L or R_L; somebody is asked "
                                     "for what it cannot set, for example \"{}\"",
                                     shortened(key.name), map.path("neuron"), setting_example));
  }
}

void read_device_setting(MapReader& map, std::string_view name, std::vector<NeuronSetting>& settings) {
  if (map.find(name) == nullptr) return;
  const ParameterUnit unit = unit_of(name);
  const auto value = map.quantity(name, unit.kind, bounds_of(name));
  if (value) settings.push_back({std::string{name}, false, *value, unit.unit, unit.one});
}

}  // namespace

std::optional<ReadKnob> read_knob(MapReader& map) {
  std::vector<std::string> written;
  for (const char* key : {"tau_L", "R_L", "operator"}) {
    if (map.find(key) != nullptr) written.emplace_back(key);
  }
  if (map.reading().failed()) return std::nullopt;
  if (written.empty()) {
    map.reading().refuse(
        map.path("plan"),
        fmt::format("a phase map needs a second parameter beside {}: tau_L or R_L, which the instrument "
                    "sets, or operator, which somebody sets by hand; add for example \"tau_L: {{start: "
                    "0.05 ms, stop: 0.6 ms, resolution: 50 us}}\" or \"{}\"",
                    map.path("current"), axis_example));
    return std::nullopt;
  }
  if (written.size() > 1) {
    map.reading().refuse(
        map.path(written[1]),
        fmt::format("both {} are written; a map has one second parameter, keep one of them (what stays "
                    "as it is belongs into `neuron`)",
                    list_of_words(written)));
    return std::nullopt;
  }
  const std::string& key = written.front();
  const YamlNode* node = map.find(key);
  const bool asked = key == "operator";
  if (asked && child(*node, "value") != nullptr) {
    map.reading().refuse(child(*node, "value")->at,
                         fmt::format("{}.value: a phase map goes through many values, from `start` to `stop` by "
                                     "`resolution`; one that is set once stands in `neuron`: \"{}\"",
                                     map.path(key), setting_example));
    return std::nullopt;
  }
  std::vector<std::string> keys{"start", "stop", "resolution"};
  if (asked) keys.insert(keys.begin(), {"quantity", "unit"});
  MapReader axis(map.reading(), *node, map.path(key), std::move(keys));
  const auto what = asked ? read_asked(axis) : std::optional(std::pair(key, unit_of(key)));
  if (!what) return std::nullopt;
  const auto& [name, unit] = *what;
  const Bounds bounds = asked ? any_value : bounds_of(name);
  const auto start = read_value(axis, "start", unit, bounds);
  const auto stop = read_value(axis, "stop", unit, bounds);
  const auto resolution = read_value(axis, "resolution", unit, above_zero());
  if (!start || !stop || !resolution) return std::nullopt;
  if (*start >= *stop) {
    axis.reading().refuse(axis.path("start"),
                          fmt::format("{}: {} is not below {}: {}; swap them or make stop larger", axis.path("start"),
                                      shortened(axis.text("start").value_or("")), axis.path("stop"),
                                      shortened(axis.text("stop").value_or(""))));
    return std::nullopt;
  }
  return ReadKnob{Knob{name, asked, *start, *stop, *resolution, unit.unit, unit.one}, std::move(axis), unit.kind};
}

std::vector<NeuronSetting> read_neuron(MapReader& map) {
  std::vector<NeuronSetting> settings;
  const YamlNode* node = map.find("neuron");
  if (node == nullptr) return settings;
  refuse_other_parameters(map, *node);
  MapReader neuron(map.reading(), *node, map.path("neuron"), {"tau_L", "R_L", "operator"});
  read_device_setting(neuron, "tau_L", settings);
  read_device_setting(neuron, "R_L", settings);
  if (settings.size() == 2) {
    map.reading().refuse(neuron.path("R_L"), fmt::format("{} has both tau_L and R_L, and tau_L = R_L C_L; keep one of "
                                                         "them",
                                                         map.path("neuron")));
  }
  if (const YamlNode* ask = neuron.find("operator")) {
    if (const YamlNode* axis = child(*ask, "start")) {
      map.reading().refuse(axis->at,
                           fmt::format("{}.start: `neuron` holds one value; a phase map goes through many with "
                                       "a key of its own, beside `plan`: \"{}\"",
                                       neuron.path("operator"), axis_example));
    }
    MapReader asked(map.reading(), *ask, neuron.path("operator"), {"quantity", "unit", "value"});
    if (const auto what = read_asked(asked)) {
      const auto value = read_value(asked, "value", what->second, any_value);
      if (value) settings.push_back({what->first, true, *value, what->second.unit, what->second.one});
      if (settings.size() == 2 && settings.front().name == what->first) {
        map.reading().refuse(
            asked.path("quantity"),
            fmt::format("{}: {} is set by the device already; keep one of them", asked.path("quantity"), what->first));
      }
    }
  }
  return settings;
}

}  // namespace thyrode::load
