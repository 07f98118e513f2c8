#include "daemon/experiment/train_document.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "daemon/analysis/phase_label.hpp"
#include "daemon/experiment/document_parts.hpp"

namespace thyrode::experiment {
namespace {

using nlohmann::ordered_json;

constexpr double refractory_s = 0.5e-3;  // of lvr_R0.5ms

ordered_json scaled(std::optional<double> value, double factor) {
  if (value) *value *= factor;
  return number(value);
}

void put_intervals(ordered_json& document, const analysis::TrainStatistics& train, double tick_s) {
  const analysis::IntervalStatistics& s = train.intervals();
  const bool any = s.count() > 0;
  const auto seconds = [&](std::int64_t ticks) {
    return any ? ordered_json(static_cast<double>(ticks) * tick_s) : ordered_json(nullptr);
  };
  document["isi_mean_s"] = scaled(s.mean(), tick_s);
  document["isi_min_s"] = seconds(s.shortest());
  document["isi_max_s"] = seconds(s.longest());
  document["isi_sd_pop_s"] = scaled(s.deviation(), tick_s);
  document["cv"] = number(s.cv());
  const auto n = static_cast<double>(s.count());
  document["cv_sample"] = scaled(s.cv(), n > 1.0 ? std::sqrt(n / (n - 1.0)) : 1.0);
  document["cv2"] = number(s.cv2());
  document["lv"] = number(s.lv());
  document["lvr_R0.5ms"] = number(s.lvr(refractory_s / tick_s));
  document["isi_serial_corr_1"] = number(s.serial_correlation());
  ordered_json quantiles = ordered_json::object();
  for (const auto& [name, p] :
       {std::pair{"0.05", 0.05}, {"0.25", 0.25}, {"0.5", 0.5}, {"0.75", 0.75}, {"0.95", 0.95}}) {
    quantiles[name] = scaled(train.histogram().quantile_us(p), 1e-6);
  }
  document["isi_quantiles_lower_s"] = std::move(quantiles);
}

ordered_json correlation_json(const analysis::PairCorrelation& pairs, double tick_s) {
  ordered_json g = ordered_json::array();
  ordered_json corrected = ordered_json::array();
  for (std::size_t k = 0; k < pairs.bins(); ++k) {
    g.push_back(pairs.g(k));
    corrected.push_back(pairs.corrected(k));
  }
  const double bin_s = static_cast<double>(pairs.bin) * tick_s;
  const double bin_us = static_cast<double>(pairs.bin) * (tick_s * 1e6);
  const auto featureless = pairs.featureless();
  const auto limits = [&](bool all_bins) {
    const auto band = pairs.band(all_bins);
    return ordered_json::array({band.low, band.high});
  };
  return {{"lag_bin_us", pairs.bin > 0 ? ordered_json(bin_us) : ordered_json(nullptr)},
          {"bin_s", pairs.bin > 0 ? ordered_json(bin_s) : ordered_json(nullptr)},
          {"n_bins", pairs.bins()},
          {"pair_counts", pairs.counts},
          {"g_n", std::move(g)},
          {"g_n_border_corrected", std::move(corrected)},
          {"poisson_level", pairs.level()},
          {"poisson_band95_halfwidth", pairs.half_width()},
          {"poisson_band95", limits(false)},
          {"poisson_band95_all_bins", limits(true)},
          {"featureless", featureless ? ordered_json(*featureless) : ordered_json(nullptr)},
          {"window_clipped", pairs.clipped}};
}

/// How many intervals inside bursts the mean gap lasts.
std::optional<double> gap_over_inside(const analysis::Bursts& bursts, double tick_s) {
  const auto gap = bursts.gap.mean();
  if (!gap || !(bursts.median_inside_us > 0.0)) return std::nullopt;
  return *gap * tick_s * 1e6 / bursts.median_inside_us;
}

ordered_json burst_json(const analysis::Bursts& bursts, bool bursting, double tick_s) {
  ordered_json document;
  document["bursting"] = bursting;
  document["accepted"] = bursts.accepted;
  document["threshold_us"] = bursts.threshold_us;
  document["threshold_given"] = bursts.given;
  document["n_long_isi"] = bursts.gaps;
  put(document, "burst_rate_hz", bursts.frequency_hz);
  document["burst_period_cv"] = number(bursts.period.cv());
  document["spikes_per_burst_mean"] = number(bursts.spikes_per_burst.mean());
  document["spikes_per_burst_cv"] = number(bursts.spikes_per_burst.cv());
  document["median_intra_isi_us"] = bursts.median_inside_us;
  document["median_gap_us"] = bursts.median_gap_us;
  document["gap_mean_s"] = scaled(bursts.gap.mean(), tick_s);
  document["gap_cv"] = number(bursts.gap.cv());
  document["fraction_in_runs"] = number(bursts.in_runs);
  document["duty"] = number(bursts.duty);
  document["gap_over_intra_isi"] = number(gap_over_inside(bursts, tick_s));
  document["rhythm"] = !bursting ? ordered_json(nullptr) : analysis::clock_like(bursts) ? "clock" : "stutter";
  document["intra_burst_log_slope"] = number(bursts.log_slope);
  document["onset_structure_factor_seg64"] = number(bursts.onsets.value());
  document["features_of_all_spikes"] = bursts.complete;
  return document;
}

ordered_json vacancy_json(const analysis::Vacancies& v, const char* why_not) {
  const bool counted = why_not == nullptr;
  const auto count = [&](std::int64_t n) { return counted ? ordered_json(n) : ordered_json(nullptr); };
  const auto value = [&](std::optional<double> x) { return counted ? number(x) : ordered_json(nullptr); };
  ordered_json counts = ordered_json::object();
  for (std::size_t size = 1; size < v.sizes.size(); ++size) {
    if (v.sizes[size] > 0) counts[std::to_string(size)] = v.sizes[size];
  }
  const auto clustering = v.clustering.value_or(analysis::Vacancies::Clustering{});
  const auto of_clusters = [&](double x) { return value(v.clustering ? std::optional(x) : std::nullopt); };
  ordered_json document;
  document["found"] = counted && v.found();
  document["valid"] = v.valid;
  document["counted"] = counted;
  document["not_counted"] = counted ? ordered_json(nullptr) : ordered_json(why_not);
  document["isi0_us"] = v.isi0_us;
  document["n_missing"] = count(v.missing);
  document["n_vacancy_clusters"] = count(v.clusters);
  document["vacancy_fraction"] = value(v.fraction);
  document["cluster_size_mean"] = value(v.mean_size);
  document["cluster_size_max"] = count(v.largest);
  document["cluster_size_counts"] = counted ? std::move(counts) : ordered_json(nullptr);
  document["isi0_cv"] = v.cv_usual;
  document["residual"] = v.residual;
  document["gap_residual"] = number(v.gap_residual);
  document["clustering_ratio"] = of_clusters(clustering.ratio);
  document["clustering_ratio_low"] = of_clusters(clustering.low);
  document["clustering_ratio_high"] = of_clusters(clustering.high);
  return document;
}

}  // namespace

ordered_json train_json(const analysis::TrainStatistics& train, double seconds_per_tick, Ticks until,
                        analysis::Label label) {
  const double observed_s = static_cast<double>(train.observed(until)) * seconds_per_tick;
  const auto mean = train.intervals().mean();
  ordered_json document;
  document["n_spikes"] = train.spikes();
  document["n_isi"] = train.intervals().count();
  document["n_rejected"] = train.rejected();
  document["n_gaps"] = train.gaps();
  document["observed_s"] = observed_s;
  document["rate_count_hz"] =
      number(observed_s > 0.0 ? std::optional(static_cast<double>(train.spikes()) / observed_s) : std::nullopt);
  document["rate_isi_hz"] =
      number(mean && *mean > 0.0 ? std::optional(1.0 / (*mean * seconds_per_tick)) : std::nullopt);
  document["rate_zero_upper95_hz"] =
      number(train.spikes() == 0 && observed_s > 0.0 ? std::optional(analysis::count_interval(0, observed_s).high_hz)
                                                     : std::nullopt);
  put_intervals(document, train, seconds_per_tick);
  document["autocorr"] = correlation_json(train.correlation(until), seconds_per_tick);
  document["isi_phase_order_R1"] = number(train.phase_order());
  document["structure_factor_seg64"] = number(train.structure_factor().value());
  document["structure_factor_blocks"] = train.structure_factor().blocks();
  document["structure_factor_reliable"] = train.structure_factor().reliable();
  const analysis::BatchMeans& batches = train.batches();
  document["batch_means"] = {{"batch_size", batches.batch_size()},
                             {"n_batches", batches.count()},
                             {"mean_s", scaled(batches.mean(), seconds_per_tick)},
                             {"halfwidth95_s", scaled(batches.half_width(), seconds_per_tick)}};
  const auto bursts = train.bursts();
  document["burst"] =
      bursts ? burst_json(*bursts, train.bursting().has_value(), seconds_per_tick) : ordered_json(nullptr);
  const auto vacancies = train.vacancies();
  document["vacancy"] =
      vacancies ? vacancy_json(*vacancies, analysis::why_not_counted(train, label)) : ordered_json(nullptr);
  return document;
}

}  // namespace thyrode::experiment
