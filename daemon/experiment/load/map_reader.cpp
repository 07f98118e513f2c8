#include "daemon/experiment/load/map_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

std::string_view shape(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::nothing: return "nothing";
    case YamlNode::Kind::text: return "a single value";
    case YamlNode::Kind::list: return "a list";
    case YamlNode::Kind::map: return "a map";
  }
  return "";
}

std::string bound(double si, QuantityKind kind) {
  return kind == QuantityKind::number ? fmt::format("{}", si) : format_quantity(si, kind);
}

std::string range_text(const Bounds& b, QuantityKind kind) {
  const bool high = b.high < std::numeric_limits<double>::max();
  if (b.low_open) {
    return high ? fmt::format("above {} and at most {}", bound(b.low, kind), bound(b.high, kind))
                : fmt::format("above {}", bound(b.low, kind));
  }
  return high ? fmt::format("from {} to {}", bound(b.low, kind), bound(b.high, kind))
              : fmt::format("at least {}", bound(b.low, kind));
}

bool inside(double value, const Bounds& b) {
  return (b.low_open ? value > b.low : value >= b.low) && value <= b.high;
}

}  // namespace

Bounds possible_currents() {
  return {-0.1, 0.1, false};
}
Bounds above_zero() {
  return {0.0, std::numeric_limits<double>::max(), true};
}
Bounds above_zero_to(double high) {
  return {0.0, high, true};
}
Bounds between(double low, double high) {
  return {low, high, false};
}

void Reading::refuse(Position at, std::string_view message) {
  if (error_) return;
  error_ = Error{ErrorKind::bad_input, fmt::format("{}: {}", place_text(source_.file_name, at), message)};
}

void Reading::refuse(std::string_view path, std::string_view message) {
  if (error_) return;
  error_ = Error{ErrorKind::bad_input, fmt::format("{}: {}", source_.at(path), message)};
}

MapReader::MapReader(Reading& reading, const YamlNode& node, std::string path, std::vector<std::string> known)
    : reading_{reading}, node_{node}, path_{std::move(path)} {
  if (!path_.empty()) reading_.note(path_, node.at);
  if (reading_.failed()) return;
  if (node.kind != YamlNode::Kind::map) {
    reading_.refuse(node.at, fmt::format("{} is {}; it must be a map with the key{} {}", path_, shape(node),
                                         known.size() == 1 ? "" : "s", list_of_words(known)));
    return;
  }
  for (const YamlNode::Key& key : node.keys) {
    if (std::find(known.begin(), known.end(), key.name) != known.end()) continue;
    const std::string near = nearest(key.name, known);
    const std::string where = path_.empty() ? std::string{} : fmt::format(" in {}", path_);
    reading_.refuse(
        key.at, near.empty() ? fmt::format("unknown key '{}'{}; known here: {}", shortened(key.name), where,
                                           list_of_words(known))
                             : fmt::format("unknown key '{}'{}; did you mean '{}'?", shortened(key.name), where, near));
    return;
  }
  usable_ = true;
}

std::string MapReader::path(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string{key} : fmt::format("{}.{}", path_, key);
}

const YamlNode* MapReader::find(std::string_view key) {
  if (!usable_ || reading_.failed()) return nullptr;
  for (std::size_t i = 0; i < node_.keys.size(); ++i) {
    if (node_.keys[i].name != key) continue;
    const YamlNode& value = node_.items[i];
    if (value.kind == YamlNode::Kind::nothing) {
      reading_.refuse(value.at, fmt::format("{} has no value; write one after the colon or remove the key", path(key)));
      return nullptr;
    }
    reading_.note(path(key), value.at);
    return &value;
  }
  return nullptr;
}

const YamlNode* MapReader::require(std::string_view key, std::string_view example) {
  const YamlNode* value = find(key);
  if (value == nullptr && usable_) {
    const std::string where = path_.empty() ? std::string{} : fmt::format(" in {}", path_);
    reading_.refuse(node_.at, fmt::format("key '{}' is missing{}; add for example \"{}\"", key, where, example));
  }
  return value;
}

const YamlNode* MapReader::scalar(std::string_view key, std::string_view should_be) {
  const YamlNode* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->kind != YamlNode::Kind::text) {
    reading_.refuse(value->at, fmt::format("{} is {}; it must be {}", path(key), shape(*value), should_be));
    return nullptr;
  }
  return value;
}

std::optional<std::string> MapReader::text(std::string_view key) {
  const YamlNode* value = scalar(key, "a text");
  if (value == nullptr) return std::nullopt;
  if (value->text.empty()) {
    reading_.refuse(value->at, fmt::format("{} is empty; write a text or remove the key", path(key)));
    return std::nullopt;
  }
  return value->text;
}

std::optional<double> read_quantity(Reading& reading, const YamlNode& node, const std::string& path, QuantityKind kind,
                                    const Bounds& bounds) {
  if (reading.failed()) return std::nullopt;
  if (node.kind != YamlNode::Kind::text) {
    reading.refuse(node.at, fmt::format("{} is {}; it must be {}, for example \"1 {}\"", path, shape(node),
                                        kind_name(kind), usual_unit(kind)));
    return std::nullopt;
  }
  const auto value = parse_quantity(node.text, kind);
  if (!value) {
    reading.refuse(node.at, fmt::format("{}: {}", path, value.error().message));
    return std::nullopt;
  }
  if (!inside(*value, bounds)) {
    reading.refuse(node.at, fmt::format("{}: {} is out of range; it must be {}", path, shortened(node.text),
                                        range_text(bounds, kind)));
    return std::nullopt;
  }
  return *value;
}

std::optional<double> MapReader::quantity(std::string_view key, QuantityKind kind, const Bounds& bounds) {
  const YamlNode* value = find(key);
  if (value == nullptr) return std::nullopt;
  return read_quantity(reading_, *value, path(key), kind, bounds);
}

std::optional<std::int64_t> MapReader::whole_number(std::string_view key, std::int64_t low, std::int64_t high) {
  const YamlNode* value = scalar(key, "a whole number");
  if (value == nullptr) return std::nullopt;
  std::int64_t n = 0;
  const char* end = value->text.data() + value->text.size();
  const auto parsed = std::from_chars(value->text.data(), end, n);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) {
    const bool usable = parsed.ec == std::errc{} && n >= low && n <= high;
    reading_.refuse(value->at, fmt::format("{}: '{}' is not a whole number; write for example {}", path(key),
                                           shortened(value->text), usable ? n : std::max<std::int64_t>(low, 10)));
    return std::nullopt;
  }
  if (parsed.ec != std::errc{} || n < low || n > high) {
    reading_.refuse(value->at, fmt::format("{}: {} is out of range; it must be from {} to {}", path(key),
                                           shortened(value->text), low, high));
    return std::nullopt;
  }
  return n;
}

std::optional<double> MapReader::number(std::string_view key, const Bounds& bounds) {
  const YamlNode* value = scalar(key, "a number without unit");
  if (value == nullptr) return std::nullopt;
  return read_quantity(reading_, *value, path(key), QuantityKind::number, bounds);
}

std::optional<std::size_t> MapReader::word(std::string_view key, const std::vector<std::string>& words) {
  const YamlNode* value = scalar(key, list_of_words(words, " or "));
  if (value == nullptr) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), value->text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::string only = words.size() == 1 ? fmt::format("the only value is {}", words.front())
                                             : fmt::format("write {}", list_of_words(words, " or "));
  reading_.refuse(value->at, fmt::format("{}: '{}' is not known; {}", path(key), shortened(value->text), only));
  return std::nullopt;
}

std::optional<std::vector<double>> MapReader::quantities(std::string_view key, QuantityKind kind, std::size_t least,
                                                         std::size_t most, const Bounds& bounds) {
  const YamlNode* list = find(key);
  if (list == nullptr) return std::nullopt;
  const std::string_view unit = usual_unit(kind);
  if (list->kind != YamlNode::Kind::list) {
    reading_.refuse(list->at, fmt::format("{} is {}; it must be a list, for example [36.4 {}, 45.3 {}]", path(key),
                                          shape(*list), unit, unit));
    return std::nullopt;
  }
  if (list->items.size() < least || list->items.size() > most) {
    const std::string wanted = least == most ? fmt::format("{}", least) : fmt::format("from {} to {}", least, most);
    const std::string_view entries = list->items.size() == 1 ? "entry" : "entries";
    reading_.refuse(list->at,
                    fmt::format("{} has {} {}; it must have {}", path(key), list->items.size(), entries, wanted));
    return std::nullopt;
  }
  std::vector<double> values;
  values.reserve(list->items.size());
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string item = fmt::format("{}[{}]", path(key), i);
    reading_.note(item, list->items[i].at);
    const auto value = read_quantity(reading_, list->items[i], item, kind, bounds);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

const YamlNode* child(const YamlNode& map, std::string_view key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].name == key) return &map.items[i];
  }
  return nullptr;
}

void check_schema(Reading& reading, const YamlNode& root, std::string_view wanted) {
  const YamlNode* schema = child(root, "schema");
  if (schema == nullptr) {
    reading.refuse(root.at, fmt::format("key 'schema' is missing; begin the file with \"schema: {}\"", wanted));
    return;
  }
  reading.note("schema", schema->at);
  if (schema->kind == YamlNode::Kind::text && schema->text == wanted) return;
  for (const std::string_view other : {"station", "experiment", "neuron"}) {
    if (schema->text == fmt::format("thyrode.{}/1", other)) {
      reading.refuse(schema->at, fmt::format("this is a file of schema {}; a file of schema {} is read here",
                                             schema->text, wanted));
    }
  }
  reading.refuse(schema->at, fmt::format("schema '{}' is not known; write {}", shortened(schema->text), wanted));
}

std::optional<std::string> read_name(MapReader& root) {
  root.require("name", "name: my-first");
  auto name = root.text("name");
  if (!name) return std::nullopt;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (name->size() > 64 || name->front() == '.' || !std::all_of(name->begin(), name->end(), allowed)) {
    root.reading().refuse(root.path("name"),
                          fmt::format("{} '{}' cannot be part of a file name; use at most 64 letters, digits, '-', '_' "
                                      "and '.', not beginning with '.'",
                                      root.path("name"), shortened(*name)));
    return std::nullopt;
  }
  return name;
}

}  // namespace thyrode::load
