#include "daemon/experiment/conductor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "daemon/analysis/sweep_analysis.hpp"

namespace thyrode::experiment {
namespace {

/// Decisions and steps lie on the grid of the marks.
std::int64_t grid(const DeviceInfo& device) {
  return static_cast<std::int64_t>(device.sample_rate_hz / 100.0);
}

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

Conductor::Conductor(const RunPlan& plan, const DeviceInfo& device, SendOrder send, EventHandler emit)
    : plan_{plan}, device_{device}, send_{std::move(send)}, emit_{std::move(emit)} {
  latency_ = round_up(device.samples(plan.decision_latency).index, grid(device));
  start_ = Sample{round_up(device.now.index + latency_, grid(device))};
  now_ = device.now;
}

void Conductor::begin() {
  emit_(RunStarted{plan_.name, plan_.steps.size()});
  begin_step(0, start_);
  const Segment segment{start_, Duration{}, plan_.steps[0].current, plan_.steps[0].current};
  send_(acquisition::ScheduleStep{plan_.channel, segment});
  next_progress_ = start_ + device_.samples(1.0_s).index;
}

void Conductor::begin_step(int index, Sample at) {
  const PlannedStep& planned = plan_.steps[static_cast<std::size_t>(index)];
  const double travel = std::abs((planned.current - present_current_).si()) / plan_.limits.slew.si();
  // One millisecond more, so that the front end's filter and the read-back have followed.
  const Sample settled = at + device_.samples(Duration::from_si(travel) + 1.0_ms).index;
  step_ = RunningStep{};
  step_->before = std::exchange(present_current_, planned.current);
  step_->index = index;
  step_->start = at;
  step_->settled = settled;
  step_->analyzer =
      std::make_unique<analysis::StepAnalyzer>(plan_.rules, device_.seconds_per_tick(), to_ticks(settled));
  last_spike_.reset();
}

void Conductor::take(const DeviceMessage& message) {
  if (finished_) return;
  if (const auto* spikes = std::get_if<protocol::SpikeBlock>(&message)) {
    if (spikes->channel == plan_.channel.index) take_spikes(*spikes);
  } else if (const auto* levels = std::get_if<protocol::LevelRecord>(&message)) {
    if (levels->channel == plan_.channel.index) take_levels(*levels);
  } else if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
    take_mark(*mark);
  } else if (const auto* fault = std::get_if<protocol::Fault>(&message)) {
    fault_ = *fault;
  } else if (const auto* rejected = std::get_if<Rejected>(&message)) {
    take_rejection(*rejected);
  } else if (const auto* gap = std::get_if<Gap>(&message)) {
    if (step_ && gap->channel == plan_.channel) step_->analyzer->gap(to_ticks(gap->first), to_ticks(gap->last));
  }
}

void Conductor::take_spikes(const protocol::SpikeBlock& block) {
  if (block.records.empty()) return;
  bool missing =
      std::exchange(next_spike_index_, block.index + static_cast<std::uint32_t>(block.records.size())) != block.index;
  for (const protocol::SpikeRecord& record : block.records) {
    close_step_before(record.at);
    if (!step_) return;
    if (std::exchange(missing, false) && record.at >= to_ticks(step_->settled)) {
      // Records are missing: the interval across the hole is not an interval.
      step_->analyzer->gap(last_spike_.value_or(to_ticks(step_->settled)), record.at);
    }
    if (counted_open_ && record.at <= *counted_open_) continue;  // counted in the step it began in
    if (record.at < to_ticks(step_->settled)) continue;
    const Scale& scale = v_out();
    step_->analyzer->spike(record.at, {scale.value(record.peak), scale.value(record.trough), record.width});
    last_spike_ = record.at;
  }
}

const Scale& Conductor::v_out() const {
  return device_.channels[plan_.channel.index].signal(protocol::Signal::v_out);
}

void Conductor::take_levels(const protocol::LevelRecord& record) {
  close_step_before(to_ticks(record.first));
  open_since_.reset();
  if (record.open_spike > 0) open_since_ = to_ticks(record.first + grid(device_)) - record.open_spike;
  if (!step_ || record.first < step_->settled) return;
  step_->command_sum += record.command_sum;
  step_->command_count += record.command_count;
  const protocol::Level& level = record.signals[static_cast<std::size_t>(protocol::Signal::v_out)];
  if (level.count == 0) return;
  step_->analyzer->level(v_out().value(static_cast<double>(level.sum) / level.count), record.open_spike > 0);
  const int top = (1 << v_out().bits) - 1;
  if (level.lowest == 0 || level.highest >= top) step_->analyzer->saturated();
}

/// The first data at or after a step's end end it: the mark that should say so may be lost.
void Conductor::close_step_before(Ticks data) {
  if (!step_ || !step_->end || data < to_ticks(*step_->end)) return;
  const int next = step_->index + 1;
  const Sample end = *step_->end;
  // A stop before the current had settled leaves nothing to tell.
  if (end > step_->settled) finish_step(end, step_->cut_short);
  if (stopping_) {
    step_.reset();
  } else {
    begin_step(next, *std::exchange(pending_start_, std::nullopt));
  }
}

void Conductor::take_mark(const protocol::Mark& mark) {
  const bool restarted = mark.at < now_;
  const bool left_alone = mark.state == protocol::State::idle && mark.at > start_ && !stopping_ && !fault_;
  if (restarted || left_alone) {
    error_ = Error{ErrorKind::device,
                   fmt::format("the device {} at {:.3f} s, so its current is zero: check its supply and its reset line",
                               restarted ? "began its time anew" : "became idle by itself",
                               static_cast<double>(mark.at.index) / device_.sample_rate_hz)};
    finished_ = true;
    return;
  }
  now_ = mark.at;
  close_step_before(to_ticks(now_));
  const bool over = mark.state == protocol::State::idle || mark.state == protocol::State::fault;
  if (mark.state == protocol::State::fault && !fault_) fault_ = protocol::Fault{mark.fault, 0, mark.at, 0, 0};
  if (over && mark.at > start_ && (stopping_ || fault_)) {
    finished_ = true;
    return;
  }
  if (step_ && now_ > step_->settled && !step_->end) decide(now_);
  if (step_ && now_ >= next_progress_ && now_ > step_->settled) publish_progress(now_);
  send_(acquisition::Decided{now_});
}

void Conductor::decide(Sample now) {
  const bool done = step_->analyzer->evaluate(to_ticks(now)).done;
  if (!done && !stop_requested_) return;
  step_->cut_short = !done;
  order_next(now + latency_);
}

void Conductor::order_next(Sample at) {
  const bool last = stop_requested_ || step_->index + 1 == static_cast<int>(plan_.steps.size());
  step_->end = pending_start_ = at;
  if (last) {
    stopping_ = true;
    send_(acquisition::StopRun{at});
  } else {
    const Current current = plan_.steps[static_cast<std::size_t>(step_->index) + 1].current;
    send_(acquisition::ScheduleStep{plan_.channel, Segment{at, Duration{}, current, current}});
  }
}

void Conductor::take_rejection(const Rejected& rejected) {
  if (rejected.command != protocol::Schedule::type) return;
  if (rejected.status == protocol::Status::too_late && step_) return take_late_step(rejected.now);
  if (rejected.status == protocol::Status::bad_state && (fault_ || stopping_)) return;
  error_ = Error{ErrorKind::device, fmt::format("the device refused a current step at {:.3f} s (status {})",
                                                static_cast<double>(rejected.now.index) / device_.sample_rate_hz,
                                                static_cast<int>(rejected.status))};
  request_stop();
}

/// The device did not take the last step ordered: it goes on with the current before it.
void Conductor::take_late_step(Sample now) {
  ++late_decisions_;
  const Sample again = Sample{round_up(std::max(now, now_).index, grid(device_))} + latency_;
  if (step_->end) {
    if (!stopping_) order_next(again);
    return;
  }
  // The answer came after the moment at which the step should have begun: it begins now, without data so far.
  present_current_ = step_->before;
  begin_step(step_->index, again);
  const Current current = present_current_;
  send_(acquisition::ScheduleStep{plan_.channel, Segment{again, Duration{}, current, current}});
}

void Conductor::request_stop() {
  if (stop_requested_ || finished_) return;
  stop_requested_ = true;
  if (step_ && step_->end && !stopping_) {
    // The next step is on its way already; the stop comes after it.
    stopping_ = true;
    send_(acquisition::StopRun{*step_->end});
  } else if (step_ && !step_->end) {
    step_->cut_short = true;
    order_next(std::max(now_, start_) + latency_);
  }
}

analysis::StepResult Conductor::row(Sample end, bool interrupted) const {
  analysis::StepResult result = step_->analyzer->result(to_ticks(end));
  const PlannedStep& planned = plan_.steps[static_cast<std::size_t>(step_->index)];
  result.index = step_->index;
  result.channel = plan_.channel.index;
  result.leg = planned.leg;
  result.direction = planned.direction;
  const Scale& command = device_.channels[plan_.channel.index].command;
  result.current_ua =
      step_->command_count > 0
          ? command.value(static_cast<double>(step_->command_sum) / static_cast<double>(step_->command_count)) * 1e6
          : planned.current.in(1.0_uA);
  if (interrupted) result.status = analysis::StepStatus::interrupted;
  return result;
}

void Conductor::finish_step(Sample end, bool interrupted) {
  // A spike that has not re-armed yet (a plateau) began in this step.
  if (open_since_ && *open_since_ >= to_ticks(step_->settled) && *open_since_ < to_ticks(end)) {
    step_->analyzer->spike(*open_since_);
    counted_open_ = open_since_;
  }
  results_.push_back(row(end, interrupted));
  const auto counters = step_->analyzer->histogram().counters();
  std::vector<std::uint32_t> isi_counts(counters.size());
  std::transform(counters.begin(), counters.end(), isi_counts.begin(),
                 [](std::int64_t count) { return static_cast<std::uint32_t>(count); });
  fit_ = analysis::analyze_sweep(results_);
  emit_(StepFinished{results_.back(), std::move(isi_counts)});
  emit_(ResultsUpdated{results_, fit_});
}

void Conductor::close_interrupted() {
  if (!step_ || now_ <= step_->settled) return;
  finish_step(now_, true);
  step_.reset();
}

void Conductor::publish_progress(Sample now) {
  const std::int64_t second = device_.samples(1.0_s).index;
  while (next_progress_ <= now) next_progress_ = next_progress_ + second;
  emit_(StepProgress{row(now, false), static_cast<double>(now.index) / device_.sample_rate_hz});
}

}  // namespace thyrode::experiment
