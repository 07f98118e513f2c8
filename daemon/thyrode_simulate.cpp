// simulate: a neuron alone, without an instrument.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/simulation/map_picture.hpp"
#include "daemon/simulation/simulate.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_neuron.hpp"
#include "daemon/thyrode_progress.hpp"

namespace thyrode::program {
namespace {

using nlohmann::ordered_json;
using simulation::Drive;
using simulation::Simulation;

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorKind::bad_input, std::move(message));
}

Result<Drive> parse_ramp(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return refuse(fmt::format("--ramp {}: must be two currents; write for example 30uA:60uA", load::shortened(text)));
  }
  const auto from = load::parse_current(text.substr(0, colon));
  if (!from) return refuse(fmt::format("--ramp {}: {}", load::shortened(text), from.error().message));
  const auto to = load::parse_current(text.substr(colon + 1));
  if (!to) return refuse(fmt::format("--ramp {}: {}", load::shortened(text), to.error().message));
  return Drive{*from, *to};
}

/// The drives as given, one for all channels or one for each.
Result<std::vector<Drive>> parse_drives(const SimulateOptions& options) {
  if (!options.current.empty() && !options.ramp.empty()) {
    return refuse("--current and --ramp: both say the current; give one of them");
  }
  std::vector<Drive> drives;
  for (const std::string& text : options.current) {
    const auto current = load::parse_current(text);
    if (!current) return refuse("--current: " + current.error().message);
    drives.push_back({*current, std::nullopt});
  }
  for (const std::string& text : options.ramp) {
    const auto ramp = parse_ramp(text);
    if (!ramp) return tl::make_unexpected(ramp.error());
    drives.push_back(*ramp);
  }
  if (drives.empty()) return refuse("--current is missing; write for example --current 45.3uA, or --ramp 30uA:60uA");
  return drives;
}

Result<std::vector<Drive>> one_for_each(std::vector<Drive> drives, std::size_t channels) {
  if (drives.size() == 1) drives.resize(channels, drives.front());
  if (drives.size() == channels) return drives;
  return refuse(fmt::format("{} currents are given, the neuron has {} channel{}; give one for all, or one for each",
                            drives.size(), channels, channels == 1 ? "" : "s"));
}

struct Times {
  Duration duration;
  Duration settle;
  Frequency rate;
};

Result<Times> parse_times(const SimulateOptions& options) {
  if (options.duration.empty()) return refuse("--duration is missing; write for example --duration 2s");
  const auto duration = load::parse_duration(options.duration);
  if (!duration) return refuse("--duration: " + duration.error().message);
  const auto settle = load::parse_duration(options.settle.empty() ? "0 s" : options.settle);
  if (!settle) return refuse("--settle: " + settle.error().message);
  const auto rate = load::parse_sampling_rate(options.rate.empty() ? "25 kS/s" : options.rate);
  if (!rate) return refuse("--rate: " + rate.error().message);
  if (!options.rate.empty() && options.csv != "trace") {
    return refuse("--rate: is that of --csv trace; leave it out, or write --csv trace");
  }
  if (!(rate->si() > 0.0)) {
    return refuse(
        fmt::format("--rate {}: must be above 0; write for example --rate 25kS/s", load::shortened(options.rate)));
  }
  if (*duration > longest_simulation || *settle > longest_simulation) {
    return refuse("--duration and --settle: at most 1e6 s each");
  }
  return Times{*duration, *settle, *rate};
}

ordered_json number(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json truth_json(const simulation::Truth& truth) {
  ordered_json modes = ordered_json::array();
  for (const simulation::ModeChange& change : truth.modes) {
    modes.push_back({{"t_s", change.time}, {"mode", change.mode}});
  }
  ordered_json document;
  document["latched"] = truth.latched;
  document["conducting"] = truth.conducting;
  document["mode"] = truth.mode.empty() ? ordered_json(nullptr) : ordered_json(truth.mode);
  document["conduction_times_s"] = truth.conduction_times;
  document["modes"] = std::move(modes);
  return document;
}

// Microamperes as somebody wrote them: 45.3, without what binary fractions add in the last digit.
double as_written(Current current) {
  return std::round(current.si() * 1e15) / 1e9;
}

void add_channel(ordered_json& document, const Drive& drive, const Simulation& result) {
  document["current_ua"] = as_written(drive.from);
  if (drive.to) document["ramp_to_ua"] = as_written(*drive.to);
  document["n_spikes"] = result.n_spikes;
  document["frequency_hz"] = number(result.frequency_hz);
  document["event_frequency_hz"] = number(result.pattern.event_frequency_hz);
  document["spikes_per_burst"] = number(result.pattern.spikes_per_burst);
  document["cv"] = number(result.pattern.cv);
  // A pattern is that of one current.
  document["label"] = drive.to ? ordered_json(nullptr) : ordered_json(analysis::to_string(result.pattern.label));
  document["spike_times_s"] = result.spike_times;
  document["truth"] = truth_json(result.truth);
}

/// @param device  parameters of a drawn device, SI; null for the nominal one
void print_json(const std::string& neuron, const ordered_json& device, const std::vector<Drive>& drives,
                const std::vector<Simulation>& results) {
  ordered_json document;
  document["neuron"] = neuron;
  if (!device.is_null()) document["parameters"] = device;
  if (results.size() == 1) {
    add_channel(document, drives.front(), results.front());
    fmt::print("{}\n", document.dump());
    return;
  }
  document["channels"] = ordered_json::array();
  for (std::size_t c = 0; c < results.size(); ++c) {
    ordered_json channel;
    channel["channel"] = channel_name(c);
    add_channel(channel, drives[c], results[c]);
    document["channels"].push_back(std::move(channel));
  }
  const auto series = simulation::phase_series(results[0].spike_times, results[1].spike_times);
  ordered_json points = ordered_json::array();
  for (const auto& [time, phase] : series) points.push_back({{"t_s", time}, {"phase", phase}});
  document["phase"] = {{"of", "B"},
                       {"in_cycle_of", "A"},
                       {"final", series.empty() ? ordered_json(nullptr) : ordered_json(series.back().phase)},
                       {"series", std::move(points)}};
  fmt::print("{}\n", document.dump());
}

void print_spikes(const std::vector<Simulation>& results) {
  if (results.size() == 1) {
    fmt::print("spike_time_s\n");
    for (const double t : results.front().spike_times) fmt::print("{:.9f}\n", t);
    return;
  }
  std::vector<std::pair<double, std::size_t>> spikes;
  for (std::size_t c = 0; c < results.size(); ++c) {
    for (const double t : results[c].spike_times) spikes.emplace_back(t, c);
  }
  std::sort(spikes.begin(), spikes.end());
  fmt::print("spike_time_s,channel\n");
  for (const auto& [t, c] : spikes) fmt::print("{:.9f},{}\n", t, channel_name(c));
}

void print_trace(const std::vector<Simulation>& results, Duration settle) {
  fmt::print("time_s");
  for (std::size_t c = 0; c < results.size(); ++c) {
    const std::string suffix = results.size() == 1 ? "" : c == 0 ? "_a" : c == 1 ? "_b" : fmt::format("_{}", c);
    fmt::print(",v_m{0}_v,v_out{0}_v", suffix);
  }
  fmt::print("\n");
  const simulation::Trace& first = results.front().trace;
  for (std::size_t k = 0; k < first.membrane_v.size(); ++k) {
    fmt::print("{:.9f}", settle.si() + static_cast<double>(k) / first.rate_hz);
    for (const Simulation& result : results) {
      fmt::print(",{:.9g},{:.9g}", result.trace.membrane_v[k], result.trace.output_v[k]);
    }
    fmt::print("\n");
  }
}

/// A mean count as people say it: 2, 1.6, 74.3.
std::string count_text(double mean) {
  return mean == std::round(mean) ? fmt::format("{:.0f}", mean) : fmt::format("{:.1f}", mean);
}

/// What a channel did, in words and with the code of the label.
std::string pattern_text(const simulation::Pattern& pattern) {
  std::string text =
      fmt::format(", {} ({})", simulation::meaning_of(pattern.label), analysis::to_string(pattern.label));
  if (pattern.spikes_per_burst && pattern.event_frequency_hz) {
    text += fmt::format(", {:.4g} bursts/s of {} spikes", *pattern.event_frequency_hz,
                        count_text(*pattern.spikes_per_burst));
  }
  return text;
}

std::string phase_text(double phase) {
  constexpr double near = 0.1;
  const char* word = std::abs(phase - 0.5) < near ? "alternation" : std::min(phase, 1.0 - phase) < near ? "unison" : "";
  return fmt::format("{:.3f}{}{}", phase, *word == '\0' ? "" : ", ", word);
}

void print_text(const std::string& neuron, const std::vector<Drive>& drives, const std::vector<Simulation>& results,
                Duration duration) {
  for (std::size_t c = 0; c < results.size(); ++c) {
    const Simulation& result = results[c];
    std::string current = fmt::format("{:.6g}", drives[c].from.in(1.0_uA));
    if (drives[c].to) current += fmt::format(" to {:.6g}", drives[c].to->in(1.0_uA));
    fmt::print("{}{} at {} uA: {} spike{} in {:.6g} s", neuron,
               results.size() == 1 ? "" : ", channel " + channel_name(c), current, result.n_spikes,
               result.n_spikes == 1 ? "" : "s", duration.si());
    if (result.frequency_hz) fmt::print(", {:.6g} Hz", *result.frequency_hz);
    if (!drives[c].to) fmt::print("{}", pattern_text(result.pattern));
    fmt::print("\n");
  }
  if (results.size() != 2) return;
  const auto series = simulation::phase_series(results[0].spike_times, results[1].spike_times);
  if (series.empty()) return;
  fmt::print("phase of B in the cycle of A, at the end: {}\n", phase_text(series.back().phase));
}

}  // namespace

int simulate(const SimulateOptions& options) {
  if (!options.map.empty()) return simulate_map(options);
  if (!options.out.empty()) return report({ErrorKind::bad_input, "--out: is the file of a map; it needs --map"});
  if (!options.channel.empty()) {
    return report({ErrorKind::bad_input, "--channel: is that of a map; without --map all channels are told"});
  }
  const auto given = parse_drives(options);
  if (!given) return report(given.error());
  const auto times = parse_times(options);
  if (!times) return report(times.error());
  if (options.json && !options.csv.empty()) {
    return report({ErrorKind::bad_input, "--json and --csv: one document goes to standard output; choose one"});
  }
  const auto plan = plan_neuron({options.neuron, options.set, options.noise, options.spread});
  if (!plan) return report(plan.error());
  auto neuron = build_neuron(*plan, options.seed);
  if (!neuron) return report(neuron.error());
  const auto drives = one_for_each(*given, (*neuron)->channels());
  if (!drives) return report(drives.error());
  simulation::SimulationOptions watch;
  if (options.csv == "trace") watch.trace_rate = times->rate;
  watch.list_modes = options.json;
  watch.facts = {load_time(plan->file.model, plan->parameters), is_noisy(*plan)};
  const auto results = [&] {
    SimulationProgress progress;
    watch.progress = [&](double share) { progress.show(share); };
    return simulation::simulate(**neuron, *drives, times->duration, times->settle, watch);
  }();
  if (!results) return report({ErrorKind::bad_input, results.error().message});
  if (options.json) {
    print_json(options.neuron, options.spread ? ordered_json(plan->parameters) : ordered_json(nullptr), *drives,
               *results);
  } else if (options.csv == "spikes") {
    print_spikes(*results);
  } else if (options.csv == "trace") {
    print_trace(*results, times->settle);
  } else {
    print_text(options.neuron, *drives, *results, times->duration);
  }
  return 0;
}

}  // namespace thyrode::program
