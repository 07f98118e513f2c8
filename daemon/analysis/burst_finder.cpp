#include "daemon/analysis/burst_finder.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace thyrode::analysis {
namespace {

// Five counters of 2 % are a bin of 0.1 e-fold.
constexpr int counters_per_bin = 5;
constexpr int bins = (IsiHistogram::size + counters_per_bin - 1) / counters_per_bin;
using Bins = std::array<double, bins>;

constexpr double least_depth = 0.7;
constexpr double least_deviations = 2.0;
constexpr double least_on_side = 5.0;
constexpr double least_ratio = 2.5;
constexpr double least_in_runs = 0.7;
constexpr std::int64_t first_look = 16;

std::size_t at(int bin) {
  return static_cast<std::size_t>(bin);
}

Bins coarse(const IsiHistogram& histogram) {
  Bins sums{};
  for (int k = 0; k < IsiHistogram::size; ++k) {
    sums[at(k / counters_per_bin)] += static_cast<double>(histogram.counters()[at(k)]);
  }
  return sums;
}

constexpr std::array weights{1.0 / 9.0, 2.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0};

Bins smooth(const Bins& counts) {
  Bins h{};
  for (int k = 0; k < bins; ++k) {
    for (int d = -2; d <= 2; ++d) {
      if (k + d >= 0 && k + d < bins) h[at(k)] += weights[at(d + 2)] * counts[at(k + d)];
    }
  }
  return h;
}

/// Middle of every rise that is followed by a fall.
std::vector<int> peaks(const Bins& h) {
  std::vector<int> found;
  int rise = -1;  // first bin of the plateau after the latest rise
  for (int k = 0; k <= bins; ++k) {
    const double before = k > 0 ? h[at(k - 1)] : 0.0;
    const double here = k < bins ? h[at(k)] : 0.0;
    if (here > before) rise = k;
    if (here < before && rise >= 0) {
      found.push_back((rise + k - 1) / 2);
      rise = -1;
    }
  }
  return found;
}

/// The widest run of lowest bins between two peaks.
struct Floor {
  double value = 0.0;
  int first = 0, last = 0;
};

Floor floor_between(const Bins& h, int left, int right) {
  Floor best;
  best.value = *std::min_element(h.begin() + left, h.begin() + right + 1);
  // Sums of ninths differ in their last bits.
  const double limit = best.value + 1e-9;
  int widest = 0;
  for (int k = left, run = 0; k <= right; ++k) {
    run = h[at(k)] <= limit ? run + 1 : 0;
    if (run > widest) {
      widest = run;
      best.first = k - run + 1;
      best.last = k;
    }
  }
  return best;
}

std::int64_t count_between(const IsiHistogram& histogram, int first, int end) {
  std::int64_t sum = 0;
  for (int k = std::max(0, first); k < std::min(end, IsiHistogram::size); ++k) sum += histogram.counters()[at(k)];
  return sum;
}

/// Median of the intervals in the counters [first, end), each at the mean of its counter; 0 without intervals.
double median_us(const IsiHistogram& histogram, int first, int end) {
  const std::int64_t total = count_between(histogram, first, end);
  const auto ranked = [&](std::int64_t rank) {
    std::int64_t below = 0;
    for (int k = first; k < end; ++k) {
      below += histogram.counters()[at(k)];
      if (below > rank) return histogram.mean_us(k);
    }
    return 0.0;
  };
  return 0.5 * (ranked((total - 1) / 2) + ranked(total / 2));
}

}  // namespace

std::optional<IntervalValley> find_valley(const IsiHistogram& histogram) {
  const Bins counts = coarse(histogram);
  const Bins h = smooth(counts);
  const std::vector<int> tops = peaks(h);
  // Variance of a smoothed bin over its height: the sum of the squared weights.
  double variance = 0.0;
  for (const double w : weights) variance += w * w;

  std::optional<IntervalValley> best;
  double best_score = 0.0;
  for (std::size_t a = 0; a < tops.size(); ++a) {
    for (std::size_t b = a + 1; b < tops.size(); ++b) {
      const double left = h[at(tops[a])];
      const double right = h[at(tops[b])];
      const Floor valley = floor_between(h, tops[a], tops[b]);
      const double depth = 1.0 - valley.value / std::sqrt(left * right);
      const double lower = std::min(left, right);
      if (depth < least_depth || lower - valley.value <= least_deviations * std::sqrt(variance * lower)) continue;
      const int counter = (valley.first + valley.last + 1) * counters_per_bin / 2;
      const auto shorter = static_cast<double>(count_between(histogram, 0, counter));
      const double fewer = std::min(shorter, static_cast<double>(histogram.total()) - shorter);
      if (fewer < least_on_side) continue;
      const double score = depth * std::log1p(fewer) * (tops[b] - tops[a]);
      if (best && score <= best_score) continue;
      best_score = score;
      best = IntervalValley{counter, depth};
    }
  }
  return best;
}

void BurstFinder::Tally::end_burst() {
  const std::int64_t size = run + 1;
  spikes.add(static_cast<double>(size));
  if (size >= 2) {
    in_runs += size;
    inside += run_sum;
  }
  if (run >= 2) {
    // The ratios of neighbours telescope.
    log_ratio += std::log(static_cast<double>(run_last) / static_cast<double>(run_first));
    log_pairs += run - 1;
  }
}

void BurstFinder::Tally::add(std::int64_t interval, std::int64_t threshold) {
  if (interval > threshold) {
    if (open) {
      end_burst();
      periods.add(last_gap + run_sum);
      period.add(static_cast<double>(last_gap + run_sum));
    }
    onsets.add(clock);
    gap.add(static_cast<double>(interval));
    open = true;
    last_gap = interval;
    run = 0;
    run_sum = 0;
  } else if (open) {
    if (run == 0) run_first = interval;
    ++run;
    run_sum += interval;
    run_last = interval;
  }
  clock += interval;
}

void BurstFinder::Tally::interrupt() {
  open = false;
  run = 0;
  run_sum = 0;
  onsets.interrupt();
}

BurstFinder::BurstFinder(double seconds_per_tick, std::optional<double> threshold_us)
    : us_per_tick_(seconds_per_tick * 1e6), given_(threshold_us.has_value()), next_look_(first_look) {
  if (threshold_us) set_threshold(*threshold_us);
}

void BurstFinder::set_threshold(double us) {
  threshold_us_ = us;
  threshold_ = static_cast<std::int64_t>(std::floor(us / us_per_tick_));
}

void BurstFinder::add(std::int64_t interval, const IsiHistogram& histogram) {
  store(interval);
  ++intervals_;
  sum_ += interval;
  if (threshold_) tally_.add(interval, *threshold_);
  if (given_ || intervals_ < next_look_) return;
  next_look_ = intervals_ + std::max<std::int64_t>(1, (intervals_ + 9) / 10);
  look(histogram);
}

void BurstFinder::interrupt() {
  store(0);
  tally_.interrupt();
}

void BurstFinder::store(std::int64_t interval) {
  recent_[static_cast<std::size_t>(stored_ & (recent - 1))] = interval;
  ++stored_;
}

void BurstFinder::look(const IsiHistogram& histogram) {
  const auto valley = find_valley(histogram);
  if (!valley) {
    threshold_.reset();
    tally_ = {};
    return;
  }
  if (threshold_ && valley->counter == counter_) return;
  // An interval at an edge may be rounded to either counter: one more on each side.
  const auto [low, high] = std::minmax(counter_, valley->counter);
  const bool sorts_alike = threshold_ && count_between(histogram, low - 1, high + 1) == 0;
  counter_ = valley->counter;
  set_threshold(IsiHistogram::lower_edge_us(counter_));
  if (!sorts_alike) rebuild();
}

void BurstFinder::rebuild() {
  complete_ = stored_ <= recent;
  tally_ = {};
  for (std::int64_t k = std::max<std::int64_t>(0, stored_ - recent); k < stored_; ++k) {
    const std::int64_t interval = recent_[static_cast<std::size_t>(k & (recent - 1))];
    if (interval > 0) {
      tally_.add(interval, *threshold_);
    } else {
      tally_.interrupt();
    }
  }
}

std::optional<Bursts> BurstFinder::bursts(const IsiHistogram& histogram) const {
  if (given_ || intervals_ < first_look) return summary(histogram);
  BurstFinder now = *this;
  now.look(histogram);
  return now.summary(histogram);
}

std::optional<Bursts> BurstFinder::summary(const IsiHistogram& histogram) const {
  if (!threshold_) return std::nullopt;
  // A given threshold lies inside a counter: its intervals go to the side of the middle.
  const int split = given_ ? IsiHistogram::counter_of(threshold_us_ * std::sqrt(IsiHistogram::gamma)) : counter_;
  Bursts b;
  b.threshold_us = threshold_us_;
  b.given = given_;
  b.complete = complete_;
  b.gaps = given_ ? tally_.gap.count() : count_between(histogram, split, IsiHistogram::size);
  if (b.gaps == 0) return std::nullopt;
  b.median_gap_us = median_us(histogram, split, IsiHistogram::size);
  b.median_inside_us = median_us(histogram, 0, split);
  b.periods = tally_.periods;
  b.period = tally_.period;
  b.spikes_per_burst = tally_.spikes;
  b.gap = tally_.gap;
  b.onsets = tally_.onsets;
  const double bursts = static_cast<double>(b.periods.intervals());
  if (bursts > 0.0) {
    b.in_runs = static_cast<double>(tally_.in_runs) / (bursts * *b.spikes_per_burst.mean());
    b.duty = static_cast<double>(tally_.inside) / static_cast<double>(b.periods.sum());
  }
  if (tally_.log_pairs > 0) b.log_slope = tally_.log_ratio / static_cast<double>(tally_.log_pairs);
  b.frequency_hz = frequency(b);
  b.accepted = b.median_inside_us > 0.0 && b.median_gap_us >= least_ratio * b.median_inside_us &&
               b.in_runs.value_or(0.0) >= least_in_runs;
  return b;
}

Estimate BurstFinder::frequency(const Bursts& bursts) const {
  Estimate e;
  const double seconds_per_tick = us_per_tick_ * 1e-6;
  if (bursts.periods.sum() <= 0) return e;
  e.value = complete_ ? static_cast<double>(bursts.periods.intervals()) /
                            (static_cast<double>(bursts.periods.sum()) * seconds_per_tick)
                      : static_cast<double>(bursts.gaps) / (static_cast<double>(sum_) * seconds_per_tick);
  const auto half_width = bursts.periods.half_width();
  const auto mean = bursts.periods.mean();
  if (!half_width || !mean) return e;
  e.low = std::max(0.0, *e.value * (1.0 - *half_width / *mean));
  e.high = *e.value * (1.0 + *half_width / *mean);
  return e;
}

}  // namespace thyrode::analysis
