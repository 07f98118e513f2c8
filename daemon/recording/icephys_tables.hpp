// The tables in which NWB tells of steps of current on cells. Private to this room.
#pragma once

#include <vector>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/frame.hpp"

namespace thyrode::recording {

/// Writes intracellular_recordings (one row a step and channel, with its ranges of the series), simultaneous_recordings
/// (one a step), sequential_recordings (one a leg), repetitions (legs that follow each other on one setting of the
/// neuron) and experimental_conditions (one a setting, tau_L ... as columns).
/// Source: NWB schema 2.7.0, nwb.icephys.
void write_icephys_tables(Builder& builder, const Frame& frame, const std::vector<analysis::StepResult>& steps);

}  // namespace thyrode::recording
