// How often the 95 % intervals of the LIF fit and of beta_n hold the truth: seeded sweeps of the model `lif` with noise
// through the whole instrument path.
// Usage: lif_coverage [SWEEPS [FIRST_SEED]]. Ends with 1 when a 99 % binomial interval of a coverage misses
// 0.93..0.985.

#include <cmath>
#include <vector>

#include "daemon/analysis/sweep_analysis.hpp"
#include "tests/bench/path_support.hpp"
#include "tests/support/sweep_scores.hpp"

namespace {

using namespace thyrode;
using support::Tally;

// Slow enough to move several intervals, small enough to leave the mean rate as it is (0.1 % at 38 uA).
constexpr neurons::NoiseParameters noise{0.5e-6, 0.02};
constexpr double first_ua = 37.0;
constexpr double last_ua = 64.0;
constexpr int points = 13;

struct Lif {
  double onset_ua = 0.0;
  double tau_s = 0.0;
};

std::unique_ptr<neurons::Neuron> noisy_lif(std::uint64_t seed, Lif& truth) {
  const auto file = bench::must(load::load_neuron_file("experiments/neurons/lif.yaml"));
  neurons::Parameters parameters;
  for (const auto& [key, value] : file.parameters) parameters[key] = value.si;
  truth = {parameters.at("I_c") * 1e6, parameters.at("tau")};
  return bench::must(neurons::make_neuron(file.model, parameters, noise, seed));
}

bool holds(double low, double high, double truth) {
  return low <= truth && truth <= high;
}

void report(const Tally& tally, bool& good) {
  good = good && tally.honest();
  fmt::print(
      "coverage of {}: {} of {} = {:.4f}, 99 % binomial interval [{:.4f}, {:.4f}], wanted to meet [0.93, 0.985]: "
      "{}\n",
      tally.of, tally.held, tally.total, tally.share(), tally.low(), tally.high(), tally.honest() ? "yes" : "NO");
}

}  // namespace

int main(int argc, char** argv) {
  const int sweeps = argc > 1 ? std::atoi(argv[1]) : 1000;
  const std::uint64_t first_seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const std::string yaml = fmt::format(
      "schema: thyrode.experiment/1\nname: lif-coverage\nplan: sweep\ncurrent: {{start: {} uA, stop: {} uA, points: "
      "{}}}\ndwell: {{stop_when: {{ci_rel_f: 2 %}}, max: 60 s}}\nrecord: {{trace: off}}\n",
      first_ua, last_ua, points);
  Tally rheobase{"Ic"}, tau{"tau"}, beta{"beta_n"}, accepted{"accepted"};
  double bench_seconds = 0.0;
  const double began = bench::cpu_seconds();
  for (std::uint64_t seed = first_seed; seed < first_seed + static_cast<std::uint64_t>(sweeps); ++seed) {
    Lif truth;
    native::NativeOptions options;
    options.seed = seed;
    // A bend of the source by 0.1 uA is no LIF any more: that is for the fit to refuse, not to cover.
    options.ideal_front_end = true;
    const auto device = bench::must(open_simulated(noisy_lif(seed, truth), options, "sim:lif"));
    const auto plan = bench::plan_for(*device, yaml, seed);
    bench::NoStore store;
    experiment::Bench engine{*device, store, [] { return 0.0; }};
    const auto outcome = engine.run(plan, experiment::Threads::one);
    if (!outcome.error.message.empty()) bench::give_up(fmt::format("seed {}: {}", seed, outcome.error.message));
    auto rows = outcome.result.steps;
    // An ideal converter has code 0 at 0 V, which calls the rest between spikes clipped; their times do not mind.
    for (analysis::StepResult& row : rows) {
      if (row.status == analysis::StepStatus::saturated) row.status = analysis::StepStatus::ok;
    }
    const analysis::SweepFit fit = analysis::analyze_sweep(rows);
    const auto curve = support::lif_curve(truth.onset_ua, truth.tau_s, 0.0);
    for (const analysis::StepResult& step : rows) {
      bench_seconds += step.duration_s;
      if (!step.beta_n_per_ua.value) continue;
      beta.add(holds(*step.beta_n_per_ua.low, *step.beta_n_per_ua.high, curve.beta(step.current_ua)));
    }
    const auto& lif = fit.lif;
    accepted.add(lif && lif->accepted);
    if (!lif || !lif->accepted) continue;
    rheobase.add(holds(lif->rheobase_low_ua, lif->rheobase_high_ua, truth.onset_ua));
    tau.add(holds(lif->tau_low_ms, lif->tau_high_ms, 1e3 * truth.tau_s));
  }
  bool good = accepted.share() > 0.9;
  fmt::print("{} sweeps of {} steps from {} to {} uA, {} accepted\n", sweeps, points, first_ua, last_ua, accepted.held);
  report(rheobase, good);
  report(tau, good);
  report(beta, good);
  fmt::print("{:.0f} s on the bench in {:.1f} s of one core, seeds from {}\n", bench_seconds,
             bench::cpu_seconds() - began, first_seed);
  return good ? 0 : 1;
}
