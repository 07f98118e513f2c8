// What a calibration says of an instrument, and how it is put to use.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::calibration {

/// A value and its 95 % interval.
struct Estimate {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
  bool operator==(const Estimate&) const = default;
  static Estimate around(double value, double half_width) { return {value, value - half_width, value + half_width}; }
  bool holds(double truth) const { return low <= truth && truth <= high; }
};

/// One converter. An ADC gives code = zero + offset + gain * value / scale, a source current = scale * (gain * (code -
/// zero) + offset), zero and scale being what the device tells. Offsets and what follows are codes.
struct Converter {
  Scale nominal;
  bool measured = true;            ///< else it is left as told: the circuit does not show it
  Estimate gain;                   ///< 1: as told
  Estimate offset;                 ///< code
  Estimate nonlinearity;           ///< INL, rms, code
  double largest_deviation = 0.0;  ///< INL, the largest that was seen, code
  std::optional<Estimate> step;    ///< DNL, rms, code; empty: not seen
  Estimate noise;  ///< of one conversion, rms, quantisation included; of a source of means of 10 ms, code

  /// The scale by which codes of an ADC become volts or amperes.
  Scale of_adc() const;
  /// The same of the source: current = (code - zero) * scale.
  Scale of_source() const;
};

/// What currents and voltages were compared with.
struct Reference {
  double resistance = 0.0;   ///< Ohm
  double tolerance = 0.0;    ///< relative, the bounds of the maker
  double capacitance = 0.0;  ///< F, across it; 0: none
  /// A meter's reading at the last current, V across the resistor or A through it; empty: none.
  std::optional<double> reading;
  bool reads_current = false;
  double reading_tolerance = 0.0;  ///< relative
  /// Without a meter a common factor of all gains is not known: the gains are then taken to be right on average.
  bool absolute() const { return reading.has_value(); }
};

struct ChannelCalibration {
  Converter source;
  std::array<Converter, protocol::signal_count> signals;
  Reference reference;
  double lowest = 0.0;   ///< A, the range in which it was measured
  double highest = 0.0;  ///< A
  std::string date;      ///< ISO 8601 with offset, wall clock of the host
  ChannelScales scales() const;
};

/// All channels of one instrument that were calibrated, by their labels.
struct Calibration {
  std::string serial;
  std::string board;
  std::map<std::string, ChannelCalibration> channels;
};

/// Writes it as a file, schema thyrode.calibration/1, that ends with a check sum of what comes before.
std::string to_yaml(const Calibration& calibration);
/// Reads such a file. @param name  for messages
/// Errors: bad_input, "file:line:column: what is wrong"; damaged (the check sum does not fit): calibrate again.
Result<Calibration> parse_calibration(const std::string& text, const std::string& name);

/// Makes a device use it. Errors: bad_input: of another instrument (serial number, board), or made for other converters
/// than the device tells of.
Result<void> apply(const Calibration& calibration, Device& device);

/// Days from an ISO 8601 date to another moment, seconds since 1970. Errors: bad_input (not a date).
Result<double> age_in_days(const std::string& date, double now_seconds);

}  // namespace thyrode::calibration
