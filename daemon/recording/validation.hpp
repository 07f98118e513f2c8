// Whether a recording is as this program writes them.
#pragma once

#include <string>
#include <vector>

#include "drivers/result.hpp"

namespace thyrode::recording {

/// Something in a recording that must not be.
struct Finding {
  std::string where;  ///< path of the object in the file
  std::string what;   ///< with row and values
};

/// Checks a recording, finished or not, against what must be true of every one:
/// - all columns of a table have as many rows as its id, indices rise and end where their targets do;
/// - references to rows and to ranges of series lie within them;
/// - times rise: of spikes, levels, marks and changes of the current;
/// - missing values lie in a row of invalid_times, and only there;
/// - every value of the trace and of the current is exactly that of a whole number of codes;
/// - spike times, sweeps and the counts of the step table say what the tables of the device say.
/// Of a finished recording also that nothing of a finished one is missing.
/// @returns what is wrong, nothing for a good recording; at most 20 findings of one object
/// Errors: bad_input (as read_run).
Result<std::vector<Finding>> validate(const std::string& path);

}  // namespace thyrode::recording
