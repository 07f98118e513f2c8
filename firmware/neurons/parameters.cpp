#include "firmware/neurons/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace thyrode::neurons {

namespace {

// Noise that no step of the solver could follow in a lifetime.
constexpr double least_noise_time = 1e-6;  // s

// What a circuit on a bench can have. Beyond it rounding eats the differences that decide, and a solver may not end.
struct Range {
  std::string_view unit;
  double least;  // of the size, unless it is zero
  double most;
  std::string_view below;
};
constexpr std::array ranges{
    Range{"F", 1e-12, 1.0, "a wire has more"},
    Range{"Ohm", 1e-3, 1e9, "a wire has more"},
    Range{"S", 1e-12, 1e3, "the air conducts more"},
    Range{"V", 0.0, 1e3, ""},
    Range{"A", 0.0, 1.0, ""},
    Range{"C", 0.0, 1.0, ""},
    Range{"s", 1e-9, 1e6, "no sample could tell it from zero"},
    Range{"", 0.0, 1e9, ""},
};

bool within(ParameterLimit limit, double value) {
  switch (limit) {
    case ParameterLimit::positive: return value > 0.0;
    case ParameterLimit::not_negative: return value >= 0.0;
    case ParameterLimit::not_zero: return value != 0.0;
    case ParameterLimit::any: return true;
  }
  return false;
}

std::string_view limit_words(ParameterLimit limit) {
  if (limit == ParameterLimit::not_zero) return "other than";
  return limit == ParameterLimit::positive ? "above" : "at least";
}

std::optional<ParameterError> check_range(const ParameterRule& rule, double value) {
  const auto* const range =
      std::find_if(ranges.begin(), ranges.end(), [&](const Range& r) { return r.unit == rule.unit; });
  if (range == ranges.end() || value == 0.0) return std::nullopt;
  const std::string name{rule.name};
  const std::string is = fmt::format("{} is {}, must be", name, with_unit(value, rule.unit));
  if (std::abs(value) < range->least) {
    return ParameterError{name,
                          fmt::format("{} at least {}: {}", is, with_unit(range->least, rule.unit), range->below)};
  }
  if (std::abs(value) <= range->most) return std::nullopt;
  return ParameterError{
      name, fmt::format("{} at most {}: no circuit on a bench has more", is, with_unit(range->most, rule.unit))};
}

std::optional<ParameterError> check_limit(const ParameterRule& rule, double value) {
  const std::string name{rule.name};
  if (!std::isfinite(value)) return ParameterError{name, fmt::format("{} is {}, must be a finite number", name, value)};
  if (within(rule.limit, value)) return check_range(rule, value);
  return ParameterError{name, fmt::format("{} is {}, must be {} {}: {}", name, with_unit(value, rule.unit),
                                          limit_words(rule.limit), with_unit(0.0, rule.unit), rule.reason)};
}

const ParameterRule* find(std::span<const ParameterRule> rules, std::string_view name) {
  const auto it = std::find_if(rules.begin(), rules.end(), [&](const ParameterRule& r) { return r.name == name; });
  return it == rules.end() ? nullptr : &*it;
}

bool is_replaced(std::span<const ParameterRule> rules, const Parameters& parameters, std::string_view name) {
  return std::any_of(rules.begin(), rules.end(), [&](const ParameterRule& rule) {
    return rule.instead_of == name && parameters.contains(rule.name);
  });
}

// A size and the time that belongs to it, which matters only where the size is not zero.
std::optional<ParameterError> check_noise_pair(const ParameterRule& size, double size_value, const ParameterRule& time,
                                               double time_value, std::string_view too_short) {
  if (auto error = check_limit(size, size_value)) return error;
  if (size_value == 0.0) return std::nullopt;
  if (!(time_value > 0.0) || time_value >= least_noise_time) return check_limit(time, time_value);
  return ParameterError{std::string{time.name},
                        fmt::format("{} is {}, must be at least {}: {}", time.name, with_unit(time_value, "s"),
                                    with_unit(least_noise_time, "s"), too_short)};
}

}  // namespace

void set_parameter(std::string_view model, Parameters& parameters, std::string_view name, double value) {
  const auto remove = [&](std::string_view other) {
    if (const auto it = parameters.find(other); it != parameters.end()) parameters.erase(it);
  };
  for (const ParameterRule& rule : model_parameters(model)) {
    if (rule.instead_of.empty()) continue;
    if (rule.name == name) remove(rule.instead_of);
    if (rule.instead_of == name) remove(rule.name);
  }
  parameters.insert_or_assign(std::string{name}, value);
}

std::string with_unit(double value, std::string_view unit) {
  return fmt::format("{:.6g}{}{}", value, unit.empty() ? "" : " ", unit);
}

std::optional<ParameterError> check_parameters(std::span<const ParameterRule> rules, const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (find(rules, name) == nullptr) {
      std::string known;
      for (const ParameterRule& rule : rules) known += fmt::format("{}{}", known.empty() ? "" : ", ", rule.name);
      return ParameterError{name, fmt::format("{} is not a parameter of this model; it has {}", name, known)};
    }
  }
  for (const ParameterRule& rule : rules) {
    const auto it = parameters.find(rule.name);
    if (it == parameters.end()) {
      if (!rule.instead_of.empty() || is_replaced(rules, parameters, rule.name)) continue;
      return ParameterError{std::string{rule.name},
                            fmt::format("{} is missing; it is a {}{}: {}", rule.name,
                                        rule.unit.empty() ? "number" : "value in ", rule.unit, rule.reason)};
    }
    if (!rule.instead_of.empty() && parameters.contains(rule.instead_of)) {
      return ParameterError{
          std::string{rule.name},
          fmt::format("{} is given beside {}, and each follows from the other: {}; remove one of them", rule.name,
                      rule.instead_of, rule.reason)};
    }
    if (auto error = check_limit(rule, it->second)) return error;
  }
  return std::nullopt;
}

tl::expected<Parameters, ParameterError> without_alternatives(std::span<const ParameterRule> rules,
                                                              Parameters parameters) {
  for (const ParameterRule& rule : rules) {
    const auto given = parameters.find(rule.name);
    if (rule.instead_of.empty() || given == parameters.end()) continue;
    double value = given->second;
    if (!rule.times.empty()) value *= parameters.find(rule.times)->second;
    if (!rule.over.empty()) value /= parameters.find(rule.over)->second;
    if (!std::isfinite(value)) {
      return tl::make_unexpected(ParameterError{
          std::string{rule.name},
          fmt::format("{} is given, but {} is {}, so that {} has no value: {}; give {}", rule.name, rule.over,
                      parameters.find(rule.over)->second, rule.instead_of, rule.reason, rule.instead_of)});
    }
    parameters.erase(given);
    parameters.insert_or_assign(std::string{rule.instead_of}, value);
  }
  return parameters;
}

std::optional<ParameterError> check_noise(const NoiseParameters& noise) {
  static constexpr ParameterRule deviation{"noise.deviation", "A", ParameterLimit::not_negative,
                                           "a standard deviation has no sign"};
  static constexpr ParameterRule correlation{"noise.correlation_time", "s", ParameterLimit::positive,
                                             "noise without memory would have infinite power"};
  static constexpr ParameterRule density{"noise.white_density", "A/rtHz", ParameterLimit::not_negative,
                                         "an amplitude density has no sign"};
  static constexpr ParameterRule step{"noise.white_step", "s", ParameterLimit::positive,
                                      "white noise of all frequencies would have infinite power"};
  if (auto error = check_noise_pair(deviation, noise.deviation, correlation, noise.correlation_time,
                                    "faster noise is white to every circuit here")) {
    return error;
  }
  return check_noise_pair(density, noise.white_density, step, noise.white_step,
                          "no circuit here follows faster changes");
}

std::optional<ParameterError> check_order(std::span<const ParameterRule> rules, const Parameters& parameters,
                                          std::span<const Ordered> order) {
  for (const Ordered& pair : order) {
    const double small = parameters.find(pair.small)->second;
    const double large = parameters.find(pair.large)->second;
    if (pair.equal ? small <= large : small < large) continue;
    const std::string_view unit = find(rules, pair.small)->unit;
    return ParameterError{std::string{pair.small}, fmt::format("{} is {}, must be {} {} = {}: {}", pair.small,
                                                               with_unit(small, unit), pair.equal ? "at most" : "below",
                                                               pair.large, with_unit(large, unit), pair.reason)};
  }
  return std::nullopt;
}

}  // namespace thyrode::neurons
