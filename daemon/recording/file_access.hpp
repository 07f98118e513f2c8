// Opening recordings, and what must be true before one is made. Private to this room.
#pragma once

#include <string>

#include "daemon/recording/description.hpp"
#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// Throws Failure (bad_input) unless NAME and NAME.part are free and their folder takes a file of this size.
void check_place(const std::string& path, std::uint64_t expected_bytes);
/// Throws Failure (bad_input) if the description contradicts itself.
void check_description(const RunDescription& run);

/// Throws Failure (run_failed) if the disk has no room for what finalise() adds: a disk that fills up in the middle of
/// it would spoil a good file.
void check_room_to_complete(const std::string& path);

/// Makes a new, empty file. Throws Failure.
h5::Handle create_file(const std::string& path);
/// Opens a file that was closed properly, for changes that only finalise() makes. Throws Failure.
h5::Handle open_for_completion(const std::string& path);
/// Opens a file for reading: finished, still growing, or left by a writer that died. Throws Failure (bad_input).
h5::Handle open_for_reading(const std::string& path);

}  // namespace thyrode::recording
