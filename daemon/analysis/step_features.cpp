#include "daemon/analysis/step_features.hpp"

#include <cmath>

#include "daemon/analysis/phase_label.hpp"

namespace thyrode::analysis {
namespace {

using Value = StepFeatures::Value;

template <class Number>
Value times(const std::optional<Number>& value, double factor) {
  return value ? Value(static_cast<double>(*value) * factor) : std::nullopt;
}

void write_intervals(StepFeatures& f, const TrainStatistics& train, double tick_s) {
  const IntervalStatistics& intervals = train.intervals();
  f.cv2 = intervals.cv2();
  f.lv = intervals.lv();
  f.lvr = intervals.lvr(StepFeatures::lvr_refractory_s / tick_s);
  f.serial_correlation = intervals.serial_correlation();
  if (intervals.count() > 0) {
    f.isi_shortest_s = static_cast<double>(intervals.shortest()) * tick_s;
    f.isi_longest_s = static_cast<double>(intervals.longest()) * tick_s;
  }
  const auto quantile = [&](double p) { return times(train.histogram().quantile_us(p), 1e-6); };
  f.isi_q05_s = quantile(0.05);
  f.isi_q25_s = quantile(0.25);
  f.isi_q50_s = quantile(0.5);
  f.isi_q75_s = quantile(0.75);
  f.isi_q95_s = quantile(0.95);
  f.structure_factor = train.structure_factor().value();
  f.structure_factor_blocks = static_cast<double>(train.structure_factor().blocks());
  f.phase_order = train.phase_order();
}

void write_bursts(StepFeatures& f, const Bursts& bursts, double tick_s) {
  f.bursts = static_cast<double>(bursts.periods.intervals());
  f.burst_threshold_s = bursts.threshold_us * 1e-6;
  f.burst_period_cv = bursts.period.cv();
  f.spikes_per_burst_cv = bursts.spikes_per_burst.cv();
  f.burst_gap_s = times(bursts.gap.mean(), tick_s);
  f.burst_gap_cv = bursts.gap.cv();
  f.burst_isi_s = bursts.median_inside_us * 1e-6;
  f.burst_log_slope = bursts.log_slope;
  f.burst_duty = bursts.duty;
  f.burst_structure_factor = bursts.onsets.value();
}

void write_vacancies(StepFeatures& f, const Vacancies& vacancies) {
  f.usual_isi_s = vacancies.isi0_us * 1e-6;
  f.missing_spikes = static_cast<double>(vacancies.missing);
  f.vacancy_clusters = static_cast<double>(vacancies.clusters);
  f.vacancy_fraction = vacancies.fraction;
  f.vacancy_size = vacancies.mean_size;
  f.vacancy_size_largest = static_cast<double>(vacancies.largest);
  if (!vacancies.clustering) return;
  f.vacancy_clustering = vacancies.clustering->ratio;
  f.vacancy_clustering_low = vacancies.clustering->low;
  f.vacancy_clustering_high = vacancies.clustering->high;
}

}  // namespace

StepFeatures features_of(const TrainStatistics& train, const OutputStatistics& output, Label label,
                         double seconds_per_tick) {
  StepFeatures f;
  write_intervals(f, train, seconds_per_tick);
  if (const auto bursts = train.bursting()) write_bursts(f, *bursts, seconds_per_tick);
  if (const auto vacancies = counted_vacancies(train, label)) write_vacancies(f, *vacancies);
  f.peak_v = output.mean_peak();
  f.trough_v = output.mean_trough();
  f.width_shortest_s = times(output.shortest_width(), seconds_per_tick);
  f.width_longest_s = times(output.longest_width(), seconds_per_tick);
  f.v_out_v = output.mean_v_out();
  f.v_m_v = output.mean_v_m();
  return f;
}

void put_order(const TrainStatistics& train, Label label, double jitter_s, double seconds_per_tick,
               StepFeatures& features) {
  const IntervalStatistics& intervals = train.intervals();
  const auto cv = intervals.cv();
  const auto mean = intervals.mean();
  if (!cv || !mean) return;
  const bool at_floor = *cv < 3.0 * std::sqrt(2.0) * jitter_s / (*mean * seconds_per_tick);
  features.at_instrument_floor = at_floor ? 1.0 : 0.0;
  if (label != Label::TS && label != Label::FS) return;
  const auto correlation = intervals.serial_correlation();
  if (!correlation && !at_floor) return;
  const double certainly = -0.5 - 1.96 * std::sqrt(0.5 / static_cast<double>(intervals.count()));
  features.basis = !at_floor && *correlation < certainly ? 2.0 : 1.0;
}

void put_relation(const TrainRelation& relation, StepResult& row) {
  row.relation = relation.relation;
  StepFeatures& features = row.features;
  features.relation_phases = static_cast<double>(relation.phases);
  features.relation_order = relation.order;
  features.relation_phase = relation.mean_phase_cycles;
  features.relation_quarter_order = relation.least_quarter_order;
  features.relation_quarter_shift = relation.quarter_phase_cycles;
  features.relation_a = relation.a;
  features.relation_b = relation.b;
}

}  // namespace thyrode::analysis
