// What the documents of results have in common.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::experiment {

/// A number, or null where it is undefined or no number.
inline nlohmann::ordered_json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

/// `key` with its 95 % interval as key_low and key_high.
inline void put(nlohmann::ordered_json& row, const std::string& key, const analysis::Estimate& estimate) {
  row[key] = number(estimate.value);
  row[key + "_low"] = number(estimate.low);
  row[key + "_high"] = number(estimate.high);
}

}  // namespace thyrode::experiment
