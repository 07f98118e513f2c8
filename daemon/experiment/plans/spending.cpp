#include "daemon/experiment/plans/spending.hpp"

#include <fmt/core.h>

#include <cmath>

namespace thyrode::experiment {

Spending spending(std::span<const analysis::StepResult> rows, double waiting_ua) {
  Spending spent;
  const analysis::StepResult* before = nullptr;
  for (const analysis::StepResult& row : rows) {
    ++spent.points;
    spent.seconds += row.duration_s;
    spent.coulombs += std::abs(row.current_ua) * 1e-6 * row.duration_s;
    const std::int64_t ticks = row.end - row.start;
    // Where conditions changed, the current was zero and somebody may have taken their time. A run that was resumed may
    // count its ticks from zero again.
    const bool follows = before != nullptr && row.conditions == before->conditions && row.leg == before->leg;
    if (follows && row.start > before->end && ticks > 0) {
      const double waited =
          static_cast<double>(row.start - before->end) * (row.duration_s / static_cast<double>(ticks));
      spent.seconds += waited;
      spent.coulombs += std::abs(waiting_ua) * 1e-6 * waited;
    }
    before = &row;
  }
  return spent;
}

std::string exhausted(const load::Budget& budget, const Spending& spent) {
  if (budget.points && spent.points >= *budget.points) return fmt::format("{} points", spent.points);
  if (budget.time && spent.seconds >= budget.time->si()) {
    return fmt::format("{:.4g} s of {:.4g} s", spent.seconds, budget.time->si());
  }
  if (budget.charge && spent.coulombs >= budget.charge->si()) {
    return fmt::format("{:.4g} mC of {:.4g} mC", spent.coulombs * 1e3, budget.charge->in(1.0_mC));
  }
  return {};
}

}  // namespace thyrode::experiment
