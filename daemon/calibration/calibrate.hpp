// The procedure: a known resistor at the output, currents through zero up and down, one line for each converter.
#pragma once

#include <functional>

#include "daemon/calibration/calibration.hpp"
#include "drivers/device.hpp"

namespace thyrode::calibration {

/// What a meter shows at the current that is held.
struct Reading {
  double value = 0.0;  ///< V or A
  bool is_current = false;
  double tolerance = 0.0;  ///< relative
};

struct Procedure {
  Reference reference;  ///< without its reading
  Current lowest = Current::from_si(-20e-6);
  Current highest = Current::from_si(200e-6);  ///< both are cut to what the board and the range of V_m allow
  int levels = 201;
  Voltage compliance = Voltage::from_si(3.0);
  std::function<double()> seconds;  ///< of a steady clock
  std::function<bool()> stopped{};  ///< somebody wants it to end
  /// Asked while the last current is held, over and over in real time: nothing while the meter is being read.
  /// Empty: there is no meter.
  std::function<std::optional<Result<Reading>>(Current held)> meter{};
};

/// Measures one channel. The output is open when it returns.
/// Errors: as hold() and fit(); bad_input (a range without room, a resistor that is none); run_failed: not settled.
Result<ChannelCalibration> calibrate(Device& device, Channel channel, const Procedure& procedure);

}  // namespace thyrode::calibration
