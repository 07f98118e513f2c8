// Order in time: how often two spikes of a train lie a given lag apart, g_n(t).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocols/time.hpp"

namespace thyrode::analysis {

/// Counts of ordered pairs by lag: counts[k] = #{i < j: k bin <= t_j - t_i < (k + 1) bin}. Every accessor divides by
/// zero never: it is 0 without spikes or without time.
struct PairCorrelation {
  /// Limits of g_n in a bin of a train without memory.
  struct Band {
    double low = 0.0, high = 0.0;
  };

  std::int64_t bin = 0;              ///< ticks; 0: the window is not known
  std::vector<std::int64_t> counts;  ///< shape (bins)
  std::int64_t spikes = 0;           ///< N
  std::int64_t observed = 0;         ///< T, ticks without gaps
  std::vector<double> border;        ///< shape (bins): ticks of T whose partner at the middle of the bin lies outside
  bool clipped = false;              ///< more spikes in a window than the ring holds: the counts are too small

  std::size_t bins() const { return counts.size(); }
  /// Eq. 7 of the paper for points: counts/N; g_n(0) = 1 is not a bin.
  double g(std::size_t k) const;
  /// g T/(T - lag at the middle of the bin), for each stretch without gaps.
  double corrected(std::size_t k) const;
  /// N/T bin: what a train without memory has in every bin.
  double level() const;
  /// 1.96 sqrt(level/N).
  double half_width() const;
  /// 95 % limits of one bin, or of all bins together (two-sided 0.05/bins each). Normal about the level; exact Poisson
  /// limits where fewer than 30 pairs are expected in a bin.
  Band band(bool all_bins) const;
  /// The pairs of every bin lie inside the limits of all bins, as in band() but about what the border leaves of the
  /// bin: no order is seen. Bins whose lag leaves less than a mean interval of the time are passed over. Empty without
  /// spikes.
  std::optional<bool> featureless() const;

  /// Adds another stretch of the same kind of train. Only for equal bins and numbers of bins. The counters are additive
  /// by design, so that parts of a long train can be counted apart; no caller here has such parts yet.
  void merge(const PairCorrelation& other);
  bool operator==(const PairCorrelation&) const = default;
};

/// The window of lags.
struct LagWindow {
  std::int64_t bin = 0;  ///< ticks; 0: `mean_intervals` mean intervals of the first 64, divided by `bins`
  int bins = 200;
  double mean_intervals = 10.0;
  bool operator==(const LagWindow&) const = default;
};

/// Counts lags while spikes come: a ring of spikes younger than the window, f L operations per spike. The window is
/// fixed once for the train, after 64 intervals; the spikes until then are kept, so that no pair is lost. Where a gap
/// comes before, those spikes are left out.
class PairCounter {
 public:
  static constexpr int ring = 1024;
  static constexpr int intervals_for_window = 64;

  /// @param begin  first tick at which a spike would be seen
  PairCounter(const LagWindow& window, Ticks begin);
  /// Nothing before `at` counts. Only before the first spike.
  void begin_at(Ticks at);
  /// @param at  not before the last one
  void add(Ticks at);
  /// Data of [from, to) are missing: no lag bridges them.
  void gap(Ticks from, Ticks to);
  /// @param end  all data before it have been taken
  PairCorrelation result(Ticks end) const;

 private:
  void count_kept();  // fixes the window by the spikes kept until now and counts their lags
  void fix_window(std::int64_t bin);
  template <bool by_reciprocal>
  void count_lags(std::int64_t at);
  void count(std::int64_t at);
  void end_stretch(PairCorrelation& pairs, Ticks end) const;

  LagWindow window_;
  Ticks begin_;  // of the stretch under way
  PairCorrelation pairs_;
  std::int64_t span_ = 0;         // ticks of the window
  std::uint64_t reciprocal_ = 0;  // 2^64/bin rounded up; 0 where lags reach 2^32
  std::array<std::int64_t, ring> spikes_{};
  std::int64_t first_ = 0;  // number of the oldest spike that may be in the window
  std::int64_t next_ = 0;   // number of the next spike of the stretch
};

}  // namespace thyrode::analysis
