#include "daemon/experiment/document_parts.hpp"
#include "daemon/experiment/documents.hpp"

namespace thyrode::experiment {

using Json = nlohmann::ordered_json;

namespace {

using analysis::Bracket;

Json to_json(const analysis::LifFit& fit) {
  Json json{{"rheobase_ua", fit.rheobase_ua},
            {"rheobase_low_ua", fit.rheobase_low_ua},
            {"rheobase_high_ua", fit.rheobase_high_ua},
            {"tau_ms", number(fit.tau_ms)},
            {"tau_low_ms", number(fit.tau_low_ms)},
            {"tau_high_ms", number(fit.tau_high_ms)},
            {"refractory_ms", number(fit.refractory_ms)},
            {"refractory_low_ms", number(fit.refractory_low_ms)},
            {"refractory_high_ms", number(fit.refractory_high_ms)}};
  put(json, "ideal_slope_hz_per_ua", fit.ideal_slope_hz_per_ua);
  json["range_ua"] = Json::array({fit.range_low_ua, fit.range_high_ua});
  json["chi2_per_dof"] = number(fit.chi2_per_dof);
  json["accepted"] = fit.accepted;
  return json;
}

Json to_json(const analysis::StraightLine& line) {
  Json json;
  put(json, "slope_hz_per_ua", line.slope_hz_per_ua);
  json["intercept_ua"] = number(line.intercept_ua);
  json["range_ua"] = Json::array({line.range_low_ua, line.range_high_ua});
  json["chi2_per_dof"] = number(line.chi2_per_dof);
  return json;
}

Json to_json(const Bracket& bracket) {
  return Json::array({bracket.low_ua, bracket.high_ua});
}

Json to_json(const analysis::RowGroup& group) {
  Json json{{"channel", group.channel}, {"conditions", Json::object()}};
  for (const auto& [name, value] : group.conditions) json["conditions"][name] = value;
  return json;
}

Json to_json(const analysis::Transition& transition) {
  Json json = to_json(transition.group);
  json["leg"] = transition.leg;
  json["bracket_ua"] = to_json(transition.bracket);
  json["below"] = to_string(transition.below);
  json["above"] = to_string(transition.above);
  json["jump"] = transition.jump;
  put(json, "ln_ratio", transition.ln_ratio);
  json["beta_n_at_least_per_ua"] = number(transition.beta_n_at_least_per_ua);
  return json;
}

Json to_json(const analysis::HysteresisLoop& loop) {
  Json json = to_json(loop.group);
  json["below"] = to_string(loop.below);
  json["above"] = to_string(loop.above);
  json["up_ua"] = to_json(loop.up);
  json["down_ua"] = to_json(loop.down);
  json["up_again_ua"] = loop.up_again ? to_json(*loop.up_again) : Json(nullptr);
  json["width_ua"] = loop.width_ua;
  json["half_range_ua"] = loop.half_range_ua;
  json["hysteretic"] = loop.hysteretic;
  json["drift_separated"] = loop.drift_separated;
  return json;
}

Json to_json(const analysis::RateComparison& rates) {
  Json json = to_json(rates.group);
  json["currents"] = rates.currents;
  json["chi2"] = number(rates.chi2);
  json["p"] = rates.p;
  json["differs"] = rates.differs;
  json["drift_separated"] = rates.drift_separated;
  return json;
}

Json to_json(const analysis::Precursor& precursor) {
  Json json = to_json(precursor.group);
  json["leg"] = precursor.leg;
  json["range_ua"] = to_json(precursor.range);
  json["current_ua"] = precursor.current_ua;
  json["beta_n_per_ua"] = precursor.beta_n_per_ua;
  json["reference_per_ua"] = precursor.reference_per_ua;
  json["deviations"] = number(precursor.deviations);
  json["reference"] = to_string(precursor.reference);
  return json;
}

template <class T>
Json list(const std::vector<T>& items) {
  Json json = Json::array();
  for (const T& item : items) json.push_back(to_json(item));
  return json;
}

}  // namespace

Json to_json(const analysis::SweepFit& fit) {
  return Json{{"onset_low_ua", number(fit.onset_low_ua)},
              {"onset_high_ua", number(fit.onset_high_ua)},
              {"end_low_ua", number(fit.end_low_ua)},
              {"end_high_ua", number(fit.end_high_ua)},
              {"lif", fit.lif ? to_json(*fit.lif) : Json(nullptr)},
              {"upper_line", fit.upper_line ? to_json(*fit.upper_line) : Json(nullptr)},
              {"transitions", list(fit.transitions)},
              {"loops", list(fit.loops)},
              {"rates", list(fit.rates)},
              {"precursors", list(fit.precursors)}};
}

Json to_json(const analysis::TrainRelation& relation) {
  return Json{{"relation", to_string(relation.relation)},
              {"locked", relation.locked()},
              {"ratio", Json::array({relation.a, relation.b})},
              {"n_phases", relation.phases},
              {"n_cycles", relation.cycles},
              {"n_skipped", relation.skipped},
              {"R", number(relation.order)},
              {"mean_phase_cycles", number(relation.mean_phase_cycles)},
              {"quarter_R_min", number(relation.least_quarter_order)},
              {"quarter_phase_dev_max_cycles", number(relation.quarter_phase_cycles)},
              {"rayleigh_p", number(relation.rayleigh_p)}};
}

}  // namespace thyrode::experiment
