#include <gtest/gtest.h>

#include "daemon/thyrode_shape.hpp"

namespace thyrode::program {
namespace {

using nlohmann::ordered_json;

load::Experiment experiment_of(const std::string& rest) {
  auto experiment = load::parse_experiment("schema: thyrode.experiment/1\nname: e\n" + rest, "e.yaml");
  EXPECT_TRUE(experiment) << experiment.error().message;
  return experiment ? *experiment : load::Experiment{};
}
const std::string list = "plan: list\ncurrent: [40 uA]\n";

TEST(DocumentShape, HasEveryKeyThatARowAndItsTrainCanHave) {
  const ordered_json shape = document_shape(experiment_of(list));
  const ordered_json& step = shape["steps"][0];
  EXPECT_TRUE(step["frequency_hz"].is_number());
  EXPECT_TRUE(step["relation"].is_string());
  EXPECT_TRUE(step["label_fractions"].is_null()) << "which labels there will be only the data decide";
  EXPECT_TRUE(shape["fit"]["lif"]["range_ua"][1].is_number());
  EXPECT_TRUE(shape["fit"]["transitions"][0]["jump"].is_boolean());
  EXPECT_TRUE(shape["fit"]["precursors"][0]["reference"].is_string());
  const ordered_json& train = shape["statistics"]["steps"][0]["statistics"];
  EXPECT_TRUE(train["burst"]["spikes_per_burst_mean"].is_number());
  EXPECT_TRUE(train["vacancy"]["cluster_size_mean"].is_number());
  EXPECT_TRUE(train["autocorr"]["g_n"][0].is_number());
}

TEST(DocumentShape, HasWhatThePlanGivesAndNothingElse) {
  const ordered_json plain = document_shape(experiment_of(list));
  for (const char* key : {"map", "direct_beta"}) EXPECT_FALSE(plain.contains(key)) << key;
  EXPECT_FALSE(plain["statistics"].contains("relations"));
  EXPECT_TRUE(plain["steps"][0]["conditions"].empty());
  EXPECT_TRUE(document_shape(experiment_of("plan: beta_n\ncurrent: [40 uA]\noffset: 1 uA\n")).contains("direct_beta"));
  const ordered_json map =
      document_shape(experiment_of("plan: phase_map\ncurrent: {start: 30 uA, stop: 46 uA, resolution: 2 uA}\n"
                                   "tau_L: {start: 0.1 ms, stop: 0.5 ms, resolution: 50 us}\n"));
  EXPECT_TRUE(map["map"]["grid"][0][0].is_number());
  EXPECT_TRUE(map["steps"][0]["conditions"].contains("tau_L"));
  const ordered_json pair = document_shape(experiment_of(list + "companions: [{channel: B}]\n"));
  EXPECT_TRUE(pair["statistics"]["relations"][0]["mean_phase_cycles"].is_number());
}

}  // namespace
}  // namespace thyrode::program
