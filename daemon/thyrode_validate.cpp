// validate: whether a recording is as this program writes them.

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/recording/validation.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_train.hpp"

namespace thyrode::program {
namespace {

using nlohmann::ordered_json;

/// Steps that say something else when they are measured again.
Result<std::vector<recording::Finding>> different_steps(const std::string& path) {
  const auto document = recording_document(path, {});
  if (!document) return tl::make_unexpected(document.error());
  std::vector<recording::Finding> findings;
  for (const ordered_json& step : document->at("steps")) {
    if (step.at("as_recorded").get<bool>()) continue;
    findings.push_back({"/processing/icephys/steps",
                        fmt::format("step {}: measured again it says something else; `thyrode analyze` tells what",
                                    step.at("index").get<int>())});
  }
  return findings;
}

}  // namespace

int validate(const std::string& path, bool json) {
  auto findings = recording::validate(path);
  if (!findings) return report(findings.error());
  const auto different = different_steps(path);
  if (!different) return report(different.error());
  findings->insert(findings->end(), different->begin(), different->end());
  if (json) {
    ordered_json list = ordered_json::array();
    for (const recording::Finding& finding : *findings)
      list.push_back({{"where", finding.where}, {"what", finding.what}});
    const ordered_json document{
        {"schema", "thyrode.validation/1"}, {"file", path}, {"valid", findings->empty()}, {"findings", list}};
    fmt::print("{}\n", document.dump(2));
  } else {
    for (const recording::Finding& finding : *findings) fmt::print("{}: {}\n", finding.where, finding.what);
    fmt::print("{}: {}\n", path, findings->empty() ? "valid" : "not valid");
  }
  return findings->empty() ? 0 : 1;
}

}  // namespace thyrode::program
