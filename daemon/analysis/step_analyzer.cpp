#include "daemon/analysis/step_analyzer.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/analysis/step_features.hpp"

namespace thyrode::analysis {
namespace {

constexpr double lost_precision = 2.0;  // times what was asked for: a step that ended so is not `ok`
constexpr std::int64_t first_look = 64;
constexpr std::int64_t first_quick_look = 20;
constexpr int looks_needed = 2;
constexpr int most_extensions = 3;
constexpr double tolerated_change = 0.25;   // of the precision: what may drift without mattering
constexpr std::int64_t least_for_rate = 5;  // fewer spikes give a count, not a rate

std::int64_t to_tick_count(double seconds, double seconds_per_tick) {
  return seconds > 0.0 ? static_cast<std::int64_t>(std::llround(seconds / seconds_per_tick)) : 0;
}

}  // namespace

StepAnalyzer::StepAnalyzer(const StepRules& rules, double seconds_per_tick, Ticks start)
    : rules_(rules),
      seconds_per_tick_(seconds_per_tick),
      start_(start),
      origin_(start + to_tick_count(rules.settle_drop_s, seconds_per_tick)),
      train_(seconds_per_tick, origin_, {rules.window, {}}),
      output_(seconds_per_tick, rules.before) {}

void StepAnalyzer::spike(Ticks at, const SpikeShape& shape) {
  if (at < start_ || (latest_ && at <= *latest_)) {
    ++rejected_;
    return;
  }
  latest_ = at;
  ++spikes_;
  output_.spike(shape);
  if (shape.peak < rules_.least_peak) ++low_peaks_;
  const bool settles = spikes_ <= rules_.settle_spikes;
  if (settles) train_.begin_at(std::max(at, origin_));
  observed_at_spike_ = train_.observed(at);
  if (at < origin_ || settles) return;

  train_.spike(at);
  if (previous_) note_long(at - *previous_);
  previous_ = at;
}

void StepAnalyzer::gap(Ticks from, Ticks to) {
  ++gaps_;
  previous_.reset();
  train_.gap(from, to);
}

double StepAnalyzer::silence_s(Ticks until) const {
  return static_cast<double>(std::max<std::int64_t>(0, train_.observed(until) - observed_at_spike_)) *
         seconds_per_tick_;
}

bool StepAnalyzer::silent(Ticks until) const {
  const double quiescence = std::max(20.0 * rules_.membrane_tau_s, 3.0 / rules_.f_min_hz);
  const double longest = static_cast<double>(train_.intervals().longest()) * seconds_per_tick_;
  return silence_s(until) >= std::max(10.0 * longest, quiescence);
}

bool StepAnalyzer::ceiling(Ticks now) const {
  // A step of a fixed length ends at the ceiling itself: half a tick is more than what rounding can take away.
  const double elapsed_s = (static_cast<double>(now - start_) + 0.5) * seconds_per_tick_;
  return elapsed_s >= rules_.longest_s || spikes_ >= rules_.most_spikes;
}

StepAnalyzer::Events StepAnalyzer::events() const {
  Events e;
  e.bursts = train_.bursting();
  e.batches = e.bursts ? e.bursts->periods : train_.batches();
  return e;
}

/// @param mean_ticks  of what f counts
bool StepAnalyzer::quick(double mean_ticks, double spikes_each) const {
  constexpr auto others = static_cast<double>(first_look - 1);
  return mean_ticks * seconds_per_tick_ * others > 0.5 * rules_.longest_s ||
         spikes_each * others > 0.5 * static_cast<double>(rules_.most_spikes);
}

bool StepAnalyzer::enough(const Events& events) const {
  if (!events.bursts) return true;
  const std::int64_t periods = events.batches.intervals();
  const double spikes_each = events.bursts->spikes_per_burst.mean().value_or(0.0);
  return periods >= first_look ||
         (periods >= first_quick_look && quick(events.batches.mean().value_or(0.0), spikes_each));
}

void StepAnalyzer::note_long(std::int64_t interval) {
  if (interval > long_interval_) observed_at_long_ = observed_at_spike_;
  const std::int64_t count = train_.intervals().count();
  if (count < next_median_) return;
  next_median_ = count + (count + 9) / 10;
  const double median_us = *train_.histogram().quantile_us(0.5);
  long_interval_ = std::llround(rules_.labels.long_interval * median_us * 1e-6 / seconds_per_tick_);
}

/// A few long intervals that stand apart: settling that is over, or the first gaps between bursts?
bool StepAnalyzer::may_burst(Ticks now) const {
  constexpr std::int64_t gaps_of_bursts = 5;
  const std::int64_t apart = long_intervals(train_.histogram(), rules_.labels);
  return apart > 0 && apart < gaps_of_bursts && train_.observed(now) < 3 * observed_at_long_;
}

double StepAnalyzer::jitter_s() const {
  return std::max(rules_.timer_floor_s, seconds_per_tick_);
}

double StepAnalyzer::floor(const BatchMeans& batches) const {
  if (batches.sum() <= 0) return 0.0;
  return jitter_s() * std::sqrt(2.0) / (static_cast<double>(batches.sum()) * seconds_per_tick_);
}

bool StepAnalyzer::drifts(const BatchMeans& batches, int dropped, double p) const {
  const auto slope = batches.slope(dropped);
  const auto mean = batches.mean(dropped);
  if (!slope || !mean || slope->p >= p) return false;
  // In a train without noise any change is significant; one that is small against the precision does not matter.
  const double change = std::abs(slope->per_batch) * (batches.count() - dropped - 1) / *mean;
  return change > tolerated_change * rules_.relative_precision;
}

StepAnalyzer::Precision StepAnalyzer::precision(const BatchMeans& batches) const {
  Precision p;
  p.dropped = batches.settling();
  p.drifts = drifts(batches, p.dropped, rules_.drift_p);
  const auto half_width = batches.half_width(p.dropped);
  const auto mean = batches.mean(p.dropped);
  if (mean && p.dropped == batches.count() / 2 && p.dropped > 0) {
    // A train without noise settles for ever, by less and less.
    p.settled = std::abs(*batches.mean() - *mean) <= tolerated_change * rules_.relative_precision * *mean;
  }
  if (half_width && mean && *mean > 0.0) {
    p.half_width = std::max(*half_width * batches.widening(p.dropped) / *mean, floor(batches));
  }
  return p;
}

bool StepAnalyzer::precise(const Precision& p) const {
  return p.half_width && *p.half_width < rules_.relative_precision;
}

Verdict StepAnalyzer::finish(StepStatus status) {
  verdict_ = Verdict{true, status};
  return *verdict_;
}

StepStatus StepAnalyzer::ceiling_status() const {
  if (train_.spikes() == 0) return settling() ? StepStatus::undetermined : StepStatus::upper_bound;
  const Precision p = precision(events().batches);
  if (!p.half_width) return StepStatus::undetermined;
  return p.moving() ? StepStatus::drifting : StepStatus::timeout;
}

Verdict StepAnalyzer::evaluate(Ticks now) {
  if (verdict_) return *verdict_;
  if (silent(now)) return finish(StepStatus::upper_bound);
  if (const auto decided = look(now)) return *decided;
  if (ceiling(now)) return finish(ceiling_status());
  return {false, train_.spikes() == 0 && !settling() ? StepStatus::upper_bound : StepStatus::undetermined};
}

std::optional<Verdict> StepAnalyzer::look(Ticks now) {
  const std::int64_t counted = train_.spikes();
  const bool due = looked_ ? counted >= next_look_
                           : counted >= first_look ||
                                 (counted >= first_quick_look && quick(train_.intervals().mean().value_or(0.0), 1.0));
  if (!due || (not_before_ && now < *not_before_)) return std::nullopt;
  const Events e = events();
  if (!e.bursts && may_burst(now)) return std::nullopt;
  looked_ = true;
  next_look_ = counted + std::max<std::int64_t>(1, (counted + 9) / 10);
  if (!enough(e)) return std::nullopt;

  const Precision p = precision(e.batches);
  precise_looks_ = precise(p) ? precise_looks_ + 1 : 0;
  // A step that was extended for its drift and still drifts need not become precise before that counts again.
  const bool moves_on = p.moving() && extensions_ > 0;
  if (precise_looks_ < looks_needed && !moves_on) return std::nullopt;
  if (!p.moving()) return finish(StepStatus::ok);
  if (extensions_ == most_extensions) return finish(StepStatus::drifting);
  ++extensions_;
  precise_looks_ = 0;
  not_before_ = now + (now - start_);
  return std::nullopt;
}

Estimate StepAnalyzer::count_estimate(Ticks end) const {
  Estimate e;
  const double seconds = static_cast<double>(train_.observed(end)) * seconds_per_tick_;
  if (seconds > 0.0) {
    const CountInterval bounds = count_interval(train_.spikes(), seconds);
    e.low = bounds.low_hz;
    e.high = bounds.high_hz;
  }
  const IntervalStatistics& intervals = train_.intervals();
  if (intervals.sum() > 0) {
    const double sum_s = static_cast<double>(intervals.sum()) * seconds_per_tick_;
    e.value = static_cast<double>(intervals.count()) / sum_s;
    if (e.low && *e.low <= *e.value && *e.value <= *e.high) return e;
    // Spikes close together in a long step: count and intervals contradict each other, so that both are let in.
    const CountInterval bounds = interval_of_sum(intervals.count(), sum_s);
    e.low = std::min(e.low.value_or(bounds.low_hz), bounds.low_hz);
    e.high = std::max(e.high.value_or(bounds.high_hz), bounds.high_hz);
  }
  return e;
}

Estimate StepAnalyzer::rate_estimate(const BatchMeans& batches, const Precision& p, bool last_half) const {
  const int dropped = last_half ? std::max(p.dropped, batches.count() / 2) : p.dropped;
  const std::int64_t sum = batches.sum() - batches.sum_of_first(dropped);
  const std::int64_t count = batches.intervals() - dropped * batches.batch_size();
  Estimate e;
  if (sum <= 0) return e;
  const double rate = static_cast<double>(count) / (static_cast<double>(sum) * seconds_per_tick_);
  e.value = rate;
  auto relative = p.half_width;
  if (last_half) {
    const auto half_width = batches.half_width(dropped);
    const auto mean = batches.mean(dropped);
    relative = half_width && mean
                   ? std::optional(std::max(*half_width * batches.widening(dropped) / *mean, floor(batches)))
                   : std::nullopt;
  }
  if (relative) {
    e.low = std::max(0.0, rate * (1.0 - *relative));
    e.high = rate * (1.0 + *relative);
  }
  return e;
}

StepStatus StepAnalyzer::rate_status(Ticks end, const BatchMeans& batches, const Precision& p) const {
  if (train_.spikes() < least_for_rate || !p.half_width) return StepStatus::undetermined;
  if (verdict_ && verdict_->done && verdict_->status != StepStatus::upper_bound) {
    // The data between decision and end are one more look: only a certain drift overrules the decision.
    const bool late_drift = p.drifts && drifts(batches, p.dropped, rules_.drift_p * rules_.drift_p);
    if (verdict_->status != StepStatus::ok) return verdict_->status;
    if (late_drift) return StepStatus::drifting;
    // And only a clear loss of precision: a pause of the neuron that came after the decision.
    return *p.half_width > lost_precision * rules_.relative_precision ? StepStatus::undetermined : StepStatus::ok;
  }
  if (p.moving() && ceiling(end)) return StepStatus::drifting;
  if (precise(p) && !p.moving()) return StepStatus::ok;
  return ceiling(end) ? StepStatus::timeout : StepStatus::undetermined;
}

void StepAnalyzer::write_rates(StepResult& row, Ticks end) const {
  const Events e = events();
  const Precision p = precision(e.batches);
  row.status = rate_status(end, e.batches, p);
  if (settling()) return;
  if (train_.spikes() < least_for_rate) {
    row.frequency_hz = row.spike_rate_hz = count_estimate(end);
    return;
  }
  const bool last_half = row.status == StepStatus::drifting;
  row.frequency_hz = rate_estimate(e.batches, p, last_half);
  row.spike_rate_hz = row.frequency_hz;
  if (!e.bursts) return;
  row.spike_rate_hz = rate_estimate(train_.batches(), precision(train_.batches()), last_half);
  row.spikes_per_burst = e.bursts->spikes_per_burst.mean();
}

StepResult StepAnalyzer::result(Ticks end) const {
  StepResult row;
  row.start = start_;
  row.end = end;
  row.duration_s = static_cast<double>(end - start_) * seconds_per_tick_;
  row.n_spikes = spikes_;
  row.n_gaps = gaps_;
  row.cv = train_.intervals().cv();

  // An output that charges up slowly may look like a spike that goes on: it does not end the silence.
  const bool ended_silent = verdict_ && verdict_->status == StepStatus::upper_bound;
  const bool charged_up = train_.spikes() == 1 && output_.open_spike();
  const bool silence = (train_.spikes() == 0 && !settling()) || silent(end) || (ended_silent && charged_up);
  Phase phase = find_phase({train_, output_, seconds_per_tick_, rules_.load_time_s, silence}, rules_.labels);
  row.label = silence && settling() && phase.label == Label::QH ? Label::transient : phase.label;
  row.features = features_of(train_, output_, phase.label, seconds_per_tick_);
  put_order(train_, phase.label, jitter_s(), seconds_per_tick_, row.features);
  row.label_fractions = std::move(phase.fractions);
  row.vacancies = phase.vacancies;
  if (silence) {
    // Spikes at the start and then silence have no rate: the bound is that of the silence.
    row.status = StepStatus::upper_bound;
    const CountInterval bounds = count_interval(0, silence_s(end));
    if (spikes_ == 0) {
      row.frequency_hz = count_estimate(end);
    } else {
      row.frequency_hz = {std::nullopt, bounds.low_hz, bounds.high_hz};
    }
    row.spike_rate_hz = row.frequency_hz;
  } else {
    write_rates(row, end);
  }
  if (2 * low_peaks_ > spikes_) row.status = StepStatus::aliased;
  if (saturated_) row.status = StepStatus::saturated;
  return row;
}

}  // namespace thyrode::analysis
