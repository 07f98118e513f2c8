#include "daemon/experiment/plans/sequence.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace thyrode::experiment {

Sequence::Done Sequence::done(std::size_t part, std::span<const analysis::StepResult> rows) const {
  Done done;
  for (const analysis::StepResult& row : rows) {
    const std::size_t of = part_of(row);
    if (of < part) {
      done.first_leg = std::max(done.first_leg, row.leg + 1);
      done.label_before = row.label;
    } else if (of == part) {
      done.rows.push_back(row);
    }
  }
  for (analysis::StepResult& row : done.rows) row.leg -= done.first_leg;
  return done;
}

/// Rows of no part are behind them all.
std::size_t Sequence::part_of(const analysis::StepResult& row) const {
  const auto named = [&](const SequencePart& part) { return part.name == row.part; };
  return static_cast<std::size_t>(std::find_if(parts_.begin(), parts_.end(), named) - parts_.begin());
}

/// The last part that has a row. Those before it are over: a part is asked while its last row is still being measured,
/// so with the finished row it might want another one after all.
std::size_t Sequence::under_way(std::span<const analysis::StepResult> rows) const {
  std::size_t last = 0;
  for (const analysis::StepResult& row : rows) {
    if (const std::size_t of = part_of(row); of < parts_.size()) last = std::max(last, of);
  }
  return last;
}

std::optional<PlannedStep> Sequence::next(std::span<const analysis::StepResult> rows) {
  for (std::size_t k = under_way(rows); k < parts_.size(); ++k) {
    SequencePart& part = parts_[k];
    const Done so_far = done(k, rows);
    const bool begins = so_far.rows.empty();
    if (begins && part.when_label && so_far.label_before != part.when_label) return std::nullopt;
    auto step = part.strategy->next(so_far.rows);
    if (!step) continue;
    step->part = part.name;
    step->leg += so_far.first_leg;
    if (begins && part.when_answered && !step->question) step->question = part.when_answered;
    return step;
  }
  return std::nullopt;
}

std::optional<std::size_t> Sequence::known_steps() const {
  std::size_t sum = 0;
  for (const SequencePart& part : parts_) {
    const auto steps = part.strategy->known_steps();
    if (!steps || part.when_label) return std::nullopt;
    sum += *steps;
  }
  return sum;
}

std::optional<std::size_t> Sequence::most_steps() const {
  std::size_t sum = 0;
  for (const SequencePart& part : parts_) {
    const auto steps = part.strategy->most_steps();
    if (!steps) return std::nullopt;
    sum += *steps;
  }
  return sum;
}

std::vector<TargetReport> Sequence::targets(std::span<const analysis::StepResult> rows) const {
  std::vector<TargetReport> all;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    const SequencePart& part = parts_[k];
    const Done so_far = done(k, rows);
    if (so_far.rows.empty() && part.when_label && so_far.label_before != part.when_label) {
      const char* found = so_far.label_before ? analysis::to_string(*so_far.label_before) : "no row";
      all.push_back({fmt::format("{}: begins after {}", part.name, analysis::to_string(*part.when_label)), false,
                     fmt::format("the last row before it is {}", found)});
      return all;
    }
    for (TargetReport& report : part.strategy->targets(so_far.rows)) {
      report.target = part.name + ": " + report.target;
      all.push_back(std::move(report));
    }
  }
  return all;
}

void Sequence::complete(std::span<const analysis::StepResult> rows, analysis::RunResult& result) const {
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    const Done so_far = done(k, rows);
    if (!so_far.rows.empty()) parts_[k].strategy->complete(so_far.rows, result);
  }
}

}  // namespace thyrode::experiment
