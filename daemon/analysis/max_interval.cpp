#include "daemon/analysis/max_interval.hpp"

namespace thyrode::analysis {

void MaxInterval::spike(Ticks at) {
  const std::int64_t number = spikes_++;
  const std::int64_t interval = number > 0 ? at - before_ : 0;
  if (open_ && interval <= rules_.go_on) {
    open_->last = at;
    open_->last_spike = number;
  } else {
    if (open_) join(waiting_, *open_, sums_);
    open_.reset();
    if (number > 0 && interval <= rules_.start) open_ = Run{before_, at, number - 1, number};
  }
  before_ = at;
}

/// The run that waited is joined to a new one, or counted.
void MaxInterval::join(std::optional<Run>& waiting, const Run& run, Sums& sums) const {
  if (waiting && run.first - waiting->last < rules_.gap) {
    waiting->last = run.last;
    waiting->last_spike = run.last_spike;
    return;
  }
  if (waiting) count(*waiting, sums);
  waiting = run;
}

void MaxInterval::count(const Run& run, Sums& sums) const {
  const std::int64_t spikes = run.last_spike - run.first_spike + 1;
  if (run.last - run.first < rules_.duration || spikes < rules_.spikes) return;
  if (sums.bursts == 0) sums.first = run.first;
  sums.last = run.first;
  ++sums.bursts;
  sums.spikes += spikes;
  sums.duration += run.last - run.first;
}

MaxIntervalBursts MaxInterval::result() const {
  std::optional<Run> waiting = waiting_;
  Sums sums = sums_;
  if (open_) join(waiting, *open_, sums);
  if (waiting) count(*waiting, sums);
  MaxIntervalBursts result{sums.bursts, sums.spikes, {}, {}, {}};
  if (sums.bursts == 0) return result;
  const auto n = static_cast<double>(sums.bursts);
  result.spikes_per_burst = static_cast<double>(sums.spikes) / n;
  result.duration = static_cast<double>(sums.duration) / n;
  if (sums.bursts > 1) result.period = static_cast<double>(sums.last - sums.first) / (n - 1.0);
  return result;
}

}  // namespace thyrode::analysis
