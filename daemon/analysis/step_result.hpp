// One row of the step table: plain data that every view (table, JSON, file, page) shows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "daemon/analysis/train_relation.hpp"
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

/// What else is known of the train and of the output in a step. Empty is undefined; of bursts where the step does not
/// burst, of missing spikes where they cannot be counted. Names and units: feature_fields().
struct StepFeatures {
  using Value = std::optional<double>;
  static constexpr double lvr_refractory_s = 0.5e-3;

  Value cv2, lv, lvr, serial_correlation;
  Value isi_shortest_s, isi_q05_s, isi_q25_s, isi_q50_s, isi_q75_s, isi_q95_s, isi_longest_s;
  Value structure_factor, structure_factor_blocks, phase_order;
  Value bursts, burst_threshold_s, burst_period_cv, spikes_per_burst_cv, burst_gap_s, burst_gap_cv, burst_isi_s,
      burst_log_slope, burst_duty, burst_structure_factor;
  Value usual_isi_s, missing_spikes, vacancy_clusters, vacancy_fraction, vacancy_size, vacancy_size_largest,
      vacancy_clustering, vacancy_clustering_low, vacancy_clustering_high;
  /// Of a companion to the channel of the plan.
  Value relation_phases, relation_order, relation_phase, relation_quarter_order, relation_quarter_shift, relation_a,
      relation_b;
  Value at_instrument_floor, basis;
  Value peak_v, trough_v, width_shortest_s, width_longest_s, v_out_v, v_m_v;
  bool operator==(const StepFeatures&) const = default;
};

/// One of StepFeatures, for whoever writes or reads them all.
struct FeatureField {
  const char* name;  ///< key of the document and column of the file; its end is its unit
  const char* description;
  StepFeatures::Value StepFeatures::*value;
};
/// All of them, in the order of the document; new ones come last.
std::span<const FeatureField> feature_fields();

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
  StepFeatures features;
  std::optional<Relation> relation;  ///< of a companion to the channel of the plan
  Estimate beta_n_per_ua;
  BetaStatus beta_status = BetaStatus::few_points;
  Estimate kappa;                          ///< current times beta_n
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
