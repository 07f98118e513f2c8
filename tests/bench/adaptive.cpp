// Adaptive against uniform sweeps: the same neuron, the same noise, the same stopping rule, the same targets.
// Usage: bench_adaptive [SEEDS]. Ends with 1 when a wanted ratio of bench times is missed.
//
// Bench time is the device's: steps as long as their stopping rule wants, silence of 3/f_min, leads, settling,
// sentinels and the latency of decisions. The adaptive sweep counts until it stops by itself, with all that it
// confirms. The uniform sweep is told by the truth how many points it needs, and needs no sentinel and no lead: it goes
// upwards. NOT REACHED: a run stopped without the goal, a transition outside its bracket included; a ratio of such
// times says little.

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/plan_comparison.hpp"

namespace {

using namespace thyrode;
using support::Comparison;
using support::ScanCase;

/// The ratio that is wanted of one row of the table; 0: it is shown only.
struct Target {
  const char* name;
  support::Goal goal;
  double wanted;
};

constexpr double none = std::numeric_limits<double>::infinity();

bool print_case(const ScanCase& scan, const std::vector<Target>& targets, int seeds) {
  bool good = true;
  fmt::print("\n{}\n", scan.name);
  for (const std::string& region : scan.left_out) {
    fmt::print("left out, narrower than 1 uA in the sweep for the truth: {}\n", region);
  }
  for (std::size_t k = 0; k < scan.truth.doubt_ua.size(); ++k) {
    fmt::print("transition at {:.3f} uA, +- {:.4f} uA by how it is entered\n", scan.truth.transitions_ua[k],
               scan.truth.doubt_ua[k]);
  }
  fmt::print("{:<44} {:>10} {:>10} {:>8} {:>8} {:>7} {:>7}\n", "target", "uniform s", "adaptive s", "points", "points",
             "ratio", "wanted");
  for (const Target& target : targets) {
    const Comparison c = support::compare(scan, target.goal, seeds);
    const bool met = c.reached && c.ratio() >= target.wanted;
    good = good && (met || target.wanted == 0.0);
    std::string verdict = met ? "" : c.reached ? "  MISSED" : "  NOT REACHED";
    if (!c.uniform_reached) verdict += "  uniform sweep: NOT REACHED";
    fmt::print("{:<44} {:>10.1f} {:>10.1f} {:>8} {:>8} {:>7.1f} {:>7}{}\n", target.name, c.uniform_s, c.adaptive_s,
               c.uniform_points, c.adaptive_points, c.ratio(),
               target.wanted > 0.0 ? fmt::format("{:.0f}", target.wanted) : "", verdict);
    std::fflush(stdout);
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 12;
  const std::vector<Target> targets{
      {"transitions to 0.2 % of the range", {0.002, none, 0.0}, 0.0},
      {"transitions to 0.05 %", {0.0005, none, 0.0}, 10.0},
      {"curve rms 3 %", {1.0, 0.03, 0.0}, 0.0},
      {"curve, 99 % within 5 %", {1.0, none, 0.99}, 0.0},
      {"all of transitions 0.2 % and curve rms 3 %", {0.002, 0.03, 0.0}, 4.0},
  };
  bool good = true;
  good = print_case(support::lif_case(), targets, seeds) && good;
  good = print_case(support::textbook_case(), targets, seeds) && good;
  good = print_case(support::mbn_case(), targets, 1) && good;
  return good ? 0 : 1;
}
