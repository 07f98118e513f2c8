// Decides, step after step, from device time and data alone: the same data give the same decisions at any host speed.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/acquisition/acquisition.hpp"
#include "daemon/analysis/sweep_analysis.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/experiment/measured_relation.hpp"
#include "daemon/experiment/measured_step.hpp"
#include "daemon/experiment/outbox.hpp"
#include "daemon/experiment/placed_step.hpp"
#include "daemon/experiment/run_plan.hpp"

namespace thyrode::experiment {

/// A step whose analysis missed messages asks for what the recording holds of it.
struct ReadBack {
  std::vector<Channel> channels;
  Sample from;
  Sample until;  ///< everything before it must have been recorded
};

/// Evaluated on each mark (10 ms of device time) with all data before it. A decision taken at T acts at T plus the
/// decision latency; one that the device calls too late is counted and taken again. A stop is no decision on data: it
/// acts as early as the device can.
///
/// Which step comes next says the strategy. It is asked at the mark at which the end of the step before is known and no
/// more than the decision latency away, with the row of that step as it stands there: a step that ends by its data is
/// asked about once they suffice, a step of fixed length the latency before its end. Steps shorter than the latency
/// are asked for before those in front of them have begun; the rows of these are given without data (`undetermined`).
/// Pieces of a step are told to the device the latency before they begin, never more than its queue holds.
///
/// Where a step needs other conditions, or asks a question, the current goes to zero first; the device sets its
/// variable part, an operator answers (answer()), and the step begins from there.
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
  /// Answers the question that was asked last; without one it does nothing.
  /// @param go_on  false ends the run as request_stop() does
  /// @param value  of the quantity asked for, SI; empty: what was planned
  void answer(bool go_on, std::optional<double> value);

  /// What the recording holds, in answer to the oldest ReadBack that is not answered; an error leaves the step
  /// `undetermined`.
  void take_read_back(const Result<std::vector<DeviceMessage>>& messages);
  bool awaits_read_back() const { return !finished_steps_.empty(); }

  /// The last mark taken; the device's time at the handshake before the first one.
  Sample now() const { return now_; }
  bool finished() const { return finished_; }
  /// The current is zero by a pause or a question, and device time that waits for the host stands still until resume()
  /// or answer().
  bool held() const { return (pause_ == Pause::held || question_) && !stopping_ && !fault_; }
  /// A latched fault of the device ended the run.
  const std::optional<protocol::Fault>& fault() const { return fault_; }
  /// What the device did that ended the run without a fault.
  const std::optional<Error>& error() const { return error_; }
  bool stopped_by_request() const { return stop_requested_; }
  std::int64_t late_decisions() const { return late_decisions_; }
  const std::vector<analysis::StepResult>& results() const { return results_; }
  const analysis::SweepFit& fit() const { return fit_; }
  /// Writes rows, fit and targets, and what else the plan tells.
  void complete(analysis::RunResult& result) const;
  /// Closes the step under way with what it has; for a run that ends without the device.
  void close_interrupted();

 private:
  struct RunningStep {
    PlacedStep placed;
    Sample evaluated{};                       // the last mark at which its rules were asked
    bool incomplete = false;                  // the analysis has missed messages
    bool unreadable = false;                  // and the recording could not give them back
    std::vector<analysis::StepRules> rules;   ///< shape (channels), the plan's own first
    std::vector<MeasuredStep> measured;       ///< likewise
    std::vector<MeasuredRelation> relations;  ///< shape (companions)
  };
  /// A step that is over; rows are told in the order of the steps, so one that is read back holds up those behind it.
  struct FinishedStep {
    RunningStep step;
    Sample end;
    bool interrupted = false;
    bool asked = false;
  };
  enum class Pause { none, wanted, ordered, held };

  void begin_with_rows();
  const analysis::StepResult* last_before() const;
  int rows_before() const;
  void enter_from_rows();

  void flush_data();
  void take_mark(const protocol::Mark& mark);
  void take_applied(const protocol::StepApplied& change);
  void take_rejection(const Rejected& rejected);
  void take_late_step(Sample now);
  bool device_went_wrong(const protocol::Mark& mark);

  void begin_step(PlacedStep placed);
  void close_step_before(Sample data, bool incomplete);
  void decide();
  void plan_ahead();
  void place_next(Sample at);
  void place_step(AskedStep asked, Sample at);
  std::optional<AskedStep> next_asked();
  std::optional<PlannedStep> ask_strategy();
  void take_back();
  void cut(Sample at);
  void order_stop(Sample at);
  void send_due(Sample decided = {});
  void send_current(Sample at, Current current);
  void send_segment(const Segment& segment);

  void tell_rest();
  void order_pause(Sample at);
  void follow_pause();
  void enter_again(Sample at);
  Sample time_to_zero(Sample from, Current present) const;

  bool needs_setup(const AskedStep& asked) const;
  void begin_setup(AskedStep asked, Sample at);
  void follow_setup();
  std::optional<Question> question_of(const AskedStep& asked) const;
  void set_up();

  void finish_step(Sample end, bool interrupted);
  void tell_finished_steps();
  std::size_t position(Channel channel) const;
  void measure_again(FinishedStep& finished, std::span<const DeviceMessage> messages) const;
  void tell(const FinishedStep& finished);
  analysis::StepResult planned_row(const PlacedStep& placed) const;
  analysis::StepResult row(const RunningStep& step, Sample end, bool interrupted, std::size_t channel = 0) const;
  void publish_progress();
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
  bool dropped_ = false;           // since the last mark
  std::vector<Channel> channels_;  // all that are measured, the plan's own first
  std::vector<Carried> carried_;   // one for each of them
  std::unique_ptr<Strategy> strategy_;
  Outbox outbox_;
  std::optional<RunningStep> step_;
  std::deque<PlacedStep> ahead_;  // steps after it that have their place
  std::deque<AskedStep> again_;   // taken back, to be placed before anything new is asked for
  int asked_ = 0;                 // steps that the strategy was asked for, those measured before this run included
  Current present_current_;       // at the end of all that has its place
  std::deque<FinishedStep> finished_steps_;  // not told yet
  std::optional<Sample> began_;              // all that began before it is finished
  std::vector<analysis::StepResult> results_;
  std::vector<analysis::StepResult> whole_;  // those of the plan's channel that are not interrupted, as measured
  analysis::SweepAnalysis told_sweep_{plan_.sweep};   // of results_
  analysis::SweepAnalysis asked_sweep_{plan_.sweep};  // of what the strategy is shown
  analysis::SweepFit fit_;
  Sample next_progress_{};

  Pause pause_ = Pause::none;
  bool resume_wanted_ = false;
  Sample quiet_at_{};
  int paused_index_ = 0;

  std::optional<AskedStep> setup_;         // the step that waits for its conditions
  std::optional<Question> question_;       // asked and not answered
  std::map<std::string, double> planned_;  // conditions as the steps so far asked for them
  std::map<std::string, double> told_;     // what an operator said they are

  std::int64_t late_decisions_ = 0;
  std::optional<protocol::Fault> fault_;
  std::optional<Error> error_;
  bool stop_requested_ = false;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace thyrode::experiment
