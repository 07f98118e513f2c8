// Bursts of a train: which intervals are gaps between them, and what bursts and gaps look like.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "daemon/analysis/batch_means.hpp"
#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/analysis/moments.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/structure_factor.hpp"

namespace thyrode::analysis {

/// The valley between two peaks of a distribution of log intervals.
struct IntervalValley {
  int counter = 0;     ///< of IsiHistogram: intervals in this counter and above are gaps
  double depth = 0.0;  ///< 1 - valley/sqrt(product of the peaks), 0..1
};

/// Finds the valley that separates two kinds of intervals. Bins of 0.1 e-fold, smoothed by (1 2 3 2 1)/9; among all
/// pairs of peaks with depth >= 0.7, a valley more than 2 Poisson deviations below both and 5 intervals on each side,
/// the one with the largest depth log(1 + smaller count) log-distance. The threshold is the middle of the flat bottom.
/// Related: Pasquale et al., J Comput Neurosci 29:213 (2010).
/// @returns empty if the intervals are of one kind
std::optional<IntervalValley> find_valley(const IsiHistogram& histogram);

/// What is known of bursts under one threshold. Intervals longer than the threshold are gaps; every gap opens a period
/// that ends where the next gap opens. What lies before the first and after the last gap belongs to no burst.
struct Bursts {
  double threshold_us = 0.0;
  bool given = false;               ///< the threshold is the caller's, not found in the intervals
  bool accepted = false;            ///< median gap/median interval inside >= 2.5 and >= 70 % of spikes in runs of >= 2
  bool complete = true;             ///< all intervals are in `periods` and what follows it, not only the latest ones
  std::int64_t gaps = 0;            ///< long intervals of the whole train
  double median_gap_us = 0.0;       ///< from the histogram, 1 %
  double median_inside_us = 0.0;    ///< of the short intervals, from the histogram, 1 %
  std::optional<double> in_runs;    ///< fraction of spikes in bursts of at least 2
  Estimate frequency_hz;            ///< periods/(their sum); interval from batch means of the periods
  BatchMeans periods;               ///< ticks, from the spike that opens a gap to the one that opens the next
  Moments period;                   ///< ticks
  Moments spikes_per_burst;         ///< of whole bursts
  Moments gap;                      ///< ticks
  StructureFactor onsets;           ///< S64 of the spikes that open gaps
  std::optional<double> duty;       ///< time inside bursts/time of the periods
  std::optional<double> log_slope;  ///< mean of ln(I_{j+1}/I_j) inside bursts; > 0 slows down
};

/// Keeps the sums of bursts while intervals come. The threshold is the valley of the histogram, looked for again each
/// time the number of intervals has grown by 10 %. A threshold that sorts intervals already seen otherwise rebuilds the
/// sums from the latest 2048 intervals, never from the spikes; the frequency is then that of the histogram, gaps/time.
/// Memory 20 kB, amortised O(1) per interval.
class BurstFinder {
 public:
  /// Intervals kept to rebuild the sums from.
  static constexpr int recent = 2048;

  /// @param seconds_per_tick  length of a tick
  /// @param threshold_us  longer intervals are gaps; empty: found in the intervals
  explicit BurstFinder(double seconds_per_tick, std::optional<double> threshold_us = {});

  /// @param interval  ticks, > 0
  /// @param histogram  of all intervals of the train, this one among them
  void add(std::int64_t interval, const IsiHistogram& histogram);
  /// Data are missing here: the burst and the period under way are left out.
  void interrupt();

  /// @param histogram  as add()
  /// @returns bursts under the threshold as it is now; empty without a threshold or without gaps
  std::optional<Bursts> bursts(const IsiHistogram& histogram) const;

 private:
  /// The sums that depend on the threshold.
  struct Tally {
    void add(std::int64_t interval, std::int64_t threshold);
    void interrupt();
    void end_burst();

    BatchMeans periods;
    Moments period, spikes, gap;
    StructureFactor onsets;
    std::int64_t in_runs = 0;  // spikes in bursts of at least 2
    std::int64_t inside = 0;   // ticks in whole bursts
    double log_ratio = 0.0;
    std::int64_t log_pairs = 0;

    bool open = false;          // a gap has been seen since the last interruption
    std::int64_t last_gap = 0;  // ticks
    std::int64_t run = 0;       // short intervals since that gap
    std::int64_t run_sum = 0, run_first = 0, run_last = 0;
    std::int64_t clock = 0;  // sum of all intervals
  };
  void set_threshold(double us);
  void store(std::int64_t interval);
  void look(const IsiHistogram& histogram);
  void rebuild();
  std::optional<Bursts> summary(const IsiHistogram& histogram) const;
  Estimate frequency(const Bursts& bursts) const;

  double us_per_tick_;
  bool given_;
  double threshold_us_ = 0.0;
  std::optional<std::int64_t> threshold_;      // ticks
  int counter_ = 0;                            // of the histogram, where the threshold was found
  std::array<std::int64_t, recent> recent_{};  // intervals, ticks; 0 marks an interruption
  std::int64_t stored_ = 0;                    // entries written
  std::int64_t intervals_ = 0;
  std::int64_t sum_ = 0;  // ticks
  std::int64_t next_look_;
  bool complete_ = true;
  Tally tally_;
};

}  // namespace thyrode::analysis
