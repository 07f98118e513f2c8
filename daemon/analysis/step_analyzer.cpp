#include "daemon/analysis/step_analyzer.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/analysis/phase_label.hpp"

namespace thyrode::analysis {
namespace {

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
      origin_(start + to_tick_count(rules.settle_drop_s, seconds_per_tick)) {}

void StepAnalyzer::spike(Ticks at, const SpikeShape& shape) {
  if (at < start_ || (latest_ && at <= *latest_)) {
    ++rejected_;
    return;
  }
  latest_ = at;
  ++spikes_;
  peak_sum_ += shape.peak;
  trough_sum_ += shape.trough;
  if (shape.peak < rules_.least_peak) ++low_peaks_;
  level_sum_ = 0.0;
  levels_ = 0;
  open_spike_ = false;
  if (at < origin_ || spikes_ <= rules_.settle_spikes) return;

  ++counted_;
  observed_at_spike_ = observed(at);
  structure_factor_.add(at.count);
  if (previous_) {
    const std::int64_t interval = at - *previous_;
    intervals_.add(interval);
    batches_.add(interval);
    histogram_.add(static_cast<double>(interval) * seconds_per_tick_ * 1e6);
  }
  previous_ = at;
}

void StepAnalyzer::gap(Ticks from, Ticks to) {
  ++gaps_;
  previous_.reset();
  intervals_.interrupt();
  structure_factor_.interrupt();
  const Ticks begin = std::max({from, origin_, latest_.value_or(origin_)});
  if (to > begin) missing_ += to - begin;
}

void StepAnalyzer::level(double v_out_mean, bool open_spike) {
  level_sum_ += v_out_mean;
  ++levels_;
  open_spike_ = open_spike;
}

std::int64_t StepAnalyzer::observed(Ticks until) const {
  return std::max<std::int64_t>(0, (until - origin_) - missing_);
}

double StepAnalyzer::silence_s(Ticks until) const {
  const std::int64_t since = counted_ > 0 ? observed_at_spike_ : 0;
  return static_cast<double>(std::max<std::int64_t>(0, observed(until) - since)) * seconds_per_tick_;
}

bool StepAnalyzer::silent(Ticks until) const {
  const double quiescence = std::max(20.0 * rules_.membrane_tau_s, 3.0 / rules_.f_min_hz);
  const double longest = static_cast<double>(intervals_.longest()) * seconds_per_tick_;
  return silence_s(until) >= std::max(10.0 * longest, quiescence);
}

bool StepAnalyzer::ceiling(Ticks now) const {
  return static_cast<double>(now - start_) * seconds_per_tick_ >= rules_.longest_s || spikes_ >= rules_.most_spikes;
}

bool StepAnalyzer::quick() const {
  const auto mean = intervals_.mean();
  return mean && *mean * seconds_per_tick_ * static_cast<double>(first_look - 1) > 0.5 * rules_.longest_s;
}

double StepAnalyzer::floor() const {
  if (intervals_.sum() <= 0) return 0.0;
  const double jitter = std::max(rules_.timer_floor_s, seconds_per_tick_);
  return jitter * std::sqrt(2.0) / (static_cast<double>(intervals_.sum()) * seconds_per_tick_);
}

bool StepAnalyzer::drifts(int dropped, double p) const {
  const auto slope = batches_.slope(dropped);
  const auto mean = batches_.mean(dropped);
  if (!slope || !mean || slope->p >= p) return false;
  // In a train without noise any change is significant; one that is small against the precision does not matter.
  const double change = std::abs(slope->per_batch) * (batches_.count() - dropped - 1) / *mean;
  return change > tolerated_change * rules_.relative_precision;
}

StepAnalyzer::Precision StepAnalyzer::precision() const {
  Precision p;
  p.dropped = batches_.settling();
  p.drifts = drifts(p.dropped, rules_.drift_p);
  const auto half_width = batches_.half_width(p.dropped);
  const auto mean = batches_.mean(p.dropped);
  if (mean && p.dropped == batches_.count() / 2 && p.dropped > 0) {
    // A train without noise settles for ever, by less and less.
    p.settled = std::abs(*batches_.mean() - *mean) <= tolerated_change * rules_.relative_precision * *mean;
  }
  if (half_width && mean && *mean > 0.0) p.half_width = std::max(*half_width / *mean, floor());
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
  if (counted_ == 0) return StepStatus::upper_bound;
  const Precision p = precision();
  if (!p.half_width) return StepStatus::undetermined;
  return p.moving() ? StepStatus::drifting : StepStatus::timeout;
}

Verdict StepAnalyzer::evaluate(Ticks now) {
  if (verdict_) return *verdict_;
  if (silent(now)) return finish(StepStatus::upper_bound);
  if (const auto decided = look(now)) return *decided;
  if (ceiling(now)) return finish(ceiling_status());
  return {false, counted_ == 0 ? StepStatus::upper_bound : StepStatus::undetermined};
}

std::optional<Verdict> StepAnalyzer::look(Ticks now) {
  const bool due =
      looked_ ? counted_ >= next_look_ : counted_ >= first_look || (counted_ >= first_quick_look && quick());
  if (!due || (not_before_ && now < *not_before_)) return std::nullopt;
  looked_ = true;
  next_look_ = counted_ + std::max<std::int64_t>(1, (counted_ + 9) / 10);

  const Precision p = precision();
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

bool StepAnalyzer::output_high() const {
  if (open_spike_) return true;
  if (spikes_ == 0 || levels_ == 0) return false;
  const auto n = static_cast<double>(spikes_);
  const double trough = trough_sum_ / n;
  const double swing = peak_sum_ / n - trough;
  // A quarter of the swing is the level a trigger re-arms at: an output above it has not come down.
  return swing > 0.0 && level_sum_ / static_cast<double>(levels_) > trough + 0.25 * swing;
}

Estimate StepAnalyzer::count_estimate(Ticks end) const {
  Estimate e;
  const double seconds = static_cast<double>(observed(end)) * seconds_per_tick_;
  if (seconds > 0.0) {
    const CountInterval bounds = count_interval(counted_, seconds);
    e.low = bounds.low_hz;
    e.high = bounds.high_hz;
  }
  if (intervals_.sum() > 0) {
    e.value = static_cast<double>(intervals_.count()) / (static_cast<double>(intervals_.sum()) * seconds_per_tick_);
  }
  return e;
}

Estimate StepAnalyzer::rate_estimate(const Precision& p, bool last_half) const {
  const int dropped = last_half ? std::max(p.dropped, batches_.count() / 2) : p.dropped;
  const std::int64_t sum = batches_.sum() - batches_.sum_of_first(dropped);
  const std::int64_t count = batches_.intervals() - dropped * batches_.batch_size();
  Estimate e;
  if (sum <= 0) return e;
  const double rate = static_cast<double>(count) / (static_cast<double>(sum) * seconds_per_tick_);
  e.value = rate;
  auto relative = p.half_width;
  if (last_half) {
    const auto half_width = batches_.half_width(dropped);
    const auto mean = batches_.mean(dropped);
    relative = half_width && mean ? std::optional(std::max(*half_width / *mean, floor())) : std::nullopt;
  }
  if (relative) {
    e.low = std::max(0.0, rate * (1.0 - *relative));
    e.high = rate * (1.0 + *relative);
  }
  return e;
}

StepStatus StepAnalyzer::rate_status(Ticks end, const Precision& p) const {
  if (counted_ < least_for_rate || !p.half_width) return StepStatus::undetermined;
  if (verdict_ && verdict_->done && verdict_->status != StepStatus::upper_bound) {
    // The data between decision and end are one more look: only a certain drift overrules the decision.
    const bool late_drift = p.drifts && drifts(p.dropped, rules_.drift_p * rules_.drift_p);
    return verdict_->status == StepStatus::ok && late_drift ? StepStatus::drifting : verdict_->status;
  }
  if (p.moving() && ceiling(end)) return StepStatus::drifting;
  if (precise(p) && !p.moving()) return StepStatus::ok;
  return ceiling(end) ? StepStatus::timeout : StepStatus::undetermined;
}

StepResult StepAnalyzer::result(Ticks end) const {
  StepResult row;
  row.start = start_;
  row.end = end;
  row.duration_s = static_cast<double>(end - start_) * seconds_per_tick_;
  row.n_spikes = spikes_;
  row.n_gaps = gaps_;
  row.cv = intervals_.cv();

  if (counted_ == 0) {
    row.status = StepStatus::upper_bound;
    row.label = output_high() ? Label::QD : Label::QH;
    row.frequency_hz = count_estimate(end);
  } else if (silent(end)) {
    // Spikes at the start and then silence have no rate: the bound is that of the silence.
    row.status = StepStatus::upper_bound;
    row.label = output_high() ? Label::QD : Label::transient;
    const CountInterval bounds = count_interval(0, silence_s(end));
    row.frequency_hz = {std::nullopt, bounds.low_hz, bounds.high_hz};
  } else {
    const Precision p = precision();
    row.status = rate_status(end, p);
    row.label = order_label(counted_, row.cv, structure_factor_.value());
    row.frequency_hz =
        counted_ < least_for_rate ? count_estimate(end) : rate_estimate(p, row.status == StepStatus::drifting);
  }
  if (2 * low_peaks_ > spikes_) row.status = StepStatus::aliased;
  if (saturated_) row.status = StepStatus::saturated;
  row.spike_rate_hz = row.frequency_hz;
  return row;
}

}  // namespace thyrode::analysis
