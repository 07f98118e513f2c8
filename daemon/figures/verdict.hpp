// What a check finds in the documents of a run.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/figures/figure.hpp"
#include "drivers/result.hpp"

namespace thyrode::figures {

struct Verdict {
  std::string measured;         ///< as text, with its unit
  std::optional<double> value;  ///< in the unit of the check; empty of a word and where nothing was found
  bool passed = false;
};

/// Finds the value of a check and judges it. What is undefined or not there does not pass.
/// @param result  document of schema thyrode.result/1; with the key `statistics` where a path asks for it
/// Errors: bad_input: a path that the document does not have, several values where one is wanted, a text where a number
/// is wanted; without a place.
Result<Verdict> judge(const Check& check, const nlohmann::ordered_json& result);

/// Whether a path of the check reads the statistics of the recording.
bool needs_statistics(const Check& check);

}  // namespace thyrode::figures
