// Experiments of several plans, as text and as they are read.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "daemon/experiment/load/experiment.hpp"

namespace thyrode::load {

inline const std::string head = "schema: thyrode.experiment/1\nname: e\n";

inline Experiment parsed(const std::string& rest, const std::map<std::string, std::string>& files = {}) {
  const auto named = [&](const std::string& name) -> Result<std::string> {
    const auto file = files.find(name);
    if (file == files.end()) return fail(ErrorKind::bad_input, name + ": no such file");
    return file->second;
  };
  const auto experiment = parse_experiment(head + rest, "e.yaml", named);
  EXPECT_TRUE(experiment.has_value()) << experiment.error().message;
  return experiment.value_or(Experiment{});
}

inline const std::string map_of_tau =
    "plan: phase_map\ncurrent: {start: 10 uA, stop: 138 uA, resolution: 1 uA}\n"
    "tau_L: {start: 0.05 ms, stop: 0.69 ms, resolution: 5 us}\n";
inline const std::string two_pairs = "plan: beta_n\ncurrent: [36.4 uA, 45.3 uA]\noffset: 500 nA\n";
inline const std::string every_segment =
    "plan: steps\nsegments:\n"
    "  - {hold: 45.3 uA, for: 2 s}\n"
    "  - {step: 60 uA}\n"
    "  - {ramp: 90 uA, for: 3 s}\n"
    "  - {pulse: 90 uA, base: 20 uA, width: 100 ms, period: 250 ms, for: 2 s}\n"
    "  - {noise: 60 uA, sd: 5 uA, tau: 100 ms, seed: 7, for: 3 s}\n"
    "  - {waveform: w.csv}\n";
inline const std::map<std::string, std::string> wave{{"w.csv", "# two samples\ntime_ms,current_ua\n0,10\n500,45.3\n"}};
inline const std::string three_parts =
    "plan: sequence\nparts:\n"
    "  - {name: look, plan: list, current: [45.3 uA, 90 uA]}\n"
    "  - {name: fine, plan: sweep, when: {label: FS}, current: {start: 31 uA, stop: 36 uA, step: 1 uA}}\n"
    "  - {name: slope, plan: beta_n, neuron: {tau_L: 0.2 ms}, when: {operator: 'Is it warm?'}, current: [60 uA], "
    "offset: "
    "1 "
    "uA}\n"
    "neuron: {tau_L: 0.3 ms}\n";

}  // namespace thyrode::load
