#include "daemon/experiment/plans/beta_pairs.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "daemon/analysis/result.hpp"

namespace thyrode::experiment {
namespace {

using analysis::BetaStatus;
using analysis::DirectBeta;

constexpr std::size_t block = 4;  // steps of - + + -
constexpr int pairs_to_see_if_any = 4;

std::optional<double> relative_half_width(const DirectBeta& beta) {
  const analysis::Estimate& e = beta.per_ua;
  if (!e.value || !e.low || !e.high || *e.value == 0.0) return std::nullopt;
  return (*e.high - *e.low) / (2.0 * std::abs(*e.value));
}

}  // namespace

bool BetaPairs::good(const DirectBeta& beta) const {
  const auto width = relative_half_width(beta);
  return beta.status == BetaStatus::ok && width && *width <= plan_.ci_rel_beta;
}

bool BetaPairs::done(Rows part, double current_ua) const {
  const DirectBeta beta = analysis::direct_beta(part, current_ua);
  const int all = beta.pairs + beta.pairs_without;
  // The last row is still being measured when this is asked, and may yet change a little.
  constexpr double margin = 0.97;
  const auto width = relative_half_width(beta);
  const bool enough = beta.status == BetaStatus::ok && width && *width <= margin * plan_.ci_rel_beta;
  if (enough || all >= plan_.most_pairs) return true;
  return all >= pairs_to_see_if_any && (beta.pairs == 0 || beta.status == BetaStatus::jump);
}

/// Whether a row was measured for the pairs around a current.
bool BetaPairs::belongs(const analysis::StepResult& row, Current current) const {
  const double distance = std::abs(row.current_ua - current.in(1.0_uA));
  return std::abs(distance - plan_.offset.in(1.0_uA)) < 0.5 * plan_.offset.in(1.0_uA);
}

/// The rows of each current so far; those behind others are done, as it was decided when their rows came in.
std::vector<BetaPairs::Rows> BetaPairs::parts(Rows rows) const {
  std::vector<Rows> parts;
  for (const Current current : plan_.currents) {
    std::size_t length = std::min(block, rows.size());
    while (length < rows.size() && belongs(rows[length], current)) ++length;
    parts.push_back(rows.first(length));
    rows = rows.subspan(length);
    const bool under_way = length % block != 0 || !done(parts.back(), current.in(1.0_uA));
    if (rows.empty() && under_way) break;
  }
  return parts;
}

std::optional<PlannedStep> BetaPairs::next(Rows rows) {
  constexpr std::array<double, block> order{-1.0, 1.0, 1.0, -1.0};
  const auto all = parts(rows);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const bool passed = k + 1 < all.size() && !all[k + 1].empty();
    const bool complete = all[k].size() % block == 0 && !all[k].empty();
    if (passed || (complete && done(all[k], plan_.currents[k].in(1.0_uA)))) continue;
    PlannedStep step;
    step.current = plan_.currents[k] + order[all[k].size() % block] * plan_.offset;
    step.purpose = "pair";
    return step;
  }
  return std::nullopt;
}

std::optional<std::size_t> BetaPairs::most_steps() const {
  const std::size_t blocks = (static_cast<std::size_t>(std::max<std::int64_t>(1, plan_.most_pairs)) + 1) / 2;
  return plan_.currents.size() * block * blocks;
}

std::vector<DirectBeta> BetaPairs::values(Rows rows) const {
  std::vector<DirectBeta> values;
  const auto all = parts(rows);
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (!all[k].empty()) values.push_back(analysis::direct_beta(all[k], plan_.currents[k].in(1.0_uA)));
  }
  return values;
}

std::vector<TargetReport> BetaPairs::targets(Rows rows) const {
  std::vector<TargetReport> reports;
  const auto measured = values(rows);
  for (std::size_t k = 0; k < plan_.currents.size(); ++k) {
    TargetReport report;
    report.target =
        fmt::format("beta_n at {:.4g} uA to {:.3g} %", plan_.currents[k].in(1.0_uA), 100.0 * plan_.ci_rel_beta);
    report.reached = "not measured";
    if (k < measured.size()) {
      const auto width = relative_half_width(measured[k]);
      report.met = good(measured[k]);
      report.reached = measured[k].status == BetaStatus::jump ? "the two sides have different labels"
                       : width ? fmt::format("{:.3g} % with {} pairs", 100.0 * *width, measured[k].pairs)
                               : fmt::format("no interval with {} pairs", measured[k].pairs);
    }
    reports.push_back(report);
  }
  return reports;
}

void BetaPairs::complete(Rows rows, analysis::RunResult& result) const {
  result.direct_beta = values(rows);
}

}  // namespace thyrode::experiment
