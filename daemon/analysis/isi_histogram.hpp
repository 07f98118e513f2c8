// The distribution of inter-spike intervals in logarithmic buckets: bounded memory, exact merging.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace thyrode::analysis {

/// Counts intervals in buckets whose edges grow by gamma = (1 + a)/(1 - a) with a = 1 %, so that every quantile is
/// within 1 % of the exact one. Covers 1 µs to 1000 s; what lies outside is counted in the first or last bucket.
/// Source: Masson, Rim & Lee, "DDSketch", PVLDB 12:2195 (2019).
class IsiHistogram {
 public:
  static constexpr int size = 1037;
  static constexpr double accuracy = 0.01;
  static constexpr double gamma = (1.0 + accuracy) / (1.0 - accuracy);

  /// Counts one interval. @param isi_us  µs, >= 0
  void add(double isi_us);
  /// Adds the counters of another histogram; the result equals the histogram of both sets of intervals. The counters
  /// are additive by design, so that parts of a long train can be counted apart; no caller here has such parts yet.
  void merge(const IsiHistogram& other);

  /// @returns number of intervals counted
  std::int64_t total() const { return total_; }
  /// @returns counters, shape (size): counter k holds intervals in (lower_edge_us(k), lower_edge_us(k + 1)]
  std::span<const std::int64_t> counters() const { return counters_; }

  /// @param p  0..1
  /// The lower quantile, sorted[floor(p (n - 1))]: the middle of its bucket, which is within 1 % of both edges, but no
  /// shorter than the shortest interval and no longer than the longest; these two are exact, and so are all quantiles
  /// of equal intervals.
  /// @returns µs, within 1 % (of intervals beyond 1 µs to 1000 s: between the shortest and 1 µs, or 1000 s and the
  ///          longest); empty without intervals or for p outside 0..1
  std::optional<double> quantile_us(double p) const;

  /// @returns mean of the intervals in a counter, µs; the middle of an empty counter
  double mean_us(int counter) const;
  /// Order of the intervals themselves, R1 = |mean exp(2 pi i ISI/<ISI>)|: exp(-2 pi^2 CV^2) for small CV. Each counter
  /// stands at its mean. @returns 0..1; empty without intervals or with mean 0
  std::optional<double> phase_order() const;

  /// @returns the counter an interval belongs to, 0..size-1: ceil(ln(isi_us)/ln(gamma)) - 1, clamped
  static int counter_of(double isi_us);
  /// @param counter  0..size (size gives the upper edge of the last counter)
  /// @returns gamma^counter, µs
  static double lower_edge_us(int counter);

  /// The same intervals were counted, whatever their order.
  bool operator==(const IsiHistogram& other) const { return total_ == other.total_ && counters_ == other.counters_; }

 private:
  std::array<std::int64_t, size> counters_{};
  std::array<double, size> sums_us_{};  // of the intervals in each counter: multiples of a tick, hence exact
  std::int64_t total_ = 0;
  double shortest_us_ = 0.0;  // 0 without intervals
  double longest_us_ = 0.0;
};

}  // namespace thyrode::analysis
