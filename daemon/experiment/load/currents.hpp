// The part of an experiment file that says which currents are measured.
#pragma once

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/map_reader.hpp"

namespace thyrode::load {

/// Reads `current` and `direction` into experiment.currents and experiment.order; experiment.plan is set already.
void read_currents(MapReader& root, Experiment& experiment);

}  // namespace thyrode::load
