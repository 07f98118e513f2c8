// Quantities as people write them: "45.3 uA", "25 kS/s", "2 %". For YAML values and for the command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::load {

/// What a number with a unit is a quantity of. Kinds of equal dimension (Hz and S/s, A and C/min) stay apart, so
/// that a rate of sampling is never taken for a rate of spikes.
enum class QuantityKind : std::uint8_t {
  number,           ///< no unit
  ratio,            ///< %
  current,          ///< A
  voltage,          ///< V
  duration,         ///< s, min, h
  frequency,        ///< Hz, /s
  sampling_rate,    ///< S/s
  resistance,       ///< Ohm
  conductance,      ///< S
  capacitance,      ///< F
  charge,           ///< C
  slew,             ///< A/s
  charge_rate,      ///< C/s, C/min, C/h
  current_density,  ///< A/rtHz, A/√Hz, A/sqrt(Hz): amplitude density of noise
};
inline constexpr QuantityKind last_quantity_kind = QuantityKind::current_density;

/// A quantity of any kind: its value in SI (`2 %` is 0.02) and the symbol of its SI unit.
struct AnyQuantity {
  double si = 0.0;
  QuantityKind kind = QuantityKind::number;
  bool operator==(const AnyQuantity&) const = default;
};

/// The symbol of a kind's SI unit: "A", "V", "s", "Hz", "S/s", "Ohm", "S", "F", "C", "A/s", "C/s", "A/rtHz"; "" for
/// number and ratio.
std::string_view si_unit(QuantityKind kind);
/// The kind in words, with its article: "a current".
std::string_view kind_name(QuantityKind kind);
/// A usual unit of the kind, for messages that say what would be right: "uA", "ms", "kS/s".
std::string_view usual_unit(QuantityKind kind);

/// Reads a number followed by a unit, with or without a space between: "45.3 uA", "45.3uA", "1e-4 A".
/// Prefixes f p n u µ m k M G, upper and lower case differ. The result is the double nearest to the decimal text.
/// A text without unit gives kind number.
/// Errors: bad_input: not a number, not finite or out of the range of a double, unknown unit (with the nearest one).
Result<AnyQuantity> parse_any_quantity(std::string_view text);

/// The same for one kind that is expected.
/// @returns the value in SI
/// Errors: bad_input as above, and: no unit, unit of another kind (named, with an example of what would be right).
Result<double> parse_quantity(std::string_view text, QuantityKind kind);

/// Typed forms. Errors as parse_quantity.
Result<Current> parse_current(std::string_view text);
Result<Voltage> parse_voltage(std::string_view text);
Result<Duration> parse_duration(std::string_view text);
Result<Frequency> parse_frequency(std::string_view text);
Result<Frequency> parse_sampling_rate(std::string_view text);

/// Writes a quantity with the prefix that leaves 1 to 3 digits before the point, and as few digits as give the same
/// value back: parse_quantity(format_quantity(x, kind), kind) == x for every finite x.
std::string format_quantity(double si, QuantityKind kind);
/// The same rounded to at most `digits` significant digits, for people.
std::string format_rounded(double si, QuantityKind kind, int digits = 4);

inline std::string to_text(Current q) {
  return format_quantity(q.si(), QuantityKind::current);
}
inline std::string to_text(Voltage q) {
  return format_quantity(q.si(), QuantityKind::voltage);
}
inline std::string to_text(Duration q) {
  return format_quantity(q.si(), QuantityKind::duration);
}
inline std::string to_text(Slew q) {
  return format_quantity(q.si(), QuantityKind::slew);
}
inline std::string to_text(Charge q) {
  return format_quantity(q.si(), QuantityKind::charge);
}

}  // namespace thyrode::load
