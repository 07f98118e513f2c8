// Units of the values of a result document, which are the ends of their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/figures/document_path.hpp"
#include "drivers/result.hpp"

namespace thyrode::figures {

/// The unit of a value: its word, "" of a number without one.
struct Unit {
  std::string word;  ///< "uA", "Hz", "/uA"
  bool operator==(const Unit&) const = default;
};

/// The unit that the last name of a path with a known end tells: `frequency_hz.value` is in Hz, `beta_n_per_ua` in
/// 1/uA, `conditions.tau_L` in s.
Unit unit_of(const DocumentPath& path);

/// Reads a quantity and gives it in the unit: "1.9 kHz" in Hz is 1900. Without unit a number or "5 %".
/// Errors: bad_input, with what would be right: no number, no unit, a unit of another kind.
Result<double> parse_in(std::string_view text, const Unit& unit);

/// "45.3 uA", "210 us" of 0.00021 s; of a number without unit the number.
std::string text_of(double value, const Unit& unit);

}  // namespace thyrode::figures
