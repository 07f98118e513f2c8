#include "daemon/experiment/conductor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace thyrode::experiment {

Conductor::Conductor(const RunPlan& plan, const DeviceInfo& device, SendOrder send, EventHandler emit, AskReadBack ask)
    : plan_{plan},
      device_{device},
      send_{std::move(send)},
      emit_{std::move(emit)},
      ask_{std::move(ask)},
      grid_{grid_of(device)},
      data_{device, plan.channels()},
      channels_{plan.channels()},
      carried_(channels_.size()),
      strategy_{plan.make_strategy()},
      outbox_{device.queue_depth} {
  latency_ = round_up(device.samples(plan.decision_latency).index, grid_);
  start_ = Sample{round_up(device.now.index + latency_, grid_)};
  now_ = device.now;
}

void Conductor::begin() {
  emit_(RunStarted{plan_.name, strategy_->known_steps().value_or(0), strategy_->most_steps().value_or(0)});
  begin_with_rows();
  next_progress_ = start_ + device_.samples(1.0_s).index;
  enter_from_rows();
  place_next(start_);
}

/// The first step of a run that goes on is entered from the current before it, as it would have been.
void Conductor::enter_from_rows() {
  const analysis::StepResult* before = last_before();
  if (before == nullptr) return;
  auto asked = next_asked();
  if (!asked) return;
  const PlannedStep& step = asked->step;
  const Current last = Current::from_si(before->current_ua * 1e-6);
  asked->before = step.pieces.empty() ? last : step.pieces.front().from;
  asked->again = true;
  again_.push_front(*std::move(asked));
}

/// The last row of the plan's own channel that an earlier run has measured.
const analysis::StepResult* Conductor::last_before() const {
  const auto found = std::find_if(plan_.before.rbegin(), plan_.before.rend(), [this](const MeasuredBefore& measured) {
    return measured.row.channel == plan_.channel.index;
  });
  return found == plan_.before.rend() ? nullptr : &found->row;
}

/// How many steps an earlier run has measured.
int Conductor::rows_before() const {
  return static_cast<int>(std::count_if(plan_.before.begin(), plan_.before.end(), [this](const MeasuredBefore& m) {
    return m.row.channel == plan_.channel.index;
  }));
}

/// A run that goes on begins with the steps that an earlier one has measured.
void Conductor::begin_with_rows() {
  for (const MeasuredBefore& measured : plan_.before) {
    results_.push_back(measured.row);
    if (measured.row.channel == plan_.channel.index) {
      whole_.push_back(measured.row);
      ++asked_;
    }
    emit_(StepFinished{measured.row, measured.isi_counts});
  }
  if (results_.empty()) return;
  fit_ = told_sweep_.update(results_);
  emit_(ResultsUpdated{results_, fit_});
}

void Conductor::take(const DeviceMessage& message, bool after_drop) {
  if (finished_) return;
  dropped_ = dropped_ || after_drop;
  if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
    take_mark(*mark);
  } else if (const auto* change = std::get_if<protocol::StepApplied>(&message)) {
    take_applied(*change);
  } else if (const auto* fault = std::get_if<protocol::Fault>(&message)) {
    const bool waits = held();
    fault_ = *fault;
    // The mark that ends the run must find its time granted.
    if (waits) send_(acquisition::Decided{now_});
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
    close_step_before(datum.begins(grid_), incomplete);
    const std::size_t channel = position(datum.channel);
    if (step_) step_->measured[channel].take(datum);
    if (step_) std::for_each(step_->relations.begin(), step_->relations.end(), [&](auto& r) { r.take(datum); });
    pass_over(datum, grid_, carried_[channel]);
  }
  close_step_before(now_, incomplete);
}

/// The first data at or after a step's end end it: the mark that should say so may be lost.
void Conductor::close_step_before(Sample data, bool incomplete) {
  while (true) {
    if (step_) {
      if (!step_->placed.end || data < *step_->placed.end) return;
      finish_step(*step_->placed.end, step_->placed.cut_short);
    }
    if (ahead_.empty() || data < ahead_.front().start) return;
    begin_step(std::move(ahead_.front()));
    ahead_.pop_front();
    step_->incomplete = incomplete;
  }
}

void Conductor::begin_step(PlacedStep placed) {
  began_ = placed.entered;
  tell_finished_steps();
  step_.emplace();
  step_->placed = std::move(placed);
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    analysis::StepRules rules = rules_of(step_->placed, plan_, device_);
    rules.before = carried_[k].output;
    step_->measured.emplace_back(rules, device_, channels_[k], step_->placed.settled, carried_[k]);
    if (k > 0) step_->relations.emplace_back(plan_.channel, channels_[k], step_->placed.settled, rules, device_);
    step_->rules.push_back(std::move(rules));
  }
}

std::size_t Conductor::position(Channel channel) const {
  return static_cast<std::size_t>(std::find(channels_.begin(), channels_.end(), channel) - channels_.begin());
}

/// @returns true if the device did by itself what nobody asked for: the run is over
bool Conductor::device_went_wrong(const protocol::Mark& mark) {
  const bool restarted = mark.at < now_;
  const bool rests = mark.state == protocol::State::idle || mark.state == protocol::State::boot;
  const bool left_alone = rests && mark.at > start_ && !stopping_ && !fault_;
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
  if (stop_requested_ && stopped) {
    // Where nobody said when the current began to fall, it still flowed at the mark before.
    const bool ends = step_ && step_->placed.end && *step_->placed.end <= now_;
    cut(ends ? *step_->placed.end : before);
  }
  flush_data();
  const bool over = mark.state == protocol::State::idle || mark.state == protocol::State::fault;
  if (mark.state == protocol::State::fault && !fault_) fault_ = protocol::Fault{mark.fault, 0, mark.at, 0, 0};
  if (over && mark.at > start_ && (stopping_ || fault_)) {
    finished_ = true;
    return;
  }
  follow_pause();
  follow_setup();
  send_due();
  decide();
  plan_ahead();
  publish_progress();
  tell_rest();
  if (!held()) send_(acquisition::Decided{now_});
}

// ---------------------------------------------------------------- which step, and when

/// Whether the data of the running step suffice.
void Conductor::decide() {
  if (!step_ || stopping_ || step_->placed.end || now_ <= step_->placed.settled) return;
  step_->evaluated = now_;
  if (step_->measured.front().evaluate(now_).done) step_->placed.end = now_ + latency_;
}

/// Gives steps their place as far as the decision latency reaches.
void Conductor::plan_ahead() {
  while (!stopping_ && pause_ == Pause::none && !setup_) {
    if (ahead_.empty() && !step_) return;
    const auto& end = ahead_.empty() ? step_->placed.end : ahead_.back().end;
    if (!end || now_ + latency_ < *end) return;
    place_next(std::max(*end, now_ + latency_));
  }
}

void Conductor::place_next(Sample at) {
  auto asked = next_asked();
  if (!asked) return order_stop(std::max(at, start_ + grid_));
  if (needs_setup(*asked)) return begin_setup(*std::move(asked), at);
  place_step(*std::move(asked), at);
}

void Conductor::place_step(AskedStep asked, Sample at) {
  for (const auto& [name, value] : asked.step.conditions) {
    const auto told = told_.find(name);
    asked.conditions[name] = told == told_.end() ? value : told->second;
  }
  ahead_.push_back(place(std::move(asked), at, present_current_, plan_, device_));
  present_current_ = ahead_.back().last;
  emit_(StepBegins{ahead_.back().entered});
  outbox_.add(ahead_.back().segments);
  send_due(at);
}

/// What was taken back comes before anything new.
std::optional<AskedStep> Conductor::next_asked() {
  if (!again_.empty()) {
    AskedStep asked = std::move(again_.front());
    again_.pop_front();
    return asked;
  }
  auto step = ask_strategy();
  if (!step) return std::nullopt;
  return AskedStep{asked_++, *std::move(step), present_current_};
}

std::optional<PlannedStep> Conductor::ask_strategy() {
  const std::size_t told = whole_.size();
  for (const FinishedStep& finished : finished_steps_) {
    if (!finished.interrupted) whole_.push_back(row(finished.step, finished.end, false));
  }
  if (step_ && !step_->placed.cut_short) {
    const bool has_data = now_ > step_->placed.settled;
    whole_.push_back(has_data ? row(*step_, now_, false) : planned_row(step_->placed));
  }
  for (const PlacedStep& placed : ahead_) whole_.push_back(planned_row(placed));
  std::optional<PlannedStep> next;
  if (strategy_->known_steps()) {
    next = strategy_->next(whole_);
  } else {
    // A strategy that decides is told what the rows say together.
    std::vector<analysis::StepResult> rows = whole_;
    asked_sweep_.update(rows);
    next = strategy_->next(rows);
  }
  whole_.resize(told);
  return next;
}

void Conductor::complete(analysis::RunResult& result) const {
  result.steps = results_;
  result.fit = fit_;
  std::vector<analysis::StepResult> rows;
  std::copy_if(results_.begin(), results_.end(), std::back_inserter(rows),
               [](const analysis::StepResult& row) { return row.status != analysis::StepStatus::interrupted; });
  result.targets = strategy_->targets(rows);
  strategy_->complete(rows, result);
}

/// Takes back every step that has not begun.
void Conductor::take_back() {
  outbox_.clear();
  question_.reset();
  if (setup_) again_.push_front(*std::exchange(setup_, std::nullopt));
  for (; !ahead_.empty(); ahead_.pop_back()) again_.push_front(std::move(ahead_.back().asked));
}

/// Nothing is measured from a sample on: what goes on there is cut short, what would begin there is taken back.
void Conductor::cut(Sample at) {
  outbox_.clear();
  std::deque<AskedStep> taken;
  const auto cut_short = [&](PlacedStep& placed) {
    if (placed.cut_short) {
      placed.end = stop_requested_ ? std::min(*placed.end, at) : at;
    } else if (!placed.end || *placed.end > at) {
      taken.push_back(placed.asked);
      placed.end = at;
      placed.cut_short = true;
    }
  };
  if (step_) cut_short(step_->placed);
  std::deque<PlacedStep> kept;
  for (PlacedStep& placed : ahead_) {
    if (placed.start < at) {
      cut_short(placed);
      kept.push_back(std::move(placed));
    } else {
      taken.push_back(std::move(placed.asked));
    }
  }
  ahead_ = std::move(kept);
  again_.insert(again_.begin(), taken.begin(), taken.end());
}

void Conductor::send_current(Sample at, Current current) {
  send_segment(Segment{at, Duration{}, current, current});
}

void Conductor::send_segment(const Segment& segment) {
  send_(acquisition::ScheduleStep{plan_.channel, segment});
  for (const Companion& beside : plan_.companions) {
    Segment its = segment;
    its.first = beside.current(segment.first);
    its.last = beside.current(segment.last);
    send_(acquisition::ScheduleStep{beside.channel, its});
  }
}

/// A decision still to come acts no earlier than the latency after the next mark: what begins before that is told now,
/// and so is what begins at `decided`.
void Conductor::send_due(Sample decided) {
  outbox_.send_due(now_, std::max(now_ + latency_ + grid_, decided + 1),
                   [this](const Segment& segment) { send_segment(segment); });
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
  if (!stop_requested_ || change.channel != plan_.channel.index) return;
  if (change.last != device_.channels[plan_.channel.index].rest()) return;
  // A step ends with a period: nothing of the falling current is in it.
  cut(Sample{change.at.index / grid_ * grid_});
}

// ---------------------------------------------------------------- refusals

void Conductor::take_rejection(const Rejected& rejected) {
  if (rejected.command != protocol::Schedule::type) return;
  const bool not_taken =
      rejected.status == protocol::Status::too_late || rejected.status == protocol::Status::queue_full;
  if (not_taken) return take_late_step(rejected.now);
  if (rejected.status == protocol::Status::bad_state && (fault_ || stopping_)) return;
  error_ = Error{ErrorKind::device, fmt::format("the device refused a current step at {:.3f} s (status {})",
                                                seconds(rejected.now), static_cast<int>(rejected.status))};
  request_stop();
}

/// The device did not take a piece of the command: it goes on with the current before it.
void Conductor::take_late_step(Sample now) {
  ++late_decisions_;
  if (stopping_) return;
  const std::int64_t known = std::max({now.index, now_.index, (outbox_.last() - latency_).index});
  const Sample again{round_up(known, grid_) + latency_};
  if (pause_ == Pause::ordered || pause_ == Pause::held) return order_pause(again);
  const bool of_next = setup_ || !ahead_.empty();
  take_back();
  if (step_ && step_->placed.fixed && !step_->placed.cut_short) {
    // A piece of it may be missing: it is measured again.
    again_.push_front(step_->placed.asked);
    again_.front().again = true;
    step_->placed.end = now_;
    step_->placed.cut_short = true;
  } else if (step_ && step_->placed.end && !step_->placed.cut_short) {
    step_->placed.end = again;
  } else if (step_ && !of_next) {
    // The answer came after the moment at which the step should have begun: it begins anew, without data so far.
    again_.push_front(step_->placed.asked);
    step_.reset();
  }
  if (again_.empty()) return;
  present_current_ = step_ ? step_->placed.last : again_.front().before;
  place_next(again);
}

}  // namespace thyrode::experiment
