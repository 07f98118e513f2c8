// What an experiment, a station and a device demand of each other; asked before anything is armed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/station.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::load {

/// ADC rate of the reference front end.
inline constexpr Frequency reference_adc_rate = Frequency::from_si(250e3);
/// ADC samples in one value of a trace: they divide the block of the device, and the sum of 12-bit codes fits 16 bits.
inline constexpr std::array decimations{1, 2, 5, 10};

/// ADC samples in one value of the V_out trace of this experiment: 0 sends none, 1 is `full`.
/// Precondition: check_against has passed.
int trace_decimation(const Experiment& experiment, const Station& station, Frequency adc_rate = reference_adc_rate);

/// The station's channel on which the experiment runs. Precondition: check_against has passed.
const StationChannel& station_channel(const Experiment& experiment, const Station& station);

/// Checks an experiment against a station.
/// Errors: bad_input, at the place in the experiment file and naming the place in the station file: no such channel,
/// a current outside the channel's limits, the charge of one minute at the largest current, a trace rate that is not
/// the ADC rate divided by 1 to 16 (with the nearest one).
Result<void> check_against(const Experiment& experiment, const Station& station,
                           Frequency adc_rate = reference_adc_rate);

/// Checks both against what a connected device says of itself; after check_against with the device's ADC rate.
/// Errors: bad_input: channel that the device does not have, station limits or slew beyond the board's, snippets
/// that it cannot send, a trace that its link cannot carry (with the figures), a parameter that it has no variable part
/// for or that lies outside the part's range.
Result<void> check_device(const Experiment& experiment, const Station& station, const DeviceInfo& info);

/// A parameter as the load resistor that the device's variable part has to take: `tau_L` (tau_L = R_L C_L) or `R_L`.
/// @param value  SI
/// Errors: bad_input, without a place: a channel without the part, a name that is none of its settings, a value outside
/// its range.
Result<Resistance> part_load(const std::string& name, double value, const ChannelDescription& channel);

/// Bytes per second that the device sends up during a run, without spikes.
double link_bytes_per_second(int decimation, Frequency adc_rate);

/// What an experiment will take at most.
struct PlanSummary {
  std::optional<std::int64_t> steps;  ///< over all legs; empty: the plan decides while it runs
  std::int64_t most_steps = 0;
  int legs = 1;
  Duration longest_bench_time;  ///< see PlanExtent
  Duration silence;             ///< without a spike for so long a neuron is silent: max(20 tau_slow, 3/f_min)
  double bytes = 0.0;           ///< of the file over that time, without its spikes
  double bytes_per_spike = 0.0;
  Frequency trace_rate;  ///< 0 when no trace is recorded
  Current smallest_current;
  Current largest_current;           ///< by size
  Charge largest_charge_per_minute;  ///< at the largest current
  // Limits used.
  Current lowest_limit;
  Current highest_limit;
  Slew slew;
  Charge charge_limit_per_minute;
};

/// @param channels  of the device, all of which are recorded
/// Precondition: check_against has passed.
PlanSummary summarize(const Experiment& experiment, const Station& station, Frequency adc_rate = reference_adc_rate,
                      std::size_t channels = 1);

}  // namespace thyrode::load
