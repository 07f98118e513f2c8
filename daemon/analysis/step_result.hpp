// One row of the step table: plain data that every view (table, JSON, file, page) shows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "protocols/time.hpp"

namespace thyrode::analysis {

enum class Direction : std::uint8_t { up, down, none };
enum class StepStatus : std::uint8_t {
  ok,
  upper_bound,
  undetermined,
  drifting,
  timeout,
  saturated,
  aliased,
  interrupted
};
enum class BetaStatus : std::uint8_t { ok, edge, jump, few_points };
enum class Label : std::uint8_t { QH, QD, TS, FS, IB1, IB2, soft, irregular, transient, mixed, undetermined };

/// The words of thyrode.result/1.
const char* to_string(Direction direction);
const char* to_string(StepStatus status);
const char* to_string(BetaStatus status);
const char* to_string(Label label);

/// A value with its 95 % interval; each may be undefined (null, never 0).
struct Estimate {
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  bool operator==(const Estimate&) const = default;
};

/// One row of the step table (thyrode.result/1). Currents in µA, rates in Hz, times in device ticks.
struct StepResult {
  int index = 0;
  int channel = 0;
  int leg = 0;  ///< 0 is the first sweep direction, 1 the second ...
  std::map<std::string, double> conditions;
  double current_ua = 0.0;  ///< mean of what was written, by the calibrated scale
  Direction direction = Direction::none;
  Ticks start;
  Ticks end;
  double duration_s = 0.0;
  StepStatus status = StepStatus::undetermined;
  Label label = Label::undetermined;
  std::map<std::string, double> label_fractions;
  bool vacancies = false;
  std::int64_t n_spikes = 0;
  std::int64_t n_gaps = 0;
  Estimate frequency_hz;
  Estimate spike_rate_hz;
  std::optional<double> spikes_per_burst;
  std::optional<double> cv;
  Estimate beta_n_per_ua;
  BetaStatus beta_status = BetaStatus::few_points;
  Estimate kappa;                           ///< current times beta_n
  std::optional<double> sigma_current_ua;  ///< CV over beta_n: the noise of the current that would explain the CV
  /// What the step said by itself, where a sweep has been asked (analyze_sweep): `label` knows its neighbours too.
  std::optional<Label> label_of_step;
  bool branch_unresolved = false;  ///< TS, and the sweep has no jump of f that would tell TS from FS
  double lead_s = 0.0;  ///< for which the current waited elsewhere before the step, so that it is entered from there
  std::string part;     ///< of a sequence; empty in any other plan
  std::string purpose;  ///< why the plan asked for it: "curve", "sentinel" ...; empty in a plain sweep
  std::string resumed_from;  ///< the recording that holds its data, where an earlier run has measured it; else empty
  bool operator==(const StepResult&) const = default;
};

}  // namespace thyrode::analysis
