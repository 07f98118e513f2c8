// The result of a run: plain data that every view (table, JSON, file, page) shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/direct_beta.hpp"
#include "daemon/analysis/label_map.hpp"
#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/sweep_result.hpp"

namespace thyrode::analysis {

struct Integrity {
  std::int64_t samples = 0;
  std::int64_t gaps = 0;
  std::int64_t overruns = 0;
  std::optional<std::int64_t> retransmits = 0;     ///< nothing: not known, the program of the run died
  std::optional<std::int64_t> late_decisions = 0;  ///< the same
  std::int64_t lost_frames = 0;  ///< of the device's stream, whatever they held
  bool operator==(const Integrity&) const = default;
};

/// A target of the plan and whether it was met.
struct TargetReport {
  std::string target;  ///< "transitions to 0.2 %"
  bool met = false;
  std::string reached;  ///< "widest bracket 0.14 uA of 0.18 uA"
  bool operator==(const TargetReport&) const = default;
};

/// The whole result of a run: what `show --json` prints.
struct RunResult {
  std::string experiment;
  std::string device_uri, device_board, device_firmware, device_serial;
  std::uint64_t seed = 0;
  std::vector<StepResult> steps;
  SweepFit fit;
  std::vector<TargetReport> targets;    ///< of a plan that decides; empty for any other
  std::vector<DirectBeta> direct_beta;  ///< of plan beta_n
  std::optional<LabelMap> map;          ///< of plan phase_map
  Integrity integrity;
  bool operator==(const RunResult&) const = default;
};

}  // namespace thyrode::analysis
