// One current step, analysed while it runs: when it may end, and what it says.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/analysis/batch_means.hpp"
#include "daemon/analysis/output_shape.hpp"
#include "daemon/analysis/phase_label.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "protocols/time.hpp"

namespace thyrode::analysis {

/// When a step ends and what is left out of it.
struct StepRules {
  double relative_precision = 0.02;  ///< half width of the 95 % interval of f over f
  double longest_s = 60.0;           ///< ceiling of a step
  std::int64_t most_spikes = 20000;  ///< ceiling of a step
  double f_min_hz = 1.0;             ///< silence of 3/f_min is quiescence
  double membrane_tau_s = 0.0;       ///< silence must also last 20 of these; 0 when unknown
  double settle_drop_s = 0.0;        ///< left out after the current step: max(5 tau_slow, 1 ms) if tau_slow is known
  int settle_spikes = 0;             ///< spikes left out at the start
  double drift_p = 0.01;             ///< p of a slope below which a step drifts
  double timer_floor_s = 0.0;        ///< jitter of one spike time; at least one tick is assumed
  double least_peak = 0.0;           ///< V: peaks below it are lost between samples (aliased); 0 is unknown
  LabelRules labels;
  LagWindow window;                   ///< of g_n
  std::optional<double> load_time_s;  ///< tau_L of the step, if it is known
  OutputMemory before;                ///< of the output, as the step before has left it
};

/// What the decision grid is told.
struct Verdict {
  bool done = false;
  StepStatus status = StepStatus::undetermined;  ///< the status the step has if it ends now
  bool operator==(const Verdict&) const = default;
};

/// Single pass, bounded memory (80 kB), amortised O(1) per spike. Every decision stands on device time and data alone,
/// so the same spikes and the same evaluation times give the same result.
///
/// Rules (design page "Analysis", sections 3 and 9). f = intervals/(their sum); of a bursting train burst
/// periods/(their sum). Its interval comes from merging batch means of intervals or periods, widened where neighbours
/// go together, after MSER has dropped up to half of the batches as settling, where dropping lowers the score clearly.
/// Looked at when n >= 64 and each time the spikes have grown by 10 %; precise on two looks in a row ends the step.
/// When 64 intervals or periods would take longer than half of longest_s, or more than half of most_spikes, 20 are
/// enough (quick mode). Up to four long intervals that stand apart may be the first gaps between bursts: the step then
/// goes on until it has lasted three times as long as to the latest of them. A significant slope of the batches that
/// matters (a change of more than a quarter of the precision over the batches), or settling that asks for half of them,
/// doubles the length of the step, at most 3 times, then the status is `drifting` and f is that of the last half.
/// Fewer than 5 spikes: f is that of their intervals, if there are any, and its interval the exact one of their count;
/// where f lies outside that, as of a doublet in a long step, it also holds the exact one of the sum of the intervals.
class StepAnalyzer {
 public:
  /// @param seconds_per_tick  length of a tick
  /// @param start  first tick at which the new current is applied
  StepAnalyzer(const StepRules& rules, double seconds_per_tick, Ticks start);

  /// Takes a spike. One that is not later than the spike before it, or before the start, is rejected and counted.
  void spike(Ticks at, const SpikeShape& shape = {});
  /// Data of [from, to) are missing. The interval in progress is closed; none reaches over the gap.
  void gap(Ticks from, Ticks to);
  /// Codes were clipped at an end of the range.
  void saturated() { saturated_ = true; }
  /// Takes what a level record says of the output.
  void level(const OutputLevel& level) { output_.level(level); }
  /// The same without V_m. @param v_out_mean  V
  void level(double v_out_mean, bool open_spike) { level({v_out_mean, open_spike, {}, {}, {}}); }

  /// Decides at a mark of the decision grid; cheap unless n grew by 10 % since the last look. Once done, the verdict
  /// stays as it is.
  /// @param now  all data before it have been taken
  Verdict evaluate(Ticks now);

  /// The row of the step as far as `end`; index, channel, leg, current, conditions and beta_n are the caller's.
  /// Callable at any time; a running step has status `undetermined` until it is precise. The label is that of
  /// find_phase(): what the step says by itself, without its neighbours (analyze_sweep).
  StepResult result(Ticks end) const;

  /// The train after the settling.
  const TrainStatistics& train() const { return train_; }
  const IsiHistogram& histogram() const { return train_.histogram(); }
  /// For the next step on the channel.
  const OutputMemory& output_memory() const { return output_.memory(); }
  /// Spikes accepted.
  std::int64_t spikes() const { return spikes_; }
  /// Spikes rejected because their time did not increase.
  std::int64_t rejected() const { return rejected_; }

 private:
  /// What f counts: spikes, or bursts where it bursts.
  struct Events {
    std::optional<Bursts> bursts;
    BatchMeans batches;  // of intervals, or of burst periods
  };
  Events events() const;

  /// Where they stand: what both the decision and the row are made of.
  struct Precision {
    int dropped = 0;                   // batches
    bool settled = true;               // MSER asks for less than half, or for what does not matter
    bool drifts = false;               // at drift_p
    std::optional<double> half_width;  // relative
    bool moving() const { return drifts || !settled; }
  };
  Precision precision(const BatchMeans& batches) const;
  bool drifts(const BatchMeans& batches, int dropped, double p) const;
  double jitter_s() const;  // of one spike time
  double floor(const BatchMeans& batches) const;
  bool precise(const Precision& p) const;

  /// Spikes have come, and the rules leave all of them out.
  bool settling() const { return spikes_ > 0 && train_.spikes() == 0; }
  double silence_s(Ticks until) const;
  bool silent(Ticks until) const;
  bool quick(double mean_ticks, double spikes_each) const;
  bool enough(const Events& events) const;
  void note_long(std::int64_t interval);
  bool may_burst(Ticks now) const;
  bool ceiling(Ticks now) const;
  std::optional<Verdict> look(Ticks now);
  Verdict finish(StepStatus status);
  StepStatus ceiling_status() const;

  StepStatus rate_status(Ticks end, const BatchMeans& batches, const Precision& p) const;
  Estimate count_estimate(Ticks end) const;
  Estimate rate_estimate(const BatchMeans& batches, const Precision& p, bool last_half) const;
  void write_rates(StepResult& row, Ticks end) const;

  StepRules rules_;
  double seconds_per_tick_;
  Ticks start_;
  Ticks origin_;  // the start, later by the settling that is dropped

  TrainStatistics train_;
  OutputStatistics output_;

  std::int64_t spikes_ = 0;
  std::int64_t rejected_ = 0;
  std::int64_t gaps_ = 0;
  std::int64_t observed_at_spike_ = 0;  // train_.observed() at the last spike counted
  std::int64_t long_interval_ = 0;      // ticks: an interval above it stands apart; 0 until some are known
  std::int64_t observed_at_long_ = 0;   // observed_at_spike_ at the last of these
  std::int64_t next_median_ = 16;       // intervals at which long_interval_ is found again
  std::optional<Ticks> latest_;         // spike, for the order
  std::optional<Ticks> previous_;       // spike the next interval begins at

  std::int64_t low_peaks_ = 0;
  bool saturated_ = false;

  bool looked_ = false;
  std::int64_t next_look_ = 0;  // spikes
  int precise_looks_ = 0;       // in a row
  int extensions_ = 0;
  std::optional<Ticks> not_before_;
  std::optional<Verdict> verdict_;
};

}  // namespace thyrode::analysis
