#include "daemon/simulation/pattern.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "daemon/analysis/phase_label.hpp"

namespace thyrode::simulation {
namespace {

using analysis::Label;

constexpr double regular_ratio = 1.5;
constexpr double fast_intervals = 10.0;  // load times
constexpr double plateau_ratio = 4.0;
constexpr double plateau_length = 3.0;  // load times
// Two groups of intervals have a void of at least this ratio between them.
constexpr double void_ratio = 1.5;
constexpr double group_ratio = 2.5;
// Of the spikes of a bursting train at least so many lie in bursts of two or more.
constexpr double least_grouped = 0.7;

std::vector<double> intervals_of(const std::vector<double>& times) {
  std::vector<double> intervals;
  for (std::size_t k = 1; k < times.size(); ++k) intervals.push_back(times[k] - times[k - 1]);
  return intervals;
}

std::optional<double> variation(const std::vector<double>& intervals) {
  if (intervals.size() < 2) return std::nullopt;
  double mean = 0.0;
  for (const double x : intervals) mean += x / double(intervals.size());
  double square = 0.0;
  for (const double x : intervals) square += (x - mean) * (x - mean) / double(intervals.size());
  return std::sqrt(square) / mean;
}

// Where sorted intervals fall into two groups far apart, each of two at least: the middle of the widest void.
std::optional<double> void_between_groups(const std::vector<double>& sorted) {
  std::size_t split = 0;
  double widest = void_ratio;
  for (std::size_t k = 2; k + 2 <= sorted.size(); ++k) {
    if (sorted[k] < widest * sorted[k - 1]) continue;
    widest = sorted[k] / sorted[k - 1];
    split = k;
  }
  if (split == 0) return std::nullopt;
  const double median_short = sorted[split / 2];
  const double median_long = sorted[split + (sorted.size() - split) / 2];
  if (median_long < group_ratio * median_short) return std::nullopt;
  return std::sqrt(sorted[split - 1] * sorted[split]);
}

// Bursts begin after the intervals above `parting`; only whole periods between two beginnings count.
struct Bursts {
  std::size_t periods = 0;
  std::size_t spikes = 0;   // of whole periods
  std::size_t grouped = 0;  // of these, in bursts of two at least
  double duration = 0.0;    // s, of whole periods

  // A single spike between two silences is no burst; a few short intervals do not make a tonic train one.
  bool are_bursts() const { return double(grouped) >= least_grouped * double(spikes); }
};

Bursts count_bursts(const EventList& events, double parting) {
  const std::vector<double>& t = events.spike_times;
  Bursts bursts;
  std::optional<std::size_t> begin;
  for (std::size_t k = 1; k < t.size(); ++k) {
    if (t[k] - t[k - 1] <= parting) continue;
    if (begin) {
      ++bursts.periods;
      bursts.spikes += k - *begin;
      if (k - *begin > 1) bursts.grouped += k - *begin;
      bursts.duration += t[k] - t[*begin];
    }
    begin = k;
  }
  return bursts;
}

bool has_plateaus(const EventList& events, double load_time) {
  if (events.conduction_times.empty()) return false;
  const auto [shortest, longest] = std::minmax_element(events.conduction_times.begin(), events.conduction_times.end());
  const double plateau = std::max(*longest, events.conducting ? events.conducting_for : 0.0);
  return plateau > plateau_ratio * *shortest && plateau > plateau_length * load_time;
}

}  // namespace

Pattern find_pattern(const EventList& events, const CircuitFacts& facts) {
  Pattern pattern;
  const std::vector<double>& t = events.spike_times;
  std::vector<double> intervals = intervals_of(t);
  pattern.cv = variation(intervals);
  if (!intervals.empty()) pattern.event_frequency_hz = double(intervals.size()) / (t.back() - t.front());
  std::sort(intervals.begin(), intervals.end());
  // Noise may hold a switch closed for a moment: it counts as latched once the silence is longer than any before.
  const bool held = events.latched && (!facts.noisy || intervals.empty() || events.conducting_for > intervals.back());
  if (t.empty() || held) {
    pattern.label = events.conducting ? Label::QD : Label::QH;
    return pattern;
  }
  if (intervals.empty()) return pattern;

  const double load_time = facts.load_time ? facts.load_time->si() : 0.0;
  const double median = intervals[intervals.size() / 2];
  const Label tonic = median < fast_intervals * load_time ? Label::FS : Label::TS;
  const double longest = std::max({intervals.back(), events.silence_before, events.silence_after});
  if (longest < regular_ratio * intervals.front()) {
    pattern.label = tonic;
    return pattern;
  }
  const auto parting =
      facts.noisy ? void_between_groups(intervals) : std::optional{std::sqrt(intervals.front() * longest)};
  const Bursts bursts = parting ? count_bursts(events, *parting) : Bursts{};
  if (!parting || !bursts.are_bursts()) {
    const Label order = analysis::order_label(std::int64_t(t.size()), pattern.cv, std::nullopt);
    pattern.label = order == Label::TS ? tonic : order;
    return pattern;
  }
  pattern.label = has_plateaus(events, load_time) ? Label::IB2 : Label::IB1;
  pattern.event_frequency_hz.reset();
  if (bursts.periods > 0) {
    pattern.event_frequency_hz = double(bursts.periods) / bursts.duration;
    pattern.spikes_per_burst = double(bursts.spikes) / double(bursts.periods);
  }
  return pattern;
}

}  // namespace thyrode::simulation
