#include "daemon/recording/completion.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

#include "daemon/recording/clock_fit.hpp"
#include "daemon/recording/fixed_table.hpp"
#include "daemon/recording/frame.hpp"
#include "daemon/recording/icephys_tables.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/part_mark.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/result_tables.hpp"
#include "daemon/recording/step_table.hpp"
#include "daemon/recording/sweep_tables.hpp"

namespace thyrode::recording {
namespace {

using analysis::StepResult;

constexpr std::int64_t spikes_at_once = 65536;

void rewrite_results(hid_t file, const analysis::RunResult& result) {
  const std::string path = step_table({}).path;
  const auto conditions = conditions_of(read_texts_attribute(file, path, "colnames"));
  Table steps{file, step_table(conditions)};
  steps.rewind();
  const auto sources = sources_of(file);
  for (const StepResult& step : result.steps) append_step(steps, conditions, sources, step);
  steps.write();
  steps.truncate();
  Table fit{file, layout::fit()};
  fit.rewind();
  append_fit(fit, result.fit);
  Table integrity{file, layout::integrity()};
  integrity.rewind();
  const analysis::Integrity& counts = result.integrity;
  integrity.append(0, counts.samples, counts.gaps, counts.overruns, counts.retransmits.value_or(layout::unknown_count),
                   counts.late_decisions.value_or(layout::unknown_count), counts.lost_frames);
}

/// While readers follow, words have a fixed length; now they become texts that every tool shows as such.
void free_texts(Builder& builder) {
  const std::string path = step_table({}).path;
  const std::int64_t rows = table_rows(builder.file(), path);
  for (const ColumnSpec& column : step_table({}).columns) {
    if (column.element != Element::text16) continue;
    const std::string where = path + "/" + column.name;
    const std::vector<std::string> words = read_texts(builder.file(), where, rows);
    builder.remove(where);
    builder.texts(where, words);
    builder.set_type(where, column.type);
    builder.attribute(where, "description", column.description);
  }
}

/// Appends the [start, stop) in which spikes could have been seen. One pair even where there are gaps, which are in
/// /intervals/invalid_times: Neo refuses a spike train with several.
std::uint64_t add_observed(hid_t file, const Frame& frame, std::size_t channel, std::vector<double>& pairs) {
  const SeriesSpan span = read_span(file, layout::command(frame.labels[channel]));
  if (span.rows == 0) return 0;
  pairs.insert(pairs.end(), {frame.seconds(span.first_tick), frame.seconds(span.end_tick())});
  return 1;
}

void append_spike_times(hid_t file, const Frame& frame, const std::string& ticks_path, std::int64_t count,
                        Column& times) {
  for (std::int64_t done = 0; done < count; done += spikes_at_once) {
    const std::int64_t n = std::min(spikes_at_once, count - done);
    for (const std::int64_t tick : read_column<std::int64_t>(file, ticks_path, done, n))
      times.push(frame.seconds(tick));
    times.write();
  }
}

void write_units(Builder& builder, const Frame& frame) {
  const hid_t file = builder.file();
  std::vector<std::uint64_t> spike_ends;
  std::vector<std::uint64_t> interval_ends;
  std::vector<double> intervals;
  std::vector<std::string> channels;
  std::optional<FixedTable> units;
  std::optional<Column> times;
  for (std::size_t k = 0; k < frame.labels.size(); ++k) {
    const std::string path = layout::spikes(frame.labels[k]).path;
    const std::int64_t count = table_rows(file, path);
    if (count == 0) continue;
    if (!units) {
      units.emplace(builder, "/units", NwbType{"core", "Units"}, "Spike trains, one a channel of the instrument.");
      units->stream("spike_times", "Interpolated crossing of the trigger, s.", Element::f64);
      builder.attribute("/units/spike_times", "resolution", frame.seconds_per_tick);
      times.emplace(file, "/units/spike_times", Element::f64, 1);
    }
    append_spike_times(file, frame, path + "/tick", count, *times);
    spike_ends.push_back((spike_ends.empty() ? 0 : spike_ends.back()) + static_cast<std::uint64_t>(count));
    const std::uint64_t windows = add_observed(file, frame, k, intervals);
    interval_ends.push_back((interval_ends.empty() ? 0 : interval_ends.back()) + windows);
    channels.push_back(frame.labels[k]);
  }
  if (!units) return;
  times.reset();
  units->index("spike_times", spike_ends);
  units->column("obs_intervals", "Begin and end of the data, s; gaps between are in invalid_times.", intervals, 2);
  units->index("obs_intervals", interval_ends);
  units->column("channel", "Channel of the instrument.", channels);
  units->finish(channels.size());
}

void write_sweeps(Builder& builder, const Frame& frame, const std::vector<StepResult>& steps) {
  FixedTable table{builder, "/intervals/sweeps", {"core", "TimeIntervals"}, "Steps of the current, one row each."};
  table.column("start_time", "Begin of the step, s.",
               collect(steps, [&](const StepResult& step) { return frame.seconds(step.start.count); }));
  table.column("stop_time", "End of the step, s.",
               collect(steps, [&](const StepResult& step) { return frame.seconds(step.end.count); }));
  table.column("current_ua", "Mean of the current written, uA.",
               collect(steps, [](const StepResult& step) { return step.current_ua; }));
  table.column("leg", "0 is the first sweep direction, 1 the second; a free list numbers its segments.",
               collect(steps, [](const StepResult& step) { return std::int64_t{step.leg}; }));
  table.column("label", "Phase of the neuron.",
               collect(steps, [](const StepResult& step) { return std::string{analysis::to_string(step.label)}; }));
  table.column("status", "How the step ended.",
               collect(steps, [](const StepResult& step) { return std::string{analysis::to_string(step.status)}; }));
  table.column("channel", "Channel of the instrument.", collect(steps, [&](const StepResult& step) {
                 return frame.labels.at(static_cast<std::size_t>(step.channel));
               }));
  table.finish(steps.size());
}

void remove_empty(Builder& builder, const Frame& frame) {
  const hid_t file = builder.file();
  for (const std::string& path : layout::growing_tables(frame.labels)) {
    if (h5::exists(file, path) && row_count(file, path + "/id") == 0) builder.remove(path);
  }
  for (const std::string& path : layout::all_series(frame.labels)) {
    if (h5::exists(file, path) && row_count(file, path + "/data") == 0) builder.remove(path);
  }
}

}  // namespace

void complete(hid_t file, const analysis::RunResult& result, const std::string& exit_status,
              const std::string& finished) {
  const PartMark mark = read_part_mark(file);
  Builder builder{file, read_attribute<std::uint64_t>(file, layout::provenance, "seed"), mark.number};
  const Frame frame = read_frame(file);
  rewrite_results(file, result);
  write_sweep_tables(builder, result.fit);
  write_result_tables(builder, result);
  write_clock_fit(builder);
  free_texts(builder);
  write_units(builder, frame);
  const bool any_current = std::any_of(frame.labels.begin(), frame.labels.end(), [&](const std::string& label) {
    return row_count(file, layout::command(label) + "/data") > 0;
  });
  // The data of a step that an earlier run has measured are in another file, on another clock.
  std::vector<StepResult> own;
  std::copy_if(result.steps.begin(), result.steps.end(), std::back_inserter(own),
               [](const StepResult& step) { return step.resumed_from.empty(); });
  if (!own.empty()) write_sweeps(builder, frame, own);
  if (!own.empty() && any_current) write_icephys_tables(builder, frame, own);
  remove_empty(builder, frame);
  builder.text(layout::exit_status, exit_status);
  if (!finished.empty()) builder.attribute(layout::wall_clock, "finished", finished);
}

}  // namespace thyrode::recording
