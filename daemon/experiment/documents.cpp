#include "daemon/experiment/documents.hpp"

#include <cmath>
#include <string>

namespace thyrode::experiment {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

void put(Json& row, const std::string& key, const analysis::Estimate& estimate) {
  row[key] = number(estimate.value);
  row[key + "_low"] = number(estimate.low);
  row[key + "_high"] = number(estimate.high);
}

Json to_json(const analysis::LifFit& fit) {
  return Json{{"rheobase_ua", fit.rheobase_ua},
              {"rheobase_low_ua", fit.rheobase_low_ua},
              {"rheobase_high_ua", fit.rheobase_high_ua},
              {"tau_ms", fit.tau_ms},
              {"tau_low_ms", fit.tau_low_ms},
              {"tau_high_ms", fit.tau_high_ms},
              {"refractory_ms", fit.refractory_ms},
              {"refractory_low_ms", fit.refractory_low_ms},
              {"refractory_high_ms", fit.refractory_high_ms},
              {"range_ua", Json::array({fit.range_low_ua, fit.range_high_ua})},
              {"chi2_per_dof", number(fit.chi2_per_dof)},
              {"accepted", fit.accepted}};
}

}  // namespace

Json to_json(const analysis::StepResult& step) {
  Json row;
  row["index"] = step.index;
  row["channel"] = step.channel;
  row["leg"] = step.leg;
  row["conditions"] = Json::object();
  for (const auto& [name, value] : step.conditions) row["conditions"][name] = value;
  row["current_ua"] = step.current_ua;
  row["direction"] = to_string(step.direction);
  row["start_tick"] = step.start.count;
  row["duration_s"] = step.duration_s;
  row["status"] = to_string(step.status);
  row["label"] = to_string(step.label);
  row["label_fractions"] = Json::object();
  for (const auto& [name, value] : step.label_fractions) row["label_fractions"][name] = value;
  row["vacancies"] = step.vacancies;
  row["n_spikes"] = step.n_spikes;
  row["n_gaps"] = step.n_gaps;
  put(row, "frequency_hz", step.frequency_hz);
  put(row, "spike_rate_hz", step.spike_rate_hz);
  row["spikes_per_burst"] = number(step.spikes_per_burst);
  row["cv"] = number(step.cv);
  put(row, "beta_n_per_ua", step.beta_n_per_ua);
  row["beta_status"] = to_string(step.beta_status);
  return row;
}

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
  const analysis::SweepFit& fit = result.fit;
  document["fit"] = {{"onset_low_ua", number(fit.onset_low_ua)},
                     {"onset_high_ua", number(fit.onset_high_ua)},
                     {"end_low_ua", number(fit.end_low_ua)},
                     {"end_high_ua", number(fit.end_high_ua)},
                     {"lif", fit.lif ? to_json(*fit.lif) : Json(nullptr)}};
  const analysis::Integrity& integrity = result.integrity;
  document["integrity"] = {{"samples", integrity.samples},
                           {"gaps", integrity.gaps},
                           {"overruns", integrity.overruns},
                           {"retransmits", integrity.retransmits},
                           {"late_decisions", integrity.late_decisions},
                           {"lost_frames", integrity.lost_frames}};
  return document;
}

}  // namespace thyrode::experiment
