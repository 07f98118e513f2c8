// Results as JSON: rows and documents of schema thyrode.result/1.
#pragma once

#include <nlohmann/json.hpp>

#include "daemon/analysis/result.hpp"
#include "daemon/analysis/train_relation.hpp"

namespace thyrode::experiment {

/// One row of the step table; undefined values are null. Keys are never changed, only added.
nlohmann::ordered_json to_json(const analysis::StepResult& step);
/// What the steps of a sweep say together (key `fit`); undefined values are null.
nlohmann::ordered_json to_json(const analysis::SweepFit& fit);
/// How two trains keep step (key `relation` of thyrode.analysis/1); undefined values are null.
nlohmann::ordered_json to_json(const analysis::TrainRelation& relation);
/// beta_n at one current by its pairs (key `direct_beta`).
nlohmann::ordered_json to_json(const analysis::DirectBeta& beta);
/// A phase map (key `map`): its axes, the labels of its grid as indices into `labels`, its cells.
nlohmann::ordered_json to_json(const analysis::LabelMap& map);
/// The whole document: schema, experiment, device, seed, steps, fit, integrity.
nlohmann::ordered_json to_json(const analysis::RunResult& result);

}  // namespace thyrode::experiment
