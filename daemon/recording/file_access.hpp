// Opening recordings, and what must be true before one is made. Private to this room.
#pragma once

#include <string>

#include "daemon/recording/description.hpp"
#include "daemon/recording/hdf5.hpp"
#include "daemon/recording/posix_file.hpp"

namespace thyrode::recording {

/// Throws Failure (bad_input) unless NAME and NAME.part are free and their folder takes a file of this size.
void check_place(const std::string& path, std::uint64_t expected_bytes);
/// Throws Failure (bad_input) if the description contradicts itself.
void check_description(const RunDescription& run);

/// Throws Failure (run_failed) if the disk has no room for what finalise() adds: a disk that fills up in the middle of
/// it would spoil a good file.
void check_room_to_complete(const std::string& path);

/// Bytes that finalise() may add to a recording.
std::uint64_t room_to_complete(const std::string& path);
/// Bytes that this user may still write beside a file; as many as there can be if the system does not say.
std::uint64_t free_bytes_at(const std::string& path);

/// Throws Failure (bad_input) unless the file is a recording of a schema that this version reads.
void check_schema(hid_t file, const std::string& path);

/// How every recording is opened: the oldest format that readers can follow, and nothing left open behind our back.
h5::Handle access_properties();

/// Makes a new file of no bytes and locks it, and removes what an earlier recording of that name left beside it.
/// Throws Failure (run_failed: it exists, disk; bad_input where the file system cannot lock files).
Descriptor claim_file(const std::string& path);
/// Where a recording is made until it can be read.
std::string draft_of(const std::string& part);
/// Locks an open file of no bytes and makes it a new, empty HDF5 file. Throws Failure (run_failed), and leaves no file
/// of that name then.
/// @param path   for messages; there is a file of that name
/// @param guard  outlives the file
h5::Handle create_file(const Descriptor& empty, const std::string& path, WriteGuard& guard);
/// Removes what lies beside NAME.nwb.part while it is written.
void remove_companions(const std::string& part);
/// Opens a file for reading: finished, still growing, or left by a writer that died. Throws Failure (bad_input).
h5::Handle open_for_reading(const std::string& path);

}  // namespace thyrode::recording
