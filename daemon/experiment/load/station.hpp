// The station: which device, how its channels are wired, and what must never be exceeded.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "daemon/experiment/load/source.hpp"
#include "drivers/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::load {

/// How one channel is wired and what it may carry.
struct StationChannel {
  Current lowest;                                   ///< limits[0], required
  Current highest;                                  ///< limits[1], required
  Slew slew = Slew::from_si(5e-3);                  ///< of steps
  double v_out_gain = 4.0;                          ///< volts at the ADC per volt of the neuron
  Frequency trace_rate = Frequency::from_si(25e3);  ///< V_out.rate: of experiments that do not name their own
  double v_m_gain = 1.0;
};

/// What the host and the device watch.
struct StationSafety {
  Duration lease = Duration::from_si(0.1);                ///< 20 ms to 1 s
  Charge max_charge_per_minute = Charge::from_si(50e-3);  ///< of each channel, |I| integrated over any minute
  Voltage v_compliance = Voltage::from_si(3.0);           ///< highest V_m
  // What tells a broken wire or converter; 0 watches nothing.
  int stuck = 2000;       ///< conversions of one code; 8 ms of V_out, 80 ms of V_m and I_read
  Duration rail_v_out{};  ///< at either end of a range: plateaus may saturate, so not watched
  Duration rail_v_m{};    ///< negative currents take V_m below its range
  Duration rail_i_read = Duration::from_si(10e-3);
  Current open_current = Current::from_si(20e-6);  ///< that must move V_m
  Voltage open_band = Voltage::from_si(8e-3);      ///< around 0 V, no movement
  Duration open_time = Duration::from_si(0.5);     ///< without movement
  // on_fault has one value, ramp_to_safe, and so no field.
};

/// A station file, schema thyrode.station/1.
struct Station {
  std::string device;                              ///< device URI, as written
  std::map<std::string, StationChannel> channels;  ///< by label: "A", "B" ...
  StationSafety safety;
  Duration decision_latency = Duration::from_si(0.2);  ///< from a decision to its effect; 20 ms to 10 s
  /// Places: "device", "channels.A.limits[1]", "safety.lease" ...
  Source source;
};

/// Reads a station.
/// @param file_name  for messages only
/// Errors: bad_input, "file:line:column: what is wrong; what would be right", the first one found. No exception.
Result<Station> parse_station(std::string_view text, std::string_view file_name);
/// The same from a file. Errors: also an unreadable file, a directory, larger than 1 MiB.
Result<Station> load_station(const std::string& path);

}  // namespace thyrode::load
