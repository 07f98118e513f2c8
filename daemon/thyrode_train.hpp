// What `analyze` says of one train of a list, and of a recording.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/analysis/max_interval.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "drivers/result.hpp"

namespace thyrode::program {

/// A train of a list that was analysed to its end.
struct AnalyzedTrain {
  std::string name;  ///< empty: it is the only one
  double seconds_per_tick = 0.0;
  Ticks end;                 ///< of the observation
  std::int64_t outside = 0;  ///< spikes before it, in its settling and after it
  analysis::StepResult row;  ///< as a step that ends because nothing follows: label, status, frequency
  const analysis::TrainStatistics& statistics;
  std::optional<analysis::MaxIntervalBursts> max_interval;  ///< where they were asked for
};

/// The status of a rate from a list: that of a step, but `list_ended` where a step would have timed out, for a list is
/// as precise as its spikes allow.
const char* list_status(analysis::StepStatus status);

/// The keys of train_json(), after `train`, the label, status and rates of the row; `n_outside`, and `max_interval`
/// where it was asked for. A list tells times alone: `label` is the word of label_of_times(), `label_candidates` are
/// the labels it may be, `label_open` says why.
nlohmann::ordered_json train_document(const AnalyzedTrain& train);
/// The same for people: a head and some lines.
void print_train(const AnalyzedTrain& train);

/// A recording as `analyze` tells it (schema thyrode.analysis/1): each of its steps measured again, and the statistics
/// of its train; `relations` of the steps in which two channels were measured, where there are any. Steps that an
/// earlier recording holds are left out. Errors: bad_input (as recording::read_run, parse_experiment).
Result<nlohmann::ordered_json> recording_document(const std::string& path, const analysis::TrainSettings& settings);

}  // namespace thyrode::program
