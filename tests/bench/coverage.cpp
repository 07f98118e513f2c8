// How often the 95 % interval of f holds the truth: seeded steps through the whole instrument path, noise on.
// Usage: coverage [STEPS [FIRST_SEED]]. Ends with 1 when the 99 % binomial interval of the coverage misses 0.93..0.985.

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <vector>

#include "daemon/simulation/simulate.hpp"
#include "tests/bench/path_support.hpp"

namespace {

using namespace thyrode;

// Between 2 uA above the onset and the turn of f(I); each seed is another neuron noise and another front end.
constexpr double currents_ua[] = {36, 40, 45, 52, 60, 70, 80, 90, 100, 110};

/// f of the noisy neuron at a current: the noise-free f there, times what noise does to it (a long simulation nearby).
class Truth {
 public:
  double at(double nominal_ua, double true_ua) { return quiet(true_ua) * (noise_factor(nominal_ua)); }

 private:
  static double quiet(double current_ua) {
    const auto circuit = bench::neuron("msn", 1, false);
    return *bench::must(simulation::simulate(*circuit, Current::from_si(current_ua * 1e-6), 8.0_s, 2.0_s)).frequency_hz;
  }
  double noise_factor(double nominal_ua) {
    const auto known = factors_.find(nominal_ua);
    if (known != factors_.end()) return known->second;
    const auto circuit = bench::neuron("msn", 987654321, true);
    const double noisy =
        *bench::must(simulation::simulate(*circuit, Current::from_si(nominal_ua * 1e-6), 6000.0_s, 2.0_s)).frequency_hz;
    return factors_[nominal_ua] = noisy / quiet(nominal_ua);
  }
  std::map<double, double> factors_;
};

/// The current that really flowed, from the side channel that the host never reads.
class TrueCurrent {
 public:
  void take(const native::Truth& truth) {
    if (truth.kind != native::Truth::Kind::current) return;
    changes_.push_back({static_cast<double>(to_ticks(truth.sample).count) + 256.0 * truth.fraction, truth.value});
  }
  double mean_ua(Ticks from, Ticks to) const {
    double sum = 0.0;
    for (std::size_t k = 0; k < changes_.size(); ++k) {
      const double end = k + 1 < changes_.size() ? changes_[k + 1].tick : static_cast<double>(to.count);
      const double begin = std::max(changes_[k].tick, static_cast<double>(from.count));
      sum += changes_[k].current * std::max(0.0, std::min(end, static_cast<double>(to.count)) - begin);
    }
    return 1e6 * sum / static_cast<double>(to - from);
  }

 private:
  struct Change {
    double tick;
    double current;
  };
  std::vector<Change> changes_;
};

}  // namespace

int main(int argc, char** argv) {
  const int wanted = argc > 1 ? std::atoi(argv[1]) : 1000;
  std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::string yaml = "schema: thyrode.experiment/1\nname: coverage\nplan: list\ncurrent: [";
  for (const double i : currents_ua) yaml += fmt::format("{} uA, ", i);
  yaml += "]\ndwell: {stop_when: {ci_rel_f: 2 %}, max: 60 s}\nrecord: {trace: off}\n";
  Truth truth;
  int steps = 0;
  int held = 0;
  double bench_seconds = 0.0;
  const double began = bench::cpu_seconds();
  int left_out = 0;
  for (; steps < wanted; ++seed) {
    TrueCurrent current;
    native::NativeOptions options;
    options.seed = seed;
    options.truth = [&current](const native::Truth& t) { current.take(t); };
    const auto device = bench::must(open_simulated(bench::neuron("msn", seed, true), options, "sim:msn"));
    const auto plan = bench::plan_for(*device, yaml, seed);
    bench::NoStore store;
    experiment::Bench engine{*device, store, [] { return 0.0; }};
    const auto outcome = engine.run(plan, experiment::Threads::one);
    if (!outcome.error.message.empty()) bench::give_up(fmt::format("seed {}: {}", seed, outcome.error.message));
    for (const analysis::StepResult& step : outcome.result.steps) {
      if (step.status != analysis::StepStatus::ok || !step.frequency_hz.low || !step.frequency_hz.high) {
        if (++left_out > wanted / 20) bench::give_up("more than one step in twenty did not end by its precision");
        continue;
      }
      const double nominal = plan.steps[static_cast<std::size_t>(step.index)].current.in(1.0_uA);
      const double f = truth.at(nominal, current.mean_ua(step.start, step.end));
      ++steps;
      held += *step.frequency_hz.low <= f && f <= *step.frequency_hz.high ? 1 : 0;
      bench_seconds += step.duration_s;
    }
  }
  using boost::math::binomial_distribution;
  const double low = binomial_distribution<>::find_lower_bound_on_p(steps, held, 0.005);
  const double high = binomial_distribution<>::find_upper_bound_on_p(steps, held, 0.005);
  const bool good = low <= 0.985 && high >= 0.93;
  fmt::print(
      "coverage of the 95 % interval of f: {} of {} steps = {:.4f}, 99 % binomial interval [{:.4f}, {:.4f}], wanted to "
      "meet "
      "[0.93, 0.985]: {}\n{:.0f} s on the bench in {:.1f} s of one core, seeds up to {}\n",
      held, steps, static_cast<double>(held) / steps, low, high, good ? "yes" : "NO", bench_seconds,
      bench::cpu_seconds() - began, seed - 1);
  return good ? 0 : 1;
}
