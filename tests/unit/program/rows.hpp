// Rows of a step table, as an analysis would give them.
#pragma once

#include "daemon/analysis/result.hpp"

namespace thyrode::program::test {

inline analysis::StepResult firing(int index, double current_ua, double f_hz) {
  analysis::StepResult row;
  row.index = index;
  row.current_ua = current_ua;
  row.direction = analysis::Direction::up;
  row.status = analysis::StepStatus::ok;
  row.label = analysis::Label::TS;
  row.n_spikes = 75;
  row.cv = 0.021;
  row.frequency_hz = {f_hz, 0.99 * f_hz, 1.01 * f_hz};
  return row;
}

inline analysis::StepResult silent(int index, double current_ua, analysis::Label label, std::int64_t spikes = 0) {
  analysis::StepResult row;
  row.index = index;
  row.current_ua = current_ua;
  row.direction = analysis::Direction::down;
  row.status = analysis::StepStatus::upper_bound;
  row.label = label;
  row.n_spikes = spikes;
  row.frequency_hz = {std::nullopt, 0.0, 0.934};
  return row;
}

inline bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace thyrode::program::test
