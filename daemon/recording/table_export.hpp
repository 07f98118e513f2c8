// Tables and series of a recording, row by row, for other programs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "drivers/result.hpp"

namespace thyrode::recording {

/// A value of a table; NaN is undefined.
using ExportedValue = std::variant<std::int64_t, double, std::string>;

struct ExportedColumn {
  std::string name;  ///< of a wide column with its number: g_0, g_1 ...
  std::string unit;  ///< may be empty
};

/// What is told of a table: first its columns, then each row.
struct ExportSink {
  std::function<void(const std::vector<ExportedColumn>&)> columns;
  std::function<void(const std::vector<ExportedValue>&)> row;
};

/// Names of what a recording has: "steps", "spikes_A", "trace_A" ..., in the order of their names.
/// Errors: bad_input (as read_run).
Result<std::vector<std::string>> exported_tables(const std::string& path);

/// Reads one of them from its first row to its last, in constant memory. Tables lead with their columns as they are in
/// the file; gaps are "invalid_times", the series of a channel (trace_A, I_cmd_A, I_read_A) are time_s and value.
/// Errors: bad_input (as read_run; no such table, with those there are).
Result<void> export_table(const std::string& path, const std::string& name, const ExportSink& sink);

}  // namespace thyrode::recording
