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

/// The rows of each current so far, told apart by their legs: what was measured after a current had its last row says
/// that it is over, however that row, still under way when it was decided, turned out.
std::vector<BetaPairs::Rows> BetaPairs::parts(Rows rows) const {
  std::vector<Rows> parts;
  while (!rows.empty() && parts.size() < plan_.currents.size()) {
    const auto number = static_cast<int>(parts.size());
    const auto other = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.leg > number; });
    parts.push_back(rows.first(static_cast<std::size_t>(other - rows.begin())));
    rows = rows.subspan(parts.back().size());
  }
  return parts;
}

std::optional<PlannedStep> BetaPairs::next(Rows rows) {
  constexpr std::array<double, block> order{-1.0, 1.0, 1.0, -1.0};
  const auto all = parts(rows);
  std::size_t number = all.empty() ? 0 : all.size() - 1;
  std::size_t measured = all.empty() ? 0 : all.back().size();
  const bool complete = measured > 0 && measured % block == 0;
  if (complete && done(all.back(), plan_.currents[number].in(1.0_uA))) ++number, measured = 0;
  if (number >= plan_.currents.size()) return std::nullopt;
  PlannedStep step;
  step.current = plan_.currents[number] + order[measured % block] * plan_.offset;
  step.leg = static_cast<int>(number);
  step.purpose = "pair";
  return step;
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
