// Transitions, loops, rates and precursors of a sweep as tables, both ways. Private to this room.
#pragma once

#include "daemon/analysis/sweep_result.hpp"
#include "daemon/recording/builder.hpp"

namespace thyrode::recording {

/// Writes one table for each list that is not empty, in the module of results. Throws Failure.
void write_sweep_tables(Builder& builder, const analysis::SweepFit& fit);

/// Reads the lists back into `fit`; a table that is not there is an empty list. Throws Failure.
void read_sweep_tables(hid_t file, analysis::SweepFit& fit);

}  // namespace thyrode::recording
