#include "daemon/experiment/documents.hpp"

namespace thyrode::experiment {

using Json = nlohmann::ordered_json;

Json to_json(const analysis::RunResult& result) {
  Json document;
  document["schema"] = "thyrode.result/1";
  document["experiment"] = result.experiment;
  document["device"] = {{"uri", result.device_uri},
                        {"board", result.device_board},
                        {"firmware", result.device_firmware},
                        {"serial", result.device_serial}};
  document["seed"] = result.seed;
  document["steps"] = Json::array();
  for (const analysis::StepResult& step : result.steps) document["steps"].push_back(to_json(step));
  document["fit"] = to_json(result.fit);
  document["targets"] = Json::array();
  for (const analysis::TargetReport& target : result.targets) {
    document["targets"].push_back({{"target", target.target}, {"met", target.met}, {"reached", target.reached}});
  }
  if (!result.direct_beta.empty()) document["direct_beta"] = Json::array();
  for (const analysis::DirectBeta& beta : result.direct_beta) document["direct_beta"].push_back(to_json(beta));
  if (result.map) document["map"] = to_json(*result.map);
  const auto nullable = [](const std::optional<std::int64_t>& number) { return number ? Json(*number) : Json(); };
  const analysis::Integrity& integrity = result.integrity;
  document["integrity"] = {{"samples", integrity.samples},
                           {"gaps", integrity.gaps},
                           {"overruns", integrity.overruns},
                           {"retransmits", nullable(integrity.retransmits)},
                           {"late_decisions", nullable(integrity.late_decisions)},
                           {"lost_frames", integrity.lost_frames}};
  return document;
}

}  // namespace thyrode::experiment
