#include "daemon/figures/document_path.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "daemon/experiment/load/words.hpp"

namespace thyrode::figures {
namespace {

using nlohmann::ordered_json;

tl::unexpected<Error> refuse(const std::string& message) {
  return fail(ErrorKind::bad_input, message);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::optional<double> number_in(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// Half a unit of the last digit that is written: "45.3" is known to 0.05, "3e-4" to 0.5e-4.
double half_digit(std::string_view text) {
  const std::size_t exponent = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, exponent);
  const std::size_t point = digits.find('.');
  const auto places = point == std::string_view::npos ? 0 : static_cast<int>(digits.size() - point - 1);
  const double power = exponent == std::string_view::npos ? 0.0 : number_in(text.substr(exponent + 1)).value_or(0.0);
  return 0.5 * std::pow(10.0, power - places);
}

std::string kind_of(const ordered_json& value) {
  if (value.is_object()) return "a map";
  if (value.is_array()) return "a list";
  if (value.is_null()) return "undefined";
  return "a single value";
}

std::string keys_of(const ordered_json& value) {
  std::vector<std::string> keys;
  for (const auto& [key, ignored] : value.items()) keys.push_back(key);
  return load::list_of_words(keys);
}

/// Walks names down; nullptr where one is missing.
const ordered_json* down(const ordered_json& value, const std::vector<std::string>& names) {
  const ordered_json* at = &value;
  for (const std::string& name : names) {
    if (!at->is_object() || !at->contains(name)) return nullptr;
    at = &(*at)[name];
  }
  return at;
}

std::optional<std::vector<std::string>> names_in(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t point = text.find('.');
    if (!is_name(text.substr(0, point))) return std::nullopt;
    names.emplace_back(text.substr(0, point));
    if (point == std::string_view::npos) return names;
    text.remove_prefix(point + 1);
  }
}

}  // namespace

Result<DocumentPath::Part> DocumentPath::parse_selector(std::string_view inside) {
  if (inside == "*") return Part{All{}};
  const std::size_t equal = inside.find('=');
  if (equal == std::string_view::npos) {
    std::size_t at = 0;
    const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), at);
    if (error != std::errc{} || end != inside.data() + inside.size()) {
      return refuse(fmt::format("the selector [{}] is none; write [3], [*], [label=FS] or [current_ua=40..60]",
                                load::shortened(inside)));
    }
    return Part{Position{at}};
  }
  Where where;
  const auto names = names_in(inside.substr(0, equal));
  where.text = inside.substr(equal + 1);
  if (!names || where.text.empty()) {
    return refuse(fmt::format("the selector [{}] lacks a name or a value; write for example [label=FS]",
                              load::shortened(inside)));
  }
  where.names = *names;
  const std::string_view text = where.text;
  if (const std::size_t dots = text.find(".."); dots != std::string_view::npos) {
    where.low = number_in(text.substr(0, dots));
    where.high = number_in(text.substr(dots + 2));
    if (!where.low || !where.high || *where.low > *where.high) {
      return refuse(fmt::format("the selector [{}] is no range; write two numbers, the smaller one first: [{}=40..60]",
                                load::shortened(inside), inside.substr(0, equal)));
    }
  } else if (const auto value = number_in(text)) {
    where.low = *value - half_digit(text);
    where.high = *value + half_digit(text);
  }
  return Part{std::move(where)};
}

Result<DocumentPath> DocumentPath::parse(std::string_view text) {
  DocumentPath path;
  path.text_ = text;
  const auto bad = [&](std::string_view why) {
    return refuse(
        fmt::format("'{}' is no path: {}; write for example steps[current_ua=45.3].cv", load::shortened(text), why));
  };
  std::string_view rest = text;
  while (true) {
    const std::size_t end = std::min(rest.find_first_of(".["), rest.size());
    if (!is_name(rest.substr(0, end))) return bad("a name is missing or has other signs than letters, digits and _");
    path.parts_.emplace_back(Name{std::string{rest.substr(0, end)}});
    rest.remove_prefix(end);
    while (!rest.empty() && rest.front() == '[') {
      const std::size_t close = rest.find(']');
      if (close == std::string_view::npos) return bad("a bracket is not closed");
      auto selector = parse_selector(rest.substr(1, close - 1));
      if (!selector) return tl::make_unexpected(selector.error());
      path.parts_.push_back(std::move(*selector));
      rest.remove_prefix(close + 1);
    }
    if (rest.empty()) return path;
    if (rest.front() != '.') return bad("a point is missing after a bracket");
    rest.remove_prefix(1);
  }
}

Result<DocumentPath::Values> DocumentPath::step(const Values& from, const Name& name) {
  Values found;
  for (const ordered_json* value : from) {
    if (value->is_null()) return refuse(fmt::format("what should hold '{}' is undefined", name.name));
    if (!value->is_object()) {
      return refuse(fmt::format("there is no '{}' in {}{}", name.name, kind_of(*value),
                                value->is_array() ? "; choose elements of it first, [*] for all" : ""));
    }
    if (!value->contains(name.name)) {
      return refuse(fmt::format("there is no '{}'; there are {}", name.name, keys_of(*value)));
    }
    found.push_back(&(*value)[name.name]);
  }
  return found;
}

Result<DocumentPath::Values> DocumentPath::step(const Values& from, const Position& position) {
  Values found;
  for (const ordered_json* value : from) {
    if (!value->is_array())
      return refuse(fmt::format("[{}] is asked of {}, not of a list", position.at, kind_of(*value)));
    if (position.at >= value->size()) {
      return refuse(fmt::format("[{}] lies beyond the end of a list of {}", position.at, value->size()));
    }
    found.push_back(&(*value)[position.at]);
  }
  return found;
}

Result<DocumentPath::Values> DocumentPath::step(const Values& from, const All&) {
  Values found;
  for (const ordered_json* value : from) {
    if (!value->is_array()) return refuse(fmt::format("[*] is asked of {}, not of a list", kind_of(*value)));
    for (const ordered_json& element : *value) found.push_back(&element);
  }
  return found;
}

bool DocumentPath::holds(const ordered_json& value, const Where& where) {
  if (value.is_number()) {
    // What a converter wrote is the number wanted up to its last digits; an edge is not to depend on those.
    constexpr double slack = 1e-9;
    const double number = value.get<double>();
    const double size = std::abs(number) * slack;
    return where.low && number >= *where.low - size && number <= *where.high + size;
  }
  if (value.is_boolean()) return where.text == (value.get<bool>() ? "true" : "false");
  if (value.is_null()) return where.text == "null";
  return value.is_string() && value.get<std::string>() == where.text;
}

Result<DocumentPath::Values> DocumentPath::step(const Values& from, const Where& where) {
  Values found;
  const std::string name = fmt::format("{}", fmt::join(where.names, "."));
  bool known = from.empty();
  std::string there;
  for (const ordered_json* value : from) {
    // After a selector each value is an element already and is asked itself.
    const bool is_list = value->is_array();
    if (!is_list && !value->is_object()) {
      return refuse(fmt::format("[{}={}] is asked of {}, not of a list", name, where.text, kind_of(*value)));
    }
    if (is_list && value->empty()) known = true;
    const auto ask = [&](const ordered_json& element) {
      const ordered_json* said = down(element, where.names);
      if (said == nullptr) {
        if (there.empty() && element.is_object()) there = keys_of(element);
        return;
      }
      known = true;
      if (holds(*said, where)) found.push_back(&element);
    };
    if (is_list) {
      for (const ordered_json& element : *value) ask(element);
    } else {
      ask(*value);
    }
  }
  if (!known) return refuse(fmt::format("no element has '{}'; there are {}", name, there));
  return found;
}

Result<std::vector<ordered_json>> DocumentPath::select(const ordered_json& document) const {
  Values at{&document};
  for (const Part& part : parts_) {
    auto next = std::visit([&](const auto& one) { return step(at, one); }, part);
    if (!next) return refuse(fmt::format("'{}' leads nowhere: {}", text_, next.error().message));
    at = std::move(*next);
  }
  std::vector<ordered_json> values;
  values.reserve(at.size());
  for (const ordered_json* value : at) values.push_back(*value);
  return values;
}

Result<ordered_json> DocumentPath::follow(const ordered_json& shape) const {
  const ordered_json* at = &shape;
  for (const Part& part : parts_) {
    if (at->is_null()) return ordered_json(nullptr);
    auto next = std::visit([&](const auto& one) { return in_shape(*at, one); }, part);
    if (!next) return refuse(fmt::format("'{}' leads nowhere: {}", text_, next.error().message));
    at = *next;
  }
  return *at;
}

Result<const ordered_json*> DocumentPath::in_shape(const ordered_json& at, const Name& name) {
  return step(Values{&at}, name).map([](const Values& found) { return found.front(); });
}
Result<const ordered_json*> DocumentPath::in_shape(const ordered_json& at, const Position&) {
  return in_shape(at, All{});
}
Result<const ordered_json*> DocumentPath::in_shape(const ordered_json& at, const All& all) {
  static const ordered_json unknown;
  return step(Values{&at}, all).map([](const Values& found) { return found.empty() ? &unknown : found.front(); });
}
Result<const ordered_json*> DocumentPath::in_shape(const ordered_json& at, const Where& where) {
  // After a selector the value is an element already.
  const ordered_json* element = &at;
  if (at.is_array()) element = *in_shape(at, All{});
  Values inner{element};
  for (const std::string& name : where.names) {
    if (inner.front()->is_null()) break;
    auto found = step(inner, Name{name});
    if (!found) return tl::make_unexpected(found.error());
    inner = *std::move(found);
  }
  return element;
}

std::vector<std::string> DocumentPath::names() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) {
    if (const auto* name = std::get_if<Name>(&part)) names.push_back(name->name);
  }
  return names;
}

}  // namespace thyrode::figures
