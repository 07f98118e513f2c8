// What the steps of a sweep say together: beta_n of each, the ends of the firing range, transitions, the LIF that fits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/analysis/result.hpp"

namespace thyrode::analysis {

/// A step that fired so often before it fell silent may have burst.
inline constexpr std::int64_t spikes_of_a_burst = 5;

/// What a user says about a sweep beforehand.
struct SweepRules {
  std::optional<double> fast_spiking_hz;  ///< regular steps are FS from this rate on, TS below it; jumps have no say
  bool operator==(const SweepRules&) const = default;
};

/// Completes the rows of a sweep and describes the whole. Callable after every finished step: groups of rows that have
/// not changed since are not computed again.
///
/// Rows belong together by channel and conditions; a leg is one sweep direction of them. Rows of status interrupted are
/// left out: they keep their label and have no beta_n. What the step said by itself is kept in label_of_step, and every
/// call begins with it, so that the order of steps and calls does not matter.
///
/// Silent steps (labels QH, QD, transient). The firing range reaches from the lowest to the highest current at which
/// any leg fires. Below it a step is QH, above it QD, and so is one that fired only at its start. A step after whose
/// last spike the output stayed high (label QD with spikes, from StepAnalyzer) is QD wherever it lies. Inside the
/// range, and when nothing fires, the label stays; so does `transient` of a step of spikes_of_a_burst spikes or more,
/// which may be a neuron that bursts more slowly than the silence that was waited for.
///
/// beta_n, for each leg on its own. Points are rows of status ok or timeout with an interval; those of one current are
/// joined where they have the label of most of them, and the others have no beta_n. A leg is cut where a silent step
/// lies between two points, where the label changes for at least two points in a row, and where f jumps (find_jumps);
/// each part goes through local_beta. A point next to a jump has beta_status `jump` and no value, the other end points
/// have `edge`. Points so far apart that not even the sign of beta_n is known, and I beta_n to no better than +-1, are
/// `few_points`. sigma_current_ua is CV/beta_n, and empty for bursts.
///
/// Labels. A regular branch above an upward jump of f is FS, the regular branch below a jump to a regular one TS; where
/// no jump tells, the steps keep their own label, and TS has branch_unresolved. IB1 and IB2 change only for two
/// neighbouring steps.
///
/// Transitions, loops, rates, precursors: see their structs. Onset and end are brackets over all legs: the lowest
/// current at which most steps of a leg fire and the highest one below it at which most are silent, and the same at the
/// other end; with as many of either a current is neither, where legs differ it fires, a side without a silent step is
/// empty, and what may burst slowly is no silent step. Several legs of one row each are no sweep: they have neither
/// brackets nor fits. The LIF is fitted to the regular points (TS, FS) of the first branch of each leg that has any, up
/// to twice the onset; upper_line to those in the upper half of these branches.
class SweepAnalysis {
 public:
  explicit SweepAnalysis(const SweepRules& rules = {});
  ~SweepAnalysis();
  SweepAnalysis(SweepAnalysis&&) noexcept;
  SweepAnalysis& operator=(SweepAnalysis&&) noexcept;

  /// @param steps  rows in any order; labels, beta_n and what follows from it are written
  SweepFit update(std::vector<StepResult>& steps);

 private:
  struct Memory;
  SweepRules rules_;
  std::unique_ptr<Memory> memory_;
};

/// The same for rows that are analysed once.
SweepFit analyze_sweep(std::vector<StepResult>& steps, const SweepRules& rules = {});

}  // namespace thyrode::analysis
