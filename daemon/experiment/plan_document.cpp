#include <algorithm>
#include <vector>

#include "daemon/experiment/document_parts.hpp"
#include "daemon/experiment/documents.hpp"

namespace thyrode::experiment {

using Json = nlohmann::ordered_json;

Json to_json(const analysis::DirectBeta& beta) {
  Json json{{"current_ua", beta.current_ua}, {"offset_ua", beta.offset_ua}};
  put(json, "beta_n_per_ua", beta.per_ua);
  json["status"] = to_string(beta.status);
  json["pairs"] = beta.pairs;
  json["pairs_without_f"] = beta.pairs_without;
  put(json, "drift_ln_f_per_step", beta.drift);
  return json;
}

Json to_json(const analysis::LabelMap& map) {
  std::vector<analysis::Label> words;
  const auto word = [&](const std::optional<analysis::Label>& label) {
    if (!label) return Json(nullptr);
    const auto known = std::find(words.begin(), words.end(), *label);
    const auto at = known - words.begin();
    if (known == words.end()) words.push_back(*label);
    return Json(at);
  };
  Json grid = Json::array();
  const std::size_t columns = map.currents_ua.size();
  for (std::size_t row = 0; row < map.values.size(); ++row) {
    grid.push_back(Json::array());
    for (std::size_t column = 0; column < columns; ++column) {
      grid.back().push_back(word(map.labels[row * columns + column]));
    }
  }
  Json cells = Json::array();
  for (const analysis::LabelMap::Cell& cell : map.cells) {
    cells.push_back({{"columns", {cell.first_column, cell.last_column}},
                     {"rows", {cell.first_row, cell.last_row}},
                     {"label", word(cell.label)}});
  }
  Json labels = Json::array();
  for (const analysis::Label label : words) labels.push_back(to_string(label));
  return Json{{"parameter", map.parameter},
              {"currents_ua", map.currents_ua},
              {"values", map.values},
              {"labels", labels},
              {"grid", grid},
              {"cells", cells},
              {"measured_points", map.measured_points},
              {"measurements", map.measurements},
              {"coarse_current_ua", number(map.coarse_current_ua)},
              {"coarse_value", number(map.coarse_value)}};
}

}  // namespace thyrode::experiment
