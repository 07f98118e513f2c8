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

/// A path of a check that leads nowhere, or to what cannot be compared.
struct PathProblem {
  bool per = false;  ///< it is the path `per`, not `value`
  std::string text;  ///< what is wrong and what would be right, without a place
};

/// Looks before a run whether a check can find its value there: its paths exist, and what they lead to is what the
/// check compares, a number or a word.
/// @param shape  of the document of its run, see DocumentPath::follow()
std::optional<PathProblem> find_problem(const Check& check, const nlohmann::ordered_json& shape);

/// Whether a path of the check reads the statistics of the recording.
bool needs_statistics(const Check& check);

}  // namespace thyrode::figures
