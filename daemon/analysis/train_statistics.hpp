// Everything that is said of one spike train, while the spikes come.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/analysis/batch_means.hpp"
#include "daemon/analysis/burst_finder.hpp"
#include "daemon/analysis/interval_statistics.hpp"
#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/analysis/structure_factor.hpp"
#include "daemon/analysis/vacancies.hpp"
#include "protocols/time.hpp"

namespace thyrode::analysis {

/// What can be chosen about the statistics of a train.
struct TrainSettings {
  LagWindow window;                          ///< of g_n
  std::optional<double> burst_threshold_us;  ///< longer intervals are gaps; empty: found in the intervals
  bool operator==(const TrainSettings&) const = default;
};

/// Single pass, bounded memory (60 kB), amortised O(1) per spike; every answer can be had at any time and depends on
/// the spikes and gaps alone, never on when it was asked for. No interval, pair, block or burst bridges a gap.
class TrainStatistics {
 public:
  /// @param seconds_per_tick  length of a tick
  /// @param begin  first tick at which a spike would be seen
  TrainStatistics(double seconds_per_tick, Ticks begin, const TrainSettings& settings = {});

  /// Takes a spike. @returns false, and counts it, if it is not later than the spike before it or lies before `begin`
  bool spike(Ticks at);
  /// What came before does not count: the observation begins at `at`. Only before the first spike.
  void begin_at(Ticks at);
  /// Data of [from, to) are missing.
  void gap(Ticks from, Ticks to);

  std::int64_t spikes() const { return spikes_; }
  /// Spikes rejected because their time did not increase.
  std::int64_t rejected() const { return rejected_; }
  std::int64_t gaps() const { return gaps_; }
  /// The latest spike taken.
  std::optional<Ticks> latest() const { return latest_; }
  /// Ticks of [begin, until) that are not missing. @param until  not before the last spike or gap
  std::int64_t observed(Ticks until) const;

  /// Intervals in ticks: CV, CV2, LV, LvR, serial correlation.
  const IntervalStatistics& intervals() const { return intervals_; }
  /// Their distribution and quantiles, µs.
  const IsiHistogram& histogram() const { return histogram_; }
  /// Batch means of the intervals, ticks.
  const BatchMeans& batches() const { return batches_; }
  /// S64 of the spikes; to be quoted where reliable(), else phase_order().
  const StructureFactor& structure_factor() const { return structure_factor_; }
  /// R1 = |mean exp(2 pi i ISI/<ISI>)|; empty without intervals.
  std::optional<double> phase_order() const;
  /// Bursts between long intervals; empty if the intervals are of one kind. Whether they are bursts: bursting().
  std::optional<Bursts> bursts() const { return bursts_.bursts(histogram_); }
  /// Missing spikes of a regular train; whether they are that: Vacancies::found(). Empty without intervals.
  std::optional<Vacancies> vacancies() const { return find_vacancies(histogram_); }
  /// The bursts, if they are accepted and their gaps are not missing spikes of a regular train.
  std::optional<Bursts> bursting() const;
  /// g_n. @param end  all data before it have been taken
  PairCorrelation correlation(Ticks end) const { return pairs_.result(end); }

 private:
  Ticks begin_;  // of the observation
  double us_per_tick_;
  Ticks missing_until_;  // end of the latest gap
  IntervalStatistics intervals_;
  IsiHistogram histogram_;
  BatchMeans batches_;
  StructureFactor structure_factor_;
  BurstFinder bursts_;
  PairCounter pairs_;

  std::int64_t spikes_ = 0;
  std::int64_t rejected_ = 0;
  std::int64_t gaps_ = 0;
  std::int64_t missing_ = 0;       // ticks in gaps
  std::optional<Ticks> latest_;    // spike, for the order
  std::optional<Ticks> previous_;  // spike the next interval begins at
};

}  // namespace thyrode::analysis
