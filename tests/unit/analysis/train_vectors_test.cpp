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
    test::expect_same(s.cv(), train.expected["cv"], 1e-9);
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
      test::expect_same(row.frequency_hz.value, train.expected["rate_isi_hz"], 1e-9);
    }
    const std::string label = train.expected.value("phase_label", "");
    const std::map<std::string, Label> names{
        {"quiescent", Label::QH}, {"tonic", Label::TS}, {"irregular", Label::irregular}};
    if (const auto name = names.find(label); name != names.end()) {
      EXPECT_EQ(row.label, name->second);
    }
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
