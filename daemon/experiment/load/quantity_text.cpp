#include "daemon/experiment/load/quantity_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

struct Unit {
  std::string_view symbol;
  QuantityKind kind;
  double factor;  // SI units in one; applied after the decimal shift
  int exponent;   // decimal exponent that belongs to the unit itself
  bool prefixes;
};

// The first unit of a kind is its SI unit.
constexpr std::array units{
    Unit{"A", QuantityKind::current, 1.0, 0, true},
    Unit{"V", QuantityKind::voltage, 1.0, 0, true},
    Unit{"s", QuantityKind::duration, 1.0, 0, true},
    Unit{"min", QuantityKind::duration, 60.0, 0, false},
    Unit{"h", QuantityKind::duration, 3600.0, 0, false},
    Unit{"Hz", QuantityKind::frequency, 1.0, 0, true},
    Unit{"/s", QuantityKind::frequency, 1.0, 0, false},
    Unit{"S/s", QuantityKind::sampling_rate, 1.0, 0, true},
    Unit{"Ohm", QuantityKind::resistance, 1.0, 0, true},
    Unit{"Ω", QuantityKind::resistance, 1.0, 0, true},
    Unit{"\u2126", QuantityKind::resistance, 1.0, 0, true},  // the ohm sign, a letter of its own in Unicode
    Unit{"S", QuantityKind::conductance, 1.0, 0, true},
    Unit{"F", QuantityKind::capacitance, 1.0, 0, true},
    Unit{"C", QuantityKind::charge, 1.0, 0, true},
    Unit{"A/s", QuantityKind::slew, 1.0, 0, true},
    Unit{"C/s", QuantityKind::charge_rate, 1.0, 0, true},
    Unit{"C/min", QuantityKind::charge_rate, 1.0 / 60.0, 0, true},
    Unit{"C/h", QuantityKind::charge_rate, 1.0 / 3600.0, 0, true},
    Unit{"A/rtHz", QuantityKind::current_density, 1.0, 0, true},
    Unit{"A/√Hz", QuantityKind::current_density, 1.0, 0, true},
    Unit{"A/sqrt(Hz)", QuantityKind::current_density, 1.0, 0, true},
    Unit{"%", QuantityKind::ratio, 1.0, -2, false},
};

struct Prefix {
  std::string_view symbol;
  int exponent;
};

// Plain `u` comes before the two letters that look like µ (micro sign and Greek mu); "" is no prefix.
constexpr std::array prefixes{Prefix{"", 0},   Prefix{"f", -15},     Prefix{"p", -12},     Prefix{"n", -9},
                              Prefix{"u", -6}, Prefix{"\u00b5", -6}, Prefix{"\u03bc", -6}, Prefix{"m", -3},
                              Prefix{"k", 3},  Prefix{"M", 6},       Prefix{"G", 9}};

struct ScaledUnit {
  Unit unit;
  int exponent;
};

std::optional<ScaledUnit> find_unit(std::string_view text) {
  for (const Unit& unit : units) {
    for (const Prefix& prefix : prefixes) {
      if (!prefix.symbol.empty() && !unit.prefixes) continue;
      if (text.size() == prefix.symbol.size() + unit.symbol.size() && text.starts_with(prefix.symbol) &&
          text.ends_with(unit.symbol)) {
        return ScaledUnit{unit, prefix.exponent + unit.exponent};
      }
    }
  }
  return std::nullopt;
}

// Every unit with its usual prefixes, to find the one that was meant.
std::string nearest_unit(std::string_view text) {
  std::vector<std::string> known;
  for (const Unit& unit : units) {
    known.emplace_back(unit.symbol);
    if (!unit.prefixes) continue;
    for (const Prefix& prefix : prefixes) {
      if (!prefix.symbol.empty() && prefix.symbol.size() == 1)
        known.push_back(fmt::format("{}{}", prefix.symbol, unit.symbol));
    }
  }
  return nearest(text, known);
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct NumberParts {
  std::string_view whole;     // sign, digits, point, exponent: as written
  std::string_view mantissa;  // sign, digits, point
  std::optional<int> exponent;
  std::string_view rest;
};

// Splits "-1.5e-4 uA" by hand: from_chars would also take "inf" and "nan", and the exponent is wanted apart.
std::optional<NumberParts> split_number(std::string_view text) {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  std::size_t digits = 0;
  for (bool point = false; i < text.size() && (is_digit(text[i]) || (text[i] == '.' && !point)); ++i) {
    if (text[i] == '.') {
      point = true;
    } else {
      ++digits;
    }
  }
  if (digits == 0) return std::nullopt;
  NumberParts parts;
  parts.mantissa = text.substr(0, i);
  parts.exponent = 0;
  // "1e-4" has an exponent; in "5 eggs" and "1e" the letter begins the unit.
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t j = i + 1;
    const bool minus = j < text.size() && text[j] == '-';
    if (j < text.size() && (text[j] == '+' || text[j] == '-')) ++j;
    const std::size_t first = j;
    while (j < text.size() && is_digit(text[j])) ++j;
    if (j > first) {
      int value = 0;
      const auto [end, error] = std::from_chars(text.data() + first, text.data() + j, value);
      parts.exponent = error == std::errc{} && value <= 100000 ? std::optional{minus ? -value : value} : std::nullopt;
      i = j;
    }
  }
  parts.whole = text.substr(0, i);
  parts.rest = trim(text.substr(i));
  return parts;
}

// The double nearest to mantissa * 10^exponent: the prefix moves the decimal exponent and rounds nothing.
std::optional<double> decimal(std::string_view mantissa, std::optional<int> exponent, int shift) {
  if (!exponent) return std::nullopt;
  if (mantissa.starts_with('+')) mantissa.remove_prefix(1);
  const std::string text = fmt::format("{}e{}", mantissa, *exponent + shift);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

tl::unexpected<Error> not_a_number(std::string_view text, std::string_view unit) {
  if (const std::size_t comma = text.find(','); comma != std::string_view::npos && split_number(text)) {
    std::string point{text};
    point[comma] = '.';
    return fail(ErrorKind::bad_input,
                fmt::format("'{}' has a comma in its number; write \"{}\"", shortened(text), shortened(point)));
  }
  return fail(ErrorKind::bad_input, unit.empty()
                                        ? fmt::format("'{}' is not a number; write for example 45.3", shortened(text))
                                        : fmt::format("'{}' is not a number with a unit; write for example \"45.3 {}\"",
                                                      shortened(text), unit));
}

}  // namespace

std::string_view si_unit(QuantityKind kind) {
  if (kind == QuantityKind::number || kind == QuantityKind::ratio) return "";
  return std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.kind == kind; })->symbol;
}

std::string_view kind_name(QuantityKind kind) {
  switch (kind) {
    case QuantityKind::number: return "a number without unit";
    case QuantityKind::ratio: return "a ratio";
    case QuantityKind::current: return "a current";
    case QuantityKind::voltage: return "a voltage";
    case QuantityKind::duration: return "a time";
    case QuantityKind::frequency: return "a rate";
    case QuantityKind::sampling_rate: return "a sampling rate";
    case QuantityKind::resistance: return "a resistance";
    case QuantityKind::conductance: return "a conductance";
    case QuantityKind::capacitance: return "a capacitance";
    case QuantityKind::charge: return "a charge";
    case QuantityKind::slew: return "a current slew";
    case QuantityKind::charge_rate: return "a charge per time";
    case QuantityKind::current_density: return "a noise current per root of frequency";
  }
  return "";
}

std::string_view usual_unit(QuantityKind kind) {
  switch (kind) {
    case QuantityKind::number: return "";
    case QuantityKind::ratio: return "%";
    case QuantityKind::current: return "uA";
    case QuantityKind::voltage: return "mV";
    case QuantityKind::duration: return "ms";
    case QuantityKind::frequency: return "Hz";
    case QuantityKind::sampling_rate: return "kS/s";
    case QuantityKind::resistance: return "Ohm";
    case QuantityKind::conductance: return "uS";
    case QuantityKind::capacitance: return "uF";
    case QuantityKind::charge: return "uC";
    case QuantityKind::slew: return "mA/s";
    case QuantityKind::charge_rate: return "mC/min";
    case QuantityKind::current_density: return "nA/rtHz";
  }
  return "";
}

namespace {
bool is_number(const NumberParts& parts) {
  return !parts.rest.starts_with(',') && !parts.rest.starts_with('.') && !parts.rest.starts_with('_');
}
}  // namespace

Result<AnyQuantity> parse_any_quantity(std::string_view text) {
  text = trim(text);
  const auto parts = split_number(text);
  if (!parts || !is_number(*parts)) return not_a_number(text, "uA");
  ScaledUnit scaled{Unit{"", QuantityKind::number, 1.0, 0, false}, 0};
  if (!parts->rest.empty()) {
    const auto found = find_unit(parts->rest);
    if (!found) {
      const std::string near = nearest_unit(parts->rest);
      return fail(
          ErrorKind::bad_input,
          fmt::format("'{}' has the unknown unit '{}'; {}", shortened(text), shortened(parts->rest),
                      near.empty() ? std::string{"units are A V s min h Hz S/s Ohm S F C A/s C/min A/rtHz % with the "
                                                 "prefixes f p n u m k M G"}
                                   : fmt::format("did you mean \"{} {}\"?", shortened(parts->whole), near)));
    }
    scaled = *found;
  }
  const auto value = decimal(parts->mantissa, parts->exponent, scaled.exponent);
  if (!value || !std::isfinite(*value * scaled.unit.factor)) {
    return fail(ErrorKind::bad_input, fmt::format("'{}' is outside the range of numbers; write a value between 1e-300 "
                                                  "and 1e300 of its SI unit",
                                                  shortened(text)));
  }
  return AnyQuantity{*value * scaled.unit.factor, scaled.unit.kind};
}

Result<double> parse_quantity(std::string_view text, QuantityKind kind) {
  if (const auto parts = split_number(trim(text)); !parts || !is_number(*parts)) {
    return not_a_number(trim(text), usual_unit(kind));
  }
  const auto quantity = parse_any_quantity(text);
  if (!quantity) return tl::make_unexpected(quantity.error());
  if (quantity->kind == kind) return quantity->si;
  const std::string_view number = split_number(trim(text))->whole;
  const std::string_view unit = usual_unit(kind);
  const std::string example = unit.empty() ? shortened(number) : fmt::format("\"{} {}\"", shortened(number), unit);
  if (quantity->kind == QuantityKind::number) {
    return fail(ErrorKind::bad_input,
                fmt::format("{} has no unit; write for example {}", shortened(trim(text)), example));
  }
  return fail(ErrorKind::bad_input, fmt::format("'{}' is {}, not {}; write for example {}", shortened(trim(text)),
                                                kind_name(quantity->kind), kind_name(kind), example));
}

namespace {
template <class Q>
Result<Q> typed(std::string_view text, QuantityKind kind) {
  return parse_quantity(text, kind).map([](double si) { return Q::from_si(si); });
}
}  // namespace

Result<Current> parse_current(std::string_view text) {
  return typed<Current>(text, QuantityKind::current);
}
Result<Voltage> parse_voltage(std::string_view text) {
  return typed<Voltage>(text, QuantityKind::voltage);
}
Result<Duration> parse_duration(std::string_view text) {
  return typed<Duration>(text, QuantityKind::duration);
}
Result<Frequency> parse_frequency(std::string_view text) {
  return typed<Frequency>(text, QuantityKind::frequency);
}
Result<Frequency> parse_sampling_rate(std::string_view text) {
  return typed<Frequency>(text, QuantityKind::sampling_rate);
}

namespace {

// Moves the decimal point of a number in scientific notation ("-4.53e-05") so that its exponent becomes `exponent`,
// without any arithmetic on its digits. The exponent wanted is not above the present one, and not far below.
std::string shift_point(std::string_view scientific, int exponent) {
  std::string sign;
  if (scientific.starts_with('-')) {
    sign = "-";
    scientific.remove_prefix(1);
  }
  const std::size_t e = scientific.find('e');
  std::string digits{scientific.substr(0, e)};
  std::erase(digits, '.');
  const auto places = static_cast<std::size_t>(std::atoi(std::string{scientific.substr(e + 1)}.c_str()) - exponent);
  while (digits.size() < places + 1) digits.push_back('0');
  if (digits.size() > places + 1) digits.insert(places + 1, ".");
  return sign + digits;
}

std::string format_scientific(const std::string& scientific, QuantityKind kind) {
  if (kind == QuantityKind::number) return fmt::format("{}", std::strtod(scientific.c_str(), nullptr));
  const int exponent = std::atoi(scientific.substr(scientific.find('e') + 1).c_str());
  const std::string_view symbol = kind == QuantityKind::ratio ? "%" : si_unit(kind);
  if (kind == QuantityKind::ratio) {
    if (std::strtod(scientific.c_str(), nullptr) == 0.0) return "0 %";
    const std::string percent = fmt::format("{}e{}", scientific.substr(0, scientific.find('e')), exponent + 2);
    if (exponent < -6 || exponent > 4) return fmt::format("{} %", percent);
    if (exponent + 2 >= 0) return fmt::format("{} %", shift_point(percent, 0));
    std::string digits = shift_point(percent, exponent + 2);
    const std::string sign = digits.starts_with('-') ? "-" : "";
    std::erase(digits, '.');
    std::erase(digits, '-');
    return fmt::format("{}0.{}{} %", sign, std::string(static_cast<std::size_t>(-exponent - 3), '0'), digits);
  }
  const int engineering = 3 * (exponent >= 0 ? exponent / 3 : -((2 - exponent) / 3));
  // Nobody counts in kiloseconds.
  if (kind == QuantityKind::duration && exponent >= 3 && exponent < 8) {
    return fmt::format("{} {}", shift_point(scientific, 0), symbol);
  }
  const auto prefix =
      std::find_if(prefixes.begin(), prefixes.end(), [&](const Prefix& p) { return p.exponent == engineering; });
  if (prefix == prefixes.end()) return fmt::format("{} {}", scientific, symbol);
  return fmt::format("{} {}{}", shift_point(scientific, engineering), prefix->symbol, symbol);
}

}  // namespace

std::string format_quantity(double si, QuantityKind kind) {
  if (si == 0.0) si = 0.0;
  // Nobody counts hours in seconds.
  if (kind == QuantityKind::duration && si >= 120.0 && si < 1e9 && std::fmod(si, 60.0) == 0.0) {
    const bool hours = std::fmod(si, 3600.0) == 0.0;
    return fmt::format("{:.0f} {}", si / (hours ? 3600.0 : 60.0), hours ? "h" : "min");
  }
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), si, std::chars_format::scientific).ptr;
  return format_scientific(std::string{buffer.data(), end}, kind);
}

std::string format_rounded(double si, QuantityKind kind, int digits) {
  // Through the rounded value, so that trailing zeros go and 999.96 moves on to the next prefix.
  return format_quantity(std::strtod(fmt::format("{:.{}e}", si, digits - 1).c_str(), nullptr), kind);
}

}  // namespace thyrode::load
