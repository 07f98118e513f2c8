#include "daemon/analysis/step_result.hpp"

#include "daemon/analysis/sweep_result.hpp"

namespace thyrode::analysis {

const char* to_string(Direction direction) {
  switch (direction) {
    case Direction::up: return "up";
    case Direction::down: return "down";
    case Direction::none: return "none";
  }
  return "none";
}

const char* to_string(StepStatus status) {
  switch (status) {
    case StepStatus::ok: return "ok";
    case StepStatus::upper_bound: return "upper_bound";
    case StepStatus::undetermined: return "undetermined";
    case StepStatus::drifting: return "drifting";
    case StepStatus::timeout: return "timeout";
    case StepStatus::saturated: return "saturated";
    case StepStatus::aliased: return "aliased";
    case StepStatus::interrupted: return "interrupted";
  }
  return "undetermined";
}

const char* to_string(BetaStatus status) {
  switch (status) {
    case BetaStatus::ok: return "ok";
    case BetaStatus::edge: return "edge";
    case BetaStatus::jump: return "jump";
    case BetaStatus::few_points: return "few_points";
  }
  return "few_points";
}

const char* to_string(Precursor::Reference reference) {
  return reference == Precursor::Reference::lif ? "lif" : "neighbours";
}

const char* to_string(Label label) {
  switch (label) {
    case Label::QH: return "QH";
    case Label::QD: return "QD";
    case Label::TS: return "TS";
    case Label::FS: return "FS";
    case Label::IB1: return "IB1";
    case Label::IB2: return "IB2";
    case Label::soft: return "soft";
    case Label::irregular: return "irregular";
    case Label::transient: return "transient";
    case Label::mixed: return "mixed";
    case Label::undetermined: return "undetermined";
  }
  return "undetermined";
}

}  // namespace thyrode::analysis
