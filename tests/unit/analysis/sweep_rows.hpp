// Rows of sweeps made by hand.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::analysis::test {

inline StepResult firing(double current_ua, double f_hz, int leg = 0, double relative = 1e-5) {
  StepResult row;
  row.current_ua = current_ua;
  row.leg = leg;
  row.status = StepStatus::ok;
  row.label = Label::TS;
  row.n_spikes = 71;
  row.frequency_hz = {f_hz, f_hz * (1.0 - relative), f_hz * (1.0 + relative)};
  return row;
}

inline StepResult silent(double current_ua, int leg = 0, Label label = Label::QH, std::int64_t spikes = 0) {
  StepResult row;
  row.current_ua = current_ua;
  row.leg = leg;
  row.status = StepStatus::upper_bound;
  row.label = label;
  row.n_spikes = spikes;
  row.frequency_hz = {std::nullopt, 0.0, 1.0};
  return row;
}

/// A LIF with onset 31 µA, tau 50 ms, refractory period 1 ms.
inline double lif_rate(double current_ua) {
  return 1.0 / (0.001 + 0.05 * std::log(current_ua / (current_ua - 31.0)));
}

inline std::vector<StepResult> lif_sweep(double first, double last, double spacing, int leg = 0) {
  std::vector<StepResult> rows;
  for (double current = first; current <= last + 1e-9; current += spacing) {
    rows.push_back(current > 31.0 ? firing(current, lif_rate(current), leg) : silent(current, leg));
  }
  return rows;
}

inline StepResult& at(std::vector<StepResult>& rows, double current_ua, int leg = 0) {
  return *std::find_if(rows.begin(), rows.end(), [&](const StepResult& row) {
    return std::abs(row.current_ua - current_ua) < 1e-6 && row.leg == leg;
  });
}

}  // namespace thyrode::analysis::test
