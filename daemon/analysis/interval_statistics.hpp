// Statistics of inter-spike intervals, one pass, O(1) memory.
#pragma once

#include <cstdint>
#include <optional>

namespace thyrode::analysis {

/// Running sums over the intervals of a train. Intervals are differences of integer ticks, hence exact.
/// Pairs are intervals that follow each other directly; interrupt() keeps a gap in the data from making one.
/// Sources: CV, Welford, Technometrics 4:419 (1962); CV2, Holt et al., J Neurophysiol 75:1806 (1996);
/// LV, Shinomoto et al., Neural Comput 15:2823 (2003); LvR, Shinomoto et al., PLoS Comput Biol 5:e1000433 (2009).
class IntervalStatistics {
 public:
  /// @param interval  ticks, >= 0
  void add(std::int64_t interval);
  /// The next interval does not follow the last one: data between them are missing.
  void interrupt() { has_previous_ = false; }

  std::int64_t count() const { return count_; }
  /// Sum of all intervals, ticks.
  std::int64_t sum() const { return sum_; }
  /// 0 without intervals.
  std::int64_t shortest() const { return shortest_; }
  std::int64_t longest() const { return longest_; }
  /// @returns mean interval, ticks; empty without intervals
  std::optional<double> mean() const;
  /// @returns population standard deviation, ticks; empty without intervals
  std::optional<double> deviation() const;
  /// @returns population standard deviation / mean; empty below 2 intervals or with mean 0
  std::optional<double> cv() const;
  /// @returns mean of 2 |b - a|/(a + b) over pairs; pairs of sum 0 are skipped; empty without a pair left
  std::optional<double> cv2() const;
  /// @returns 3 mean ((a - b)/(a + b))^2 over pairs, as cv2()
  std::optional<double> lv() const;
  /// @param refractory  ticks
  /// @returns 3 mean (1 - 4ab/(a + b)^2)(1 + 4 refractory/(a + b)) over pairs, as cv2()
  std::optional<double> lvr(double refractory) const;
  /// @returns serial correlation at lag 1 about the common mean, normalised by the sum of all squares;
  ///          empty below 4 intervals or without variance
  std::optional<double> serial_correlation() const;

 private:
  std::int64_t count_ = 0;
  std::int64_t sum_ = 0;
  std::int64_t shortest_ = 0;
  std::int64_t longest_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;  // sum of squared deviations from the mean

  bool has_previous_ = false;
  std::int64_t previous_ = 0;
  std::int64_t pairs_ = 0;  // pairs whose sum is not 0
  double cv2_sum_ = 0.0;
  double lv_sum_ = 0.0;
  double lvr_sum_ = 0.0;  // the term of lvr() that is proportional to the refractory period, 1/ticks

  // Products of neighbours, taken from the first interval so that little cancels when the mean is subtracted.
  std::int64_t origin_ = 0;
  std::int64_t products_ = 0;
  double product_sum_ = 0.0;
  double left_sum_ = 0.0;
  double right_sum_ = 0.0;
};

}  // namespace thyrode::analysis
