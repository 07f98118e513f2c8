// What a step says beyond its rate, from the statistics of its train and output.
#pragma once

#include "daemon/analysis/output_shape.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"

namespace thyrode::analysis {

/// Writes what a companion has to do with the plan's channel into its row.
void put_relation(const TrainRelation& relation, StepResult& row);

/// @param train  after the settling
/// @param seconds_per_tick  that of both
/// @returns of bursts where the train bursts (TrainStatistics::bursting), of missing spikes where they can be counted
StepFeatures features_of(const TrainStatistics& train, const OutputStatistics& output, double seconds_per_tick);

}  // namespace thyrode::analysis
