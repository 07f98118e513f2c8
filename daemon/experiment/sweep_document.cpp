#include "daemon/experiment/document_parts.hpp"
#include "daemon/experiment/documents.hpp"

namespace thyrode::experiment {

using Json = nlohmann::ordered_json;

namespace {

Json to_json(const analysis::LifFit& fit) {
  return Json{{"rheobase_ua", fit.rheobase_ua},
              {"rheobase_low_ua", fit.rheobase_low_ua},
              {"rheobase_high_ua", fit.rheobase_high_ua},
              {"tau_ms", number(fit.tau_ms)},
              {"tau_low_ms", number(fit.tau_low_ms)},
              {"tau_high_ms", number(fit.tau_high_ms)},
              {"refractory_ms", number(fit.refractory_ms)},
              {"refractory_low_ms", number(fit.refractory_low_ms)},
              {"refractory_high_ms", number(fit.refractory_high_ms)},
              {"range_ua", Json::array({fit.range_low_ua, fit.range_high_ua})},
              {"chi2_per_dof", number(fit.chi2_per_dof)},
              {"accepted", fit.accepted}};
}

}  // namespace

Json to_json(const analysis::SweepFit& fit) {
  return Json{{"onset_low_ua", number(fit.onset_low_ua)},
              {"onset_high_ua", number(fit.onset_high_ua)},
              {"end_low_ua", number(fit.end_low_ua)},
              {"end_high_ua", number(fit.end_high_ua)},
              {"lif", fit.lif ? to_json(*fit.lif) : Json(nullptr)}};
}

}  // namespace thyrode::experiment
