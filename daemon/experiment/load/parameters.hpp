// Second parameters in an experiment file: what the device's variable part or an operator sets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/plans.hpp"

namespace thyrode::load {

/// A knob, and the map that describes it, for further checks.
struct ReadKnob {
  Knob knob;
  MapReader map;
  QuantityKind kind = QuantityKind::number;
};

/// Reads the one of `tau_L`, `R_L` and `operator` that a map of phases has: {start, stop, resolution}, of `operator`
/// also the name `quantity` and its `unit`. A unit that is not known here is taken as it is, with values like "3
/// turns". Refuses: none of them or several, start not below stop.
std::optional<ReadKnob> read_knob(MapReader& map);

/// Reads `neuron`: {tau_L | R_L: VALUE, operator: {quantity, unit, value}}.
std::vector<NeuronSetting> read_neuron(MapReader& map);

}  // namespace thyrode::load
