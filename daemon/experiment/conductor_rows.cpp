// What was measured: steps end, are told in their order, and are computed again where the analysis missed messages.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "daemon/analysis/step_features.hpp"
#include "daemon/experiment/conductor.hpp"
#include "daemon/experiment/recorded_step.hpp"

namespace thyrode::experiment {

void Conductor::finish_step(Sample end, bool interrupted) {
  FinishedStep finished{std::move(*step_), end, interrupted, false};
  step_.reset();
  // A step that ended before the current had settled leaves nothing to tell.
  if (end <= finished.step.placed.settled) return;
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    finished.step.measured[k].close(end, carried_[k]);
    carried_[k].output = finished.step.measured[k].output_memory();
  }
  for (MeasuredRelation& relation : finished.step.relations) relation.close();
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
                             oldest.step.placed.asked.index)});
      ask_(ReadBack{channels_, oldest.step.placed.start - grid_, oldest.end});
      return;
    }
    tell(oldest);
    finished_steps_.pop_front();
  }
  if (began_) emit_(RowsTold{*std::exchange(began_, std::nullopt)});
}

void Conductor::tell(const FinishedStep& finished) {
  const std::size_t before = results_.size();
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    results_.push_back(row(finished.step, finished.end, finished.interrupted, k));
  }
  if (!finished.interrupted) whole_.push_back(results_[before]);
  fit_ = told_sweep_.update(results_);
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    const MeasuredStep& measured = finished.step.measured[k];
    emit_(StepFinished{results_[before + k], measured.isi_counts(), measured.correlation(finished.end)});
  }
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
  step.measured.clear();
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    // The rules are asked of the plan's own channel alone.
    const Sample evaluated = k == 0 ? step.evaluated : Sample{};
    const StepSpan span{step.placed.start, step.placed.settled, evaluated, finished.end};
    step.measured.push_back(experiment::measure_again(step.rules[k], device_, channels_[k], span, messages));
    if (k > 0)
      step.relations[k - 1] = relate_again(step.rules[k], device_, plan_.channel, channels_[k], span, messages);
  }
}

/// What the plan knows of a step; it has no data.
analysis::StepResult Conductor::planned_row(const PlacedStep& placed) const {
  const PlannedStep& planned = placed.asked.step;
  analysis::StepResult result;
  result.index = placed.asked.index;
  result.channel = plan_.channel.index;
  result.leg = planned.leg;
  result.conditions = placed.asked.conditions;
  result.current_ua = planned.current.in(1.0_uA);
  result.direction = planned.direction;
  result.start = result.end = to_ticks(placed.settled);
  result.lead_s = static_cast<double>(placed.start - placed.entered) / device_.sample_rate_hz;
  result.part = planned.part;
  result.purpose = planned.purpose;
  return result;
}

analysis::StepResult Conductor::row(const RunningStep& step, Sample end, bool interrupted, std::size_t channel) const {
  analysis::StepResult planned = planned_row(step.placed);
  const Current asked = step.placed.asked.step.current;
  analysis::StepResult result =
      step.measured[channel].row(end, channel == 0 ? asked : plan_.companions[channel - 1].current(asked));
  result.index = planned.index;
  result.channel = channels_[channel].index;
  if (channel > 0) analysis::put_relation(step.relations[channel - 1].result(), result);
  result.leg = planned.leg;
  result.conditions = std::move(planned.conditions);
  result.direction = planned.direction;
  result.lead_s = planned.lead_s;
  result.part = std::move(planned.part);
  result.purpose = std::move(planned.purpose);
  if (step.unreadable) result.status = analysis::StepStatus::undetermined;
  if (interrupted) result.status = analysis::StepStatus::interrupted;
  return result;
}

void Conductor::close_interrupted() {
  if (step_) finish_step(step_->placed.end ? std::min(*step_->placed.end, now_) : now_, true);
}

void Conductor::publish_progress() {
  if (!step_ || now_ < next_progress_ || now_ <= step_->placed.settled) return;
  const std::int64_t second = device_.samples(1.0_s).index;
  while (next_progress_ <= now_) next_progress_ = next_progress_ + second;
  emit_(StepProgress{row(*step_, now_, false), seconds(now_)});
}

}  // namespace thyrode::experiment
