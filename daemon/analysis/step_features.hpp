// What a step says beyond its rate, from the statistics of its train and output.
#pragma once

#include "daemon/analysis/output_shape.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"

namespace thyrode::analysis {

/// Writes at_instrument_floor: CV below 3 sqrt(2) jitter/<ISI>, three times what the jitter of two spike times makes of
/// equal intervals; and basis of a tonic train (TS, FS): 2 where the serial correlation lies below -1/2 for certain
/// (one-sided 97.5 %) and CV above that floor. Jitter alone has -1/2 in the mean, with the variance 1/(2 n) (Bartlett).
/// Source: design page "Analysis", sections 2 and 5.
/// @param jitter_s  of one spike time
void put_order(const TrainStatistics& train, Label label, double jitter_s, double seconds_per_tick,
               StepFeatures& features);

/// Writes what a companion has to do with the plan's channel into its row.
void put_relation(const TrainRelation& relation, StepResult& row);

/// @param train  after the settling
/// @param label  of find_phase()
/// @param seconds_per_tick  that of both
/// @returns of bursts where the train bursts (TrainStatistics::bursting), of missing spikes where they can be counted
///          (counted_vacancies)
StepFeatures features_of(const TrainStatistics& train, const OutputStatistics& output, Label label,
                         double seconds_per_tick);

}  // namespace thyrode::analysis
