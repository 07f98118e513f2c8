// The report of a recording: everything about a run on one page that needs nothing else.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemon/recording/reader.hpp"
#include "drivers/result.hpp"

namespace thyrode::report {

/// What details may take of a page, over all steps. Steps with less than an equal share leave the rest to the others.
struct Budget {
  std::int64_t spikes = 250'000;          ///< times of spikes, about 4 bytes each
  std::int64_t trace_values = 1'500'000;  ///< values of the trace at its full rate, about 1.4 bytes each
  std::int64_t level_bins = 60'000;       ///< pieces of 10 ms or more with lowest and highest output, about 3 bytes
  std::int64_t most_level_bins = 4000;    ///< of one step
  std::int64_t detailed_steps = 600;      ///< steps with details; of more, evenly spread ones
  std::int64_t featured_steps = 2000;     ///< above so many steps the rows come without `features`
};

/// What the page shows (schema thyrode.report/1): the document of the run (experiment::to_json) with its rows as a
/// table of keys and rows, the provenance, and for each row its step_detail() or null.
/// @param path    the recording
/// @param record  what read_run() says of it, completed by its plan
/// Errors: bad_input (as read_run).
Result<nlohmann::ordered_json> report_data(const std::string& path, const recording::RunRecord& record,
                                           const Budget& budget = {});

/// The whole page: HTML, style, program and data in one text. It asks for no other file.
/// @param data  of report_data(); whatever its texts hold, they end neither the data nor the page
std::string report_page(const nlohmann::ordered_json& data);

}  // namespace thyrode::report
