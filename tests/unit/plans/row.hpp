// Rows as strategies see them, for the tests of this folder.
#pragma once

#include "daemon/analysis/step_result.hpp"

namespace thyrode::experiment {

/// A row with f and the half width of its interval, relative; f 0 is a silent row.
inline analysis::StepResult row_at(double current_ua, analysis::Label label, double f_hz = 0.0,
                                   double half_width = 0.01) {
  analysis::StepResult row;
  row.current_ua = current_ua;
  row.label = label;
  row.duration_s = 1.0;
  row.status = f_hz > 0.0 ? analysis::StepStatus::ok : analysis::StepStatus::upper_bound;
  if (f_hz > 0.0) row.frequency_hz = {f_hz, f_hz * (1.0 - half_width), f_hz * (1.0 + half_width)};
  return row;
}

}  // namespace thyrode::experiment
