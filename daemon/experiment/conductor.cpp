#include "daemon/experiment/conductor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/analysis/sweep_analysis.hpp"

namespace thyrode::experiment {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

Conductor::Conductor(const RunPlan& plan, const DeviceInfo& device, SendOrder send, EventHandler emit, AskReadBack ask)
    : plan_{plan},
      device_{device},
      send_{std::move(send)},
      emit_{std::move(emit)},
      ask_{std::move(ask)},
      grid_{grid_of(device)},
      data_{device, plan.channel} {
  latency_ = round_up(device.samples(plan.decision_latency).index, grid_);
  start_ = Sample{round_up(device.now.index + latency_, grid_)};
  now_ = device.now;
}

void Conductor::begin() {
  emit_(RunStarted{plan_.name, plan_.steps.size()});
  begin_step(0, start_);
  order_step(start_);
  next_progress_ = start_ + device_.samples(1.0_s).index;
}

Conductor::RunningStep Conductor::make_step(int index, Sample at) const {
  const Current current = plan_.steps[static_cast<std::size_t>(index)].current;
  const double travel = std::abs((current - present_current_).si()) / plan_.limits.slew.si();
  RunningStep step;
  step.index = index;
  step.start = at;
  // One millisecond more, so that the front end's filter and the read-back have followed.
  step.settled = at + device_.samples(Duration::from_si(travel) + 1.0_ms).index;
  step.before = present_current_;
  step.measured.emplace(plan_.rules, device_, plan_.channel, step.settled, carried_);
  return step;
}

void Conductor::begin_step(int index, Sample at) {
  step_ = make_step(index, at);
  present_current_ = plan_.steps[static_cast<std::size_t>(index)].current;
}

void Conductor::take(const DeviceMessage& message, bool after_drop) {
  if (finished_) return;
  dropped_ = dropped_ || after_drop;
  if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
    take_mark(*mark);
  } else if (const auto* change = std::get_if<protocol::StepApplied>(&message)) {
    take_applied(*change);
  } else if (const auto* fault = std::get_if<protocol::Fault>(&message)) {
    fault_ = *fault;
    // The mark that ends the run must find its time granted.
    if (pause_ == Pause::held) send_(acquisition::Decided{now_});
  } else if (const auto* rejected = std::get_if<Rejected>(&message)) {
    take_rejection(*rejected);
  } else {
    data_.add(message);
  }
}

/// Gives the data since the last mark to the steps they belong to.
void Conductor::flush_data() {
  const bool incomplete = std::exchange(dropped_, false);
  if (incomplete && step_) step_->incomplete = true;
  for (const StepDatum& datum : data_.take()) {
    close_step_before(datum.begins(grid_));
    if (step_) step_->incomplete = step_->incomplete || incomplete;
    if (step_) step_->measured->take(datum);
    pass_over(datum, grid_, carried_);
  }
  close_step_before(now_);
  if (step_) step_->incomplete = step_->incomplete || incomplete;
}

/// The first data at or after a step's end end it: the mark that should say so may be lost.
void Conductor::close_step_before(Sample data) {
  if (!step_ || !step_->end || data < *step_->end) return;
  const int next = step_->index + 1;
  finish_step(*step_->end, step_->cut_short);
  if (!pending_start_) return;
  begin_step(next, *std::exchange(pending_start_, std::nullopt));
  if (pause_ != Pause::ordered) return;
  step_->end = zero_at_;
  step_->cut_short = true;
}

/// @returns true if the device did by itself what nobody asked for: the run is over
bool Conductor::device_went_wrong(const protocol::Mark& mark) {
  const bool restarted = mark.at < now_;
  const bool left_alone = mark.state == protocol::State::idle && mark.at > start_ && !stopping_ && !fault_;
  if (!restarted && !left_alone) return false;
  error_ = Error{ErrorKind::device,
                 fmt::format("the device {} at {:.3f} s, so its current is zero: check its supply and its reset line",
                             restarted ? "began its time anew" : "became idle by itself", seconds(mark.at))};
  finished_ = true;
  return true;
}

void Conductor::take_mark(const protocol::Mark& mark) {
  if (device_went_wrong(mark)) return;
  const Sample before = std::exchange(now_, mark.at);
  const bool stopped = mark.state == protocol::State::stopping || mark.state == protocol::State::idle;
  if (stop_requested_ && stopped && step_ && (!step_->end || *step_->end > now_)) {
    // Nobody said when the current began to fall; it still flowed at the mark before.
    step_->end = before;
    step_->cut_short = true;
    pending_start_.reset();
  }
  flush_data();
  const bool over = mark.state == protocol::State::idle || mark.state == protocol::State::fault;
  if (mark.state == protocol::State::fault && !fault_) fault_ = protocol::Fault{mark.fault, 0, mark.at, 0, 0};
  if (over && mark.at > start_ && (stopping_ || fault_)) {
    finished_ = true;
    return;
  }
  follow_pause();
  if (step_ && step_->order && now_ >= *step_->order) {
    step_->order.reset();
    order_step(step_->start);
  }
  if (step_ && now_ > step_->settled && !step_->end && !stopping_) decide(now_);
  if (step_ && now_ >= next_progress_ && now_ > step_->settled) publish_progress(now_);
  if (!held()) send_(acquisition::Decided{now_});
}

void Conductor::decide(Sample now) {
  step_->evaluated = now;
  if (step_->measured->evaluate(now).done) order_next(now + latency_);
}

void Conductor::send_current(Sample at, Current current) {
  send_(acquisition::ScheduleStep{plan_.channel, Segment{at, Duration{}, current, current}});
}

void Conductor::order_step(Sample at) {
  send_current(at, plan_.steps[static_cast<std::size_t>(step_->index)].current);
}

void Conductor::order_next(Sample at) {
  step_->end = at;
  const auto next = static_cast<std::size_t>(step_->index) + 1;
  if (next == plan_.steps.size()) {
    order_stop(at);
  } else {
    pending_start_ = at;
    send_current(at, plan_.steps[next].current);
  }
}

void Conductor::order_stop(Sample at) {
  stopping_ = true;
  send_(acquisition::StopRun{at});
}

// ---------------------------------------------------------------- stop

void Conductor::request_stop() {
  if (stop_requested_ || finished_) return;
  stop_requested_ = true;
  const bool waits = held();
  // Sample 0 has passed: the device stops with its next block.
  order_stop(Sample{0});
  if (waits) send_(acquisition::Decided{now_});
}

void Conductor::take_applied(const protocol::StepApplied& change) {
  if (!stop_requested_ || !step_ || change.channel != plan_.channel.index) return;
  const double zero = device_.channels[plan_.channel.index].command.zero;
  if (change.last != static_cast<FineCode>(zero) << fine_bits) return;
  // A step ends with a period: nothing of the falling current is in it.
  const Sample end{change.at.index / grid_ * grid_};
  if (step_->end && *step_->end <= end) return;
  step_->end = end;
  step_->cut_short = true;
  pending_start_.reset();
}

// ---------------------------------------------------------------- refusals

void Conductor::take_rejection(const Rejected& rejected) {
  if (rejected.command != protocol::Schedule::type) return;
  if (rejected.status == protocol::Status::too_late) return take_late_step(rejected.now);
  if (rejected.status == protocol::Status::bad_state && (fault_ || stopping_)) return;
  error_ = Error{ErrorKind::device, fmt::format("the device refused a current step at {:.3f} s (status {})",
                                                seconds(rejected.now), static_cast<int>(rejected.status))};
  request_stop();
}

/// The device did not take the last step ordered: it goes on with the current before it.
void Conductor::take_late_step(Sample now) {
  ++late_decisions_;
  if (stopping_) return;
  const Sample again = Sample{round_up(std::max(now, now_).index, grid_)} + latency_;
  if (pause_ == Pause::ordered || pause_ == Pause::held) return order_pause(again);
  if (!step_) return;
  if (step_->end) return order_next(again);
  if (step_->order) {
    paused_index_ = step_->index;
    return enter_again(again);
  }
  // The answer came after the moment at which the step should have begun: it begins now, without data so far.
  present_current_ = step_->before;
  begin_step(step_->index, again);
  order_step(again);
}

// ---------------------------------------------------------------- pause

void Conductor::request_pause() {
  if (pause_ == Pause::none && !stopping_ && !finished_) pause_ = Pause::wanted;
  resume_wanted_ = false;
}

void Conductor::request_resume() {
  if (pause_ == Pause::wanted) pause_ = Pause::none;
  if (pause_ == Pause::ordered) resume_wanted_ = true;
  if (!held()) return;
  enter_again((device_.virtual_time ? quiet_at_ : now_) + latency_);
  send_(acquisition::Decided{now_});
}

void Conductor::follow_pause() {
  if (pause_ == Pause::wanted) {
    // What is queued already comes first.
    order_pause(std::max(now_ + latency_, step_ && step_->end ? *step_->end : Sample{}));
  } else if (pause_ == Pause::ordered && now_ >= quiet_at_) {
    pause_ = Pause::held;
    quiet_at_ = now_;
    emit_(Paused{paused_index_, seconds(now_)});
    if (resume_wanted_) request_resume();
  }
}

/// The current goes to zero at a sample, and the step that has it then ends there.
void Conductor::order_pause(Sample at) {
  if (stopping_) {
    pause_ = Pause::none;
    return;
  }
  pause_ = Pause::ordered;
  zero_at_ = at;
  const double travel = device_.channels[plan_.channel.index].highest.si() / plan_.limits.slew.si();
  quiet_at_ = Sample{round_up((at + device_.samples(Duration::from_si(travel) + 1.0_ms).index).index, grid_)};
  send_current(at, Current{});
  if (!step_) return;
  paused_index_ = step_->index + (pending_start_ ? 1 : 0);
  if (pending_start_) return;
  step_->end = at;
  step_->cut_short = true;
  step_->order.reset();
}

/// Measures the paused step from its beginning. It is entered from the current before it, as it was at first: where a
/// neuron remembers, the side matters.
void Conductor::enter_again(Sample at) {
  pause_ = Pause::none;
  resume_wanted_ = false;
  step_.reset();
  present_current_ = Current{};
  emit_(Resumed{paused_index_, seconds(now_)});
  const int before = paused_index_ - 1;
  if (before < 0) {
    begin_step(paused_index_, at);
    order_step(at);
    return;
  }
  present_current_ = plan_.steps[static_cast<std::size_t>(before)].current;
  send_current(at, present_current_);
  // For as long as silence must last to be told from slow firing: the neuron has then found its state.
  const Duration lead = Duration::from_si(3.0 / plan_.rules.f_min_hz);
  const std::int64_t length = round_up(std::max(latency_, device_.samples(lead).index), grid_);
  begin_step(paused_index_, at + length);
  step_->order = at + (length - latency_);
}

// ---------------------------------------------------------------- what was measured

void Conductor::finish_step(Sample end, bool interrupted) {
  FinishedStep finished{std::move(*step_), end, interrupted, false};
  step_.reset();
  // A step that ended before the current had settled leaves nothing to tell.
  if (end <= finished.step.settled) return;
  finished.step.measured->close(end, carried_);
  finished_steps_.push_back(std::move(finished));
  tell_finished_steps();
}

void Conductor::tell_finished_steps() {
  while (!finished_steps_.empty()) {
    FinishedStep& oldest = finished_steps_.front();
    if (oldest.step.incomplete) {
      if (std::exchange(oldest.asked, true)) return;
      emit_(
          Notice{fmt::format("step {}: the analysis fell behind the device; the step is computed again from the "
                             "recording",
                             oldest.step.index)});
      ask_(ReadBack{plan_.channel, oldest.step.start - grid_, oldest.end});
      return;
    }
    tell(oldest);
    finished_steps_.pop_front();
  }
}

void Conductor::tell(const FinishedStep& finished) {
  results_.push_back(row(finished.step, finished.end, finished.interrupted));
  fit_ = analysis::analyze_sweep(results_);
  emit_(StepFinished{results_.back(), finished.step.measured->isi_counts()});
  emit_(ResultsUpdated{results_, fit_});
}

void Conductor::take_read_back(const Result<std::vector<DeviceMessage>>& messages) {
  FinishedStep& finished = finished_steps_.front();
  RunningStep& step = finished.step;
  step.incomplete = false;
  if (messages) {
    measure_again(finished, *messages);
  } else {
    step.unreadable = true;
  }
  tell_finished_steps();
}

void Conductor::measure_again(FinishedStep& finished, std::span<const DeviceMessage> messages) const {
  RunningStep& step = finished.step;
  StepData data{device_, plan_.channel};
  std::vector<Sample> marks;  // at which the rules were asked
  for (const DeviceMessage& message : messages) {
    data.add(message);
    const auto* mark = std::get_if<protocol::Mark>(&message);
    if (mark != nullptr && mark->at > step.settled && mark->at <= step.evaluated) marks.push_back(mark->at);
  }
  Carried carried;
  step.measured.reset();
  auto mark = marks.begin();
  for (const StepDatum& datum : data.take()) {
    const Sample at = datum.begins(grid_);
    if (at >= finished.end) break;
    if (!step.measured && at >= step.start) {
      step.measured.emplace(plan_.rules, device_, plan_.channel, step.settled, carried);
    }
    for (; mark != marks.end() && *mark <= at; ++mark) step.measured->evaluate(*mark);
    if (step.measured) step.measured->take(datum);
    pass_over(datum, grid_, carried);
  }
  if (!step.measured) step.measured.emplace(plan_.rules, device_, plan_.channel, step.settled, carried);
  for (; mark != marks.end(); ++mark) step.measured->evaluate(*mark);
  step.measured->close(finished.end, carried);
}

analysis::StepResult Conductor::row(const RunningStep& step, Sample end, bool interrupted) const {
  const PlannedStep& planned = plan_.steps[static_cast<std::size_t>(step.index)];
  analysis::StepResult result = step.measured->row(end, planned.current);
  result.index = step.index;
  result.channel = plan_.channel.index;
  result.leg = planned.leg;
  result.direction = planned.direction;
  if (step.unreadable) result.status = analysis::StepStatus::undetermined;
  if (interrupted) result.status = analysis::StepStatus::interrupted;
  return result;
}

void Conductor::close_interrupted() {
  if (step_) finish_step(step_->end ? std::min(*step_->end, now_) : now_, true);
}

void Conductor::publish_progress(Sample now) {
  const std::int64_t second = device_.samples(1.0_s).index;
  while (next_progress_ <= now) next_progress_ = next_progress_ + second;
  emit_(StepProgress{row(*step_, now, false), seconds(now)});
}

}  // namespace thyrode::experiment
