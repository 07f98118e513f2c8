#include "tests/support/sweep_scores.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "daemon/analysis/sweep_analysis.hpp"

namespace thyrode::support {
namespace {

using analysis::BetaStatus;
using analysis::Direction;
using analysis::Estimate;
using analysis::StepResult;
using Binomial = boost::math::binomial_distribution<>;

constexpr double onset_ua = 32.3;
constexpr double first_ua = 33.5;
constexpr double last_ua = 120.0;

StepResult row_at(const TrueRate& curve, double current_ua, const Sampling& sampling, std::mt19937_64& random) {
  return sampling.sigma > 0.0 ? noisy_row(curve, current_ua, sampling.sigma, random)
                              : measured_row(curve, current_ua, sampling.cv, sampling.precision, random);
}

/// The currents of a sweep; its first one lies at random, up to a spacing higher.
std::vector<double> grid_of(double onset, const Sampling& sampling, std::mt19937_64& random) {
  const double offset = std::uniform_real_distribution<double>(0.0, 1.0)(random);
  const bool uniform = sampling.grid == Sampling::Grid::uniform;
  const double spacing = (last_ua - first_ua) / (sampling.points - 1);
  const double first = uniform ? first_ua + offset * spacing : onset + (first_ua - onset) * (0.7 + 0.6 * offset);
  return uniform ? uniform_grid(first, last_ua + offset * spacing, sampling.points)
                 : geometric_grid(onset, first, last_ua, sampling.points);
}

std::vector<StepResult> sweep_of(const TrueRate& curve, const std::vector<double>& currents, const Sampling& sampling,
                                 std::mt19937_64& random) {
  std::vector<StepResult> rows;
  for (const double current : currents) {
    rows.push_back(row_at(curve, current, sampling, random));
    rows.back().index = static_cast<int>(rows.size()) - 1;
  }
  return rows;
}

bool holds(const Estimate& estimate, double truth) {
  return estimate.low && estimate.high && *estimate.low <= truth && truth <= *estimate.high;
}

bool inside(const analysis::Bracket& bracket, double current_ua) {
  return bracket.low_ua <= current_ua && current_ua <= bracket.high_ua;
}

struct Squares {
  double sum = 0.0;
  long n = 0;
  void add(double x) { sum += x * x, ++n; }
  double root() const { return n > 0 ? std::sqrt(sum / static_cast<double>(n)) : 0.0; }
};

}  // namespace

double Tally::low() const {
  return Binomial::find_lower_bound_on_p(static_cast<double>(total), static_cast<double>(held), 0.005);
}

double Tally::high() const {
  return Binomial::find_upper_bound_on_p(static_cast<double>(total), static_cast<double>(held), 0.005);
}

BetaScore beta_coverage(const TrueRate& curve, const Sampling& sampling, int sweeps, std::uint64_t seed) {
  BetaScore score{{"beta_n below 1.3 Ic"}, {"beta_n above 1.3 Ic"}, {"points flagged edge"}, 0.0, 0.0};
  Squares near;
  Squares far;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(sweep));
    auto rows = sweep_of(curve, grid_of(curve.onset_ua, sampling, random), sampling, random);
    analysis::analyze_sweep(rows);
    for (std::size_t k = 1; k + 1 < rows.size(); ++k) {
      const StepResult& row = rows[k];
      score.flagged.add(row.beta_status != BetaStatus::ok);
      if (row.beta_status != BetaStatus::ok) continue;
      const double truth = curve.beta(row.current_ua);
      const bool is_near = row.current_ua < 1.3 * curve.onset_ua;
      (is_near ? score.near : score.far).add(holds(row.beta_n_per_ua, truth));
      (is_near ? near : far).add(*row.beta_n_per_ua.value / truth - 1.0);
    }
  }
  score.rms_near = near.root();
  score.rms_far = far.root();
  return score;
}

LifScore lif_coverage(double onset, double tau_s, double refractory_s, const Sampling& sampling, int sweeps,
                      std::uint64_t seed) {
  LifScore score{{"Ic"}, {"tau"}, {"refractory period"}, {"ideal slope"}, {"accepted"}};
  const TrueRate curve = lif_curve(onset, tau_s, refractory_s);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(sweep));
    auto rows = sweep_of(curve, grid_of(onset, sampling, random), sampling, random);
    const auto lif = analysis::analyze_sweep(rows).lif;
    score.accepted.add(lif && lif->accepted);
    if (!lif || !lif->accepted) continue;
    score.rheobase.add(holds({{}, lif->rheobase_low_ua, lif->rheobase_high_ua}, onset));
    score.tau.add(holds({{}, lif->tau_low_ms, lif->tau_high_ms}, tau_s * 1e3));
    score.refractory.add(holds({{}, lif->refractory_low_ms, lif->refractory_high_ms}, refractory_s * 1e3));
    score.slope.add(holds(lif->ideal_slope_hz_per_ua, 1.0 / (tau_s * onset)));
  }
  return score;
}

BracketScore bracket_coverage(double ln_ratio, const Sampling& sampling, int sweeps, std::uint64_t seed) {
  BracketScore score{{"onset in its bracket"}, {"jump in its bracket"}, {"jump found"}, {"ln ratio"}};
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(sweep));
    const double jump = std::uniform_real_distribution<double>(50.0, 100.0)(random);
    const TrueRate curve = with_jump(lif_curve(onset_ua, 0.0646, 0.0), jump, ln_ratio);
    auto currents = grid_of(onset_ua, sampling, random);
    const double below = std::uniform_real_distribution<double>(0.0, 3.0)(random);
    for (const double x : {below, below + 3.0, below + 6.0}) currents.insert(currents.begin(), onset_ua - x);
    auto rows = sweep_of(curve, currents, sampling, random);
    const auto fit = analysis::analyze_sweep(rows);
    bool found = false;
    for (const analysis::Transition& t : fit.transitions) {
      if (t.below == analysis::Label::QH) score.onset.add(inside(t.bracket, onset_ua));
      if (!t.jump) continue;
      const bool holds_jump = inside(t.bracket, jump);
      score.jump.add(holds_jump);
      if (holds_jump) found = true, score.ratio.add(holds(t.ln_ratio, ln_ratio));
    }
    score.jump_found.add(found);
  }
  return score;
}

FalseAlarms false_alarms(int sweeps, std::uint64_t seed) {
  static constexpr double spreads[] = {0.02, 0.05, 0.1};
  static constexpr double precisions[] = {0.01, 0.02, 0.05};
  static constexpr int points[] = {16, 30, 47};
  const auto curves = smooth_curves();
  FalseAlarms alarms;
  for (; alarms.sweeps < sweeps; ++alarms.sweeps) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(alarms.sweeps));
    const auto pick = [&](const auto& list) {
      return list[std::uniform_int_distribution<std::size_t>(0, std::size(list) - 1)(random)];
    };
    const TrueRate curve = curves[static_cast<std::size_t>(alarms.sweeps) % curves.size()];
    Sampling sampling;
    sampling.grid = alarms.sweeps % 2 == 0 ? Sampling::Grid::uniform : Sampling::Grid::geometric;
    sampling.cv = pick(spreads);
    sampling.precision = pick(precisions);
    sampling.points = pick(points);
    auto rows = sweep_of(curve, grid_of(onset_ua, sampling, random), sampling, random);
    const auto fit = analysis::analyze_sweep(rows);
    const auto is_jump = [](const analysis::Transition& t) { return t.jump; };
    alarms.jumps += std::any_of(fit.transitions.begin(), fit.transitions.end(), is_jump) ? 1 : 0;
    alarms.precursors += fit.precursors.empty() ? 0 : 1;
    for (const analysis::Precursor& p : fit.precursors) {
      alarms.details.push_back(
          fmt::format("seed {}: {}, {} points, CV {}, to {}: {} to {} uA, {} times the {}, {} sigma",
                      seed + static_cast<std::uint64_t>(alarms.sweeps), curve.name, sampling.points, sampling.cv,
                      sampling.precision, p.range.low_ua, p.range.high_ua, p.beta_n_per_ua / p.reference_per_ua,
                      to_string(p.reference), p.deviations));
    }
    alarms.unwanted_transitions += fit.transitions.empty() ? 0 : 1;
  }
  return alarms;
}

Tally precursor_power(double peak, double width, const Sampling& sampling, int sweeps, std::uint64_t seed) {
  Tally seen{"precursor seen"};
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(sweep));
    const double at = std::uniform_real_distribution<double>(45.0, 75.0)(random);
    const TrueRate curve = with_peak(lif_curve(onset_ua, 0.0646, 0.0), at, peak, width);
    auto rows = sweep_of(curve, grid_of(onset_ua, sampling, random), sampling, random);
    const auto fit = analysis::analyze_sweep(rows);
    seen.add(std::any_of(fit.precursors.begin(), fit.precursors.end(), [&](const analysis::Precursor& p) {
      return std::abs(std::log((p.current_ua - onset_ua) / (at - onset_ua))) < 2.0 * width;
    }));
  }
  return seen;
}

Tally rates_differ(double hysteresis_ln_f, double drift_ln_f, bool third_leg, int runs, std::uint64_t seed) {
  Tally differ{"rates called different"};
  const TrueRate curve = lif_curve(onset_ua, 0.0646, 0.0);
  const auto currents = uniform_grid(36.0, 100.0, 17);
  for (int run = 0; run < runs; ++run) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(run));
    std::vector<StepResult> rows;
    const int legs = third_leg ? 3 : 2;
    const double steps = legs * static_cast<double>(currents.size());
    for (int leg = 0; leg < legs; ++leg) {
      for (std::size_t k = 0; k < currents.size(); ++k) {
        const double passed = static_cast<double>(rows.size()) / steps;
        const double change = drift_ln_f * passed + (leg == 1 ? hysteresis_ln_f : 0.0);
        const TrueRate now{"", curve.onset_ua, [&](double i) { return curve.rate(i) * std::exp(change); }};
        rows.push_back(measured_row(now, currents[leg == 1 ? currents.size() - 1 - k : k], 0.05, 0.01, random));
        rows.back().leg = leg;
        rows.back().direction = leg == 1 ? Direction::down : Direction::up;
        rows.back().start = Ticks{static_cast<std::int64_t>(rows.size()) * 64'000'000};
      }
    }
    const auto fit = analysis::analyze_sweep(rows);
    differ.add(fit.rates.size() == 1 && fit.rates[0].differs);
  }
  return differ;
}

}  // namespace thyrode::support
