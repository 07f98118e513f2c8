#include "daemon/experiment/load/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

Frequency trace_rate(const Experiment& experiment, const StationChannel& channel) {
  return experiment.trace.mode == Trace::Mode::station ? channel.trace_rate : experiment.trace.rate;
}

int decimation_of(Frequency rate, Frequency adc_rate) {
  return static_cast<int>(std::lround(adc_rate / rate));
}

std::string rate_text(Frequency rate) {
  return format_rounded(rate.si(), QuantityKind::sampling_rate, 6);
}

Result<void> check_limits(const Experiment& experiment, const Station& station, const std::string& label,
                          const StationChannel& channel, const std::vector<DrivenCurrent>& currents) {
  for (const DrivenCurrent& driven : currents) {
    const bool above = driven.current > channel.highest;
    if (!above && driven.current >= channel.lowest) continue;
    const std::string place = station.source.at(fmt::format("channels.{}.limits[{}]", label, above ? 1 : 0));
    return experiment.source.error(
        driven.path, fmt::format("{}: {} is {} the station's limit of {} for channel {} ({}); {} it or {} the limit",
                                 driven.what, to_text(driven.current), above ? "above" : "below",
                                 to_text(above ? channel.highest : channel.lowest), label, place,
                                 above ? "lower" : "raise", above ? "raise" : "lower"));
  }
  return {};
}

bool smaller(const DrivenCurrent& a, const DrivenCurrent& b) {
  return std::abs(a.current.si()) < std::abs(b.current.si());
}

/// The device counts the second that is under way and the 60 before it: a run that carries the limit for long must not
/// trip.
constexpr double counted = 61.0;  // s

Charge charge_of_minute(Current current) {
  return Charge::from_si(std::abs(current.si()) * 60.0);
}

Result<void> check_charge(const Experiment& experiment, const Station& station,
                          const std::vector<DrivenCurrent>& currents) {
  const DrivenCurrent& largest = *std::max_element(currents.begin(), currents.end(), smaller);
  const Charge charge = charge_of_minute(largest.current);
  const Charge limit = station.safety.max_charge_per_minute;
  const Charge device_counts = Charge::from_si(charge.si() * counted / 60.0);
  // One part in 10^9 for the rounding of decimal fractions.
  if (device_counts.si() <= limit.si() * (1.0 + 1e-9)) return {};
  return experiment.source.error(
      largest.path,
      fmt::format("{}: {} carries {}/min ({} in the 61 s that the device counts), above the station's max_charge of "
                  "{}/min ({}); lower it to {} or raise max_charge",
                  largest.what, to_text(largest.current), format_rounded(charge.si(), QuantityKind::charge),
                  format_rounded(device_counts.si(), QuantityKind::charge),
                  format_rounded(limit.si(), QuantityKind::charge), station.source.at("safety.max_charge"),
                  format_rounded(limit.si() / counted, QuantityKind::current)));
}

Result<void> check_trace(const Experiment& experiment, const Station& station, const StationChannel& channel,
                         Frequency adc_rate) {
  const bool own = experiment.trace.mode == Trace::Mode::rate;
  if (!own && experiment.trace.mode != Trace::Mode::station) return {};
  const Frequency rate = trace_rate(experiment, channel);
  const double ratio = adc_rate / rate;
  const auto apart = [&](int a, int b) { return std::abs(std::log(ratio / a)) < std::abs(std::log(ratio / b)); };
  const int nearest = *std::min_element(decimations.begin(), decimations.end(), apart);
  if (std::abs(ratio - nearest) <= 1e-9 * nearest) return {};
  std::vector<std::string> rates;
  rates.reserve(decimations.size());
  for (const int decimation : decimations) rates.push_back(rate_text(adc_rate / static_cast<double>(decimation)));
  const std::string path = own ? "record.trace" : fmt::format("channels.{}.V_out.rate", experiment.channel);
  return (own ? experiment.source : station.source)
      .error(path,
             fmt::format("{}: {} is no rate of the trace; the device makes {}; the nearest is {}", path,
                         rate_text(rate), list_of_words(rates), rate_text(adc_rate / static_cast<double>(nearest))));
}

}  // namespace

const StationChannel& station_channel(const Experiment& experiment, const Station& station) {
  return station.channels.at(experiment.channel);
}

int trace_decimation(const Experiment& experiment, const Station& station, Frequency adc_rate) {
  if (experiment.trace.mode == Trace::Mode::off) return 0;
  if (experiment.trace.mode == Trace::Mode::full) return 1;
  return decimation_of(trace_rate(experiment, station_channel(experiment, station)), adc_rate);
}

namespace {

/// The station's channel of this label, which the experiment names at `path`.
Result<const StationChannel*> find_channel(const Experiment& experiment, const Station& station,
                                           const std::string& label, const std::string& path) {
  const auto channel = station.channels.find(label);
  if (channel != station.channels.end()) return &channel->second;
  std::vector<std::string> labels;
  for (const auto& [known, unused] : station.channels) labels.push_back(known);
  return experiment.source.error(path, fmt::format("the station has no channel {} ({}); it has {}", label,
                                                   station.source.at("channels"), list_of_words(labels)));
}

/// A companion carries the currents of the plan, or its own one.
Result<void> check_companion(const Experiment& experiment, const Station& station, std::size_t k,
                             const std::vector<DrivenCurrent>& of_plan) {
  const CompanionPlan& companion = experiment.companions[k];
  const std::string path = fmt::format("companions[{}]", k);
  const auto channel = find_channel(experiment, station, companion.channel, path + ".channel");
  if (!channel) return tl::make_unexpected(channel.error());
  std::vector<DrivenCurrent> currents = of_plan;
  if (companion.current) {
    currents.assign(1, DrivenCurrent{path + ".current", path + ".current", *companion.current});
  }
  return check_limits(experiment, station, companion.channel, **channel, currents).and_then([&] {
    return check_charge(experiment, station, currents);
  });
}

/// What comes after a part is decided the latency before the end of its last row, by the label that it has then: there
/// have to be data by that time.
Result<void> check_labels_in_time(const Experiment& experiment, const Station& station) {
  constexpr Duration two_marks = 20.0_ms;
  const auto* sequence = std::get_if<SequencePlan>(&experiment.plan);
  if (sequence == nullptr) return {};
  for (std::size_t k = 1; k < sequence->parts.size(); ++k) {
    if (!sequence->parts[k].when_label) continue;
    const auto length = last_row_length(sequence->parts[k - 1].plan);
    const Duration least = station.decision_latency + two_marks;
    if (!length || length->si() >= least.si() * (1.0 - 1e-6)) continue;
    const std::string path = fmt::format("parts[{}].when.label", k);
    return experiment.source.error(
        path, fmt::format("{}: the last row before it lasts {} and is judged the station's decision_latency of {} "
                          "before its end, without data; make it {} long at least, or end that part with a step",
                          path, to_text(*length), to_text(station.decision_latency), to_text(least)));
  }
  return {};
}

}  // namespace

Result<void> check_against(const Experiment& experiment, const Station& station, Frequency adc_rate) {
  const auto channel = find_channel(experiment, station, experiment.channel, "channel");
  if (!channel) return tl::make_unexpected(channel.error());
  const auto currents = driven_currents(experiment);
  for (std::size_t k = 0; k < experiment.companions.size(); ++k) {
    if (auto checked = check_companion(experiment, station, k, currents); !checked) return checked;
  }
  return check_limits(experiment, station, experiment.channel, **channel, currents)
      .and_then([&] { return check_charge(experiment, station, currents); })
      .and_then([&] { return check_labels_in_time(experiment, station); })
      .and_then([&] { return check_trace(experiment, station, **channel, adc_rate); });
}

double link_bytes_per_second(int decimation, Frequency adc_rate) {
  // The bodies of protocols/messages.hpp with their frames: sequence, type, CRC, COBS code and delimiter.
  constexpr double frame = 7.0;
  constexpr double samples_in_block = 110.0;
  const double values = decimation > 0 ? adc_rate.si() / decimation : 0.0;
  const double blocks = values * (2.0 + (frame + 11.0) / samples_in_block);
  const double currents = 100.0 * (frame + 14.0 + 10.0 * 8.0);
  const double levels = 100.0 * (frame + 9.0 + 3.0 * 10.0 + 16.0);
  return blocks + currents + levels;
}

Result<Resistance> part_load(const std::string& name, double value, const ChannelDescription& channel) {
  const bool tau = name == "tau_L";
  if (!channel.part || (!tau && name != "R_L")) {
    return fail(ErrorKind::bad_input, fmt::format("channel {} of the device cannot set {}: let an operator set it, or "
                                                  "take a device that has the variable part",
                                                  channel.label, name));
  }
  const VariablePart& part = *channel.part;
  const double one = tau ? part.capacitance.si() : 1.0;
  const double load = value / one;
  if (load < part.lowest.si() * (1.0 - 1e-9) || load > part.highest.si() * (1.0 + 1e-9)) {
    const auto text = [&](double si) {
      return format_rounded(si, tau ? QuantityKind::duration : QuantityKind::resistance);
    };
    return fail(ErrorKind::bad_input,
                fmt::format("{} of {} is outside the {} to {} that channel {} of the device can set", name, text(value),
                            text(part.lowest.si() * one), text(part.highest.si() * one), channel.label));
  }
  return Resistance::from_si(load);
}

namespace {

Result<void> check_part(const Experiment& experiment, const ChannelDescription& board, const std::string& uri) {
  for (const PartValue& part : part_values(experiment)) {
    if (!board.part) {
      return experiment.source.error(
          part.path, fmt::format("{}: channel {} of {} has no variable part that could set it; take a device that has "
                                 "one, or let somebody set it by hand: \"operator: {{quantity: {}, unit: {}, ...}}\"",
                                 part.path, experiment.channel, uri, part.name, part.name == "tau_L" ? "ms" : "Ohm"));
    }
    if (auto load = part_load(part.name, part.value, board); !load) {
      return experiment.source.error(part.path, fmt::format("{}: {}", part.path, load.error().message));
    }
  }
  return {};
}

}  // namespace

namespace {

/// What the station allows on a channel against what the board gives there.
/// @param named  where the experiment names the channel
/// @returns the board's channel
Result<const ChannelDescription*> check_board(const Experiment& experiment, const Station& station,
                                              const std::string& label, const std::string& named,
                                              const DeviceInfo& info) {
  const StationChannel& channel = station.channels.at(label);
  const auto board = std::find_if(info.channels.begin(), info.channels.end(),
                                  [&](const ChannelDescription& c) { return c.label == label; });
  if (board == info.channels.end()) {
    return experiment.source.error(named, fmt::format("the device {} has no channel {}", info.uri, label));
  }
  const std::string path = "channels." + label;
  // The board's limits are multiples of its DAC step; half a step is not an excess.
  const Current margin = Current::from_si(std::abs(board->command.scale) * 0.5);
  if (channel.highest > board->highest + margin || channel.lowest < board->lowest - margin) {
    return station.source.error(
        path + ".limits", fmt::format("{}.limits: {} to {} is more than the board of {} gives, {} to {}; narrow them",
                                      path, to_text(channel.lowest), to_text(channel.highest), info.uri,
                                      format_rounded(board->lowest.si(), QuantityKind::current),
                                      format_rounded(board->highest.si(), QuantityKind::current)));
  }
  if (channel.slew.si() > board->fastest.si() * (1.0 + 1e-6)) {
    return station.source.error(
        path + ".slew",
        fmt::format("{}.slew: {} is above the {} of the board of {}; lower it", path, to_text(channel.slew),
                    format_rounded(board->fastest.si(), QuantityKind::slew), info.uri));
  }
  return &*board;
}

}  // namespace

Result<void> check_device(const Experiment& experiment, const Station& station, const DeviceInfo& info) {
  const auto board = check_board(experiment, station, experiment.channel, "channel", info);
  if (!board) return tl::make_unexpected(board.error());
  for (std::size_t k = 0; k < experiment.companions.size(); ++k) {
    const std::string named = fmt::format("companions[{}].channel", k);
    const auto other = check_board(experiment, station, experiment.companions[k].channel, named, info);
    if (!other) return tl::make_unexpected(other.error());
  }
  if (experiment.snippets && !info.snippets) {
    return experiment.source.error("record.snippets",
                                   fmt::format("record.snippets: the device {} sends none; remove the key", info.uri));
  }
  if (auto checked = check_part(experiment, **board, info.uri); !checked) return checked;
  const Frequency adc_rate = Frequency::from_si(info.sample_rate_hz);
  const int decimation = trace_decimation(experiment, station, adc_rate);
  const double needed = link_bytes_per_second(decimation, adc_rate);
  const bool no_full = decimation == 1 && !info.full_trace;
  if (no_full || (info.link_bytes_per_second > 0.0 && needed > info.link_bytes_per_second)) {
    return experiment.source.error(
        "record.trace",
        fmt::format("record.trace: {} needs {:.0f} kB/s, the link of {} carries {}; write a lower rate or "
                    "off",
                    decimation == 1 ? "full" : rate_text(adc_rate / static_cast<double>(decimation)), needed / 1e3,
                    info.uri,
                    info.link_bytes_per_second > 0.0 ? fmt::format("{:.0f} kB/s", info.link_bytes_per_second / 1e3)
                                                     : std::string{"no full trace"}));
  }
  return {};
}

PlanSummary summarize(const Experiment& experiment, const Station& station, Frequency adc_rate, std::size_t channels) {
  // File: float32 for trace, current as written and as read; minimum, maximum and mean of three signals a level, one
  // of a pair of columns a mark.
  constexpr double trace_bytes = 4.0;
  constexpr double current_bytes_per_second = 2.0 * 1000.0 * 4.0;
  constexpr double level_bytes_per_second = 100.0 * 3.0 * 16.0;
  constexpr double mark_bytes_per_second = 100.0 * 16.0;
  // Measured on recordings: groups and tables without rows; a row with its histogram and its g_n.
  constexpr double empty_bytes = 1e6;
  constexpr double row_bytes = 60e3;
  const StationChannel& channel = station_channel(experiment, station);
  const PlanExtent extent = plan_extent(experiment, {channel.slew, station.decision_latency});
  PlanSummary summary;
  summary.steps = extent.steps;
  summary.most_steps = extent.most_steps;
  summary.legs = extent.legs;
  summary.longest_bench_time = extent.longest;
  const double seconds = extent.longest.si();
  const double slowest = experiment.dwell.settle.tau_slow.value_or(Duration{}).si();
  summary.silence = Duration::from_si(std::max(20.0 * slowest, 3.0 / experiment.dwell.f_min.si()));
  const int decimation = trace_decimation(experiment, station, adc_rate);
  if (decimation > 0) summary.trace_rate = adc_rate / static_cast<double>(decimation);
  const double per_channel = summary.trace_rate.si() * trace_bytes + current_bytes_per_second + level_bytes_per_second;
  const auto rows = static_cast<double>(extent.most_steps) * (1.0 + static_cast<double>(experiment.companions.size()));
  summary.bytes =
      empty_bytes + rows * row_bytes + seconds * (static_cast<double>(channels) * per_channel + mark_bytes_per_second);
  // Its time twice, its number, peak, trough and width.
  summary.bytes_per_spike = 36.0;
  const auto currents = driven_currents(experiment);
  summary.smallest_current = std::min_element(currents.begin(), currents.end(), smaller)->current;
  summary.largest_current = std::max_element(currents.begin(), currents.end(), smaller)->current;
  summary.largest_charge_per_minute = charge_of_minute(summary.largest_current);
  summary.lowest_limit = channel.lowest;
  summary.highest_limit = channel.highest;
  summary.slew = channel.slew;
  summary.charge_limit_per_minute = station.safety.max_charge_per_minute;
  return summary;
}

}  // namespace thyrode::load
