// The step table: rows of thyrode.result/1 as columns, both ways. Private to this room.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/recording/table.hpp"

namespace thyrode::recording {

/// @param conditions  names of the conditions; each is a column "condition_NAME"
TableSpec step_table(const std::vector<std::string>& conditions);

/// Names of the conditions that a table was made for, from its column names.
std::vector<std::string> conditions_of(std::span<const std::string> column_names);

/// Appends one row. Throws Failure if the step has a condition that has no column.
/// @param sources  the recordings that the run goes on from
void append_step(Table& table, const std::vector<std::string>& conditions, const std::vector<std::string>& sources,
                 const analysis::StepResult& step);
/// The recordings that the run of a file goes on from.
std::vector<std::string> sources_of(hid_t file);

/// Replaces what the neighbours of a step say of it in the first rows of the table: beta_n, what follows from it, and
/// labels. `steps` holds every row written so far.
void overwrite_sweep(Table& table, const std::vector<std::string>& conditions,
                     std::span<const analysis::StepResult> steps);

/// Reads rows back. Throws Failure.
/// @param path  of the table; its shortest column says how many rows there are
std::vector<analysis::StepResult> read_steps(hid_t file, const std::string& path);

void append_fit(Table& table, const analysis::SweepFit& fit);
analysis::SweepFit read_fit(hid_t file);

}  // namespace thyrode::recording
