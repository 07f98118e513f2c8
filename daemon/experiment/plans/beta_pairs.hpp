// The direct measurement of beta_n at a few currents.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/direct_beta.hpp"
#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// At each current I in turn, steps at I - d and I + d in the order - + + - - + + -: two pairs, then two more, until
/// beta_n's interval is as narrow as wanted or there are most_pairs. A current at which no pair of the first four has
/// an f on both sides, or all of them have two labels, is left. The steps of each current are a leg of their own.
class BetaPairs final : public Strategy {
 public:
  explicit BetaPairs(const load::BetaPlan& plan) : plan_(plan) {}

  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override;
  std::optional<std::size_t> most_steps() const override;
  /// One for each current.
  std::vector<TargetReport> targets(std::span<const analysis::StepResult> rows) const override;
  /// @returns shape (currents that were begun), in the order of the plan
  std::vector<analysis::DirectBeta> values(std::span<const analysis::StepResult> rows) const;
  void complete(std::span<const analysis::StepResult> rows, analysis::RunResult& result) const override;

 private:
  using Rows = std::span<const analysis::StepResult>;
  /// Rows of one current after the other; the last part is the one under way.
  std::vector<Rows> parts(Rows rows) const;
  bool done(Rows part, double current_ua) const;
  bool good(const analysis::DirectBeta& beta) const;

  load::BetaPlan plan_;
};

}  // namespace thyrode::experiment
