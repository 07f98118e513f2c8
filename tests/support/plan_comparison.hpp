// Adaptive and uniform sweeps of one neuron, to the same goal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/experiment/load/plans.hpp"
#include "tests/support/plan_bench.hpp"
#include "tests/support/scan_score.hpp"

namespace thyrode::support {

/// A neuron on the bench, and the truth about it.
struct ScanCase {
  std::string name;
  Current start;
  Current stop;
  std::function<std::unique_ptr<PlanBench>(std::uint64_t seed)> bench;
  TrueCurve truth;
  std::vector<std::string> left_out{};  ///< regions of the truth that nobody is asked to find
};

/// 30 to 120 uA over a LIF of rheobase 36.03 uA, noise of CV 0.05.
ScanCase lif_case();
/// 30 to 120 uA over textbook_firing().
ScanCase textbook_case();
/// 30 to 120 uA over mbn() at tau_L = 0.3 ms without noise, through StepAnalyzer. The truth comes from a sweep of 361
/// points and from bisecting its borders, entered in four ways; regions narrower than 1 uA are left out, nobody is
/// asked to find them.
ScanCase mbn_case();

/// What a sweep shall reach; every transition has to lie inside its bracket.
struct Goal {
  double transition = 1.0;  ///< widest bracket of a transition, share of the range; 1: not asked for
  double rms = 1.0;         ///< of f, relative; above 1: not asked for
  double within_5 = 0.0;    ///< share of the curve closer than 5 %; 0: not asked for
};

struct Comparison {
  double uniform_s = 0.0;   ///< medians over seeds
  double adaptive_s = 0.0;  ///< until it stopped by itself
  int uniform_points = 0;
  int adaptive_points = 0;
  bool reached = true;          ///< by the adaptive sweep, whenever it stopped, for every seed
  bool uniform_reached = true;  ///< by the uniform one, however many points it took, for every seed
  double ratio() const { return uniform_s / adaptive_s; }
};

/// @param seeds  runs of the adaptive sweep, and up to 6 of the uniform one
Comparison compare(const ScanCase& scan, const Goal& goal, int seeds);

}  // namespace thyrode::support
