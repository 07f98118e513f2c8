#include "daemon/analysis/beta.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

namespace thyrode::analysis {
namespace {

constexpr std::size_t least_points = 5;
constexpr double smallest_sigma = 1e-9;  // of ln f: arithmetic alone
/// Share of the noise of a difference that is taken off it before it counts as bias when choosing: a flexible estimator
/// costs noise, so a bias must be clear before it is preferred.
constexpr double choosing_share = 6.0;
/// A difference of so many times its noise, squared, is bias without doubt, and half of what is not seen.
constexpr double clear_share = 6.0;
constexpr double clear_factor = 2.0;
/// Where the points do not lie on a straight line, a difference that could be noise counts as bias up to here,
/// relative and of I beta_n.
constexpr double hidden_relative = 0.006;
constexpr double hidden_kappa = 0.009;
constexpr double straight_chi2_per_dof = 1.0;
/// Closer to an end the windows of 7 are shifted and tell less of their own bias: a straight line must hold over more
/// points there, and where it does not the square of the bias counts so many times.
constexpr std::size_t half_window = 3;
constexpr std::size_t long_window = 13;
constexpr double long_straight_chi2_per_dof = 1.6;
constexpr double shifted_share = 3.0;
/// The second point from an end is an end point too where the flexible candidates disagree by more than this.
constexpr double end_tolerance_relative = 0.02;
constexpr double end_tolerance_kappa = 0.03;  // of I beta_n

/// A local polynomial of the window [first, first + weights.size()), as weights on the periods.
struct LocalSlope {
  std::size_t first = 0;
  Eigen::VectorXd weights;  // sum over the window of weights * value = slope at the point
  Eigen::VectorXd level;    // the same for the value at the point
};

struct Candidate {
  std::size_t window;
  int degree;
};

double sigma_of(const FiPoint& p) {
  return std::max(p.sigma_ln_f, smallest_sigma);
}

/// The `window` points nearest in number to `centre`, shifted inwards at the ends.
std::size_t window_start(std::size_t centre, std::size_t window, std::size_t n) {
  const std::size_t half = window / 2;
  return std::min(centre > half ? centre - half : 0, n - window);
}

LocalSlope local_slope(std::span<const FiPoint> points, const OnsetCoordinate& coordinate, std::size_t centre,
                       Candidate candidate) {
  LocalSlope local;
  local.first = window_start(centre, candidate.window, points.size());
  const auto rows = static_cast<Eigen::Index>(candidate.window);
  const double origin = coordinate.at(points[centre].current_ua);
  Eigen::VectorXd u(rows);
  for (Eigen::Index k = 0; k < rows; ++k) {
    u(k) = coordinate.at(points[local.first + static_cast<std::size_t>(k)].current_ua) - origin;
  }
  const double farthest = u.cwiseAbs().maxCoeff();
  // Half a spacing beyond the farthest point, so that it keeps some weight.
  const double reach = farthest * static_cast<double>(candidate.window) / static_cast<double>(candidate.window - 1);
  Eigen::MatrixXd design(rows, candidate.degree + 1);
  Eigen::VectorXd root(rows);
  for (Eigen::Index k = 0; k < rows; ++k) {
    const FiPoint& p = points[local.first + static_cast<std::size_t>(k)];
    const double distance = std::abs(u(k)) / reach;
    const double tricube = std::pow(1.0 - distance * distance * distance, 3);
    root(k) = std::sqrt(tricube) * p.frequency_hz / sigma_of(p);
    double power = root(k);
    for (int j = 0; j <= candidate.degree; ++j, power *= u(k) / farthest) design(k, j) = power;
  }
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(rows, rows);
  const Eigen::MatrixXd inverse = design.colPivHouseholderQr().solve(identity);
  local.level = inverse.row(0).transpose().cwiseProduct(root);
  local.weights = inverse.row(1).transpose().cwiseProduct(root) / farthest;
  return local;
}

/// beta_n by one candidate with its derivatives by every ln f of the branch (zero outside the window).
struct Trial {
  double beta = 0.0;
  Eigen::VectorXd gradient;
};

Trial try_candidate(std::span<const FiPoint> points, const OnsetCoordinate& coordinate, std::size_t centre,
                    Candidate candidate) {
  const LocalSlope local = local_slope(points, coordinate, centre, candidate);
  double slope = 0.0;
  double level = 0.0;
  for (Eigen::Index k = 0; k < local.weights.size(); ++k) {
    const double period = 1.0 / points[local.first + static_cast<std::size_t>(k)].frequency_hz;
    slope += local.weights(k) * period;
    level += local.level(k) * period;
  }
  const double factor = -coordinate.slope(points[centre].current_ua);
  Trial trial;
  trial.beta = factor * slope / level;
  trial.gradient = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(points.size()));
  for (Eigen::Index k = 0; k < local.weights.size(); ++k) {
    const std::size_t i = local.first + static_cast<std::size_t>(k);
    const double by_period = factor * (local.weights(k) / level - slope * local.level(k) / (level * level));
    trial.gradient(static_cast<Eigen::Index>(i)) = -by_period / points[i].frequency_hz;
  }
  return trial;
}

double variance(const Eigen::VectorXd& gradient, std::span<const FiPoint> points) {
  double total = 0.0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double term = gradient(static_cast<Eigen::Index>(i)) * sigma_of(points[i]);
    total += term * term;
  }
  return total;
}

/// What `a` differs from `b` beyond `share` of the noise, squared.
double excess(const Trial& a, const Trial& b, std::span<const FiPoint> points, double share) {
  const double difference = a.beta - b.beta;
  return std::max(0.0, difference * difference - share * variance(a.gradient - b.gradient, points));
}

/// The bias that a difference of two candidates stands for, squared.
/// @param hidden  the most that noise may hide
double bias_of(const Trial& a, const Trial& b, std::span<const FiPoint> points, double hidden) {
  const double square = (a.beta - b.beta) * (a.beta - b.beta);
  const double noise = variance(a.gradient - b.gradient, points);
  if (square > clear_share * noise) return clear_factor * clear_factor * (square - noise);
  return std::min(square, hidden * hidden);
}

/// Weighted chi2 over its degrees of freedom of a straight line through the `wanted` points around a point.
double line_rest(std::span<const FiPoint> points, const OnsetCoordinate& coordinate, std::size_t centre,
                 std::size_t wanted) {
  const std::size_t window = std::min(wanted, points.size());
  const auto around = points.subspan(window_start(centre, window, points.size()), window);
  Eigen::MatrixXd design(static_cast<Eigen::Index>(window), 2);
  Eigen::VectorXd periods(static_cast<Eigen::Index>(window));
  for (Eigen::Index k = 0; k < periods.size(); ++k) {
    const FiPoint& p = around[static_cast<std::size_t>(k)];
    const double root = p.frequency_hz / sigma_of(p);
    periods(k) = root / p.frequency_hz;
    design(k, 0) = root;
    design(k, 1) = root * (coordinate.at(p.current_ua) - coordinate.at(points[centre].current_ua));
  }
  const Eigen::VectorXd rest = periods - design * design.colPivHouseholderQr().solve(periods);
  return rest.squaredNorm() / (static_cast<double>(window) - 2.0);
}

/// Weighted chi2 over its 2 degrees of freedom of a quartic through the 7 points from `first` on.
double quartic_rest(std::span<const FiPoint> points, const OnsetCoordinate& coordinate, std::size_t first) {
  constexpr Eigen::Index rows = 7;
  const double begin = coordinate.at(points[first].current_ua);
  const double end = coordinate.at(points[first + 6].current_ua);
  Eigen::Matrix<double, rows, 5> design;
  Eigen::Matrix<double, rows, 1> periods;
  for (Eigen::Index k = 0; k < rows; ++k) {
    const FiPoint& p = points[first + static_cast<std::size_t>(k)];
    const double u = 2.0 * (coordinate.at(p.current_ua) - begin) / (end - begin) - 1.0;
    const double root = p.frequency_hz / sigma_of(p);
    periods(k) = root / p.frequency_hz;
    double power = root;
    for (Eigen::Index j = 0; j < 5; ++j, power *= u) design(k, j) = power;
  }
  return (periods - design * design.colPivHouseholderQr().solve(periods)).squaredNorm() / 2.0;
}

/// How many times the points scatter more than their errors say, at least 1. Errors that no interval of f knows of,
/// such as those of the current source, show only here. From what a quartic leaves over in each window of 7.
double scatter(std::span<const FiPoint> points, const OnsetCoordinate& coordinate) {
  constexpr std::size_t window = 7;
  constexpr std::size_t least_windows = 5;
  constexpr double median_of_chi2_over_dof = 0.693147;  // 2 degrees of freedom: ln 2
  if (points.size() < window + least_windows - 1) return 1.0;
  std::vector<double> rests;
  for (std::size_t centre = window / 2; centre + window / 2 < points.size(); ++centre) {
    rests.push_back(quartic_rest(points, coordinate, centre - window / 2));
  }
  const auto middle = rests.begin() + static_cast<std::ptrdiff_t>(rests.size() / 2);
  std::nth_element(rests.begin(), middle, rests.end());
  return std::sqrt(std::max(1.0, *middle / median_of_chi2_over_dof));
}

BetaPoint beta_at(std::span<const FiPoint> points, const OnsetCoordinate& coordinate, std::size_t centre) {
  // The last one is the most flexible: what the others are measured by.
  static constexpr std::array<Candidate, 5> candidates{{{7, 2}, {5, 2}, {7, 3}, {5, 4}, {7, 4}}};
  std::vector<Trial> trials;
  for (const Candidate& c : candidates) {
    if (c.window <= points.size()) trials.push_back(try_candidate(points, coordinate, centre, c));
  }
  const Trial& reference = trials.back();
  const Trial& runner_up = trials[trials.size() > 1 ? trials.size() - 2 : 0];
  if (centre == 1 || centre + 2 == points.size()) {
    const double tolerated =
        std::max(end_tolerance_relative * std::abs(reference.beta), end_tolerance_kappa / points[centre].current_ua);
    if (excess(runner_up, reference, points, 1.0) > tolerated * tolerated) return {{}, BetaStatus::edge, 0.0};
  }
  const Trial* best = nullptr;
  double least = 0.0;
  for (const Trial& trial : trials) {
    const double error = variance(trial.gradient, points) + excess(trial, reference, points, choosing_share);
    if (!best || error < least) least = error, best = &trial;
  }
  const bool shifted = std::min(centre, points.size() - 1 - centre) < half_window;
  const std::size_t window = shifted ? long_window : 2 * half_window + 1;
  const double allowed = shifted ? long_straight_chi2_per_dof : straight_chi2_per_dof;
  const bool straight = line_rest(points, coordinate, centre, window) <= allowed;
  const double hidden =
      straight ? 0.0 : std::max(hidden_relative * std::abs(best->beta), hidden_kappa / points[centre].current_ua);
  // What the two most flexible ones disagree about, nobody here knows better.
  const double bias = (shifted && !straight ? shifted_share : 1.0) *
                      (bias_of(*best, reference, points, hidden) + bias_of(runner_up, reference, points, hidden));
  const double noise = variance(best->gradient, points);
  const double half_width = 1.96 * std::sqrt(noise + bias);
  return {{best->beta, best->beta - half_width, best->beta + half_width}, BetaStatus::ok, std::sqrt(noise)};
}

/// The period at some L outside three points, by their line.
struct Extrapolation {
  double period = 0.0;
  double variance_ln = 0.0;  // of its logarithm: noise, and what the parabola of the points adds beyond noise
};

Extrapolation extrapolate(std::span<const FiPoint> points, const OnsetCoordinate& coordinate, double target) {
  Eigen::Vector3d u;
  Eigen::Vector3d period;
  Eigen::Vector3d sigma;
  for (Eigen::Index k = 0; k < 3; ++k) {
    const FiPoint& p = points[static_cast<std::size_t>(k)];
    u(k) = coordinate.at(p.current_ua) - target;
    period(k) = 1.0 / p.frequency_hz;
    sigma(k) = sigma_of(p) * period(k);
  }
  const Eigen::Vector3d weight = sigma.cwiseAbs2().cwiseInverse();
  const double total = weight.sum();
  const double centre = weight.dot(u) / total;
  const double spread = weight.dot((u.array() - centre).square().matrix());
  Eigen::Vector3d line;
  Eigen::Vector3d parabola;
  for (Eigen::Index k = 0; k < 3; ++k) {
    const Eigen::Index a = (k + 1) % 3;
    const Eigen::Index b = (k + 2) % 3;
    line(k) = weight(k) * (1.0 / total - centre * (u(k) - centre) / spread);
    parabola(k) = u(a) * u(b) / ((u(k) - u(a)) * (u(k) - u(b)));
  }
  Extrapolation e;
  e.period = line.dot(period);
  const double noise = line.cwiseProduct(sigma).squaredNorm();
  const double bend = (line - parabola).dot(period);
  const double bend_noise = (line - parabola).cwiseProduct(sigma).squaredNorm();
  e.variance_ln = (noise + std::max(0.0, bend * bend - 3.0 * bend_noise)) / (e.period * e.period);
  return e;
}

}  // namespace

double OnsetCoordinate::at(double current_ua) const {
  return std::log(current_ua / (current_ua - onset_ua));
}

double OnsetCoordinate::slope(double current_ua) const {
  return -onset_ua / (current_ua * (current_ua - onset_ua));
}

bool RateStep::is_jump() const {
  constexpr double least_step = 0.1;  // of ln f
  constexpr double least_score = 5.0;
  return std::abs(ln_ratio) > least_step && std::abs(ln_ratio) > least_score * sigma;
}

std::optional<RateStep> rate_step(std::span<const FiPoint> below, std::span<const FiPoint> above,
                                  const OnsetCoordinate& coordinate) {
  if (below.size() < 3 || above.size() < 3) return std::nullopt;
  const double middle = 0.5 * (coordinate.at(below.back().current_ua) + coordinate.at(above.front().current_ua));
  const Extrapolation left = extrapolate(below.last(3), coordinate, middle);
  const Extrapolation right = extrapolate(above.first(3), coordinate, middle);
  if (!(left.period > 0.0) || !(right.period > 0.0)) return std::nullopt;
  return RateStep{std::log(left.period / right.period), std::sqrt(left.variance_ln + right.variance_ln)};
}

std::vector<std::size_t> find_jumps(std::span<const FiPoint> points, const OnsetCoordinate& coordinate) {
  std::vector<double> scores(points.size(), 0.0);
  for (std::size_t k = 2; k + 3 < points.size(); ++k) {
    const auto step = rate_step(points.first(k + 1), points.subspan(k + 1), coordinate);
    if (step && step->is_jump()) scores[k] = std::abs(step->ln_ratio) / step->sigma;
  }
  std::vector<std::size_t> jumps;
  for (std::size_t k = 0; k < scores.size(); ++k) {
    // Lines that reach over a jump nearby are wrong as well: only the largest score of three neighbours counts.
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(k > 2 ? k - 2 : 0);
    const auto end = scores.begin() + static_cast<std::ptrdiff_t>(std::min(k + 3, scores.size()));
    if (scores[k] > 0.0 && scores[k] >= *std::max_element(begin, end)) jumps.push_back(k);
  }
  return jumps;
}

std::vector<BetaPoint> local_beta(std::span<const FiPoint> points, const OnsetCoordinate& coordinate) {
  std::vector<BetaPoint> result(points.size());
  if (points.size() < least_points) return result;
  std::vector<FiPoint> scaled(points.begin(), points.end());
  const double factor = scatter(points, coordinate);
  for (FiPoint& p : scaled) p.sigma_ln_f = factor * sigma_of(p);
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    if (i == 0 || i + 1 == scaled.size()) {
      result[i].status = BetaStatus::edge;
    } else {
      result[i] = beta_at(scaled, coordinate, i);
    }
  }
  return result;
}

}  // namespace thyrode::analysis
