#include "daemon/analysis/train_statistics.hpp"

#include <algorithm>

namespace thyrode::analysis {

TrainStatistics::TrainStatistics(double seconds_per_tick, Ticks begin, const TrainSettings& settings)
    : begin_(begin),
      us_per_tick_(seconds_per_tick * 1e6),
      missing_until_(begin),
      bursts_(seconds_per_tick, settings.burst_threshold_us),
      pairs_(settings.window, begin) {}

bool TrainStatistics::spike(Ticks at) {
  if (at < begin_ || (latest_ && at <= *latest_)) {
    ++rejected_;
    return false;
  }
  latest_ = at;
  ++spikes_;
  structure_factor_.add(at.count);
  pairs_.add(at);
  if (previous_) {
    const std::int64_t interval = at - *previous_;
    intervals_.add(interval);
    batches_.add(interval);
    histogram_.add(static_cast<double>(interval) * us_per_tick_);
    bursts_.add(interval, histogram_);
  }
  previous_ = at;
  return true;
}

void TrainStatistics::begin_at(Ticks at) {
  begin_ = at;
  // Of a gap that reaches beyond, the rest is missing still.
  missing_ = std::max<std::int64_t>(0, missing_until_ - at);
  missing_until_ = std::max(missing_until_, at);
  pairs_.begin_at(missing_until_);
}

void TrainStatistics::gap(Ticks from, Ticks to) {
  ++gaps_;
  previous_.reset();
  intervals_.interrupt();
  structure_factor_.interrupt();
  bursts_.interrupt();
  pairs_.gap(from, to);
  const Ticks begin = std::max({from, missing_until_, latest_.value_or(begin_)});
  if (to > begin) {
    missing_ += to - begin;
    missing_until_ = to;
  }
}

std::int64_t TrainStatistics::observed(Ticks until) const {
  return std::max<std::int64_t>(0, (until - begin_) - missing_);
}

std::optional<double> TrainStatistics::phase_order() const {
  return histogram_.phase_order();
}

std::optional<Bursts> TrainStatistics::bursting() const {
  auto found = bursts();
  if (!found || !found->accepted) return std::nullopt;
  const auto missing = vacancies();
  if (missing && missing->found()) return std::nullopt;
  return found;
}

}  // namespace thyrode::analysis
