// A recorded run once more: its experiment on its own recording, or on an instrument.
#pragma once

#include <cstddef>
#include <vector>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"

namespace thyrode::program {

/// Answers of the operator of a recorded run, given again in their order.
class RecordedAnswers {
 public:
  RecordedAnswers() = default;
  /// @param requests  of the recorded run; what is no answer is left out
  explicit RecordedAnswers(const std::vector<experiment::OperatorRequest>& requests);
  bool any() const { return !answers_.empty(); }
  /// Answers the question that an event is. @returns false where there is none, or no answer is left
  bool answer(experiment::Bench& bench, const experiment::Event& event);

 private:
  std::vector<experiment::OperatorRequest> answers_;
  std::size_t next_ = 0;
};

/// What is needed to repeat a run.
struct Rerun {
  Job job;
  RunOptions options;  ///< seed, noise, spread and file name filled in
  RecordedAnswers answers;
};

/// Reads the recording of options.rerun. The new one is NAME-2.nwb, or the next number that is free, unless options.out
/// says otherwise; options.answers come in place of those of the recording.
/// Errors: bad_input: as read_run; an experiment that this version refuses.
Result<Rerun> load_rerun(const RunOptions& options);

}  // namespace thyrode::program
