// simulate: a neuron alone, without an instrument.

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/simulation/simulate.hpp"
#include "daemon/thyrode_commands.hpp"

namespace thyrode::program {

int simulate(const SimulateOptions& options) {
  const auto current = load::parse_current(options.current);
  if (!current) return report({ErrorKind::bad_input, "--current: " + current.error().message});
  const auto duration = load::parse_duration(options.duration);
  if (!duration) return report({ErrorKind::bad_input, "--duration: " + duration.error().message});
  const auto settle = load::parse_duration(options.settle);
  if (!settle) return report({ErrorKind::bad_input, "--settle: " + settle.error().message});
  const auto rate = load::parse_sampling_rate(options.rate);
  if (!rate) return report({ErrorKind::bad_input, "--rate: " + rate.error().message});
  constexpr Duration longest = Duration::from_si(1e6);
  if (*duration > longest || *settle > longest) {
    return report({ErrorKind::bad_input, "--duration and --settle: at most 1e6 s each"});
  }
  if (options.json && !options.csv.empty()) {
    return report({ErrorKind::bad_input, "--json and --csv: one document goes to standard output; choose one"});
  }
  auto neuron = make_named_neuron(options.neuron, options.seed, options.noise);
  if (!neuron) return report(neuron.error());
  simulation::SimulationOptions watch;
  if (options.csv == "trace") watch.trace_rate = *rate;
  const auto result = simulation::simulate(**neuron, *current, *duration, *settle, watch);
  if (!result) return report({ErrorKind::bad_input, result.error().message});
  if (options.json) {
    nlohmann::ordered_json document;
    document["neuron"] = options.neuron;
    document["current_ua"] = current->in(1.0_uA);
    document["n_spikes"] = result->n_spikes;
    document["frequency_hz"] =
        result->frequency_hz ? nlohmann::ordered_json(*result->frequency_hz) : nlohmann::ordered_json(nullptr);
    document["spike_times_s"] = result->spike_times;
    fmt::print("{}\n", document.dump());
  } else if (options.csv == "spikes") {
    fmt::print("spike_time_s\n");
    for (const double t : result->spike_times) fmt::print("{:.9f}\n", t);
  } else if (options.csv == "trace") {
    fmt::print("time_s,v_m_v,v_out_v\n");
    for (std::size_t k = 0; k < result->trace.membrane_v.size(); ++k) {
      fmt::print("{:.9f},{:.9g},{:.9g}\n", settle->si() + static_cast<double>(k) / result->trace.rate_hz,
                 result->trace.membrane_v[k], result->trace.output_v[k]);
    }
  } else {
    fmt::print("{} at {:.6g} uA: {} spikes in {:.6g} s", options.neuron, current->in(1.0_uA), result->n_spikes,
               duration->si());
    if (result->frequency_hz) fmt::print(", {:.6g} Hz", *result->frequency_hz);
    fmt::print("\n");
  }
  return 0;
}

}  // namespace thyrode::program
