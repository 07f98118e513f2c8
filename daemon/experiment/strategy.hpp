// Which step comes next: the part of a plan that decides, apart from the engine that carries it out.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::experiment {

/// Where the current waits before a step, so that a neuron that remembers enters every step from the same side.
struct Lead {
  Current current;
  Duration hold;
  bool operator==(const Lead&) const = default;
};

/// A straight piece of the command within a step.
struct Piece {
  Duration length;
  Current from;
  Current to;
  bool operator==(const Piece&) const = default;
};

/// What somebody has to do or to say before a step begins; the current is zero until then.
struct Question {
  std::string text;
  std::string quantity;  ///< name of the condition whose value is asked for; empty: a plain "go on"
  bool operator==(const Question&) const = default;
};

/// One step as a strategy asks for it.
struct PlannedStep {
  Current current;
  analysis::Direction direction = analysis::Direction::none;
  int leg = 0;
  /// Settings of the second parameter, SI units, as they appear in the row. Where they differ from those of the step
  /// before, the engine has them set at zero current: by the device, or by the operator (question).
  std::map<std::string, double> conditions{};
  std::optional<Lead> lead{};
  std::optional<double> relative_precision{};  ///< of this step, instead of the plan's
  /// From the step's beginning, whatever the data say: exact where it is a multiple of 10 ms, else rounded up to one.
  std::optional<Duration> lasts{};
  /// Of the command, one after the other from the step's beginning; the last value is then held. Empty: `current` is
  /// held. Without `lasts` the step is as long as they are.
  std::vector<Piece> pieces{};
  std::optional<Question> question{};
  std::string purpose{};  ///< for people: "curve", "bracket", "sentinel" ...; empty in a plain sweep
  std::string part{};     ///< name of the part of a sequence; empty in any other plan
  bool operator==(const PlannedStep&) const = default;
};

using analysis::TargetReport;

/// The deciding part of a plan. What it answers depends on its settings and on the rows alone, so a run that was
/// interrupted goes on by giving it the rows that there are.
class Strategy {
 public:
  virtual ~Strategy() = default;
  /// The step after those that are measured.
  /// @param rows  shape (n), the finished steps in the order in which they were asked for; none is `interrupted`
  /// @returns empty when the plan is carried out
  virtual std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) = 0;
  /// How many steps there will be, if that is known beforehand.
  virtual std::optional<std::size_t> known_steps() const { return std::nullopt; }
  /// The most steps that the plan may take, where its budget says so.
  virtual std::optional<std::size_t> most_steps() const { return known_steps(); }
  /// What the plan aims at and what was reached; empty for a plan that has no targets.
  virtual std::vector<TargetReport> targets(std::span<const analysis::StepResult> rows) const {
    static_cast<void>(rows);
    return {};
  }
  /// Writes what the rows say by this plan alone, a map or direct values of beta_n, into the result.
  virtual void complete(std::span<const analysis::StepResult> rows, analysis::RunResult& result) const {
    static_cast<void>(rows);
    static_cast<void>(result);
  }
};

/// Steps that are known beforehand, one after the other.
class Timetable : public Strategy {
 public:
  explicit Timetable(std::vector<PlannedStep> steps) : steps_(std::move(steps)) {}
  std::optional<PlannedStep> next(std::span<const analysis::StepResult> rows) override {
    return rows.size() < steps_.size() ? std::optional(steps_[rows.size()]) : std::nullopt;
  }
  std::optional<std::size_t> known_steps() const override { return steps_.size(); }
  const std::vector<PlannedStep>& steps() const { return steps_; }

 private:
  std::vector<PlannedStep> steps_;
};

}  // namespace thyrode::experiment
