#include "daemon/recording/completion.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

#include "daemon/recording/fixed_table.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/step_table.hpp"
#include "daemon/recording/sweep_tables.hpp"

namespace thyrode::recording {
namespace {

using analysis::StepResult;

constexpr std::int64_t spikes_at_once = 65536;

/// What the file says about its own time and channels.
struct Frame {
  double seconds_per_tick = 0.0;
  std::int64_t origin_tick = 0;
  std::vector<std::string> labels;
  double seconds(std::int64_t tick) const { return static_cast<double>(tick - origin_tick) * seconds_per_tick; }
};

Frame read_frame(hid_t file) {
  const double rate = read_attribute<double>(file, layout::provenance, "sample_rate_hz");
  return {.seconds_per_tick = 1.0 / (rate * static_cast<double>(ticks_per_sample)),
          .origin_tick = read_attribute<std::int64_t>(file, layout::provenance, "origin_sample") * ticks_per_sample,
          .labels = read_texts_attribute(file, layout::provenance, "channels")};
}

/// Where the rows of a series lie in device time.
struct SeriesSpan {
  std::string path;
  std::int64_t first_tick = 0;
  std::int64_t row_ticks = 0;
  std::int64_t rows = 0;
  std::int64_t end_tick() const { return first_tick + rows * row_ticks; }
};

SeriesSpan read_span(hid_t file, const std::string& path) {
  SeriesSpan span{.path = path, .rows = row_count(file, path + "/data")};
  if (span.rows == 0) return span;
  span.first_tick = read_scalar<std::int64_t>(file, path + "/first_tick");
  span.row_ticks = read_attribute<std::int64_t>(file, path + "/data", "decimation") * ticks_per_sample;
  return span;
}

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
  integrity.append(0, counts.samples, counts.gaps, counts.overruns, counts.retransmits, counts.late_decisions,
                   counts.lost_frames);
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

template <class Get>
auto collect(const std::vector<StepResult>& steps, Get&& get) {
  std::vector<std::invoke_result_t<Get, const StepResult&>> values;
  values.reserve(steps.size());
  for (const StepResult& step : steps) values.push_back(get(step));
  return values;
}

void write_sweeps(Builder& builder, const Frame& frame, const std::vector<StepResult>& steps) {
  FixedTable table{builder, "/intervals/sweeps", {"core", "TimeIntervals"}, "Steps of the current, one row each."};
  table.column("start_time", "Begin of the step, s.",
               collect(steps, [&](const StepResult& step) { return frame.seconds(step.start.count); }));
  table.column("stop_time", "End of the step, s.",
               collect(steps, [&](const StepResult& step) { return frame.seconds(step.end.count); }));
  table.column("current_ua", "Mean of the current written, uA.",
               collect(steps, [](const StepResult& step) { return step.current_ua; }));
  table.column("leg", "0 is the first sweep direction, 1 the second.",
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

/// Rows of a series that lie within a step; nothing if NWB's 32-bit index cannot say it.
std::optional<SeriesRange> range_of(Builder& builder, const SeriesSpan& span, const StepResult& step) {
  if (span.rows == 0) return std::nullopt;
  const auto row_after = [&](std::int64_t tick) {
    const std::int64_t distance = std::max<std::int64_t>(0, tick - span.first_tick);
    return std::min(span.rows, (distance + span.row_ticks - 1) / span.row_ticks);
  };
  const std::int64_t first = row_after(step.start.count);
  const std::int64_t end = row_after(step.end.count);
  constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  if (first >= largest || end - first > largest || end <= first) return std::nullopt;
  return SeriesRange{static_cast<std::int32_t>(first), static_cast<std::int32_t>(end - first),
                     builder.reference(span.path)};
}

/// The first of these series that has rows for the step; where none has, NWB's mark of a missing range.
SeriesRange first_range(Builder& builder, std::initializer_list<SeriesSpan> spans, const StepResult& step) {
  for (const SeriesSpan& span : spans) {
    if (const auto range = range_of(builder, span, step)) return *range;
  }
  for (const SeriesSpan& span : spans) {
    if (span.rows > 0) return SeriesRange{-1, -1, builder.reference(span.path)};
  }
  return SeriesRange{-1, -1, 0};
}

void write_recordings(Builder& builder, const Frame& frame, const std::vector<StepResult>& steps) {
  const hid_t file = builder.file();
  const std::string root = std::string{layout::electrodes} + "/intracellular_recordings";
  std::vector<hobj_ref_t> electrodes;
  std::vector<SeriesRange> stimuli;
  std::vector<SeriesRange> responses;
  for (const StepResult& step : steps) {
    const std::string& label = frame.labels.at(static_cast<std::size_t>(step.channel));
    const SeriesSpan command = read_span(file, layout::command(label));
    const SeriesSpan levels = read_span(file, layout::level_series(0, label));
    electrodes.push_back(builder.reference(layout::electrode(label)));
    stimuli.push_back(first_range(builder, {command}, step));
    // Without a trace, or past NWB's 32-bit index, the response is the series of levels.
    responses.push_back(first_range(builder, {read_span(file, layout::trace(label)), levels}, step));
  }
  FixedTable all{builder,
                 root,
                 {"core", "IntracellularRecordingsTable"},
                 "A table to group together a stimulus and response from a single electrode and a single simultaneous "
                 "recording and for storing metadata about the intracellular recording."};
  const std::vector<std::string> categories{"electrodes", "stimuli", "responses"};
  builder.attribute(root, "categories", std::span<const std::string>{categories});
  all.finish(steps.size());
  FixedTable of_electrodes{builder,
                           root + "/electrodes",
                           {"core", "IntracellularElectrodesTable"},
                           "Table for storing intracellular electrode related metadata."};
  of_electrodes.column("electrode", "Column for storing the reference to the intracellular electrode.", electrodes);
  of_electrodes.finish(steps.size());
  FixedTable of_stimuli{builder,
                        root + "/stimuli",
                        {"core", "IntracellularStimuliTable"},
                        "Table for storing intracellular stimulus related metadata."};
  of_stimuli.column("stimulus", "Column storing the reference to the recorded stimulus for the recording (rows).",
                    stimuli);
  of_stimuli.finish(steps.size());
  FixedTable of_responses{builder,
                          root + "/responses",
                          {"core", "IntracellularResponsesTable"},
                          "Table for storing intracellular response related metadata."};
  of_responses.column("response", "Column storing the reference to the recorded response for the recording (rows).",
                      responses);
  of_responses.finish(steps.size());
}

/// Ends of runs of equal keys: {1,1,2} gives {2,3}.
template <class Key>
std::vector<std::uint64_t> ends_of_runs(const std::vector<Key>& keys) {
  std::vector<std::uint64_t> ends;
  for (std::size_t k = 1; k <= keys.size(); ++k) {
    if (k == keys.size() || keys[k] != keys[k - 1]) ends.push_back(k);
  }
  return ends;
}

std::vector<std::int64_t> numbers(std::size_t count) {
  std::vector<std::int64_t> list;
  for (std::size_t k = 0; k < count; ++k) list.push_back(static_cast<std::int64_t>(k));
  return list;
}

void write_groupings(Builder& builder, const std::vector<StepResult>& steps) {
  const std::string root = layout::electrodes;
  const auto simultaneous = ends_of_runs(collect(steps, [](const StepResult& step) { return step.start.count; }));
  FixedTable together{builder,
                      root + "/simultaneous_recordings",
                      {"core", "SimultaneousRecordingsTable"},
                      "A table for grouping different intracellular recordings from the IntracellularRecordingsTable "
                      "table together that were recorded simultaneously from different electrodes."};
  together.region("recordings", "A reference to one or more rows in the IntracellularRecordingsTable table.",
                  numbers(steps.size()), root + "/intracellular_recordings");
  together.index("recordings", simultaneous);
  together.finish(simultaneous.size());

  std::vector<int> legs;
  legs.reserve(simultaneous.size());
  for (const std::uint64_t end : simultaneous) legs.push_back(steps[end - 1].leg);
  const auto sequences = ends_of_runs(legs);
  std::vector<std::string> stimulus_types;
  for (const std::uint64_t end : sequences) {
    const auto direction = steps[simultaneous[end - 1] - 1].direction;
    stimulus_types.push_back(
        direction == analysis::Direction::none ? "steps" : analysis::to_string(direction) + std::string{"-sweep"});
  }
  FixedTable sequence{builder,
                      root + "/sequential_recordings",
                      {"core", "SequentialRecordingsTable"},
                      "A table for grouping different intracellular recording simultaneous_recordings from the "
                      "SimultaneousRecordingsTable table together and is typically used to group together "
                      "simultaneous_recordings where the a sequence of stimuli of the same type with varying "
                      "parameters have been presented in a sequence."};
  sequence.region("simultaneous_recordings",
                  "A reference to one or more rows in the SimultaneousRecordingsTable table.",
                  numbers(simultaneous.size()), root + "/simultaneous_recordings");
  sequence.index("simultaneous_recordings", sequences);
  sequence.column("stimulus_type", "The type of stimulus used for the sequential recording.", stimulus_types);
  sequence.finish(sequences.size());
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
  Builder builder{file, read_attribute<std::uint64_t>(file, layout::provenance, "seed")};
  const Frame frame = read_frame(file);
  rewrite_results(file, result);
  write_sweep_tables(builder, result.fit);
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
  if (!own.empty() && any_current) {
    write_recordings(builder, frame, own);
    write_groupings(builder, own);
  }
  remove_empty(builder, frame);
  builder.text(layout::exit_status, exit_status);
  if (!finished.empty()) builder.attribute(layout::wall_clock, "finished", finished);
}

}  // namespace thyrode::recording
