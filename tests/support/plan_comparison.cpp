#include "tests/support/plan_comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "daemon/experiment/plans/adaptive_sweep.hpp"
#include "daemon/experiment/plans/scan_survey.hpp"

namespace thyrode::support {
namespace {

using analysis::StepResult;
using experiment::AdaptiveSweep;

constexpr double resolution_ua = 0.004;
constexpr std::size_t most_steps = 1000;
constexpr int truth_points = 361;
constexpr std::size_t least_region_points = 4;  // of these: 1 uA
constexpr double most_uniform = 2100.0;

analysis::StepRules rules() {
  analysis::StepRules rules;
  rules.relative_precision = 0.02;
  rules.longest_s = 30.0;
  rules.settle_spikes = 10;
  return rules;
}

Firing lif_firing(double ua) {
  constexpr double rheobase = 36.03;
  if (ua <= rheobase) return {};
  return {analysis::Label::TS, 1.0 / (20e-3 * std::log(ua / (ua - rheobase))), 0.05};
}

TrueCurve truth_of(Firing (*firing)(double), std::vector<double> transitions) {
  TrueCurve truth;
  for (double ua = 30.05; ua < 120.0; ua += 0.1) {
    const Firing here = firing(ua);
    truth.currents_ua.push_back(ua);
    truth.frequency.push_back(here.frequency_hz > 0.0 ? std::optional(here.frequency_hz) : std::nullopt);
  }
  truth.transitions_ua = std::move(transitions);
  return truth;
}

ScanCase synthetic_case(std::string name, Firing (*firing)(double), std::vector<double> transitions) {
  return {std::move(name),
          30.0_uA,
          120.0_uA,
          [firing](std::uint64_t seed) {
            return std::make_unique<SyntheticBench>(firing, SyntheticBench::Options{.seed = seed});
          },
          truth_of(firing, std::move(transitions)),
          {}};
}

load::AdaptivePlan plan_for(const ScanCase& scan, const Goal& goal) {
  load::AdaptivePlan plan;
  plan.start = scan.start;
  plan.stop = scan.stop;
  plan.min_step = 20.0_nA;
  // A curve alone is wanted up to 1 % of its transitions.
  plan.transition = std::min(goal.transition, 0.01);
  plan.curve.reset();
  if (goal.rms <= 1.0) plan.curve = goal.rms;
  if (goal.within_5 > 0.0) plan.curve = 0.015;
  return plan;
}

bool meets(std::span<const StepResult> rows, const ScanCase& scan, const Goal& goal) {
  const ScanScore result = score(rows, scan.truth, resolution_ua);
  const double range = (scan.stop - scan.start).in(1.0_uA);
  if (goal.transition < 1.0 && result.contained < scan.truth.transitions_ua.size()) return false;
  if (goal.transition < 1.0 && result.widest_ua > goal.transition * range * (1.0 + 1e-9)) return false;
  if (goal.rms <= 1.0 && result.rms > goal.rms) return false;
  return result.within_5 >= goal.within_5;
}

/// A border of labels, entered in one way.
class Border {
 public:
  Border(PlanBench& bench, const experiment::MeasuredPoint& below, const experiment::MeasuredPoint& above,
         const experiment::Lead& lead)
      : bench_(bench), above_(above), low_(below.current_ua), high_(above.current_ua), lead_(lead) {}

  /// Halves what lies between until it is known to 1 nA. The ends were labelled in a sweep, entered otherwise: they are
  /// moved outwards where they do not hold here.
  double find() {
    constexpr double outwards_ua = 0.25;
    constexpr int farthest = 8;
    for (int k = 0; k < farthest && is_above(low_); ++k) low_ -= outwards_ua;
    for (int k = 0; k < farthest && !is_above(high_); ++k) high_ += outwards_ua;
    while (high_ - low_ > 1e-3) {
      const double middle = 0.5 * (low_ + high_);
      (is_above(middle) ? high_ : low_) = middle;
    }
    return 0.5 * (low_ + high_);
  }

 private:
  bool is_above(double ua) {
    experiment::PlannedStep step;
    step.current = Current::from_si(ua * 1e-6);
    step.lead = lead_;
    const experiment::FiringRange all{0.0, above_.fi ? 1e9 : low_};
    return experiment::phase_of(bench_.measure(step), all) == above_.label;
  }

  PlanBench& bench_;
  const experiment::MeasuredPoint& above_;
  double low_;
  double high_;
  experiment::Lead lead_;
};

/// Where a border lies depends a little on how a step is entered: from the start of the range or from the current
/// below, after a short or a long wait.
void add_transition(PlanBench& bench, const experiment::MeasuredPoint& below, const experiment::MeasuredPoint& above,
                    TrueCurve& truth) {
  const Current from_below = Current::from_si(below.current_ua * 1e-6);
  std::vector<double> found;
  for (const Duration wait : {1.0_s, experiment::lead_by_rules(rules())}) {
    for (const Current from : {30.0_uA, from_below}) {
      found.push_back(Border(bench, below, above, {from, wait}).find());
    }
  }
  const auto [low, high] = std::minmax_element(found.begin(), found.end());
  truth.transitions_ua.push_back(0.5 * (*low + *high));
  // Each is known to half a nA.
  truth.doubt_ua.push_back(0.5 * (*high - *low) + 0.5e-3);
}

struct Run {
  double seconds = 0.0;
  int points = 0;
  bool reached = false;
};

Run run_adaptive(const ScanCase& scan, const Goal& goal, std::uint64_t seed) {
  const auto bench = scan.bench(seed);
  AdaptiveSweep plan(plan_for(scan, goal), experiment::lead_by_rules(rules()), rules().relative_precision);
  const auto rows = carry_out(plan, *bench, most_steps);
  return {bench->seconds(), static_cast<int>(rows.size()), meets(rows, scan, goal)};
}

Run run_uniform(const ScanCase& scan, const Goal& goal, std::uint64_t seed, int points) {
  const auto bench = scan.bench(seed);
  std::vector<StepResult> rows;
  for (const auto& step : uniform_steps(scan.start, scan.stop, points)) rows.push_back(bench->measure(step));
  return {bench->seconds(), points, meets(rows, scan, goal)};
}

/// The fewest points that do it; a bracket needs as many as its width says, a curve is tried.
Run least_uniform(const ScanCase& scan, const Goal& goal, std::uint64_t seed) {
  int least = 9;
  if (goal.transition < 1.0) least = static_cast<int>(std::lround(1.0 / goal.transition)) + 1;
  Run run;
  for (double points = least; points < most_uniform; points *= 1.3) {
    run = run_uniform(scan, goal, seed, static_cast<int>(points));
    // More points alone do not make a transition of a label that is not told for sure.
    if (run.reached || (goal.rms > 1.0 && goal.within_5 <= 0.0)) return run;
  }
  return run;
}

Run median(std::vector<Run> runs) {
  const auto middle = runs.begin() + static_cast<std::ptrdiff_t>(runs.size() / 2);
  std::nth_element(runs.begin(), middle, runs.end(), [](const Run& a, const Run& b) { return a.seconds < b.seconds; });
  Run result = *middle;
  result.reached = std::all_of(runs.begin(), runs.end(), [](const Run& run) { return run.reached; });
  return result;
}

}  // namespace

ScanCase lif_case() {
  return synthetic_case("LIF, CV 0.05", lif_firing, {36.03});
}

ScanCase textbook_case() {
  std::vector<double> transitions(std::begin(textbook_borders_ua), std::end(textbook_borders_ua));
  transitions.push_back(textbook_jump_ua);
  return synthetic_case("onset, bursts, jump and latch, CV 0.05 to 0.08", textbook_firing, std::move(transitions));
}

ScanCase mbn_case() {
  ScanCase scan{"mbn at tau_L = 0.3 ms, simulated, without noise",
                30.0_uA,
                120.0_uA,
                [](std::uint64_t seed) { return std::make_unique<SimulatedBench>(mbn(0.3, 0.0, seed), rules()); },
                {},
                {}};
  const auto bench = scan.bench(1);
  std::vector<StepResult> rows;
  for (const auto& step : uniform_steps(scan.start, scan.stop, truth_points)) rows.push_back(bench->measure(step));
  const auto points = experiment::join_rows(rows, resolution_ua);
  std::vector<experiment::MeasuredPoint> wide;  // of regions that are no slivers
  for (std::size_t first = 0, end = 0; first < points.size(); first = end) {
    while (end < points.size() && points[end].label == points[first].label) ++end;
    if (end - first < least_region_points) {
      scan.left_out.push_back(fmt::format("{} at {:.2f} to {:.2f} uA", analysis::to_string(points[first].label),
                                          points[first].current_ua, points[end - 1].current_ua));
      continue;
    }
    wide.insert(wide.end(), points.begin() + static_cast<std::ptrdiff_t>(first),
                points.begin() + static_cast<std::ptrdiff_t>(end));
  }
  for (std::size_t k = 0; k < wide.size(); ++k) {
    const auto& fi = wide[k].fi;
    scan.truth.currents_ua.push_back(wide[k].current_ua);
    scan.truth.frequency.push_back(fi ? std::optional(fi->frequency_hz) : std::nullopt);
    if (k == 0 || wide[k].label == wide[k - 1].label) continue;
    add_transition(*bench, wide[k - 1], wide[k], scan.truth);
  }
  return scan;
}

Comparison compare(const ScanCase& scan, const Goal& goal, int seeds) {
  std::vector<Run> adaptive;
  std::vector<Run> uniform;
  for (int seed = 1; seed <= seeds; ++seed) {
    adaptive.push_back(run_adaptive(scan, goal, static_cast<std::uint64_t>(seed)));
    if (seed <= 6) uniform.push_back(least_uniform(scan, goal, static_cast<std::uint64_t>(seed)));
  }
  const Run a = median(std::move(adaptive));
  const Run u = median(std::move(uniform));
  return {u.seconds, a.seconds, u.points, a.points, a.reached, u.reached};
}

}  // namespace thyrode::support
