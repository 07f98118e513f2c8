// The conductor while the current is zero: pauses, questions, and conditions that are set anew.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "daemon/experiment/conductor.hpp"

namespace thyrode::experiment {

/// When a current that heads for zero has been there for a millisecond, on the grid.
Sample Conductor::time_to_zero(Sample from, Current present) const {
  const Duration travel = Duration::from_si(std::abs(present.si()) / plan_.limits.slew.si());
  return Sample{round_up((from + device_.samples(travel + 1.0_ms).index).index, grid_)};
}

// ---------------------------------------------------------------- pause

void Conductor::request_pause() {
  if (pause_ == Pause::none && !stopping_ && !finished_) pause_ = Pause::wanted;
  resume_wanted_ = false;
}

void Conductor::request_resume() {
  if (pause_ == Pause::wanted) pause_ = Pause::none;
  if (pause_ == Pause::ordered) resume_wanted_ = true;
  if (pause_ != Pause::held || !held()) return;
  enter_again((device_.virtual_time ? quiet_at_ : now_) + latency_);
  if (!held()) send_(acquisition::Decided{now_});
}

void Conductor::follow_pause() {
  if (pause_ == Pause::wanted) {
    // While conditions are set the current is zero already: the pause cuts the step that begins after it. What is
    // queued already comes first.
    if (!setup_) order_pause(std::max(now_ + latency_, Sample{round_up(outbox_.last().index, grid_)}));
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
  quiet_at_ = time_to_zero(at, device_.channels[plan_.channel.index].highest);
  cut(at);
  send_current(at, Current{});
  present_current_ = Current{};
  paused_index_ = again_.empty() ? asked_ : again_.front().index;
}

/// Measures the paused step from its beginning. It is entered from the current before it, as it was at first: where a
/// neuron remembers, the side matters.
void Conductor::enter_again(Sample at) {
  pause_ = Pause::none;
  resume_wanted_ = false;
  emit_(Resumed{paused_index_, seconds(now_)});
  if (!again_.empty()) again_.front().again = true;
  place_next(at);
}

/// A long rest is no step, but what is recorded of it may be parted anywhere.
void Conductor::tell_rest() {
  if (!held()) return;
  emit_(StepBegins{now_ + latency_});
  began_ = now_;
  tell_finished_steps();
}

// ---------------------------------------------------------------- conditions and questions

bool Conductor::needs_setup(const AskedStep& asked) const {
  if (asked.step.question) return true;
  return std::any_of(asked.step.conditions.begin(), asked.step.conditions.end(), [this](const auto& condition) {
    const auto now = planned_.find(condition.first);
    return now == planned_.end() || now->second != condition.second;
  });
}

/// The current goes to zero at a sample; once it is there, follow_setup() goes on.
void Conductor::begin_setup(AskedStep asked, Sample at) {
  quiet_at_ = time_to_zero(at, present_current_);
  if (present_current_ != Current{}) outbox_.add({Segment{at, Duration{}, Current{}, Current{}}});
  present_current_ = Current{};
  // What a run that goes on sets at its beginning was set before the last of its rows already.
  const analysis::StepResult* last = last_before();
  const bool set_before =
      last != nullptr && asked.again && asked.index == rows_before() && asked.step.conditions == last->conditions;
  if (!set_before) asked.before = Current{};
  setup_ = std::move(asked);
  send_due(at);
}

void Conductor::follow_setup() {
  if (!setup_ || question_ || stopping_ || now_ < quiet_at_) return;
  // In virtual time all that follows counts from this mark, however long an answer takes.
  quiet_at_ = now_;
  question_ = question_of(*setup_);
  if (question_) {
    emit_(Asked{setup_->index, *question_, seconds(now_)});
  } else {
    set_up();
  }
}

/// The step's own question first, then one for each condition that an operator sets.
std::optional<Question> Conductor::question_of(const AskedStep& asked) const {
  if (asked.step.question) return asked.step.question;
  for (const auto& [name, value] : asked.step.conditions) {
    const RunKnob* knob = plan_.knob(name);
    const auto now = planned_.find(name);
    if (knob == nullptr || !knob->operator_sets || (now != planned_.end() && now->second == value)) continue;
    const std::string unit = knob->unit.empty() ? "" : " " + knob->unit;
    return Question{fmt::format("set {} to {:.6g}{}", name, value / knob->one, unit), name};
  }
  return std::nullopt;
}

void Conductor::answer(bool go_on, std::optional<double> value) {
  if (!question_ || !setup_ || stopping_ || finished_) return;
  if (!go_on) return request_stop();
  const std::string quantity = std::exchange(question_, std::nullopt)->quantity;
  const auto condition = setup_->step.conditions.find(quantity);
  if (condition != setup_->step.conditions.end()) {
    planned_[quantity] = condition->second;
    told_.erase(quantity);
    if (value) told_[quantity] = *value;
  } else if (!quantity.empty() && value) {
    setup_->conditions[quantity] = *value;
  }
  setup_->step.question.reset();
  question_ = question_of(*setup_);
  if (question_) {
    emit_(Asked{setup_->index, *question_, seconds(now_)});
    return;
  }
  set_up();
  if (!held()) send_(acquisition::Decided{now_});
}

/// What no operator sets the device does, the latency after the mark; the step begins a period later.
void Conductor::set_up() {
  AskedStep asked = *std::exchange(setup_, std::nullopt);
  const Sample at = (device_.virtual_time ? quiet_at_ : now_) + latency_;
  for (const auto& [name, value] : asked.step.conditions) {
    const auto now = planned_.find(name);
    if (now != planned_.end() && now->second == value) continue;
    const auto setting = part_setting(name, value, device_.channels[plan_.channel.index]);
    if (!setting) {
      error_ = setting.error();
      return request_stop();
    }
    planned_[name] = value;
    told_.erase(name);
    send_(acquisition::Configure{plan_.channel, *setting, at});
  }
  place_step(std::move(asked), at + grid_);
}

}  // namespace thyrode::experiment
