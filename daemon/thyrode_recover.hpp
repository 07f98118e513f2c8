// Recordings that a dead program has left, finished.
#pragma once

#include <string>

namespace thyrode::program {

/// Finishes what dead programs have left in a folder, and says so on standard error. What cannot be finished is told
/// and left as it is.
void recover_left_behind(const std::string& folder);

/// The recording to go on from: the finished one of a NAME.nwb.part whose writer died, which is recovered first and
/// told; else the path itself.
std::string recovered_name(const std::string& path);

}  // namespace thyrode::program
