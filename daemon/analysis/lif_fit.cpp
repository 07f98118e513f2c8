#include "daemon/analysis/lif_fit.hpp"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace thyrode::analysis {
namespace {

constexpr int scan_points = 48;
constexpr double closest = 1e-9;  // least (lowest current - Ic), relative to what is allowed
constexpr double no_leak = 1e-6;  // Ic over the lowest current, below which nothing tells it from zero

/// tref and tau of one Ic, seconds.
struct Line {
  double refractory = 0.0;
  double tau = 0.0;
  double chi2 = 0.0;
};

/// The least place of `f` in [low, high] that Brent's method finds, or `known` if none is below its value.
template <class F>
double brent(const F& f, double low, double high, double known, double value) {
  std::uintmax_t evaluations = 80;
  const auto found = boost::math::tools::brent_find_minima(f, low, high, 26, evaluations);
  return found.second <= value ? found.first : known;
}

/// The points as (L, T, weight) for any Ic, with the constraints of the fit.
class Problem {
 public:
  Problem(std::span<const FiPoint> points, double highest_silent, bool constrained)
      : points_(points), constrained_(constrained) {
    lowest_ = points[0].current_ua;
    for (const FiPoint& p : points) lowest_ = std::min(lowest_, p.current_ua);
    room_ = lowest_ - std::max(0.0, highest_silent);
  }

  double room() const { return room_; }
  /// Search runs in x = ln(lowest current - Ic): the onset is logarithmic.
  double onset(double x) const { return lowest_ - std::exp(x); }
  double x_low() const { return std::log(room_ * closest); }
  double x_high() const { return std::log(room_ * (1.0 - closest)); }

  Line solve(double x) const { return solve(x, std::nullopt, std::nullopt); }

  Line solve(double x, std::optional<double> tau, std::optional<double> refractory) const {
    double w = 0.0;
    double wl = 0.0;
    double wt = 0.0;
    each(x, [&](double l, double t, double weight) { w += weight, wl += weight * l, wt += weight * t; });
    const double mean_l = wl / w;
    const double mean_t = wt / w;
    double ll = 0.0;
    double lt = 0.0;
    each(x, [&](double l, double t, double weight) {
      ll += weight * (l - mean_l) * (l - mean_l);
      lt += weight * (l - mean_l) * (t - mean_t);
    });
    Line line;
    const double through_ll = ll + w * mean_l * mean_l;  // sums about the origin, for a fixed intercept
    const double through_lt = lt + w * mean_l * mean_t;
    if (refractory) {
      line.refractory = *refractory;
      line.tau = (through_lt - *refractory * wl) / through_ll;
    } else {
      line.tau = tau ? *tau : lt / ll;
      line.refractory = mean_t - line.tau * mean_l;
      if (constrained_ && line.refractory < 0.0) {
        line.refractory = 0.0;
        if (!tau) line.tau = through_lt / through_ll;
      }
    }
    if (constrained_ && line.tau < 0.0) line.tau = 0.0, line.refractory = refractory.value_or(std::max(0.0, mean_t));
    each(x, [&](double l, double t, double weight) {
      const double rest = t - line.refractory - line.tau * l;
      line.chi2 += weight * rest * rest;
    });
    return line;
  }

  /// Least chi2 over Ic with tau or tref held where given; returns x.
  double search(std::optional<double> tau = {}, std::optional<double> refractory = {}) const {
    return least([&](double x) { return solve(x, tau, refractory).chi2; });
  }

  /// Least chi2 over Ic with 1/(tau Ic) held.
  double chi2_of_slope(double slope) const {
    const auto chi2 = [&](double x) { return solve(x, 1.0 / (slope * onset(x)), {}).chi2; };
    return chi2(least(chi2));
  }

 private:
  /// Where a function of x is least.
  template <class F>
  double least(const F& chi2) const {
    const double step = (x_high() - x_low()) / (scan_points - 1);
    double best = x_low();
    double least = chi2(best);
    for (int k = 1; k < scan_points; ++k) {
      const double x = x_low() + k * step;
      if (const double value = chi2(x); value < least) least = value, best = x;
    }
    const double low = std::max(x_low(), best - step);
    const double high = std::min(x_high(), best + step);
    const double coarse = brent(chi2, low, high, best, least);
    // Brent's search ends at half of the digits of x; points known to 1e-8 need more, so it starts again around there.
    const double scale = std::ldexp(std::max(1.0, std::abs(coarse)), -22);
    const auto near = [&](double d) { return chi2(coarse + scale * d); };
    return coarse + scale * brent(near, std::max(-1.0, (low - coarse) / scale), std::min(1.0, (high - coarse) / scale),
                                  0.0, chi2(coarse));
  }

  template <class F>
  void each(double x, F&& f) const {
    const double gap = std::exp(x);
    for (const FiPoint& p : points_) {
      const double period = 1.0 / p.frequency_hz;
      const double sigma = p.sigma_ln_f * period;
      // I - Ic as (I - lowest) + gap keeps its digits when Ic is close to the lowest current.
      f(std::log(p.current_ua / (p.current_ua - lowest_ + gap)), period, 1.0 / (sigma * sigma));
    }
  }

  std::span<const FiPoint> points_;
  bool constrained_;
  double lowest_ = 0.0;
  double room_ = 0.0;
};

/// Root of `excess` between a point inside the interval (negative) and one outside (positive); either end if none.
double crossing(const std::function<double(double)>& excess, double inside, double outside) {
  const double at_outside = excess(outside);
  if (!(at_outside > 0.0)) return outside;
  const double at_inside = excess(inside);
  if (!(at_inside < 0.0)) return inside;
  std::uintmax_t evaluations = 60;
  const auto tolerance = boost::math::tools::eps_tolerance<double>(30);
  const auto root =
      inside < outside
          ? boost::math::tools::toms748_solve(excess, inside, outside, at_inside, at_outside, tolerance, evaluations)
          : boost::math::tools::toms748_solve(excess, outside, inside, at_outside, at_inside, tolerance, evaluations);
  return 0.5 * (root.first + root.second);
}

constexpr double unbounded = std::numeric_limits<double>::infinity();

/// Root of `excess` above `from`, looked for in powers of two of `step`; infinite if there is none on the way.
double crossing_above(const std::function<double(double)>& excess, double from, double step) {
  double outside = from + step;
  for (int k = 0; k < 20 && !(excess(outside) > 0.0); ++k) outside = from + (step *= 2.0);
  return excess(outside) > 0.0 ? crossing(excess, from, outside) : unbounded;
}

std::size_t different_currents(std::span<const FiPoint> points) {
  constexpr double same_current = 1e-6;  // relative: closer than any source can set
  std::vector<double> currents;
  for (const FiPoint& p : points) currents.push_back(p.current_ua);
  std::sort(currents.begin(), currents.end());
  const auto same = [](double a, double b) { return b - a <= same_current * b; };
  return static_cast<std::size_t>(std::unique(currents.begin(), currents.end(), same) - currents.begin());
}

/// Writes the profile intervals: where chi2 reaches `limit`.
void bound(const Problem& problem, double best, const Line& line, double limit, LifFit& fit) {
  const auto over_x = [&](double x) { return problem.solve(x).chi2 - limit; };
  fit.rheobase_low_ua = problem.onset(crossing(over_x, best, problem.x_high()));
  fit.rheobase_high_ua = problem.onset(crossing(over_x, best, problem.x_low()));

  const double step = 0.01 * line.tau;
  const auto over_tau = [&](double tau) { return problem.solve(problem.search(tau), tau, {}).chi2 - limit; };
  fit.tau_low_ms = crossing(over_tau, line.tau, 0.0) * 1e3;
  fit.tau_high_ms = crossing_above(over_tau, line.tau, step) * 1e3;

  const auto over_refractory = [&](double refractory) {
    return problem.solve(problem.search({}, refractory), {}, refractory).chi2 - limit;
  };
  fit.refractory_low_ms = crossing(over_refractory, line.refractory, 0.0) * 1e3;
  fit.refractory_high_ms = crossing_above(over_refractory, line.refractory, step) * 1e3;

  const double slope = 1.0 / (line.tau * problem.onset(best));
  const auto over_slope = [&](double s) { return problem.chi2_of_slope(s) - limit; };
  fit.ideal_slope_hz_per_ua = {slope, crossing(over_slope, slope, 1e-3 * slope),
                               crossing_above(over_slope, slope, 0.01 * slope)};
}

}  // namespace

std::optional<LifFit> fit_lif(std::span<const FiPoint> points, double highest_silent_ua) {
  if (different_currents(points) < 4) return std::nullopt;
  const Problem problem(points, highest_silent_ua, true);
  const auto [low, high] = std::minmax_element(
      points.begin(), points.end(), [](const FiPoint& a, const FiPoint& b) { return a.current_ua < b.current_ua; });
  if (!(problem.room() > 0.0) || !(high->current_ua > low->current_ua)) return std::nullopt;

  const double best = problem.search();
  const Line line = problem.solve(best);
  if (!(line.tau > 0.0)) return std::nullopt;
  const double degrees = static_cast<double>(points.size()) - 3.0;
  LifFit fit;
  fit.range_low_ua = low->current_ua;
  fit.range_high_ua = high->current_ua;
  fit.rheobase_ua = problem.onset(best);
  fit.tau_ms = line.tau * 1e3;
  fit.refractory_ms = line.refractory * 1e3;
  fit.chi2_per_dof = line.chi2 / degrees;
  const double rise =
      boost::math::quantile(boost::math::fisher_f(1.0, degrees), 0.95) * std::max(1.0, fit.chi2_per_dof);
  bound(problem, best, line, line.chi2 + rise, fit);
  // Without a leak 1/f goes as 1/I: Ic has no lower end then but zero, and tau, which goes as 1/Ic, no upper one.
  const bool leak_open = !(highest_silent_ua > 0.0) && fit.rheobase_low_ua < no_leak * low->current_ua;
  if (leak_open) fit.tau_high_ms = unbounded;
  if (leak_open && fit.rheobase_ua < no_leak * low->current_ua) fit.tau_ms = unbounded;
  const boost::math::chi_squared distribution(degrees);
  const bool describes =
      !(fit.chi2_per_dof > 2.0 && boost::math::cdf(boost::math::complement(distribution, line.chi2)) < 0.01);
  fit.accepted = describes && std::isfinite(fit.tau_high_ms) && std::isfinite(fit.refractory_high_ms);
  return fit;
}

std::optional<StraightLine> fit_line(std::span<const FiPoint> points) {
  if (different_currents(points) < 3) return std::nullopt;
  double w = 0.0;
  double wi = 0.0;
  double wf = 0.0;
  const auto weight_of = [](const FiPoint& p) { return std::pow(p.sigma_ln_f * p.frequency_hz, -2.0); };
  for (const FiPoint& p : points) {
    const double weight = weight_of(p);
    w += weight, wi += weight * p.current_ua, wf += weight * p.frequency_hz;
  }
  const double middle = wi / w;
  const double level = wf / w;
  double ii = 0.0;
  double fi = 0.0;
  StraightLine line{{}, 0.0, points[0].current_ua, points[0].current_ua, 0.0};
  for (const FiPoint& p : points) {
    const double d = p.current_ua - middle;
    ii += weight_of(p) * d * d;
    fi += weight_of(p) * d * (p.frequency_hz - level);
    line.range_low_ua = std::min(line.range_low_ua, p.current_ua);
    line.range_high_ua = std::max(line.range_high_ua, p.current_ua);
  }
  const double slope = fi / ii;
  double chi2 = 0.0;
  for (const FiPoint& p : points) {
    const double rest = p.frequency_hz - level - slope * (p.current_ua - middle);
    chi2 += weight_of(p) * rest * rest;
  }
  const double degrees = static_cast<double>(points.size()) - 2.0;
  line.chi2_per_dof = chi2 / degrees;
  const double half =
      boost::math::quantile(boost::math::students_t(degrees), 0.975) * std::sqrt(std::max(1.0, line.chi2_per_dof) / ii);
  line.slope_hz_per_ua = {slope, slope - half, slope + half};
  line.intercept_ua = middle - level / slope;
  return line;
}

double straightening_current(std::span<const FiPoint> points, double highest_silent_ua) {
  constexpr std::size_t used = 8;
  std::vector<FiPoint> lowest(points.begin(), points.end());
  std::sort(lowest.begin(), lowest.end(),
            [](const FiPoint& a, const FiPoint& b) { return a.current_ua < b.current_ua; });
  if (lowest.size() > used) lowest.resize(used);
  const Problem problem(lowest, highest_silent_ua, false);
  return problem.onset(problem.search());
}

}  // namespace thyrode::analysis
