// How often a sweep says what is true: coverage of intervals and brackets, false alarms, power. All by seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/sweep_samples.hpp"

namespace thyrode::support {

/// How often something held.
struct Tally {
  std::string of;
  long held = 0;
  long total = 0;
  void add(bool holds) { held += holds ? 1 : 0, ++total; }
  double share() const { return total > 0 ? static_cast<double>(held) / static_cast<double>(total) : 0.0; }
  /// 99 % binomial interval of the share (Clopper-Pearson).
  double low() const;
  double high() const;
  /// The interval meets [0.93, 0.985], that of an honest 95 % interval.
  bool honest() const { return low() <= 0.985 && high() >= 0.93; }
};

/// How the points of a sweep are made.
struct Sampling {
  enum class Grid { uniform, geometric };
  Grid grid = Grid::uniform;
  int points = 30;
  double cv = 0.05;         ///< of gamma intervals, through StepAnalyzer
  double precision = 0.01;  ///< of each step
  double sigma = 0.0;       ///< > 0: noise of ln f of this size instead of a train
};

/// Coverage of beta_n of a LIF: points below 1.3 times the onset, and the others; and points that should have had a
/// value but are flagged `edge`.
struct BetaScore {
  Tally near, far, flagged;
  double rms_near = 0.0, rms_far = 0.0;  ///< relative error
};
BetaScore beta_coverage(const TrueRate& curve, const Sampling& sampling, int sweeps, std::uint64_t seed);

/// Coverage of Ic, tau, refractory period and ideal slope of the LIF fit, of fits that are accepted.
struct LifScore {
  Tally rheobase, tau, refractory, slope, accepted;
};
LifScore lif_coverage(double onset_ua, double tau_s, double refractory_s, const Sampling& sampling, int sweeps,
                      std::uint64_t seed);

/// Brackets around an onset and a jump of known place, on grids of random offset.
struct BracketScore {
  Tally onset, jump, jump_found, ratio;  ///< ratio: its 95 % interval holds the true ln ratio
};
BracketScore bracket_coverage(double ln_ratio, const Sampling& sampling, int sweeps, std::uint64_t seed);

/// False jumps and precursors of smooth curves: sweeps with any. Grids, noise and curves differ from sweep to sweep.
struct FalseAlarms {
  int sweeps = 0, jumps = 0, precursors = 0, unwanted_transitions = 0;
  std::vector<std::string> details;  ///< of each false precursor
};
FalseAlarms false_alarms(int sweeps, std::uint64_t seed);

/// Share of sweeps in which a peak of beta_n is seen within 2 widths of its place.
Tally precursor_power(double peak, double width, const Sampling& sampling, int sweeps, std::uint64_t seed);

/// Share of comparisons of two directions that call rates different, with drift of ln f over the whole run.
Tally rates_differ(double hysteresis_ln_f, double drift_ln_f, bool third_leg, int runs, std::uint64_t seed);

}  // namespace thyrode::support
