// What `analyze` says of one train, whatever file it came from.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "drivers/result.hpp"

namespace thyrode::program {

/// A train that was analysed to its end.
struct AnalyzedTrain {
  std::string name;  ///< empty: it is the only one
  double seconds_per_tick = 0.0;
  Ticks end;                 ///< of the observation
  analysis::StepResult row;  ///< as a step: label, status, frequency
  const analysis::TrainStatistics& statistics;
};

/// The keys of train_json(), after `train` and the label, status and rates of the row.
nlohmann::ordered_json train_document(const AnalyzedTrain& train);
/// The same for people: a head and some lines.
void print_train(const AnalyzedTrain& train);

/// A recording as `analyze` tells it (schema thyrode.analysis/1): each of its steps measured again, and the statistics
/// of its train; `relations` of the steps in which two channels were measured, where there are any. Steps that an
/// earlier recording holds are left out. Errors: bad_input (as recording::read_run, parse_experiment).
Result<nlohmann::ordered_json> recording_document(const std::string& path, const analysis::TrainSettings& settings);

}  // namespace thyrode::program
