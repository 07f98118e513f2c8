#include "daemon/figures/unit.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"

namespace thyrode::figures {
namespace {

struct Ending {
  std::string_view end;
  std::string_view word;
};
// The longer ones first: a slope ends like an inverse current, and that like a current.
constexpr std::array endings{
    Ending{"_hz_per_ua", "Hz/uA"}, Ending{"_per_ua", "/uA"}, Ending{"_ua", "uA"},
    Ending{"_hz", "Hz"},           Ending{"_ms", "ms"},      Ending{"_us", "us"},
    Ending{"_mv", "mV"},           Ending{"_v", "V"},        Ending{"_s", "s"},
    Ending{"_ohm", "Ohm"},         Ending{"tau_L", "s"},     Ending{"R_L", "Ohm"},
};

/// Units that quantities elsewhere do not have.
bool is_compound(const Unit& unit) {
  return unit.word.find('/') != std::string::npos;
}

}  // namespace

Unit unit_of(const DocumentPath& path) {
  const std::vector<std::string> names = path.names();
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    for (const Ending& ending : endings) {
      if (name->size() >= ending.end.size() &&
          std::string_view{*name}.substr(name->size() - ending.end.size()) == ending.end) {
        return {std::string{ending.word}};
      }
    }
  }
  return {};
}

Result<double> parse_in(std::string_view text, const Unit& unit) {
  if (is_compound(unit)) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    if (error != std::errc{} || rest != unit.word || !std::isfinite(value)) {
      return fail(ErrorKind::bad_input, fmt::format("'{}' is not in {}; write for example \"0.1 {}\"",
                                                    load::shortened(text), unit.word, unit.word));
    }
    return value;
  }
  const auto quantity = load::parse_any_quantity(text);
  if (!quantity) return tl::make_unexpected(quantity.error());
  if (unit.word.empty()) {
    if (quantity->kind == load::QuantityKind::number || quantity->kind == load::QuantityKind::ratio)
      return quantity->si;
    return fail(ErrorKind::bad_input,
                fmt::format("'{}' has a unit, and the value has none; write the number alone", load::shortened(text)));
  }
  const auto one = load::parse_any_quantity("1 " + unit.word);
  if (!one || quantity->kind != one->kind) {
    return fail(ErrorKind::bad_input, fmt::format("'{}' is no value in {}; write for example \"1.5 {}\"",
                                                  load::shortened(text), unit.word, unit.word));
  }
  return quantity->si / one->si;
}

std::string text_of(double value, const Unit& unit) {
  if (unit.word.empty()) return fmt::format("{:.4g}", value);
  // A load time in seconds is read in microseconds.
  if (value != 0.0 && std::abs(value) < 0.01 && !is_compound(unit)) {
    if (const auto one = load::parse_any_quantity("1 " + unit.word))
      return load::format_rounded(value * one->si, one->kind);
  }
  return fmt::format("{:.4g} {}", value, unit.word);
}

}  // namespace thyrode::figures
