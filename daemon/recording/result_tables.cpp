#include "daemon/recording/result_tables.hpp"

#include <string>
#include <vector>

#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/row_writer.hpp"
#include "daemon/recording/step_table.hpp"

namespace thyrode::recording {
namespace {

using analysis::DirectBeta;
using analysis::PairCorrelation;
using analysis::StepResult;

void write_correlations(Builder& builder, double seconds_per_tick) {
  const hid_t file = builder.file();
  const std::string pairs_table = layout::pair_correlations().path;
  const std::int64_t rows = table_rows(file, pairs_table);
  if (rows == 0) return;
  const auto steps = read_column<std::int64_t>(file, pairs_table + "/step", 0, rows);
  RowWriter w{builder, "g_n",
              "How often two spikes of a step lie a lag apart, g_n(t); bin k is of lags from k to k + 1 bin widths. "
              "Without order it lies between `low` and `high` in 95 % of all bins."};
  for (std::int64_t row = 0; row < rows; ++row) {
    const PairCorrelation pairs = read_pairs(file, row);
    std::vector<double> g;
    std::vector<double> corrected;
    for (std::size_t k = 0; k < pairs.bins(); ++k) {
      g.push_back(pairs.g(k));
      corrected.push_back(pairs.corrected(k));
    }
    const PairCorrelation::Band band = pairs.band(false);
    w.region("step", "row in the table steps", steps[static_cast<std::size_t>(row)], step_table({}).path);
    w.real("bin_s", "width of a bin, s", static_cast<double>(pairs.bin) * seconds_per_tick);
    w.integer("spikes", "N", pairs.spikes);
    w.reals("g", "pairs in the bin over N", g);
    w.reals("g_corrected", "the same, without the loss at the ends of the train", corrected);
    w.real("level", "of a train without memory", pairs.level());
    w.real("low", "lower 95 % limit of one bin of such a train", band.low);
    w.real("high", "upper 95 % limit of one bin of such a train", band.high);
    w.flag("clipped", "1: more spikes in a window than could be kept, the values are too small", pairs.clipped);
  }
  w.finish(static_cast<std::size_t>(rows));
}

bool bursts(const StepResult& step) {
  return step.spikes_per_burst.has_value();
}

void write_bursts(Builder& builder, const std::vector<StepResult>& steps) {
  const auto rows = static_cast<std::size_t>(std::count_if(steps.begin(), steps.end(), bursts));
  if (rows == 0) return;
  RowWriter w{builder, "bursts", "Steps that burst; NaN is undefined."};
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const StepResult& step = steps[k];
    if (!bursts(step)) continue;
    w.region("step", "row in the table steps", static_cast<std::int64_t>(k), step_table({}).path);
    w.real("current_ua", "mean of the current written, uA", step.current_ua);
    w.estimate("burst_rate_hz", "bursts per second, Hz", step.frequency_hz);
    w.real("spikes_per_burst", "mean over whole burst periods", step.spikes_per_burst);
    for (const analysis::FeatureField& field : analysis::feature_fields()) {
      const std::string name = field.name;
      if (name.starts_with("burst") || name == "spikes_per_burst_cv") {
        w.real(name, field.description, step.features.*field.value);
      }
    }
  }
  w.finish(rows);
}

void write_beta(Builder& builder, const std::vector<StepResult>& steps) {
  if (steps.empty()) return;
  RowWriter w{builder, "beta_n", "Neuronal compressibility beta_n = d ln f / dI along the curve; NaN is undefined."};
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const StepResult& step = steps[k];
    w.region("step", "row in the table steps", static_cast<std::int64_t>(k), step_table({}).path);
    w.integer("channel", "index of the channel", step.channel);
    w.integer("leg", "0 is the first sweep direction, 1 the second; a free list numbers its segments", step.leg);
    w.real("current_ua", "mean of the current written, uA", step.current_ua);
    w.estimate("beta_n_per_ua", "d ln f / dI, 1/uA", step.beta_n_per_ua);
    w.text("status", "ok, edge, jump or few_points", analysis::to_string(step.beta_status));
    w.estimate("kappa", "current times beta_n", step.kappa);
    w.real("sigma_current_ua", "CV over beta_n, uA", step.sigma_current_ua);
  }
  w.finish(steps.size());
}

void write_direct_beta(Builder& builder, const std::vector<DirectBeta>& list) {
  if (list.empty()) return;
  RowWriter w{builder, "direct_beta", "beta_n from pairs of steps beside one current; NaN is undefined."};
  for (const DirectBeta& beta : list) {
    w.real("current_ua", "middle of the pairs, uA", beta.current_ua);
    w.real("offset_ua", "half the distance of a pair, uA", beta.offset_ua);
    w.estimate("beta_n_per_ua", "d ln f / dI, 1/uA", beta.per_ua);
    w.integer("pairs", "with an f on both sides", beta.pairs);
    w.integer("pairs_without", "with a side that has no f", beta.pairs_without);
    w.estimate("drift", "of ln f from step to step", beta.drift);
    w.text("status", "ok, jump or few_points", analysis::to_string(beta.status));
  }
  w.finish(list.size());
}

}  // namespace

PairCorrelation read_pairs(hid_t file, std::int64_t row) {
  const std::string table = layout::pair_correlations().path;
  const auto integer = [&](const char* name) {
    return read_column<std::int64_t>(file, table + "/" + name, row, 1).front();
  };
  PairCorrelation pairs;
  pairs.bin = integer("bin_ticks");
  pairs.spikes = integer("spikes");
  pairs.observed = integer("observed_ticks");
  pairs.clipped = integer("clipped") != 0;
  pairs.counts = read_column<std::int64_t>(file, table + "/counts", row, 1, layout::pair_bins);
  pairs.border = read_column<double>(file, table + "/border_ticks", row, 1, layout::pair_bins);
  return pairs;
}

void write_result_tables(Builder& builder, const analysis::RunResult& result) {
  const hid_t file = builder.file();
  for (const char* name : {"g_n", "bursts", "beta_n", "direct_beta"}) {
    const std::string path = std::string{layout::module} + "/" + name;
    if (h5::exists(file, path)) builder.remove(path);
  }
  const double rate = read_attribute<double>(file, layout::provenance, "sample_rate_hz");
  write_correlations(builder, 1.0 / (rate * static_cast<double>(ticks_per_sample)));
  write_bursts(builder, result.steps);
  write_beta(builder, result.steps);
  write_direct_beta(builder, result.direct_beta);
}

}  // namespace thyrode::recording
