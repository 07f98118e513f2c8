// Decides, step after step, from device time and data alone: the same data give the same decisions at any host speed.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/acquisition/acquisition.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/experiment/measured_step.hpp"
#include "daemon/experiment/run_plan.hpp"

namespace thyrode::experiment {

/// A step whose analysis missed messages asks for what the recording holds of it.
struct ReadBack {
  Channel channel;
  Sample from;
  Sample until;  ///< everything before it must have been recorded
};

/// Evaluated on each mark (10 ms of device time) with all data before it. A decision taken at T acts at T plus the
/// decision latency; one that the device calls too late is counted and taken again. A stop is no decision on data: it
/// acts as early as the device can.
///
/// A pause is taken up at the next mark: the current goes to zero the decision latency later, and the step under way
/// is kept as `interrupted`. After resume() the current of the step before is applied for a while and then the step is
/// measured from its beginning, so that it is entered from the side it was entered from at first.
class Conductor {
 public:
  using SendOrder = std::function<void(const acquisition::Order&)>;
  using AskReadBack = std::function<void(const ReadBack&)>;

  Conductor(const RunPlan& plan, const DeviceInfo& device, SendOrder send, EventHandler emit, AskReadBack ask);

  /// The sample at which the run starts: the device is told before anything else.
  Sample start_sample() const { return start_; }
  /// Sends the first step.
  void begin();
  /// Takes in one message of the device, in order.
  /// @param after_drop  messages before this one were dropped: the steps they belong to are read back
  void take(const DeviceMessage& message, bool after_drop = false);
  /// Ends the run as early as the device can; the step under way becomes `interrupted`.
  void request_stop();
  void request_pause();
  void request_resume();

  /// What the recording holds, in answer to the oldest ReadBack that is not answered; an error leaves the step
  /// `undetermined`.
  void take_read_back(const Result<std::vector<DeviceMessage>>& messages);
  bool awaits_read_back() const { return !finished_steps_.empty(); }

  bool finished() const { return finished_; }
  /// The current is zero by a pause, and device time that waits for the host stands still until resume().
  bool held() const { return pause_ == Pause::held && !stopping_ && !fault_; }
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
    Sample start;                 // the command begins to move
    Sample settled;               // the slew is over: data count from here
    std::optional<Sample> end;    // the current moves on, once decided
    bool cut_short = false;       // ended by a request, not by its data
    std::optional<Sample> order;  // the mark at which the device is told of it; empty once it was
    Current before;               // the current that it moved from
    Sample evaluated{};           // the last mark at which its rules were asked
    bool incomplete = false;      // the analysis has missed messages
    bool unreadable = false;      // and the recording could not give them back
    std::optional<MeasuredStep> measured;
  };
  /// A step that is over; rows are told in the order of the steps, so one that is read back holds up those behind it.
  struct FinishedStep {
    RunningStep step;
    Sample end;
    bool interrupted = false;
    bool asked = false;
  };
  enum class Pause { none, wanted, ordered, held };

  void flush_data();
  void take_mark(const protocol::Mark& mark);
  void take_applied(const protocol::StepApplied& change);
  void take_rejection(const Rejected& rejected);
  void take_late_step(Sample now);
  bool device_went_wrong(const protocol::Mark& mark);

  RunningStep make_step(int index, Sample at) const;
  void begin_step(int index, Sample at);
  void close_step_before(Sample data);
  void decide(Sample now);
  void order_next(Sample at);
  void order_step(Sample at);
  void order_stop(Sample at);
  void send_current(Sample at, Current current);

  void order_pause(Sample at);
  void follow_pause();
  void enter_again(Sample at);

  void finish_step(Sample end, bool interrupted);
  void tell_finished_steps();
  void measure_again(FinishedStep& finished, std::span<const DeviceMessage> messages) const;
  void tell(const FinishedStep& finished);
  analysis::StepResult row(const RunningStep& step, Sample end, bool interrupted) const;
  void publish_progress(Sample now);
  double seconds(Sample at) const { return static_cast<double>(at.index) / device_.sample_rate_hz; }

  const RunPlan& plan_;
  const DeviceInfo& device_;
  SendOrder send_;
  EventHandler emit_;
  AskReadBack ask_;
  std::int64_t grid_;  // samples
  std::int64_t latency_ = 0;
  Sample start_{};
  Sample now_{};

  StepData data_;
  bool dropped_ = false;  // since the last mark
  Carried carried_;
  std::optional<RunningStep> step_;
  std::optional<Sample> pending_start_;  // of the step after this one
  Current present_current_;
  std::deque<FinishedStep> finished_steps_;  // not told yet
  std::vector<analysis::StepResult> results_;
  analysis::SweepFit fit_;
  Sample next_progress_{};

  Pause pause_ = Pause::none;
  bool resume_wanted_ = false;
  Sample zero_at_{};  // the pause takes the current away
  Sample quiet_at_{};
  int paused_index_ = 0;

  std::int64_t late_decisions_ = 0;
  std::optional<protocol::Fault> fault_;
  std::optional<Error> error_;
  bool stop_requested_ = false;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace thyrode::experiment
