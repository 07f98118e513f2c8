#include "daemon/analysis/direct_beta.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "daemon/analysis/batch_means.hpp"

namespace thyrode::analysis {
namespace {

constexpr double normal_quantile = 1.96;

struct LogRate {
  double value;
  double sigma;
};

std::optional<LogRate> log_rate(const StepResult& row) {
  const Estimate& f = row.frequency_hz;
  const bool usable = row.status == StepStatus::ok || row.status == StepStatus::timeout;
  if (!usable || !f.value || !f.low || !f.high || !(*f.value > 0.0)) return std::nullopt;
  return LogRate{std::log(*f.value), (*f.high - *f.low) / (2.0 * normal_quantile * *f.value)};
}

struct Pair {
  double slope = 0.0;     // (ln f+ - ln f-) / (I+ - I-)
  double variance = 0.0;  // of it, by the intervals of f
  double sign = 1.0;      // +1 where the lower side came first: a drift of ln f adds to the slope
  double distance = 0.0;  // I+ - I-
};

struct Pairs {
  std::vector<Pair> good;
  int without = 0;
  int differing = 0;  // with two labels
};

Pairs pairs_of(std::span<const StepResult> rows) {
  Pairs pairs;
  for (std::size_t k = 0; k + 1 < rows.size(); k += 2) {
    const bool rising = rows[k].current_ua < rows[k + 1].current_ua;
    const StepResult& below = rising ? rows[k] : rows[k + 1];
    const StepResult& above = rising ? rows[k + 1] : rows[k];
    pairs.differing += below.label != above.label ? 1 : 0;
    const auto low = log_rate(below);
    const auto high = log_rate(above);
    const double distance = above.current_ua - below.current_ua;
    if (!low || !high || !(distance > 0.0)) {
      ++pairs.without;
      continue;
    }
    const double variance = (low->sigma * low->sigma + high->sigma * high->sigma) / (distance * distance);
    pairs.good.push_back({(high->value - low->value) / distance, variance, rising ? 1.0 : -1.0, distance});
  }
  return pairs;
}

/// slope_k = beta + sign_k drift/distance_k by least squares.
struct Line {
  double beta = 0.0;
  double drift = 0.0;
  double beta_variance_share = 0.0;  // variance of beta over that of a slope
  double drift_variance_share = 0.0;
  double squares = 0.0;  // of what is left over
};

Line fit(const std::vector<Pair>& pairs) {
  double n = 0.0;
  double x = 0.0;
  double xx = 0.0;
  double y = 0.0;
  double xy = 0.0;
  for (const Pair& p : pairs) {
    const double s = p.sign / p.distance;
    n += 1.0, x += s, xx += s * s, y += p.slope, xy += s * p.slope;
  }
  const double determinant = n * xx - x * x;
  Line line;
  line.beta = (xx * y - x * xy) / determinant;
  line.drift = (n * xy - x * y) / determinant;
  line.beta_variance_share = xx / determinant;
  line.drift_variance_share = n / determinant;
  for (const Pair& p : pairs) {
    const double rest = p.slope - line.beta - p.sign / p.distance * line.drift;
    line.squares += rest * rest;
  }
  return line;
}

Estimate around(double value, double half_width) {
  return {value, value - half_width, value + half_width};
}

}  // namespace

DirectBeta direct_beta(std::span<const StepResult> rows, double current_ua) {
  const Pairs pairs = pairs_of(rows);
  DirectBeta result;
  result.current_ua = current_ua;
  result.pairs = static_cast<int>(pairs.good.size());
  result.pairs_without = pairs.without;
  const int all = result.pairs + result.pairs_without;
  if (all > 0 && 2 * pairs.differing > all) {
    result.status = BetaStatus::jump;
    return result;
  }
  if (pairs.good.empty()) return result;
  double by_rows = 0.0;
  double mean = 0.0;
  for (const Pair& p : pairs.good) {
    by_rows += p.variance / result.pairs;
    mean += p.slope / result.pairs;
    result.offset_ua += 0.5 * p.distance / result.pairs;
  }
  result.per_ua.value = mean;
  const bool both_orders =
      std::any_of(pairs.good.begin(), pairs.good.end(), [](const Pair& p) { return p.sign > 0; }) &&
      std::any_of(pairs.good.begin(), pairs.good.end(), [](const Pair& p) { return p.sign < 0; });
  if (result.pairs < least_pairs || !both_orders) return result;
  const Line line = fit(pairs.good);
  const double scatter = line.squares / (result.pairs - 2);
  const double t = BatchMeans::looking_factor * student_quantile(result.pairs - 2);
  const auto half_width = [&](double share) {
    return std::max(t * std::sqrt(scatter * share), normal_quantile * std::sqrt(by_rows * share));
  };
  result.per_ua = around(line.beta, half_width(line.beta_variance_share));
  result.drift = around(line.drift, half_width(line.drift_variance_share));
  result.status = BetaStatus::ok;
  return result;
}

}  // namespace thyrode::analysis
