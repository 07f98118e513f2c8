// The reference vectors through the program: lists as files in, --json out. The vectors are those of the repository, or
// of the folder named by THYRODE_ANALYSIS_VECTORS.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/emulator/command_line.hpp"
#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::test {
namespace {

using analysis::test::expect_close;
using analysis::test::read_vectors;
using nlohmann::json;

constexpr int bins_of_program = 200;

class AnalyzeVectors : public ::testing::Test {
 protected:
  AnalyzeVectors() {
    std::string name = (std::filesystem::temp_directory_path() / "thyrode-vectors-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~AnalyzeVectors() override { std::filesystem::remove_all(folder_); }

  json analyze(const std::string& text, std::vector<std::string> options) const {
    const std::string list = folder_ + "/list.csv";
    std::ofstream(list) << text;
    options.insert(options.begin(), {program, "analyze", list, "--json"});
    const Finished done = run(options);
    EXPECT_EQ(done.code, 0) << done.errors;
    std::string output;
    for (const std::string& line : done.lines) output += line + "\n";
    const json document = json::parse(output, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << output;
    return document;
  }

  /// A train of the vectors. @param threshold  give the one of the vectors, where there is one
  json train(const json& c, bool threshold) const {
    std::string text = "time_us\n";
    for (const json& spike : c["spikes"]) text += std::to_string(spike.get<std::int64_t>()) + "\n";
    const auto us = [](std::int64_t ticks) { return std::to_string(ticks) + "us"; };
    std::vector<std::string> options{"--from", us(c["t_start"]), "--until", us(c["t_stop"])};
    const json& e = c["expected"];
    if (e.contains("autocorr")) {
      options.insert(options.end(),
                     {"--window", us(e["autocorr"]["lag_bin_us"].get<std::int64_t>() * bins_of_program)});
    }
    if (threshold && e.contains("burst")) {
      options.insert(options.end(), {"--threshold", e["burst"]["threshold_us"].dump() + "us"});
    }
    const json document = analyze(text, options);
    return document.value("trains", json::array({json::object()}))[0];
  }

 private:
  std::string folder_;
};

template <class F>
void for_each_case(const char* file, F&& f) {
  const json vectors = read_vectors(file);
  ASSERT_FALSE(vectors["cases"].empty());
  for (const json& c : vectors["cases"]) {
    SCOPED_TRACE(c["name"].get<std::string>());
    ASSERT_EQ(c["time_unit"], "us");
    f(c);
  }
}

bool has_equal_times(const json& c) {
  const auto spikes = c["spikes"].get<std::vector<std::int64_t>>();
  return std::set<std::int64_t>(spikes.begin(), spikes.end()).size() < spikes.size();
}

/// The tolerances of the vectors' README.
void expect_value(const json& found, const json& expected, double relative) {
  if (expected.is_number_float() && found.is_number()) {
    expect_close(found.get<double>(), expected.get<double>(), relative);
  } else {
    EXPECT_EQ(found, expected);
  }
}

/// Every key of the vectors is one of the program's. @param sketch  keys that come from the histogram
void expect_object(const json& found, const json& expected, double relative, const std::set<std::string>& sketch = {}) {
  ASSERT_TRUE(found.is_object()) << found;
  for (const auto& [key, value] : expected.items()) {
    SCOPED_TRACE(key);
    ASSERT_TRUE(found.contains(key));
    expect_value(found[key], value, sketch.contains(key) ? 0.01 : relative);
  }
}

/// The bins that both have: the program counts its 200, the vectors 8 to 600.
void expect_correlation(const json& found, const json& expected) {
  expect_close(found["lag_bin_us"].get<double>(), expected["lag_bin_us"].get<double>(), 1e-12);
  EXPECT_FALSE(found["window_clipped"]);
  for (const char* key : {"pair_counts", "g_n", "g_n_border_corrected"}) {
    if (!expected.contains(key)) continue;
    ASSERT_EQ(found[key].size(), static_cast<std::size_t>(bins_of_program)) << key;
    for (std::size_t k = 0; k < std::min(found[key].size(), expected[key].size()); ++k) {
      SCOPED_TRACE(std::string(key) + "[" + std::to_string(k) + "]");
      expect_value(found[key][k], expected[key][k], 5e-9);  // the vectors give nine digits
    }
  }
  for (const char* key : {"poisson_level", "poisson_band95_halfwidth"}) {
    if (expected.contains(key)) expect_value(found[key], expected[key], 1e-9);
  }
}

TEST_F(AnalyzeVectors, TrainsHaveTheValuesOfTheBruteForceProgram) {
  int compared = 0;
  for_each_case("trains.json", [&](const json& c) {
    if (has_equal_times(c)) return;
    ++compared;
    const json d = train(c, true);
    const json& e = c["expected"];
    EXPECT_EQ(d["n_rejected"], 0);
    EXPECT_EQ(d["n_outside"], 0);
    for (const char* key : {"n_spikes", "n_isi", "rate_count_hz", "rate_isi_hz", "rate_zero_upper95_hz", "isi_mean_s",
                            "isi_min_s", "isi_max_s", "cv2", "lv", "lvr_R0.5ms"}) {
      SCOPED_TRACE(key);
      ASSERT_TRUE(d.contains(key));
      expect_value(d[key], e[key], 1e-9);
    }
    // Of equal intervals the vectors hold what rounding leaves of 0, and the correlation of that.
    const bool crystal = e["cv"].is_number() && e["cv"].get<double>() <= 1e-12;
    for (const char* key : {"isi_sd_pop_s", "cv", "cv_sample", "isi_serial_corr_1"}) {
      SCOPED_TRACE(key);
      if (crystal) {
        EXPECT_TRUE(d[key].is_null() || d[key] == 0.0) << d[key];
      } else {
        expect_value(d[key], e[key], 1e-9);
      }
    }
    if (e.contains("isi_quantiles_lower_s"))
      expect_object(d["isi_quantiles_lower_s"], e["isi_quantiles_lower_s"], 0.01);
    if (e.contains("batch_means")) expect_object(d["batch_means"], e["batch_means"], 1e-9);
    if (e.contains("isi_phase_order_R1")) {
      EXPECT_NEAR(d["isi_phase_order_R1"].get<double>(), e["isi_phase_order_R1"].get<double>(), 0.002);
    }
    if (e.contains("structure_factor_seg64")) {
      expect_value(d["structure_factor_seg64"], e["structure_factor_seg64"], 1e-6);
    }
    expect_correlation(d["autocorr"], e["autocorr"]);
  });
  EXPECT_GT(compared, 10);
}

TEST_F(AnalyzeVectors, EqualTimesAreCountedAndNothingIsDividedByZero) {
  int compared = 0;
  for_each_case("trains.json", [&](const json& c) {
    if (!has_equal_times(c)) return;
    ++compared;
    const json d = train(c, true);
    const auto spikes = c["spikes"].get<std::vector<std::int64_t>>();
    const std::set<std::int64_t> different(spikes.begin(), spikes.end());
    EXPECT_EQ(d["n_spikes"], different.size());
    EXPECT_EQ(d["n_rejected"], spikes.size() - different.size());
    EXPECT_TRUE(d["isi_min_s"].is_null() || d["isi_min_s"] > 0.0);
  });
  EXPECT_GT(compared, 0);
}

/// What the program calls a pattern of the vectors, times alone.
const std::map<std::string, std::string>& words() {
  static const std::map<std::string, std::string> known{{"quiescent", "QH"},
                                                        {"tonic", "TS"},
                                                        {"irregular", "irregular"},
                                                        {"bursting", "bursting"},
                                                        {"fast_with_vacancies", "TS"}};
  return known;
}

TEST_F(AnalyzeVectors, LabelsAreThoseOfTheVectors) {
  int labelled = 0;
  for_each_case("trains.json", [&](const json& c) {
    const json& e = c["expected"];
    if (!e.contains("phase_label") || e["phase_label"].is_null()) return;
    ++labelled;
    const auto word = words().find(e["phase_label"].get<std::string>());
    ASSERT_NE(word, words().end()) << e["phase_label"];
    const json d = train(c, false);
    EXPECT_EQ(d["label"], word->second);
    EXPECT_EQ(d["vacancies"], e["phase_label"] == "fast_with_vacancies");
    EXPECT_NE(d["status"], "timeout");
  });
  EXPECT_GE(labelled, 14);
}

TEST_F(AnalyzeVectors, BurstsHaveTheirRateUnderTheGivenThresholdAndUnderTheirOwn) {
  for_each_case("trains.json", [&](const json& c) {
    const json& e = c["expected"];
    if (has_equal_times(c)) return;
    const json own = train(c, false);
    ASSERT_EQ(own["burst"].is_object() && own["burst"]["bursting"], e.contains("burst"));
    if (!e.contains("burst")) return;
    expect_value(own["burst"]["burst_rate_hz"], e["burst"]["burst_rate_hz"], 0.05);
    EXPECT_EQ(own["frequency_hz"], own["burst"]["burst_rate_hz"]);
    json expected = e["burst"];
    expected.erase("threshold_us");  // the list has whole nanoseconds
    const json given = train(c, true);
    expect_object(given["burst"], expected, 1e-6, {"median_intra_isi_us", "median_gap_us"});
    EXPECT_NEAR(given["burst"]["threshold_us"].get<double>(), e["burst"]["threshold_us"].get<double>(), 1e-3);
  });
}

TEST_F(AnalyzeVectors, MissingSpikesAreCountedInRegularTrainsOnly) {
  for_each_case("trains.json", [&](const json& c) {
    const json& e = c["expected"];
    const json v = train(c, false)["vacancy"];
    EXPECT_EQ(v.is_object() && v["found"], e.contains("vacancy"));
    if (e.value("phase_label", "") == "bursting" || e.value("phase_label", "") == "irregular") {
      EXPECT_FALSE(v["counted"]);
      EXPECT_TRUE(v["n_missing"].is_null());
    }
    if (!e.contains("vacancy")) return;
    EXPECT_TRUE(v["counted"]);
    for (const char* key : {"n_missing", "n_vacancy_clusters", "cluster_size_max", "cluster_size_counts"}) {
      EXPECT_EQ(v[key], e["vacancy"][key]) << key;
    }
    for (const char* key : {"vacancy_fraction", "cluster_size_mean"}) expect_value(v[key], e["vacancy"][key], 1e-9);
    EXPECT_NEAR(v["isi0_us"].get<double>(), e["vacancy"]["isi0_true_us"].get<double>(), 10.0);
  });
}

TEST_F(AnalyzeVectors, PairsOfTrainsHaveTheirRelation) {
  for_each_case("pairs.json", [&](const json& c) {
    std::vector<std::pair<std::int64_t, std::string>> merged;
    for (const char* name : {"a", "b"}) {
      for (const json& spike : c[name]) merged.emplace_back(spike.get<std::int64_t>(), name);
    }
    std::sort(merged.begin(), merged.end());
    // The first train of a list is the one whose cycles count.
    std::string text = "time_us,train\n";
    for (const auto& [at, name] : merged) text += std::to_string(at) + "," + name + "\n";
    const json document = analyze(text, {});
    ASSERT_EQ(document["trains"].size(), 2U);
    const json& e = c["expected"];
    const json& r = document["relation"];
    EXPECT_EQ(r["relation"], e["relation"]);
    if (document["trains"][0]["train"] != "a" || e["relation"] == "unlocked") return;
    EXPECT_EQ(r["n_phases"], e["n_phases"]);
    expect_value(r["R"], e["R"], 1e-9);
    expect_value(r["mean_phase_cycles"], e["mean_phase_cycles"], 1e-9);
  });
}

TEST_F(AnalyzeVectors, QuantilesOfTheSketchAreWithinOnePercent) {
  const json vectors = read_vectors("sketch.json");
  std::string text = "time_us\n0\n";
  std::int64_t at = 0;
  for (const json& isi : vectors["isi_us"]) text += std::to_string(at += isi.get<std::int64_t>()) + "\n";
  const json quantiles = analyze(text, {})["trains"][0]["isi_quantiles_lower_s"];
  int compared = 0;
  for (const auto& [p, isi_us] : vectors["quantiles_lower_us"].items()) {
    if (!quantiles.contains(p)) continue;
    ++compared;
    expect_close(quantiles[p].get<double>(), isi_us.get<double>() * 1e-6, vectors["rel_tolerance"].get<double>());
  }
  EXPECT_GE(compared, 4);
}

}  // namespace
}  // namespace thyrode::test
