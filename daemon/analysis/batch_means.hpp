// The error of a mean of correlated intervals, from at most 32 batches: memory and work do not grow with the train.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace thyrode::analysis {

/// The slope of batch means against their number, with its two-sided p value (Student t, n - 2 degrees of freedom).
struct Slope {
  double per_batch = 0.0;  ///< ticks per batch
  double p = 1.0;          ///< probability of a slope this large without drift
};

/// Fills batches of m intervals, m = 1 at first; when 32 are full, neighbours are merged and m doubles.
/// Sources: Law & Carson, Oper Res 27:1011 (1979) for batch means; White, Simulation 69:323 (1997) for MSER.
class BatchMeans {
 public:
  static constexpr int capacity = 32;
  /// Widens the interval because the rule that stops a step looks repeatedly.
  static constexpr double looking_factor = 1.1;
  /// Fewer batches give no interval.
  static constexpr int least_batches = 10;

  /// @param interval  ticks, >= 0
  void add(std::int64_t interval);

  /// Full batches.
  int count() const { return count_; }
  /// Intervals in a batch.
  std::int64_t batch_size() const { return batch_size_; }
  /// Intervals added, in full batches and in the one being filled.
  std::int64_t intervals() const { return intervals_; }
  /// Sum of all intervals added, ticks.
  std::int64_t sum() const { return sum_; }
  /// Sum of the intervals in the first `batches` full batches, ticks.
  std::int64_t sum_of_first(int batches) const;
  /// @returns mean of the full batches from `first` on, ticks; empty if there are none
  std::optional<double> mean(int first = 0) const;

  /// @param first  batches before it are left out
  /// @returns half width of the 95 % interval of the mean, 1.1 t(0.975, k - 1) s/sqrt(k), ticks;
  ///          empty below 10 batches
  std::optional<double> half_width(int first = 0) const;

  /// How much wider the interval of half_width() must be where neighbouring batches go together, as those of a train
  /// do whose noise lasts longer than a batch: sqrt((1 + r)/(1 - r)) of batches whose correlation falls off
  /// geometrically, with r their serial correlation at lag 1 less half its standard error, 0..0.9.
  /// @param first  as for half_width()
  /// @returns >= 1; 1 below 10 batches. Source: Law & Carson, as above.
  double widening(int first = 0) const;

  /// How far the batches to drop must lie from those kept, in standard deviations. MSER alone also drops batches of
  /// a stationary train, those that happen to lie far out, and the interval of what is left then covers too little
  /// (Poisson, 2 %: 0.92 instead of 0.95).
  static constexpr double settling_deviations = 4.0;

  /// @returns how many batches to drop, 0..count/2, so that var/(number kept) is least (MSER) where that is clearly
  ///          settling, else 0; count/2 says that the train has not settled
  int settling() const;

  /// @returns the drift of the batches from `first` on; empty below 10 batches
  std::optional<Slope> slope(int first = 0) const;

 private:
  bool differs(int first) const;  // the mean of the batches before `first` from that of the others
  double batch_mean(int batch) const;
  double squares(int first) const;  // sum of squared deviations of the batch means from their mean

  std::array<std::int64_t, capacity> sums_{};
  int count_ = 0;
  std::int64_t batch_size_ = 1;
  std::int64_t filling_ = 0;
  std::int64_t filled_ = 0;
  std::int64_t intervals_ = 0;
  std::int64_t sum_ = 0;
};

/// 97.5 % point of Student's t. @param degrees  >= 1
double student_quantile(int degrees);

/// The exact 95 % interval of a rate from a Poisson count, [chi2(0.025, 2n)/2T, chi2(0.975, 2n + 2)/2T].
struct CountInterval {
  double low_hz = 0.0;
  double high_hz = 0.0;
};
/// @param count  >= 0; 0 gives the one-sided bound -ln(0.05)/T with low 0
/// @param seconds  > 0
/// Source: Garwood, Biometrika 28:437 (1936).
CountInterval count_interval(std::int64_t count, double seconds);
/// The exact 95 % interval of a rate from the sum S of n Poisson intervals, [chi2(0.025, 2n)/2S, chi2(0.975, 2n)/2S].
/// n/S lies within it.
/// @param intervals  >= 1
/// @param seconds  their sum, > 0
/// Source: Garwood, as count_interval(), with the roles of count and time exchanged.
CountInterval interval_of_sum(std::int64_t intervals, double seconds);

}  // namespace thyrode::analysis
