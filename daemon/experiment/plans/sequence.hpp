// Plans that are carried out one after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/experiment/strategy.hpp"

namespace thyrode::experiment {

/// A part of a sequence and what must be so before it begins.
struct SequencePart {
  std::string name;  ///< one of its own in the sequence; in its rows as `part`
  std::unique_ptr<Strategy> strategy;
  std::optional<analysis::Label> when_label{};  ///< of the last row before it, as it stands when it is asked for
  std::optional<Question> when_answered{};      ///< asked before its first step
};

/// Each part is asked with its own rows alone. A condition that is not met ends the sequence there, and targets() says
/// so; a part without steps is passed over, and one behind which another has begun is not asked again. The legs of a
/// part are counted on from those before it, so that no two parts share one.
class Sequence final : public Strategy {
 public:
  explicit Sequence(std::vector<SequencePart> parts) : parts_(std::move(parts)) {}

  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override;
  /// Known where no part decides and none depends on a label.
  std::optional<std::size_t> known_steps() const override;
  std::optional<std::size_t> most_steps() const override;
  /// Of each part under its name, and a condition that ended the sequence.
  std::vector<TargetReport> targets(std::span<const analysis::StepResult> rows) const override;
  void complete(std::span<const analysis::StepResult> rows, analysis::RunResult& result) const override;

 private:
  using Rows = std::vector<analysis::StepResult>;
  struct Done {
    Rows rows;          // of the part, legs as the part counts them
    int first_leg = 0;  // in the sequence
    std::optional<analysis::Label> label_before;
  };
  Done done(std::size_t part, std::span<const analysis::StepResult> rows) const;
  std::size_t part_of(const analysis::StepResult& row) const;
  std::size_t under_way(std::span<const analysis::StepResult> rows) const;

  std::vector<SequencePart> parts_;
};

}  // namespace thyrode::experiment
