// How often the 95 % interval of the burst frequency holds the truth: seeded steps of the emulated mbn in IB1 through
// the whole instrument path, its noise on and the front end ideal, and seeded synthetic bursts through the analysis.
// Usage: burst_coverage [STEPS [FIRST_SEED]]. Ends with 1 when a 99 % binomial interval misses 0.93..0.985.

#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/simulation/simulate.hpp"
#include "tests/bench/path_support.hpp"

namespace {

using namespace thyrode;

constexpr double seconds_per_tick = 1.0 / (250e3 * 256.0);
// Well inside IB1 at 0.3 ms.
constexpr double currents_ua[] = {38, 39.5, 41, 42.5, 44};

/// Counts of steps, and of those whose interval held the truth.
struct Coverage {
  int steps = 0;
  int held = 0;
  int left_out = 0;  // did not end by their precision, or did not burst

  void add(const analysis::StepResult& row, double truth_hz) {
    const bool bursts = row.label == analysis::Label::IB1 || row.label == analysis::Label::IB2;
    if (!bursts || row.status != analysis::StepStatus::ok || !row.frequency_hz.low) {
      ++left_out;
      return;
    }
    ++steps;
    held += *row.frequency_hz.low <= truth_hz && truth_hz <= *row.frequency_hz.high ? 1 : 0;
  }

  bool tell(const char* what) const {
    using boost::math::binomial_distribution;
    const double low = binomial_distribution<>::find_lower_bound_on_p(steps, held, 0.005);
    const double high = binomial_distribution<>::find_upper_bound_on_p(steps, held, 0.005);
    const bool good = low <= 0.985 && high >= 0.93 && left_out <= steps / 20;
    fmt::print(
        "{}: {} of {} steps = {:.4f}, 99 % binomial interval [{:.4f}, {:.4f}], {} left out, wanted to meet "
        "[0.93, 0.985]: {}\n",
        what, held, steps, static_cast<double>(held) / steps, low, high, left_out, good ? "yes" : "NO");
    return good;
  }
};

/// Burst frequency of the noisy neuron, from a long simulation.
double true_frequency(double current_ua) {
  const auto circuit = bench::neuron("mbn", 987654321, true);
  const auto long_run =
      bench::must(simulation::simulate(*circuit, Current::from_si(current_ua * 1e-6), 600.0_s, 2.0_s));
  analysis::TrainStatistics train(seconds_per_tick, Ticks{0});
  for (const double at : long_run.spike_times) train.spike(Ticks{std::llround(at / seconds_per_tick)});
  return *train.bursting().value().frequency_hz.value;
}

bool emulated(int steps, std::uint64_t seed) {
  std::map<double, double> truth;
  std::string yaml = "schema: thyrode.experiment/1\nname: coverage\nplan: list\ncurrent: [";
  for (const double i : currents_ua) {
    yaml += fmt::format("{} uA, ", i);
    truth[i] = true_frequency(i);
  }
  yaml += "]\ndwell: {stop_when: {ci_rel_f: 5 %}, max: 60 s}\nrecord: {trace: off}\n";
  Coverage coverage;
  for (; coverage.steps + coverage.left_out < steps; ++seed) {
    native::NativeOptions options;
    options.seed = seed;
    options.ideal_front_end = true;
    const auto device = bench::must(open_simulated(bench::neuron("mbn", seed, true), options, "sim:mbn"));
    const auto plan = bench::plan_for(*device, yaml, seed);
    bench::NoStore store;
    experiment::Bench engine{*device, store, [] { return 0.0; }};
    const auto outcome = engine.run(plan, experiment::Threads::one);
    if (!outcome.error.message.empty()) bench::give_up(fmt::format("seed {}: {}", seed, outcome.error.message));
    for (const analysis::StepResult& row : outcome.result.steps) {
      coverage.add(row, truth.at(currents_ua[static_cast<std::size_t>(row.index)]));
    }
  }
  return coverage.tell("emulated mbn in IB1");
}

/// Bursts of 3 to 7 spikes at 2 ms (sd 10 %), gamma gaps of 20 ms.
bool synthetic(int steps, std::uint64_t seed, double gap_cv) {
  constexpr double gap_s = 0.02, isi_s = 0.002, grid_s = 0.01;
  Coverage coverage;
  for (int run = 0; run < steps; ++run) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(run));
    std::uniform_int_distribution<int> short_intervals(2, 6);
    std::normal_distribution<double> isi(isi_s, 0.1 * isi_s);
    std::gamma_distribution<double> gap(1.0 / (gap_cv * gap_cv), gap_s * gap_cv * gap_cv);
    analysis::StepRules rules;
    rules.relative_precision = 0.05;
    analysis::StepAnalyzer step(rules, seconds_per_tick, Ticks{0});
    double at = gap(random);
    int left = short_intervals(random);
    double now = 0.0;
    do {
      now += grid_s;
      while (at < now) {
        step.spike(Ticks{std::llround(at / seconds_per_tick)});
        at += left > 0 ? isi(random) : gap(random);
        left = left > 0 ? left - 1 : short_intervals(random);
      }
    } while (!step.evaluate(Ticks{std::llround(now / seconds_per_tick)}).done);
    coverage.add(step.result(Ticks{std::llround(now / seconds_per_tick)}), 1.0 / (gap_s + 4.0 * isi_s));
  }
  return coverage.tell(fmt::format("synthetic bursts, CV of gaps {}", gap_cv).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 1000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  bool good = emulated(steps, seed);
  for (const double gap_cv : {0.1, 0.3, 0.5}) good = synthetic(steps, seed, gap_cv) && good;
  return good ? 0 : 1;
}
