#include "daemon/recording/icephys_tables.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "daemon/recording/fixed_table.hpp"

namespace thyrode::recording {
namespace {

using analysis::StepResult;
using Conditions = std::map<std::string, double>;

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

/// Steps of all channels at one time.
std::vector<std::uint64_t> write_simultaneous(Builder& builder, const std::vector<StepResult>& steps) {
  const std::string root = layout::electrodes;
  auto ends = ends_of_runs(collect(steps, [](const StepResult& step) { return step.start.count; }));
  FixedTable table{builder,
                   root + "/simultaneous_recordings",
                   {"core", "SimultaneousRecordingsTable"},
                   "A table for grouping different intracellular recordings from the IntracellularRecordingsTable "
                   "table together that were recorded simultaneously from different electrodes."};
  table.region("recordings", "A reference to one or more rows in the IntracellularRecordingsTable table.",
               numbers(steps.size()), root + "/intracellular_recordings");
  table.index("recordings", ends);
  table.finish(ends.size());
  return ends;
}

/// Legs: neighbouring steps of one sweep direction on one setting of the neuron. @returns the last step of each
std::vector<const StepResult*> write_sequences(Builder& builder, const std::vector<StepResult>& steps,
                                               const std::vector<std::uint64_t>& simultaneous) {
  const std::string root = layout::electrodes;
  std::vector<std::pair<int, Conditions>> keys;
  keys.reserve(simultaneous.size());
  for (const std::uint64_t end : simultaneous) keys.emplace_back(steps[end - 1].leg, steps[end - 1].conditions);
  const auto ends = ends_of_runs(keys);
  std::vector<const StepResult*> last;
  std::vector<std::string> stimulus_types;
  for (const std::uint64_t end : ends) {
    last.push_back(&steps[simultaneous[end - 1] - 1]);
    const auto direction = last.back()->direction;
    stimulus_types.push_back(
        direction == analysis::Direction::none ? "steps" : analysis::to_string(direction) + std::string{"-sweep"});
  }
  FixedTable table{builder,
                   root + "/sequential_recordings",
                   {"core", "SequentialRecordingsTable"},
                   "A table for grouping different intracellular recording simultaneous_recordings from the "
                   "SimultaneousRecordingsTable table together and is typically used to group together "
                   "simultaneous_recordings where the a sequence of stimuli of the same type with varying "
                   "parameters have been presented in a sequence."};
  table.region("simultaneous_recordings", "A reference to one or more rows in the SimultaneousRecordingsTable table.",
               numbers(simultaneous.size()), root + "/simultaneous_recordings");
  table.index("simultaneous_recordings", ends);
  table.column("stimulus_type", "The type of stimulus used for the sequential recording.", stimulus_types);
  table.finish(ends.size());
  return last;
}

/// Neighbouring legs on one setting are one repetition. @returns the setting of each
std::vector<Conditions> write_repetitions(Builder& builder, const std::vector<const StepResult*>& sequences) {
  const std::string root = layout::electrodes;
  std::vector<Conditions> keys;
  keys.reserve(sequences.size());
  for (const StepResult* last : sequences) keys.push_back(last->conditions);
  const auto ends = ends_of_runs(keys);
  FixedTable table{builder,
                   root + "/repetitions",
                   {"core", "RepetitionsTable"},
                   "A table for grouping different sequential intracellular recordings together. With each "
                   "SequentialRecording typically representing a particular type of stimulus, the RepetitionsTable "
                   "table is typically used to group sets of stimuli applied in sequence."};
  table.region("sequential_recordings", "A reference to one or more rows in the SequentialRecordingsTable table.",
               numbers(sequences.size()), root + "/sequential_recordings");
  table.index("sequential_recordings", ends);
  table.finish(ends.size());
  std::vector<Conditions> of_repetitions;
  of_repetitions.reserve(ends.size());
  for (const std::uint64_t end : ends) of_repetitions.push_back(keys[end - 1]);
  return of_repetitions;
}

/// The unit of a condition; of a name that only an operator knows, there is none.
std::string unit_text(const std::string& name) {
  if (name == "tau_L") return "s";
  if (name == "R_L") return "Ohm";
  return "a bare number";
}

/// One row for each setting of the neuron, with all its repetitions.
void write_conditions(Builder& builder, const std::vector<Conditions>& repetitions) {
  const std::string root = layout::electrodes;
  std::map<Conditions, std::vector<std::int64_t>> rows_of;
  std::set<std::string> names;
  for (std::size_t k = 0; k < repetitions.size(); ++k) {
    rows_of[repetitions[k]].push_back(static_cast<std::int64_t>(k));
    for (const auto& [name, value] : repetitions[k]) names.insert(name);
  }
  std::vector<std::int64_t> rows;
  std::vector<std::uint64_t> ends;
  for (const auto& [conditions, own] : rows_of) {
    rows.insert(rows.end(), own.begin(), own.end());
    ends.push_back(rows.size());
  }
  FixedTable table{builder,
                   root + "/experimental_conditions",
                   {"core", "ExperimentalConditionsTable"},
                   "A table for grouping different intracellular recording repetitions together that belong to the "
                   "same experimental condition."};
  table.region("repetitions", "A reference to one or more rows in the RepetitionsTable table.", rows,
               root + "/repetitions");
  table.index("repetitions", ends);
  for (const std::string& name : names) {
    std::vector<double> values;
    for (const auto& [conditions, own] : rows_of) {
      const auto found = conditions.find(name);
      values.push_back(found != conditions.end() ? found->second : std::numeric_limits<double>::quiet_NaN());
    }
    table.column(name, "Setting " + name + " of the neuron, " + unit_text(name) + "; NaN: it has none.",
                 std::span<const double>{values});
  }
  table.finish(ends.size());
}

}  // namespace

void write_icephys_tables(Builder& builder, const Frame& frame, const std::vector<StepResult>& steps) {
  write_recordings(builder, frame, steps);
  const auto simultaneous = write_simultaneous(builder, steps);
  const auto sequences = write_sequences(builder, steps, simultaneous);
  write_conditions(builder, write_repetitions(builder, sequences));
}

}  // namespace thyrode::recording
