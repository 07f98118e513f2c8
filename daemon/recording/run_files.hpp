// The files of one run: a long one goes on in a second file, a third one ...
#pragma once

#include <string>
#include <vector>

#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Name of a file of a run: NAME.nwb, NAME.2.nwb, NAME.3.nwb ...
/// @param first   name of the first one
/// @param number  1 is the first one
std::string name_of_part(const std::string& first, int number);

/// A file of a run.
struct RunFile {
  std::string path;         ///< NAME.2.nwb, or NAME.2.nwb.part while it is not finished
  int number = 1;           ///< 1 is the first one
  Sample first;             ///< its data begin here; those before are in the files before it
  bool unfinished = false;  ///< still written, or left by a writer that died
};

/// Finds the files of the run that a recording belongs to, in their order, in the folder of the recording. All of them
/// have one clock: ticks go on from one to the next, and so do the signals, value by value. A file that is not there,
/// or that is just being finished, is left out, so numbers may be missing.
/// @param path  any of them
/// Errors: bad_input (as read_run).
Result<std::vector<RunFile>> files_of_run(const std::string& path);

/// The first name that a later file of a run would have and that something has already; empty: all are free.
/// @param first  name of the first file
std::string taken_later_name(const std::string& first);

}  // namespace thyrode::recording
