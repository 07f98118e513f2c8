// How results read as text: the table of steps and the summary below it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "daemon/analysis/result.hpp"

namespace thyrode::program {

/// What the last column of a row holds.
enum class BetaShown {
  final,        ///< β_n, or why there is none: edge, jump, few_points
  provisional,  ///< the same with a "?" behind the value: steps to come change it
  later         ///< "...": told in the table at the end
};

/// The head of the step table.
std::string table_head();
/// One row of it; 79 columns up to step 999.
std::string table_row(const analysis::StepResult& step, BetaShown beta = BetaShown::final);

/// The rows of a table one after the other: a line tells the conditions where they begin and where they change.
class StepTable {
 public:
  std::string row(const analysis::StepResult& step, BetaShown beta = BetaShown::final);

 private:
  std::optional<std::map<std::string, double>> conditions_;
};

/// Of a map its picture; else onset, upper end, LIF fit, largest β_n and integrity, several lines.
std::string summary(const analysis::RunResult& result);

}  // namespace thyrode::program
