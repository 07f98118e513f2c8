// From codes held and codes read to gains, offsets and non-linearity. Pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "daemon/calibration/calibration.hpp"
#include "protocols/words.hpp"

namespace thyrode::calibration {

/// What one signal said while one code was held.
struct Seen {
  double mean = 0.0;   ///< codes
  bool usable = true;  ///< not at an end of the converter
};

/// One code of the source, held.
struct Level {
  double command = 0.0;  ///< code
  std::array<Seen, protocol::signal_count> signals;
};

/// Sums for the noise of one signal: of means of `conversions` conversions each, about the means of their plateaus.
struct NoiseSum {
  double squares = 0.0;  ///< code^2
  double freedoms = 0.0;
  double conversions = 1.0;
};

struct Measurement {
  std::vector<Level> levels;                      ///< each code once
  std::array<Seen, protocol::signal_count> open;  ///< with the output open: no current
  std::array<NoiseSum, protocol::signal_count> noise;
  double common_squares = 0.0;  ///< A^2: covariance sum of I_read and V_out / R
  double common_freedoms = 0.0;
  std::vector<Level> neighbours;       ///< codes one apart, for the DNL of the source; may be empty
  std::optional<std::size_t> metered;  ///< the level at which the meter was read
};

/// What the device tells of the channel: one scale for each converter.
struct Nominals {
  Scale source;
  std::array<Scale, protocol::signal_count> signals;
};

/// Fits one line to each converter, all at once, by weighted least squares.
///
/// Unknown are the current of each level, gain and offset of four converters and the resistor within its tolerance; of
/// a level every converter is off its line by its own non-linearity, whose variance is estimated too (variance
/// components after Helmert): one for the source, one for the ADC inputs, which are converters of one kind. The open
/// output gives the zero of current, the resistor joins volts and amperes, and the meter sets the scale of both.
/// Source: Koch, Parameter Estimation and Hypothesis Testing in Linear Models, 2nd ed., 3.6; intervals of INL and noise
/// from chi^2 (Wilson & Hilferty, PNAS 17:684, 1931). Errors: run_failed, with the reason and what to do, when it does
/// not hold: open loop, another resistor than stated, signals at an end of their range, a reading that does not fit,
/// deviations beyond what a converter may have.
Result<ChannelCalibration> fit(const Measurement& measurement, const Nominals& nominals, const Reference& reference,
                               const std::string& channel);

/// An rms value with its 95 % interval, from a sum of squares. @param freedoms  > 0
Estimate rms_estimate(double mean_square, double freedoms);

}  // namespace thyrode::calibration
