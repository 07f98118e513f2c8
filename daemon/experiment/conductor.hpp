// Decides, step after step, from device time and data alone: the same data give the same decisions at any host speed.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/acquisition/acquisition.hpp"
#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/experiment/run_plan.hpp"

namespace thyrode::experiment {

/// Evaluated on each mark (10 ms of device time) with all data before it. A decision taken at T acts at T plus the
/// decision latency; one that the device calls too late is counted and taken again.
class Conductor {
 public:
  using SendOrder = std::function<void(const acquisition::Order&)>;

  Conductor(const RunPlan& plan, const DeviceInfo& device, SendOrder send, EventHandler emit);

  /// The sample at which the run starts: the device is told before anything else.
  Sample start_sample() const { return start_; }
  /// Sends the first step.
  void begin();
  /// Takes in one message of the device, in order.
  void take(const DeviceMessage& message);
  /// Asks for an end at the next possible moment; the step under way becomes `interrupted`.
  void request_stop();

  bool finished() const { return finished_; }
  /// A latched fault of the device ended the run.
  const std::optional<protocol::Fault>& fault() const { return fault_; }
  /// What the device did that ended the run without a fault.
  const std::optional<Error>& error() const { return error_; }
  bool stopped_by_request() const { return stop_requested_; }
  std::int64_t late_decisions() const { return late_decisions_; }
  const std::vector<analysis::StepResult>& results() const { return results_; }
  const analysis::SweepFit& fit() const { return fit_; }
  /// Closes the step under way with what it has; for a run that ends without the device.
  void close_interrupted();

 private:
  struct RunningStep {
    int index = 0;
    Sample start;               // the command begins to move
    Sample settled;             // the slew is over: data count from here
    std::optional<Sample> end;  // the next step's start, once decided
    bool cut_short = false;     // ended by a request, not by its data
    Current before;             // the current that it moved from
    std::unique_ptr<analysis::StepAnalyzer> analyzer;
    std::int64_t command_sum = 0;
    std::int64_t command_count = 0;
  };

  void take_spikes(const protocol::SpikeBlock& block);
  void take_levels(const protocol::LevelRecord& record);
  void take_mark(const protocol::Mark& mark);
  void take_rejection(const Rejected& rejected);
  void take_late_step(Sample now);
  void close_step_before(Ticks data);
  void begin_step(int index, Sample at);
  void decide(Sample now);
  void order_next(Sample at);
  void finish_step(Sample end, bool interrupted);
  analysis::StepResult row(Sample end, bool interrupted) const;
  void publish_progress(Sample now);
  const Scale& v_out() const;

  const RunPlan& plan_;
  const DeviceInfo& device_;
  SendOrder send_;
  EventHandler emit_;
  Sample start_{};
  std::int64_t latency_ = 0;  // samples
  std::optional<RunningStep> step_;
  std::vector<analysis::StepResult> results_;
  analysis::SweepFit fit_;
  std::uint32_t next_spike_index_ = 0;
  std::optional<Ticks> last_spike_;
  std::optional<Ticks> counted_open_;  // a spike counted before its record came
  std::optional<Ticks> open_since_;    // crossing of a spike that had not re-armed at the last level record
  std::int64_t late_decisions_ = 0;
  std::optional<protocol::Fault> fault_;
  std::optional<Error> error_;
  bool stop_requested_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  Sample now_{};
  Sample next_progress_{};
  std::optional<Sample> pending_start_;  // of the step after this one
  Current present_current_;
};

}  // namespace thyrode::experiment
