// Bursts by fixed intervals, for comparison with other programs. Nothing else of the analysis rests on them.
#pragma once

#include <cstdint>
#include <optional>

#include "protocols/time.hpp"

namespace thyrode::analysis {

/// The five parameters of the method, times in ticks.
struct MaxIntervalRules {
  std::int64_t start = 0;     ///< a burst begins with an interval of at most this
  std::int64_t go_on = 0;     ///< and goes on over intervals of at most this
  std::int64_t gap = 0;       ///< bursts with less between them are one
  std::int64_t duration = 0;  ///< from first to last spike, at least
  std::int64_t spikes = 0;    ///< at least
  bool operator==(const MaxIntervalRules&) const = default;
};

/// What was found. Means are empty without a burst, the period without two.
struct MaxIntervalBursts {
  std::int64_t bursts = 0;
  std::int64_t spikes_in_bursts = 0;
  std::optional<double> spikes_per_burst;
  std::optional<double> duration;  ///< ticks
  std::optional<double> period;    ///< ticks, from first spike to first spike
};

/// Finds bursts spike by spike, in constant memory: the method "MaxInterval" of NeuroExplorer. First runs of short
/// intervals, then those with less than `gap` between them joined with the spikes in between, then the short and small
/// ones dropped.
/// Source: design page "Analysis", section 5; Cotterill et al., J. Neurophysiol. 116 (2016) 306.
class MaxInterval {
 public:
  explicit MaxInterval(const MaxIntervalRules& rules) : rules_{rules} {}
  /// @param at  not before the last one
  void spike(Ticks at);
  /// Of all spikes so far.
  MaxIntervalBursts result() const;

 private:
  struct Run {
    Ticks first, last;
    std::int64_t first_spike = 0, last_spike = 0;  // numbers in the train
  };
  struct Sums {
    std::int64_t bursts = 0;
    std::int64_t spikes = 0;
    std::int64_t duration = 0;
    Ticks first, last;  // first spikes of the first and the last burst
  };
  void join(std::optional<Run>& waiting, const Run& run, Sums& sums) const;
  void count(const Run& run, Sums& sums) const;

  MaxIntervalRules rules_;
  std::int64_t spikes_ = 0;
  Ticks before_;
  std::optional<Run> open_;     // goes on with the next spike, maybe
  std::optional<Run> waiting_;  // ended, and may be joined to the next one
  Sums sums_;
};

}  // namespace thyrode::analysis
