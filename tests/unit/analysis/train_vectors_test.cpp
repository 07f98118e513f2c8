// The trains and the sketch of the reference vectors.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "daemon/analysis/batch_means.hpp"
#include "daemon/analysis/interval_statistics.hpp"
#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/structure_factor.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::analysis {
namespace {

using nlohmann::json;

constexpr double microsecond = 1e-6;  // the vectors' unit of time

struct Train {
  json expected;
  std::vector<std::int64_t> spikes;
  std::vector<std::int64_t> intervals;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool increasing = true;
};

Train to_train(const json& c) {
  Train train;
  train.expected = c["expected"];
  train.spikes = c["spikes"].get<std::vector<std::int64_t>>();
  train.begin = c["t_start"];
  train.end = c["t_stop"];
  for (std::size_t k = 1; k < train.spikes.size(); ++k) {
    train.intervals.push_back(train.spikes[k] - train.spikes[k - 1]);
    train.increasing = train.increasing && train.intervals.back() > 0;
  }
  return train;
}

std::optional<double> in_seconds(std::optional<double> ticks) {
  if (ticks) *ticks *= microsecond;
  return ticks;
}

template <class F>
void for_each_train(F&& f) {
  const json vectors = test::read_vectors("trains.json");
  ASSERT_FALSE(vectors["cases"].empty());
  for (const json& c : vectors["cases"]) {
    SCOPED_TRACE(c["name"].get<std::string>());
    ASSERT_EQ(c["time_unit"], "us");
    f(to_train(c));
  }
}

TEST(TrainVectors, IntervalStatisticsEqualTheBruteForceValues) {
  for_each_train([](const Train& train) {
    IntervalStatistics s;
    for (const std::int64_t interval : train.intervals) s.add(interval);
    EXPECT_EQ(s.count(), train.expected["n_isi"].get<std::int64_t>());
    test::expect_same(in_seconds(s.mean()), train.expected["isi_mean_s"], 1e-9);
    test::expect_same(in_seconds(s.deviation()), train.expected["isi_sd_pop_s"], 1e-9);
    if (s.count() > 0) {
      test::expect_same(static_cast<double>(s.shortest()) * microsecond, train.expected["isi_min_s"], 1e-9);
      test::expect_same(static_cast<double>(s.longest()) * microsecond, train.expected["isi_max_s"], 1e-9);
    }
    test::expect_same(s.cv(), train.expected["cv"], 1e-9);
    if (s.cv()) {
      const auto n = static_cast<double>(s.count());
      test::expect_same(*s.cv() * std::sqrt(n / (n - 1.0)), train.expected["cv_sample"], 1e-9);
    }
    test::expect_same(s.cv2(), train.expected["cv2"], 1e-9);
    test::expect_same(s.lv(), train.expected["lv"], 1e-9);
    test::expect_same(s.lvr(500.0), train.expected["lvr_R0.5ms"], 1e-9);
    // Integer ticks see that a crystal has no variance, where sums of seconds leave rounding.
    if (s.cv().value_or(0.0) > 0.0) {
      test::expect_same(s.serial_correlation(), train.expected["isi_serial_corr_1"], 1e-9);
    }
  });
}

TEST(TrainVectors, BatchMeansEqualTheBruteForceValues) {
  for_each_train([](const Train& train) {
    if (!train.expected.contains("batch_means")) return;
    const json& expected = train.expected["batch_means"];
    BatchMeans batches;
    for (const std::int64_t interval : train.intervals) batches.add(interval);
    EXPECT_EQ(batches.batch_size(), expected["batch_size"].get<std::int64_t>());
    EXPECT_EQ(batches.count(), expected["n_batches"].get<int>());
    test::expect_same(in_seconds(batches.mean()), expected["mean_s"], 1e-9);
    test::expect_same(in_seconds(batches.half_width()), expected["halfwidth95_s"], 1e-9);
    if (train.expected.contains("drift_expected")) {
      ASSERT_TRUE(batches.slope());
      EXPECT_LT(batches.slope()->p, 0.01);
    }
  });
}

TEST(TrainVectors, QuantilesOfTheHistogramAreWithinOnePercent) {
  for_each_train([](const Train& train) {
    if (!train.expected.contains("isi_quantiles_lower_s")) return;
    IsiHistogram histogram;
    for (const std::int64_t interval : train.intervals) histogram.add(static_cast<double>(interval));
    for (const auto& [p, seconds] : train.expected["isi_quantiles_lower_s"].items()) {
      if (seconds.get<double>() < microsecond) continue;  // below the range of the buckets
      test::expect_same(histogram.quantile_us(std::stod(p)), seconds.get<double>() * 1e6, 0.01);
    }
  });
}

TEST(TrainVectors, StructureFactorEqualsTheBruteForceValue) {
  for_each_train([](const Train& train) {
    StructureFactor s;
    for (const std::int64_t spike : train.spikes) s.add(spike);
    if (!train.expected.contains("structure_factor_seg64")) {
      EXPECT_FALSE(s.value());
      return;
    }
    test::expect_same(s.value(), train.expected["structure_factor_seg64"], 1e-6);
  });
}

PairCorrelation correlation_of(const Train& train) {
  const json& expected = train.expected["autocorr"];
  PairCounter pairs({expected["lag_bin_us"].get<std::int64_t>(), expected["n_bins"].get<int>()}, Ticks{train.begin});
  for (const std::int64_t spike : train.spikes) pairs.add(Ticks{spike});
  return pairs.result(Ticks{train.end});
}

TEST(TrainVectors, PairCountsAreExact) {
  for_each_train([](const Train& train) {
    const PairCorrelation pairs = correlation_of(train);
    EXPECT_EQ(pairs.counts, train.expected["autocorr"]["pair_counts"].get<std::vector<std::int64_t>>());
    EXPECT_FALSE(pairs.clipped);
  });
}

TEST(TrainVectors, PairCorrelationLevelAndBandEqualTheBruteForceValues) {
  for_each_train([](const Train& train) {
    const json& expected = train.expected["autocorr"];
    if (!expected.contains("g_n")) return;
    const PairCorrelation pairs = correlation_of(train);
    test::expect_same(pairs.level(), expected["poisson_level"], 1e-9);
    test::expect_same(pairs.half_width(), expected["poisson_band95_halfwidth"], 1e-9);
    for (std::size_t k = 0; k < pairs.bins(); ++k) {
      SCOPED_TRACE(k);
      // The vectors give nine digits.
      test::expect_same(pairs.g(k), expected["g_n"][k], 5e-9, 1e-9);
      test::expect_same(pairs.corrected(k), expected["g_n_border_corrected"][k], 5e-9, 1e-9);
    }
  });
}

TEST(TrainVectors, PhaseOrderOfTheHistogramIsThatOfTheIntervals) {
  for_each_train([](const Train& train) {
    if (!train.increasing || !train.expected.contains("isi_phase_order_R1")) return;
    IsiHistogram histogram;
    for (const std::int64_t interval : train.intervals) histogram.add(static_cast<double>(interval));
    // Counters of 2 %: phases within 0.06, so cosines within 0.002 once each stands at its mean.
    test::expect_same(histogram.phase_order(), train.expected["isi_phase_order_R1"], 0.0, 0.002);
  });
}

TrainStatistics statistics_of(const Train& train, const TrainSettings& settings = {}) {
  TrainStatistics statistics(microsecond, Ticks{train.begin}, settings);
  for (const std::int64_t spike : train.spikes) statistics.spike(Ticks{spike});
  return statistics;
}

TEST(TrainVectors, BurstsUnderTheGivenThresholdEqualTheBruteForceValues) {
  for_each_train([](const Train& train) {
    if (!train.expected.contains("burst")) return;
    const json& expected = train.expected["burst"];
    TrainSettings settings;
    settings.burst_threshold_us = expected["threshold_us"].get<double>();
    const auto bursts = statistics_of(train, settings).bursts();
    ASSERT_TRUE(bursts);
    EXPECT_TRUE(bursts->accepted);
    EXPECT_EQ(bursts->gaps, expected["n_long_isi"].get<std::int64_t>());
    test::expect_same(bursts->frequency_hz.value, expected["burst_rate_hz"], 1e-6);
    test::expect_same(bursts->period.cv(), expected["burst_period_cv"], 1e-9);
    test::expect_same(bursts->spikes_per_burst.mean(), expected["spikes_per_burst_mean"], 1e-9);
    test::expect_same(bursts->spikes_per_burst.cv(), expected["spikes_per_burst_cv"], 1e-9);
    test::expect_same(bursts->median_inside_us, expected["median_intra_isi_us"], 0.01);
    test::expect_same(bursts->median_gap_us, expected["median_gap_us"], 0.01);
  });
}

TEST(TrainVectors, OwnThresholdFindsTheBurstsAndTheirRate) {
  for_each_train([](const Train& train) {
    const auto bursts = statistics_of(train).bursting();
    EXPECT_EQ(bursts.has_value(), train.expected.contains("burst"));
    if (bursts) test::expect_same(bursts->frequency_hz.value, train.expected["burst"]["burst_rate_hz"], 0.05);
  });
}

TEST(TrainVectors, VacanciesAreFoundWhereSpikesAreMissingAndNowhereElse) {
  for_each_train([](const Train& train) {
    const auto vacancies = statistics_of(train).vacancies();
    EXPECT_EQ(vacancies && vacancies->found(), train.expected.contains("vacancy"));
    if (!train.expected.contains("vacancy")) return;
    const json& expected = train.expected["vacancy"];
    const double tolerance = 0.01 * static_cast<double>(train.spikes.size());
    EXPECT_NEAR(static_cast<double>(vacancies->missing), expected["n_missing"].get<double>(), tolerance);
    EXPECT_NEAR(static_cast<double>(vacancies->clusters), expected["n_vacancy_clusters"].get<double>(), tolerance);
    EXPECT_NEAR(vacancies->isi0_us, expected["isi0_true_us"].get<double>(), 0.01 * vacancies->isi0_us);
    EXPECT_NEAR(vacancies->fraction, expected["vacancy_fraction"].get<double>(), 0.01);
    EXPECT_EQ(vacancies->largest, expected["cluster_size_max"].get<std::int64_t>());
    EXPECT_NEAR(*vacancies->mean_size, expected["cluster_size_mean"].get<double>(), 0.01);
    for (std::size_t size = 1; size < vacancies->sizes.size(); ++size) {
      const auto listed = expected["cluster_size_counts"].value(std::to_string(size), std::int64_t{0});
      EXPECT_NEAR(static_cast<double>(vacancies->sizes[size]), static_cast<double>(listed), tolerance) << size;
    }
  });
}

TEST(TrainVectors, RateOfCountsIsSpikesOverObservedTime) {
  for_each_train([](const Train& train) {
    const TrainStatistics statistics = statistics_of(train);
    const double seconds = static_cast<double>(statistics.observed(Ticks{train.end})) * microsecond;
    const std::int64_t all = statistics.spikes() + statistics.rejected();
    test::expect_same(static_cast<double>(all) / seconds, train.expected["rate_count_hz"], 1e-9);
    EXPECT_EQ(statistics.rejected() == 0, train.increasing);
  });
}

TEST(TrainVectors, StepGivesRateBoundAndLabel) {
  for_each_train([](const Train& train) {
    StepAnalyzer step({}, microsecond, Ticks{train.begin});
    for (const std::int64_t spike : train.spikes) step.spike(Ticks{spike});
    const StepResult row = step.result(Ticks{train.end});
    if (!train.increasing) {
      EXPECT_GT(step.rejected(), 0);
      EXPECT_EQ(step.rejected() + row.n_spikes, static_cast<std::int64_t>(train.spikes.size()));
      return;
    }
    EXPECT_EQ(row.n_spikes, train.expected["n_spikes"].get<std::int64_t>());
    test::expect_same(row.cv, train.expected["cv"], 1e-9);
    if (!train.expected["rate_zero_upper95_hz"].is_null()) {
      test::expect_same(row.frequency_hz.high, train.expected["rate_zero_upper95_hz"], 1e-9);
    }
    if (!train.expected.contains("drift_expected")) {
      test::expect_same(row.spike_rate_hz.value, train.expected["rate_isi_hz"], 1e-9);
    }
    const std::string label = train.expected.value("phase_label", "");
    const std::map<std::string, Label> names{
        {"quiescent", Label::QH}, {"tonic", Label::TS}, {"irregular", Label::irregular}};
    if (const auto name = names.find(label); name != names.end()) {
      EXPECT_EQ(row.label, name->second);
    }
    const bool bursts = row.label == Label::IB1 || row.label == Label::IB2;
    EXPECT_EQ(bursts, label.find("burst") != std::string::npos) << label << " is " << to_string(row.label);
    EXPECT_EQ(row.vacancies, train.expected.contains("vacancy")) << label;
  });
}

TEST(TrainVectors, SettlingTrainComesOutAtItsSteadyRate) {
  for_each_train([](const Train& train) {
    if (!train.expected.contains("steady_isi_true_s")) return;
    StepAnalyzer step({}, microsecond, Ticks{train.begin});
    for (const std::int64_t spike : train.spikes) step.spike(Ticks{spike});
    const StepResult row = step.result(Ticks{train.end});
    ASSERT_TRUE(row.frequency_hz.value);
    const double truth = 1.0 / train.expected["steady_isi_true_s"].get<double>();
    test::expect_close(*row.frequency_hz.value, truth, 0.02);
  });
}

TEST(SketchVectors, BucketsAreExactAndQuantilesWithinOnePercent) {
  const json vectors = test::read_vectors("sketch.json");
  EXPECT_NEAR(IsiHistogram::gamma, vectors["gamma"].get<double>(), 1e-9);
  IsiHistogram histogram;
  for (const json& isi : vectors["isi_us"]) histogram.add(isi.get<double>());
  std::int64_t listed = 0;
  for (const json& bucket : vectors["buckets"]) {
    const auto index = bucket[0].get<std::size_t>();
    listed += bucket[1].get<std::int64_t>();
    EXPECT_EQ(histogram.counters()[index - 1], bucket[1].get<std::int64_t>()) << "bucket " << index;
  }
  EXPECT_EQ(histogram.total(), listed);
  for (const auto& [p, isi_us] : vectors["quantiles_lower_us"].items()) {
    test::expect_same(histogram.quantile_us(std::stod(p)), isi_us, vectors["rel_tolerance"].get<double>());
  }
}

}  // namespace
}  // namespace thyrode::analysis
