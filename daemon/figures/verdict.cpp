#include "daemon/figures/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace thyrode::figures {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view statistics = "statistics";

tl::unexpected<Error> refuse(const std::string& message) {
  return fail(ErrorKind::bad_input, message);
}

/// A single value, or why there is none.
struct Found {
  std::optional<ordered_json> value;
  std::string why;
};

Result<Found> take(const DocumentPath& path, Take how, const ordered_json& document) {
  const auto all = path.select(document);
  if (!all) return tl::make_unexpected(all.error());
  if (how == Take::count) return Found{ordered_json(all->size()), {}};
  if (all->empty()) return Found{std::nullopt, "no such element"};
  if (how == Take::one) {
    if (all->size() > 1) {
      return refuse(
          fmt::format("'{}' leads to {} values; choose one of them with further selectors, or take: max, min, "
                      "count or ratio",
                      path.text(), all->size()));
    }
    if (all->front().is_null()) return Found{std::nullopt, "undefined"};
    return Found{all->front(), {}};
  }
  std::vector<double> numbers;
  for (const ordered_json& value : *all) {
    if (value.is_null()) return Found{std::nullopt, "undefined at one of them"};
    if (!value.is_number()) return refuse(fmt::format("'{}' leads to {}, not to a number", path.text(), value.dump()));
    numbers.push_back(value.get<double>());
  }
  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  if (how == Take::min) return Found{ordered_json(*least), {}};
  if (how == Take::max) return Found{ordered_json(*most), {}};
  if (*least <= 0.0) return Found{std::nullopt, "no ratio to a value that is not above 0"};
  return Found{ordered_json(*most / *least), {}};
}

}  // namespace

Result<Verdict> judge(const Check& check, const ordered_json& result) {
  auto found = take(check.value, check.take, result);
  if (!found) return tl::make_unexpected(found.error());
  if (!found->value) return Verdict{found->why, std::nullopt, false};
  const ordered_json& value = *found->value;
  if (check.word) {
    if (value.is_object() || value.is_array()) {
      return refuse(fmt::format("'{}' leads to a whole {}, not to a word", check.value.text(),
                                value.is_array() ? "list" : "map"));
    }
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    return Verdict{text, std::nullopt, text == *check.word};
  }
  if (!value.is_number()) {
    return refuse(fmt::format("'{}' leads to {}, not to a number", check.value.text(),
                              value.is_object() || value.is_array() ? "several values" : value.dump()));
  }
  double number = value.get<double>();
  if (check.per) {
    const auto divisor = take(*check.per, check.take, result);
    if (!divisor) return tl::make_unexpected(divisor.error());
    if (!divisor->value) return Verdict{"divisor: " + divisor->why, std::nullopt, false};
    if (!divisor->value->is_number()) return refuse(fmt::format("'{}' leads to no number", check.per->text()));
    const double by = divisor->value->get<double>();
    if (by == 0.0) return Verdict{"divisor 0", std::nullopt, false};
    number /= by;
  }
  const bool passed = (!check.low || number >= *check.low) && (!check.high || number <= *check.high);
  return Verdict{text_of(number, check.unit), number, passed};
}

std::optional<PathProblem> find_problem(const Check& check, const ordered_json& shape) {
  const auto compare = [&](const DocumentPath& path, bool per) -> std::optional<PathProblem> {
    const auto at = path.follow(shape);
    if (!at) return PathProblem{per, at.error().message};
    if (at->is_null() || check.take == Take::count) return std::nullopt;
    if (at->is_structured()) {
      return PathProblem{
          per, fmt::format("'{}' leads to a whole {}, not to a value; {}", path.text(), at->is_array() ? "list" : "map",
                           at->is_array() ? "choose an element, for example [0], or [*] with take"
                                          : "add the name of one of its values")};
    }
    const bool word = check.word && !per;
    if (word == at->is_number()) {
      return PathProblem{
          per, fmt::format("'{}' leads to {}; {}", path.text(), word ? "a number" : "a word",
                           word ? "bound it with between, near, at_least or at_most" : "compare it with equals")};
    }
    return std::nullopt;
  };
  auto problem = compare(check.value, false);
  if (!problem && check.per) problem = compare(*check.per, true);
  return problem;
}

bool needs_statistics(const Check& check) {
  const auto asks = [](const DocumentPath& path) { return path.names().front() == statistics; };
  return asks(check.value) || (check.per && asks(*check.per));
}

}  // namespace thyrode::figures
