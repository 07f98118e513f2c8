#include "daemon/analysis/step_result.hpp"

#include "daemon/analysis/sweep_result.hpp"

namespace thyrode::analysis {
namespace {

constexpr FeatureField fields[] = {
    {"cv2", "CV2 of the intervals: mean of 2 |b - a|/(a + b)", &StepFeatures::cv2},
    {"lv", "local variation of the intervals", &StepFeatures::lv},
    {"lvr", "the same, corrected for a refractory period of 0.5 ms", &StepFeatures::lvr},
    {"serial_correlation", "of neighbouring intervals", &StepFeatures::serial_correlation},
    {"isi_shortest_s", "shortest interval between spikes, s", &StepFeatures::isi_shortest_s},
    {"isi_q05_s", "5 % quantile of the intervals, within 1 %, s", &StepFeatures::isi_q05_s},
    {"isi_q25_s", "25 % quantile of the intervals, within 1 %, s", &StepFeatures::isi_q25_s},
    {"isi_q50_s", "median of the intervals, within 1 %, s", &StepFeatures::isi_q50_s},
    {"isi_q75_s", "75 % quantile of the intervals, within 1 %, s", &StepFeatures::isi_q75_s},
    {"isi_q95_s", "95 % quantile of the intervals, within 1 %, s", &StepFeatures::isi_q95_s},
    {"isi_longest_s", "longest interval between spikes, s", &StepFeatures::isi_longest_s},
    {"structure_factor", "S at the mean rate over blocks of 64 spikes; 64 is a crystal, 1 is without order",
     &StepFeatures::structure_factor},
    {"structure_factor_blocks", "how many blocks; below 4 it says little", &StepFeatures::structure_factor_blocks},
    {"phase_order", "R1 of the intervals, 0 to 1", &StepFeatures::phase_order},
    {"bursts", "whole burst periods counted", &StepFeatures::bursts},
    {"burst_threshold_s", "longer intervals part bursts, s", &StepFeatures::burst_threshold_s},
    {"burst_period_cv", "coefficient of variation of the burst periods", &StepFeatures::burst_period_cv},
    {"spikes_per_burst_cv", "coefficient of variation of the spikes per burst", &StepFeatures::spikes_per_burst_cv},
    {"burst_gap_s", "mean interval between bursts, s", &StepFeatures::burst_gap_s},
    {"burst_gap_cv", "coefficient of variation of these intervals", &StepFeatures::burst_gap_cv},
    {"burst_isi_s", "median interval inside bursts, s", &StepFeatures::burst_isi_s},
    {"burst_log_slope", "mean of ln(next interval/interval) inside bursts; above 0 they slow down",
     &StepFeatures::burst_log_slope},
    {"burst_duty", "share of the time inside bursts", &StepFeatures::burst_duty},
    {"burst_structure_factor", "S of the first spikes after gaps, as structure_factor",
     &StepFeatures::burst_structure_factor},
    {"usual_isi_s", "usual interval of a train with missing spikes, s", &StepFeatures::usual_isi_s},
    {"missing_spikes", "how many", &StepFeatures::missing_spikes},
    {"vacancy_clusters", "intervals with missing spikes", &StepFeatures::vacancy_clusters},
    {"vacancy_fraction", "missing spikes/(missing spikes + intervals)", &StepFeatures::vacancy_fraction},
    {"vacancy_size", "mean of missing spikes in a cluster", &StepFeatures::vacancy_size},
    {"vacancy_size_largest", "most missing spikes in a cluster", &StepFeatures::vacancy_size_largest},
    {"vacancy_clustering", "share of clusters of 2 and more over that of independent missing spikes",
     &StepFeatures::vacancy_clustering},
    {"vacancy_clustering_low", "lower end of its 95 % interval", &StepFeatures::vacancy_clustering_low},
    {"vacancy_clustering_high", "upper end of its 95 % interval", &StepFeatures::vacancy_clustering_high},
    {"peak_v", "mean peak of the spikes, V", &StepFeatures::peak_v},
    {"trough_v", "mean of the lowest output before each spike, V", &StepFeatures::trough_v},
    {"width_shortest_s", "of spikes from crossing to re-arm, s", &StepFeatures::width_shortest_s},
    {"width_longest_s", "of spikes from crossing to re-arm, s", &StepFeatures::width_longest_s},
    {"v_out_v", "mean output, V", &StepFeatures::v_out_v},
    {"v_m_v", "mean voltage of the node that takes the current, V", &StepFeatures::v_m_v},
    {"relation_phases", "spikes of a companion within cycles of the plan's channel", &StepFeatures::relation_phases},
    {"relation_order", "R of their phases, 0 to 1", &StepFeatures::relation_order},
    {"relation_phase", "their mean phase, cycles, 0 to 1", &StepFeatures::relation_phase},
    {"relation_quarter_order", "R of the quarter of the step in which it is least",
     &StepFeatures::relation_quarter_order},
    {"relation_quarter_shift", "largest distance of a quarter's mean phase from the mean phase, cycles",
     &StepFeatures::relation_quarter_shift},
    {"relation_a", "locked a : b, so many cycles of the plan's channel ...", &StepFeatures::relation_a},
    {"relation_b", "... last as long as so many of the companion", &StepFeatures::relation_b},
    {"at_instrument_floor", "1 where CV is no larger than the jitter of the spike times explains, else 0",
     &StepFeatures::at_instrument_floor},
    {"basis", "intervals after which a tonic train repeats: 2 where long and short ones alternate, else 1",
     &StepFeatures::basis},
};

}  // namespace

std::span<const FeatureField> feature_fields() {
  return fields;
}

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
