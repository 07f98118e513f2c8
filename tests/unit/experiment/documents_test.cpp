#include "daemon/experiment/documents.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace thyrode::experiment {
namespace {

std::vector<std::string> keys(const nlohmann::ordered_json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}
using Names = std::vector<std::string>;

/// Keys may be added to a document, never removed.
void expect_keys(const nlohmann::ordered_json& object, const Names& expected) {
  const Names found = keys(object);
  const std::set<std::string> all{found.begin(), found.end()};
  for (const std::string& name : expected) EXPECT_TRUE(all.count(name)) << name << " is missing";
  EXPECT_EQ(all.size(), found.size()) << "a key stands twice";
}

TEST(ResultRow, HasEveryKeyOfItsSchema) {
  expect_keys(to_json(analysis::StepResult{}), {"index",
                                                "channel",
                                                "leg",
                                                "conditions",
                                                "current_ua",
                                                "direction",
                                                "start_tick",
                                                "duration_s",
                                                "status",
                                                "label",
                                                "label_fractions",
                                                "vacancies",
                                                "n_spikes",
                                                "n_gaps",
                                                "frequency_hz",
                                                "frequency_hz_low",
                                                "frequency_hz_high",
                                                "spike_rate_hz",
                                                "spike_rate_hz_low",
                                                "spike_rate_hz_high",
                                                "spikes_per_burst",
                                                "cv",
                                                "beta_n_per_ua",
                                                "beta_n_per_ua_low",
                                                "beta_n_per_ua_high",
                                                "beta_status"});
}

TEST(ResultRow, WhatIsUndefinedIsNull) {
  const auto row = to_json(analysis::StepResult{});
  for (const char* name :
       {"frequency_hz", "frequency_hz_low", "frequency_hz_high", "spike_rate_hz", "spike_rate_hz_low",
        "spike_rate_hz_high", "spikes_per_burst", "cv", "beta_n_per_ua", "beta_n_per_ua_low", "beta_n_per_ua_high"}) {
    EXPECT_TRUE(row.at(name).is_null()) << name;
  }
  EXPECT_EQ(row.at("n_spikes"), 0);
  EXPECT_TRUE(row.at("conditions").is_object());
  EXPECT_TRUE(row.at("label_fractions").is_object());
}

TEST(ResultRow, HoldsEveryFeatureUnderItsName) {
  analysis::StepResult step;
  step.features.burst_duty = 0.25;
  const auto features = to_json(step).at("features");
  EXPECT_EQ(features.size(), analysis::feature_fields().size());
  EXPECT_EQ(features.at("burst_duty"), 0.25);
  EXPECT_TRUE(features.at("cv2").is_null());
}

TEST(ResultRow, WhatIsNotFiniteIsNull) {
  analysis::StepResult step;
  step.cv = std::numeric_limits<double>::quiet_NaN();
  step.frequency_hz.value = std::numeric_limits<double>::infinity();
  const auto row = to_json(step);
  EXPECT_TRUE(row.at("cv").is_null());
  EXPECT_TRUE(row.at("frequency_hz").is_null());
}

TEST(ResultRow, ASilentStepHasZeroBelowAndNullInTheMiddle) {
  analysis::StepResult step;
  step.frequency_hz.low = 0.0;
  step.frequency_hz.high = 0.05;
  const auto row = to_json(step);
  EXPECT_TRUE(row.at("frequency_hz").is_null());
  EXPECT_EQ(row.at("frequency_hz_low"), 0.0);
  EXPECT_EQ(row.at("frequency_hz_high"), 0.05);
}

TEST(ResultRow, SaysWhatTheStepSays) {
  analysis::StepResult step;
  step.index = 3;
  step.channel = 1;
  step.leg = 1;
  step.conditions["tau_L"] = 0.3e-3;
  step.current_ua = 45.25;
  step.direction = analysis::Direction::down;
  step.start = Ticks{12345678901234};
  step.duration_s = 2.5;
  step.status = analysis::StepStatus::upper_bound;
  step.label = analysis::Label::IB1;
  step.label_fractions["IB1"] = 0.75;
  step.vacancies = true;
  step.n_spikes = 64;
  step.n_gaps = 2;
  step.spike_rate_hz = {12.5, 12.0, 13.0};
  step.spikes_per_burst = 4.0;
  step.cv = 0.02;
  step.beta_n_per_ua = {0.01, 0.005, 0.02};
  step.beta_status = analysis::BetaStatus::edge;
  const auto row = to_json(step);
  EXPECT_EQ(row.at("index"), 3);
  EXPECT_EQ(row.at("channel"), 1);
  EXPECT_EQ(row.at("leg"), 1);
  EXPECT_EQ(row.at("conditions").at("tau_L"), 0.3e-3);
  EXPECT_EQ(row.at("current_ua"), 45.25);
  EXPECT_EQ(row.at("direction"), "down");
  EXPECT_EQ(row.at("start_tick"), 12345678901234);
  EXPECT_EQ(row.at("duration_s"), 2.5);
  EXPECT_EQ(row.at("status"), "upper_bound");
  EXPECT_EQ(row.at("label"), "IB1");
  EXPECT_EQ(row.at("label_fractions").at("IB1"), 0.75);
  EXPECT_EQ(row.at("vacancies"), true);
  EXPECT_EQ(row.at("n_spikes"), 64);
  EXPECT_EQ(row.at("n_gaps"), 2);
  EXPECT_EQ(row.at("spike_rate_hz"), 12.5);
  EXPECT_EQ(row.at("spike_rate_hz_low"), 12.0);
  EXPECT_EQ(row.at("spike_rate_hz_high"), 13.0);
  EXPECT_EQ(row.at("spikes_per_burst"), 4.0);
  EXPECT_EQ(row.at("cv"), 0.02);
  EXPECT_EQ(row.at("beta_n_per_ua_low"), 0.005);
  EXPECT_EQ(row.at("beta_status"), "edge");
}

TEST(ResultDocument, HasEveryKeyOfItsSchema) {
  analysis::RunResult result;
  result.steps.resize(2);
  result.fit.lif = analysis::LifFit{};
  const auto document = to_json(result);
  EXPECT_EQ(document.at("schema"), "thyrode.result/1");
  expect_keys(document, {"schema", "experiment", "device", "seed", "steps", "fit", "integrity"});
  expect_keys(document.at("device"), {"uri", "board", "firmware", "serial"});
  expect_keys(document.at("fit"), {"onset_low_ua", "onset_high_ua", "end_low_ua", "end_high_ua", "lif", "upper_line",
                                   "transitions", "loops", "rates", "precursors"});
  expect_keys(document.at("fit").at("lif"),
              {"rheobase_ua", "rheobase_low_ua", "rheobase_high_ua", "tau_ms", "tau_low_ms", "tau_high_ms",
               "refractory_ms", "refractory_low_ms", "refractory_high_ms", "ideal_slope_hz_per_ua",
               "ideal_slope_hz_per_ua_low", "ideal_slope_hz_per_ua_high", "range_ua", "chi2_per_dof", "accepted"});
  expect_keys(document.at("integrity"),
              {"samples", "gaps", "overruns", "retransmits", "late_decisions", "lost_frames"});
  EXPECT_EQ(document.at("steps").size(), 2U);
}

TEST(ResultDocument, ABoundThatIsOpenIsNull) {
  analysis::SweepFit fit;
  fit.lif = analysis::LifFit{};
  fit.lif->tau_high_ms = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(to_json(fit)["lif"]["tau_high_ms"].is_null());
  EXPECT_EQ(to_json(fit).dump().find("inf"), std::string::npos);
  EXPECT_EQ(to_json(fit)["lif"]["tau_low_ms"], 0.0);
}

TEST(ResultDocument, WithoutAFitHasNulls) {
  const auto fit = to_json(analysis::RunResult{}).at("fit");
  for (const auto& [name, value] : fit.items()) EXPECT_TRUE(value.is_array() ? value.empty() : value.is_null()) << name;
}

TEST(ResultDocument, CarriesTheIntegrityOfTheRun) {
  analysis::RunResult result;
  result.seed = 18446744073709551615ULL;
  result.integrity = {1, 2, 3, 4, 5, 6};
  const auto document = to_json(result);
  EXPECT_EQ(document.at("seed"), 18446744073709551615ULL);
  EXPECT_EQ(document.at("integrity").dump(),
            R"({"samples":1,"gaps":2,"overruns":3,"retransmits":4,"late_decisions":5,"lost_frames":6})");
}

}  // namespace
}  // namespace thyrode::experiment
