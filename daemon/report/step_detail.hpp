// What a page shows of one step beside its row: spikes, intervals, order, levels and pieces of the trace.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/analysis/step_result.hpp"
#include "daemon/recording/trace_reader.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::report {

/// What one step may take of the page.
struct Share {
  std::int64_t spikes = 0;        ///< times of spikes, the first ones
  std::int64_t trace_values = 0;  ///< values of the trace at its full rate
  std::int64_t level_bins = 0;    ///< pieces of the whole step, with the lowest and highest output in each
};

/// Where a row's part of a trace lies.
struct TracePart {
  std::int64_t first = 0;  ///< value of the trace
  std::int64_t count = 0;
};
/// @param trace  nullptr: none
TracePart part_of(const recording::TraceReader* trace, const analysis::StepResult& step);

/// Reads one step of a recording.
/// @param row    its number in the step table
/// @param trace  of its channel; nullptr: none was recorded
/// @returns keys `gaps` (each [from_s, until_s]), `spikes` (total, settling, held, times), `isi` (bucket, count, ...),
/// `pairs` (g_n and its bands), `levels` and `trace`; each null where the recording has none. Times are relative to the
/// begin of the row; series are packed (Packer).
/// Errors: bad_input (as read_run).
Result<nlohmann::ordered_json> step_detail(const std::string& path, std::int64_t row, const analysis::StepResult& step,
                                           const DeviceInfo& device, const recording::TraceReader* trace,
                                           const Share& share);

}  // namespace thyrode::report
