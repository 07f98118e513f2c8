// The one stream of events of a run: every view (table, JSON lines, file, page) is made from it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/analysis/result.hpp"
#include "daemon/experiment/strategy.hpp"
#include "drivers/result.hpp"

namespace thyrode::experiment {

struct RunStarted {
  std::string experiment;
  std::size_t steps = 0;       ///< 0: the plan decides while it runs
  std::size_t most_steps = 0;  ///< what its budget allows; 0 where it does not say
};
/// A running step's numbers, at least once a second of device time.
struct StepProgress {
  analysis::StepResult row;
  double device_time_s = 0.0;
};
struct StepFinished {
  analysis::StepResult row;
  std::vector<std::uint32_t> isi_counts;  ///< log buckets of the analysis
  analysis::PairCorrelation pairs{};      ///< g_n; without a bin width there is none
};
/// All rows so far with β_n, labels and fit as the sweep now tells them.
struct ResultsUpdated {
  std::vector<analysis::StepResult> steps;
  analysis::SweepFit fit;
};
/// The current is zero until resume(); the step of this index is measured again from its beginning then.
struct Paused {
  int index = 0;
  double device_time_s = 0.0;
};
struct Resumed {
  int index = 0;
  double device_time_s = 0.0;
};
/// The current is zero until somebody answers: Bench::answer().
struct Asked {
  int index = 0;  ///< of the step that waits for it
  Question question;
  double device_time_s = 0.0;
};
struct Notice {
  std::string text;
};
/// A step will begin at a sample of the device, or could: nothing that is measured before reaches across it.
struct StepBegins {
  Sample at;
};
/// The rows of all steps that began before a sample have been told.
struct RowsTold {
  Sample before;
};
struct RunFinished {
  analysis::RunResult result;
  std::string exit_status;  ///< "success", "stopped", or the kind of failure
  Error error;              ///< message empty on success
};

using Event = std::variant<RunStarted, StepProgress, StepFinished, ResultsUpdated, Paused, Resumed, Asked, Notice,
                           StepBegins, RowsTold, RunFinished>;
using EventHandler = std::function<void(const Event&)>;

}  // namespace thyrode::experiment
