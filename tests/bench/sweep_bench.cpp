// How honest the statements about a sweep are: coverage, false alarms and power over seeded sweeps with a known truth.
// Usage: bench_sweep [SWEEPS [FIRST_SEED]], 1000 and 1 by default. Ends with 1 when a demand is not met.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>

#include "daemon/analysis/sweep_analysis.hpp"
#include "tests/support/sweep_scores.hpp"

namespace {

using namespace thyrode;
using support::Sampling;
using support::Tally;

bool all_met = true;

void demand(bool met) {
  all_met = all_met && met;
}

const char* word(bool met) {
  demand(met);
  return met ? "yes" : "NO";
}

void print_coverage(const Tally& tally) {
  fmt::print("  {:32} {:7} of {:7} = {:.4f}, 99 % [{:.4f}, {:.4f}], meets [0.93, 0.985]: {}\n", tally.of, tally.held,
             tally.total, tally.share(), tally.low(), tally.high(), word(tally.honest()));
}

std::string name_of(const Sampling& s) {
  const char* grid = s.grid == Sampling::Grid::uniform ? "uniform" : "geometric";
  return s.sigma > 0.0
             ? fmt::format("{} grid, {} points, sigma of ln f {}", grid, s.points, s.sigma)
             : fmt::format("{} grid, {} points, CV {}, steps to {} %", grid, s.points, s.cv, 100 * s.precision);
}

void beta(int sweeps, std::uint64_t seed) {
  const auto lif = support::lif_curve(32.3, 0.0646, 0.0);
  const auto slow = support::lif_curve(32.3, 0.0646, 0.008);
  using Grid = Sampling::Grid;
  for (const Sampling& sampling :
       {Sampling{Grid::uniform, 30, 0.05, 0.01, 0.0}, Sampling{Grid::geometric, 30, 0.05, 0.01, 0.0},
        Sampling{Grid::uniform, 47, 0.1, 0.02, 0.0}, Sampling{Grid::uniform, 20, 0.02, 0.01, 0.0},
        Sampling{Grid::uniform, 30, 0.0, 0.0, 0.001}, Sampling{Grid::geometric, 30, 0.0, 0.0, 0.001}}) {
    for (const bool refractory : {false, true}) {
      const auto score = support::beta_coverage(refractory ? slow : lif, sampling, sweeps, seed);
      fmt::print("beta_n of a LIF{}, {}\n", refractory ? " with 8 ms" : "", name_of(sampling));
      print_coverage(score.near);
      print_coverage(score.far);
      fmt::print("  rms error {:.3f} and {:.3f}; edge besides the ends: {:.4f} of the points\n", score.rms_near,
                 score.rms_far, score.flagged.share());
    }
  }
}

void lif(int sweeps, std::uint64_t seed) {
  using Grid = Sampling::Grid;
  for (const Sampling& sampling :
       {Sampling{Grid::uniform, 30, 0.05, 0.01, 0.0}, Sampling{Grid::geometric, 12, 0.05, 0.01, 0.0},
        Sampling{Grid::geometric, 12, 0.1, 0.02, 0.0}}) {
    for (const double refractory_s : {0.0, 0.008}) {
      const auto score = support::lif_coverage(32.3, 0.0646, refractory_s, sampling, sweeps, seed);
      fmt::print("LIF fit, refractory period {} ms, {}: accepted {:.4f}\n", 1e3 * refractory_s, name_of(sampling),
                 score.accepted.share());
      print_coverage(score.rheobase);
      print_coverage(score.tau);
      if (refractory_s > 0.0) print_coverage(score.refractory);
      print_coverage(score.slope);
    }
  }
}

void brackets(int sweeps, std::uint64_t seed) {
  using Grid = Sampling::Grid;
  for (const double ln_ratio : {0.2, 0.4, 1.0}) {
    for (const double sigma : {0.005, 0.037}) {
      const auto score = support::bracket_coverage(ln_ratio, {Grid::uniform, 30, 0.0, 0.0, sigma}, sweeps, seed);
      fmt::print(
          "jump of {} in ln f, sigma {}: found {:.3f}, in its bracket {:.4f}: {}, ln ratio held {:.3f}; onset in "
          "its bracket {:.4f}: {}\n",
          ln_ratio, sigma, score.jump_found.share(), score.jump.share(),
          score.jump.total < 50 ? "few" : word(score.jump.share() >= 0.99), score.ratio.share(), score.onset.share(),
          word(score.onset.share() >= 0.99));
    }
  }
}

void alarms(std::uint64_t seed) {
  const auto alarms = support::false_alarms(300, seed);
  fmt::print("{} smooth sweeps: {} with a false jump, {} with a false precursor: {}; {} with a transition\n",
             alarms.sweeps, alarms.jumps, alarms.precursors, word(alarms.jumps + alarms.precursors == 0),
             alarms.unwanted_transitions);
  for (const std::string& detail : alarms.details) fmt::print("  {}\n", detail);
}

void power(int sweeps, std::uint64_t seed) {
  using Grid = Sampling::Grid;
  for (const double peak : {1.5, 2.0}) {
    for (const double width : {0.15, 0.3, 0.6}) {
      for (const double sigma : {0.005, 0.01, 0.02}) {
        const auto seen = support::precursor_power(peak, width, {Grid::geometric, 30, 0.0, 0.0, sigma}, sweeps, seed);
        fmt::print("peak of beta_n {} times, width {} in ln(I - Ic), sigma {}: seen {:.3f}\n", peak, width, sigma,
                   seen.share());
      }
    }
  }
}

void rates(int runs, std::uint64_t seed) {
  const auto line = [&](double hysteresis, double drift, bool third) {
    const auto differ = support::rates_differ(hysteresis, drift, third, runs, seed);
    fmt::print("up and down{}: hysteresis {} and drift {} in ln f: called different {:.3f}\n", third ? " and up" : "",
               hysteresis, drift, differ.share());
    return differ.share();
  };
  word(line(0.0, 0.0, false) <= 0.03);
  word(line(0.0, 0.0, true) <= 0.03);
  word(line(0.0, 0.05, true) <= 0.03);
  line(0.0, 0.05, false);
  line(0.02, 0.05, true);
}

void cost() {
  std::mt19937_64 random(1);
  std::vector<analysis::StepResult> rows;
  analysis::SweepAnalysis sweep;
  double once = 0.0;
  const auto began = std::chrono::steady_clock::now();
  for (int condition = 0; condition < 10; ++condition) {
    const auto curve = support::lif_curve(32.3 + condition, 0.0646, 0.002);
    for (const double current : support::uniform_grid(30.0, 120.0, 20)) {
      rows.push_back(support::noisy_row(curve, current, 0.01, random));
      rows.back().conditions["tau_L"] = 1e-4 * condition;
      const auto before = std::chrono::steady_clock::now();
      sweep.update(rows);
      once = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    }
  }
  const double total = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  auto again = rows;
  const auto before = std::chrono::steady_clock::now();
  analysis::analyze_sweep(again);
  const double whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  fmt::print(
      "200 rows under 10 conditions, analysed after each: {:.3f} s in all, the last call {:.2f} ms; all at once "
      "{:.2f} ms\n",
      total, 1e3 * once, 1e3 * whole);
}

}  // namespace

int main(int argc, char** argv) {
  const int sweeps = argc > 1 ? std::atoi(argv[1]) : 1000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const std::string only = argc > 3 ? argv[3] : "";
  fmt::print("{} seeded sweeps for each line, seeds from {}\n", sweeps, seed);
  if (only.empty() || only == "beta") beta(sweeps, seed);
  if (only.empty() || only == "lif") lif(sweeps, seed);
  if (only.empty() || only == "brackets") brackets(sweeps, seed);
  if (only.empty() || only == "alarms") alarms(seed);
  if (only.empty() || only == "power") power(sweeps, seed);
  if (only.empty() || only == "rates") rates(sweeps, seed);
  if (only.empty() || only == "cost") cost();
  fmt::print("every demand is met: {}\n", all_met ? "yes" : "NO");
  return all_met ? 0 : 1;
}
