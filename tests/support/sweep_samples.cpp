#include "tests/support/sweep_samples.hpp"

#include <cmath>
#include <utility>

#include "daemon/analysis/step_analyzer.hpp"

namespace thyrode::support {
namespace {

using analysis::Label;
using analysis::StepResult;
using analysis::StepStatus;

constexpr double tick_s = 1.0 / (250'000.0 * 256.0);
constexpr std::int64_t decision_grid = 640'000;  // ticks, 10 ms

StepResult silent_row(double current_ua) {
  StepResult row;
  row.current_ua = current_ua;
  row.status = StepStatus::upper_bound;
  row.label = Label::QH;
  row.frequency_hz = {std::nullopt, 0.0, 1.0};
  return row;
}

/// Integrates beta from the point where the peak begins, by Simpson's rule.
double integral(const std::function<double(double)>& f, double low, double high) {
  constexpr int pieces = 400;
  const double h = (high - low) / pieces;
  double sum = f(low) + f(high);
  for (int k = 1; k < pieces; ++k) sum += (k % 2 == 1 ? 4.0 : 2.0) * f(low + k * h);
  return sum * h / 3.0;
}

}  // namespace

double TrueRate::beta(double current_ua) const {
  const double h = 1e-3 * (current_ua - onset_ua);
  const auto ln = [&](double offset) { return std::log(rate(current_ua + offset)); };
  return (8.0 * (ln(h) - ln(-h)) - (ln(2.0 * h) - ln(-2.0 * h))) / (12.0 * h);
}

TrueRate lif_curve(double onset_ua, double tau_s, double refractory_s) {
  return {"lif", onset_ua, [=](double i) { return 1.0 / (refractory_s + tau_s * std::log(i / (i - onset_ua))); }};
}

TrueRate with_jump(const TrueRate& curve, double at_ua, double ln_ratio) {
  const auto rate = [=](double i) { return curve.rate(i) * (i > at_ua ? std::exp(ln_ratio) : 1.0); };
  return {curve.name + " with a jump", curve.onset_ua, rate};
}

TrueRate with_peak(const TrueRate& curve, double at_ua, double peak, double width) {
  const double centre = std::log(at_ua - curve.onset_ua);
  const auto rate = [=](double i) {
    const double u = std::log(i - curve.onset_ua);
    const double begin = centre - 6.0 * width;
    if (u <= begin) return curve.rate(i);
    const auto extra = [&](double v) {
      const double current = curve.onset_ua + std::exp(v);
      const double z = (v - centre) / width;
      return (peak - 1.0) * std::exp(-0.5 * z * z) * curve.beta(current) * std::exp(v);
    };
    return curve.rate(i) * std::exp(integral(extra, begin, std::min(u, centre + 6.0 * width)));
  };
  return {curve.name + " with a peak", curve.onset_ua, rate};
}

std::vector<TrueRate> smooth_curves() {
  std::vector<TrueRate> curves{lif_curve(32.3, 0.0646, 0.0), lif_curve(32.3, 0.0646, 0.008)};
  curves[1].name = "lif with refractory period";
  curves.push_back({"square root", 32.3, [](double i) { return 12.0 * std::sqrt(i - 32.3); }});
  curves.push_back({"integrator with dead time", 0.0, [](double i) { return 1.0 / (0.004 + 1.6 / i); }});
  const auto lif = curves[0].rate;
  curves.push_back({"turning over", 32.3, [lif](double i) {
                      const double x = (i - 32.3) / 96.0;
                      return lif(i) * (1.0 - 0.55 * x * x * x * x);
                    }});
  return curves;
}

std::vector<double> uniform_grid(double first_ua, double last_ua, int n) {
  std::vector<double> grid;
  for (int k = 0; k < n; ++k) grid.push_back(first_ua + (last_ua - first_ua) * k / (n - 1));
  return grid;
}

std::vector<double> geometric_grid(double onset_ua, double first_ua, double last_ua, int n) {
  std::vector<double> grid;
  for (const double u : uniform_grid(std::log(first_ua - onset_ua), std::log(last_ua - onset_ua), n)) {
    grid.push_back(onset_ua + std::exp(u));
  }
  return grid;
}

StepResult noisy_row(const TrueRate& curve, double current_ua, double sigma, std::mt19937_64& random) {
  if (current_ua <= curve.onset_ua) return silent_row(current_ua);
  StepResult row;
  row.current_ua = current_ua;
  row.status = StepStatus::ok;
  row.label = Label::TS;
  row.n_spikes = 100;
  row.cv = 10.0 * sigma;
  const double f = curve.rate(current_ua) * std::exp(std::normal_distribution<double>(0.0, sigma)(random));
  row.frequency_hz = {f, f * (1.0 - 1.96 * sigma), f * (1.0 + 1.96 * sigma)};
  return row;
}

StepResult measured_row(const TrueRate& curve, double current_ua, double cv, double precision,
                        std::mt19937_64& random) {
  if (current_ua <= curve.onset_ua) return silent_row(current_ua);
  analysis::StepRules rules;
  rules.relative_precision = precision;
  rules.longest_s = 1000.0;
  rules.most_spikes = 1'000'000;
  rules.f_min_hz = 0.01;
  analysis::StepAnalyzer step(rules, tick_s, Ticks{0});
  std::gamma_distribution<double> gamma(1.0 / (cv * cv), cv * cv / (curve.rate(current_ua) * tick_s));
  Ticks now{0};
  double at = gamma(random);
  do {
    now = now + decision_grid;
    for (; at < static_cast<double>(now.count); at += gamma(random)) step.spike(Ticks{std::llround(at)});
  } while (!step.evaluate(now).done);
  StepResult row = step.result(now);
  row.current_ua = current_ua;
  return row;
}

}  // namespace thyrode::support
