// When and where a recording was made: what depends on the wall clock and on the machine.
#pragma once

#include <string>

#include "drivers/result.hpp"

namespace thyrode::recording {

/// Texts as they stand in the file; empty where it does not say.
struct Origin {
  std::string session_start;  ///< ISO 8601 with offset
  std::string finished;       ///< the same; empty until finalised
  std::string host_name;
  std::string command_line;
};

/// Reads the origin of a recording.
/// Errors: bad_input (as read_run).
Result<Origin> read_origin(const std::string& path);

}  // namespace thyrode::recording
