// The document of a train has the names and values of the reference vectors.
#include "daemon/experiment/train_document.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::experiment {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double microsecond = 1e-6;

ordered_json document_of(const json& c) {
  const json& expected = c["expected"];
  analysis::TrainSettings settings;
  settings.window.bin = expected["autocorr"]["lag_bin_us"];
  settings.window.bins = expected["autocorr"]["n_bins"];
  if (expected.contains("burst")) settings.burst_threshold_us = expected["burst"]["threshold_us"].get<double>();
  analysis::TrainStatistics train(microsecond, Ticks{c["t_start"].get<std::int64_t>()}, settings);
  analysis::StepAnalyzer step({}, microsecond, Ticks{c["t_start"].get<std::int64_t>()});
  for (const json& spike : c["spikes"]) {
    train.spike(Ticks{spike.get<std::int64_t>()});
    step.spike(Ticks{spike.get<std::int64_t>()});
  }
  const Ticks end{c["t_stop"].get<std::int64_t>()};
  return train_json(train, microsecond, end, step.result(end).label);
}

/// Compares what the vectors give for the names that both have.
void expect_alike(const ordered_json& found, const json& expected, const std::string& where) {
  SCOPED_TRACE(where);
  if (expected.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(found.contains(key)) << key;
      expect_alike(found[key], value, where + "." + key);
    }
  } else if (expected.is_array()) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      expect_alike(found[k], expected[k], where + "[" + std::to_string(k) + "]");
    }
  } else if (expected.is_number_float()) {
    ASSERT_TRUE(found.is_number()) << found;
    const bool from_sketch = where.find("quantiles") != std::string::npos || where.find("median") != std::string::npos;
    const bool nine_digits = where.find("g_n") != std::string::npos;
    const bool structure = where.find("structure_factor") != std::string::npos;
    const double relative = from_sketch ? 0.01 : structure ? 1e-6 : nine_digits ? 5e-9 : 1e-9;
    analysis::test::expect_close(found.get<double>(), expected.get<double>(), relative);
  } else {
    EXPECT_EQ(json(found), expected);
  }
}

TEST(TrainDocument, HasTheNamesAndValuesOfTheVectors) {
  const json vectors = analysis::test::read_vectors("trains.json");
  ASSERT_FALSE(vectors["cases"].empty());
  for (const json& c : vectors["cases"]) {
    SCOPED_TRACE(c["name"].get<std::string>());
    const json& e = c["expected"];
    const ordered_json d = document_of(c);
    if (d["n_rejected"] > 0) continue;  // equal times: the vectors keep them
    for (const char* key : {"n_spikes", "n_isi", "rate_count_hz", "rate_isi_hz", "rate_zero_upper95_hz", "isi_mean_s",
                            "isi_min_s", "isi_max_s", "cv2", "lv", "lvr_R0.5ms", "isi_quantiles_lower_s", "autocorr",
                            "structure_factor_seg64", "burst", "batch_means"}) {
      if (e.contains(key)) expect_alike(d[key], e[key], key);
    }
    // Of equal intervals the vectors hold what rounding leaves.
    if (e["cv"].is_null() || e["cv"] > 1e-12) {
      for (const char* key : {"isi_sd_pop_s", "cv", "cv_sample", "isi_serial_corr_1"})
        expect_alike(d[key], e[key], key);
    } else {
      EXPECT_EQ(d["cv"], 0.0);
      EXPECT_TRUE(d["isi_serial_corr_1"].is_null());
    }
    EXPECT_EQ(d["vacancy"].is_object() && d["vacancy"]["found"], e.contains("vacancy"));
    if (e.contains("vacancy")) {
      for (const char* key : {"n_missing", "n_vacancy_clusters", "cluster_size_max", "cluster_size_counts"}) {
        EXPECT_EQ(json(d["vacancy"][key]), e["vacancy"][key]) << key;
      }
    }
    EXPECT_EQ(d["burst"].is_object() && d["burst"]["bursting"], e.contains("burst"));
  }
}

TEST(TrainDocument, CountsNoMissingSpikesInATrainThatBursts) {
  analysis::TrainStatistics train(microsecond, Ticks{0});
  Ticks at{0};
  for (int burst = 0; burst < 60; ++burst) {
    for (int k = 0; k < 5; ++k) train.spike(at = at + (k == 0 ? 5000 : 1000));
  }
  const ordered_json d = train_json(train, microsecond, at, analysis::Label::IB1);
  EXPECT_FALSE(d["vacancy"]["counted"]);
  EXPECT_EQ(d["vacancy"]["not_counted"], "the train bursts");
  for (const char* key :
       {"n_missing", "n_vacancy_clusters", "vacancy_fraction", "cluster_size_mean", "cluster_size_max",
        "cluster_size_counts", "clustering_ratio", "clustering_ratio_low", "clustering_ratio_high"}) {
    EXPECT_TRUE(d["vacancy"][key].is_null()) << key;
  }
  EXPECT_NEAR(d["vacancy"]["isi0_us"].get<double>(), 1000.0, 1e-6);
  EXPECT_EQ(d["burst"]["rhythm"], "clock");
  EXPECT_NEAR(d["burst"]["gap_over_intra_isi"].get<double>(), 5.0, 1e-9);
}

TEST(TrainDocument, OfATrainWithoutSpikesHoldsNullsAndTheBoundOfItsRate) {
  const analysis::TrainStatistics train(microsecond, Ticks{0});
  const ordered_json d = train_json(train, microsecond, Ticks{2'000'000}, analysis::Label::QH);
  EXPECT_EQ(d["n_spikes"], 0);
  EXPECT_NEAR(d["rate_zero_upper95_hz"].get<double>(), 1.49786613678, 1e-9);
  for (const char* key :
       {"rate_isi_hz", "cv", "isi_min_s", "isi_phase_order_R1", "structure_factor_seg64", "burst", "vacancy"}) {
    EXPECT_TRUE(d[key].is_null()) << key;
  }
  EXPECT_TRUE(d["autocorr"]["pair_counts"].empty());
  EXPECT_TRUE(d["autocorr"]["featureless"].is_null());
}

}  // namespace
}  // namespace thyrode::experiment
