// Sweeps with a known truth: rows as an instrument would give them, without the instrument.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/analysis/step_result.hpp"

namespace thyrode::support {

/// f(I) of a neuron that is known.
struct TrueRate {
  std::string name;
  double onset_ua = 0.0;               ///< silent at and below it
  std::function<double(double)> rate;  ///< Hz at a current above the onset, µA
  /// d ln f/dI, 1/µA, by differences.
  double beta(double current_ua) const;
};

/// f = 1/(refractory + tau ln(I/(I - onset))).
TrueRate lif_curve(double onset_ua, double tau_s, double refractory_s);
/// A rate that is multiplied by e^ln_ratio from `at_ua` on.
TrueRate with_jump(const TrueRate& curve, double at_ua, double ln_ratio);
/// A curve whose beta_n is multiplied by a bump: 1 + (peak - 1) exp(-(u - u0)^2/(2 width^2)), u = ln(I - onset).
TrueRate with_peak(const TrueRate& curve, double at_ua, double peak, double width);
/// Smooth curves of different kinds: LIF without and with refractory period, a square-root onset, an ideal
/// integrator with dead time, a curve that turns over.
std::vector<TrueRate> smooth_curves();

/// n currents from first to last: equally far apart, or with equal ratios of the distance to the onset.
std::vector<double> uniform_grid(double first_ua, double last_ua, int n);
std::vector<double> geometric_grid(double onset_ua, double first_ua, double last_ua, int n);

/// A step whose rate is off by noise of a known size.
/// @param sigma  standard deviation of ln f, which the interval of the row knows
analysis::StepResult noisy_row(const TrueRate& curve, double current_ua, double sigma, std::mt19937_64& random);
/// A step of gamma intervals, analysed by StepAnalyzer until its rate is known.
/// @param cv  of the intervals
/// @param precision  relative half width of the 95 % interval at which the step ends
analysis::StepResult measured_row(const TrueRate& curve, double current_ua, double cv, double precision,
                                  std::mt19937_64& random);

}  // namespace thyrode::support
