#include "daemon/experiment/document_parts.hpp"
#include "daemon/experiment/documents.hpp"

namespace thyrode::experiment {

using Json = nlohmann::ordered_json;

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
  put(row, "kappa", step.kappa);
  row["sigma_current_ua"] = number(step.sigma_current_ua);
  row["label_of_step"] = step.label_of_step ? Json(to_string(*step.label_of_step)) : Json(nullptr);
  row["branch_unresolved"] = step.branch_unresolved;
  row["relation"] = step.relation ? Json(to_string(*step.relation)) : Json(nullptr);
  row["lead_s"] = step.lead_s;
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  row["part"] = text_or_null(step.part);
  row["purpose"] = text_or_null(step.purpose);
  row["resumed_from"] = text_or_null(step.resumed_from);
  row["features"] = Json::object();
  for (const analysis::FeatureField& field : analysis::feature_fields()) {
    row["features"][field.name] = number(step.features.*field.value);
  }
  return row;
}

}  // namespace thyrode::experiment
