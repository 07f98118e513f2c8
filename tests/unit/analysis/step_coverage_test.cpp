// Does the 95 % interval of f hold the truth in 95 % of the steps, when the data decide where they end?
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "daemon/analysis/step_analyzer.hpp"

namespace thyrode::analysis {
namespace {

constexpr double tick_s = 1.0 / (250'000.0 * 256.0);
constexpr double second = 64e6;
constexpr std::int64_t grid = 640'000;
constexpr int runs = 600;
constexpr unsigned first_seed = 20'000;

struct Family {
  double cv;
  double correlation;  // of neighbouring intervals; 0 gives gamma intervals, else lognormal ones
};

struct Outcome {
  double coverage = 0.0;
  double spikes = 0.0;
  double ok = 0.0;
};

/// Steps of the trains whose intervals `make_intervals` draws. @param truth_hz  of what f counts
template <class MakeIntervals>
Outcome measure(double truth_hz, const StepRules& rules, MakeIntervals make_intervals) {
  Outcome outcome;
  for (unsigned run = 0; run < runs; ++run) {
    std::mt19937_64 random(first_seed + run);
    auto interval = make_intervals(random);
    StepAnalyzer step(rules, tick_s, Ticks{0});
    Ticks now{0};
    double at = interval() * second;
    do {
      now = now + grid;
      for (; at < static_cast<double>(now.count); at += interval() * second) step.spike(Ticks{std::llround(at)});
    } while (!step.evaluate(now).done);
    const StepResult row = step.result(now);
    if (row.frequency_hz.low && *row.frequency_hz.low <= truth_hz && truth_hz <= *row.frequency_hz.high) {
      ++outcome.coverage;
    }
    if (row.status == StepStatus::ok) ++outcome.ok;
    outcome.spikes += static_cast<double>(row.n_spikes);
  }
  outcome.coverage /= runs;
  outcome.ok /= runs;
  outcome.spikes /= runs;
  return outcome;
}

/// @param mean_s  mean interval
Outcome simulate(const Family& family, double mean_s, const StepRules& rules) {
  return measure(1.0 / mean_s, rules, [&](std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    std::gamma_distribution<double> gamma(1.0 / (family.cv * family.cv), family.cv * family.cv);
    const double start = family.cv * normal(random);
    return [&family, &random, mean_s, normal, gamma, x = start]() mutable {
      if (family.correlation == 0.0) return mean_s * gamma(random);
      x = family.correlation * x +
          std::sqrt(1.0 - family.correlation * family.correlation) * family.cv * normal(random);
      return mean_s * std::exp(x - 0.5 * family.cv * family.cv);
    };
  });
}

/// Bursts of 3 to 7 spikes at 2 ms (sd 10 %), gaps of 20 ms. @param gap_cv  their coefficient of variation
Outcome simulate_bursts(double gap_cv, const StepRules& rules) {
  constexpr double gap_s = 0.02;
  constexpr double isi_s = 0.002;
  const double period_s = gap_s + 4.0 * isi_s;
  return measure(1.0 / period_s, rules, [=](std::mt19937_64& random) {
    std::uniform_int_distribution<int> spikes(3, 7);
    std::normal_distribution<double> normal(1.0, 0.1);
    std::gamma_distribution<double> gamma(1.0 / (gap_cv * gap_cv), gap_cv * gap_cv);
    return [&random, spikes, normal, gamma, left = 0]() mutable {
      if (left > 0) {
        --left;
        return isi_s * normal(random);
      }
      left = spikes(random) - 1;
      return gap_s * gamma(random);
    };
  });
}

/// The band of the demand, 0.93 to 0.985, widened by two standard deviations of the binomial count.
void expect_honest(const Outcome& outcome) {
  EXPECT_GE(outcome.coverage, 0.93 - 2.0 * std::sqrt(0.93 * 0.07 / runs)) << "first seed " << first_seed;
  EXPECT_LE(outcome.coverage, 0.985 + 2.0 * std::sqrt(0.985 * 0.015 / runs)) << "first seed " << first_seed;
  EXPECT_GE(outcome.ok, 0.99);
}

StepRules rules(double precision) {
  StepRules r;
  r.relative_precision = precision;
  r.longest_s = 1000.0;
  r.most_spikes = 1'000'000;
  return r;
}

TEST(StepCoverage, RegularTrains) {
  const Outcome outcome = simulate({0.02, 0.0}, 0.01, rules(0.05));
  expect_honest(outcome);
  EXPECT_LT(outcome.spikes, 75);
}

TEST(StepCoverage, GammaTrains) {
  const Outcome outcome = simulate({0.3, 0.0}, 0.01, rules(0.05));
  expect_honest(outcome);
  EXPECT_NEAR(outcome.spikes, 213, 25);
}

TEST(StepCoverage, PoissonTrains) {
  expect_honest(simulate({1.0, 0.0}, 0.01, rules(0.05)));
}

TEST(StepCoverage, PositivelyCorrelatedTrains) {
  expect_honest(simulate({0.3, 0.6}, 0.01, rules(0.05)));
}

TEST(StepCoverage, NegativelyCorrelatedTrains) {
  expect_honest(simulate({0.3, -0.6}, 0.01, rules(0.05)));
}

TEST(StepCoverage, TonicTrainsAtTwoPercent) {
  expect_honest(simulate({0.1, 0.0}, 0.01, rules(0.02)));
}

TEST(StepCoverage, SlowTrainsInQuickMode) {
  StepRules r = rules(0.05);
  r.longest_s = 60.0;
  const Outcome outcome = simulate({0.05, 0.0}, 0.9, r);
  expect_honest(outcome);
  EXPECT_LT(outcome.spikes, 25);
}

TEST(StepCoverage, BurstsWithRegularGaps) {
  expect_honest(simulate_bursts(0.1, rules(0.05)));
}

TEST(StepCoverage, BurstsWithIrregularGaps) {
  expect_honest(simulate_bursts(0.3, rules(0.05)));
}

}  // namespace
}  // namespace thyrode::analysis
