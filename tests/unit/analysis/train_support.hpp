// Trains made for the tests of bursts, missing spikes and order. Times are ticks of 1 µs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "daemon/analysis/train_statistics.hpp"

namespace thyrode::analysis::test {

using Intervals = std::vector<std::int64_t>;
using Random = std::mt19937_64;

inline std::int64_t normal(Random& random, double mean, double cv) {
  return std::max<std::int64_t>(1, std::llround(std::normal_distribution<double>(mean, mean * cv)(random)));
}

inline Intervals gamma_train(Random& random, std::size_t count, double mean, double cv, double dead_time = 0.0) {
  std::gamma_distribution<double> draw(1.0 / (cv * cv), (mean - dead_time) * cv * cv);
  Intervals intervals;
  while (intervals.size() < count) intervals.push_back(1 + std::llround(dead_time + draw(random)));
  return intervals;
}

/// A regular train of 1000 ticks in which spikes are missing independently.
inline Intervals thinned_train(Random& random, std::size_t count, double cv, double missing) {
  std::bernoulli_distribution lost(missing);
  Intervals intervals;
  std::int64_t sum = 0;
  while (intervals.size() < count) {
    sum += normal(random, 1000.0, cv);
    if (lost(random)) continue;
    intervals.push_back(sum);
    sum = 0;
  }
  return intervals;
}

struct BurstShape {
  double inside = 2000.0;  // ticks
  double ratio = 5.0;      // gap/inside
  double cv_inside = 0.05;
  double cv_gap = 0.1;
  int fewest = 4, most = 6;  // spikes
};

inline Intervals burst_train(Random& random, std::size_t count, const BurstShape& shape) {
  std::uniform_int_distribution<int> size(shape.fewest, shape.most);
  Intervals intervals;
  while (intervals.size() < count) {
    for (int k = size(random); k > 1; --k) intervals.push_back(normal(random, shape.inside, shape.cv_inside));
    intervals.push_back(normal(random, shape.inside * shape.ratio, shape.cv_gap));
  }
  return intervals;
}

inline IsiHistogram histogram_of(const Intervals& intervals) {
  IsiHistogram histogram;
  for (const std::int64_t interval : intervals) histogram.add(static_cast<double>(interval));
  return histogram;
}

inline TrainStatistics statistics_of(const Intervals& intervals, const TrainSettings& settings = {}) {
  TrainStatistics statistics(1e-6, Ticks{0}, settings);
  Ticks at{0};
  statistics.spike(at);
  for (const std::int64_t interval : intervals) statistics.spike(at = at + interval);
  return statistics;
}

}  // namespace thyrode::analysis::test
