// Two recordings of one run: which of their results are equal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/result.hpp"

namespace thyrode::program {

/// A number, word or flag that is not the same.
struct Difference {
  std::string table;
  std::string row;   ///< "step 3", "row 2"; empty where there is one row only
  std::string name;  ///< of the column
  std::string recorded;
  std::string replayed;
};

struct Comparison {
  std::int64_t compared = 0;  ///< values
  std::int64_t equal = 0;
  std::vector<std::string> tables;      ///< that both have
  std::vector<std::string> missing;     ///< results of the replay that the recording does not hold
  std::vector<Difference> differences;  ///< the first of them, most_differences at most
  std::int64_t more_steps = 0;          ///< rows of the replay beyond those of a recording that was not ended in order
  static constexpr std::size_t most_differences = 1000;
  bool all_equal() const { return compared == equal; }
};

/// Compares step table, histograms, pair correlations, g_n, bursts, beta_n, fits, transitions, integrity, and what the
/// plan alone says of the rows: targets and maps. Undefined equals undefined, and nothing is rounded.
/// @param cut_short  the recording was not ended in order (recovered, unfinished): the replay may have a step more, and
///                   what was counted at the end is not compared
/// Errors: bad_input (as read_run).
Result<Comparison> compare_results(const std::string& recorded, const std::string& replayed, bool cut_short);

}  // namespace thyrode::program
