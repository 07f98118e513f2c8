// The first bytes of an HDF5 file, which say whether its writer has closed it. Private to this room.
#pragma once

#include <string>

namespace thyrode::recording {

/// Marks a file as closed whose writer died while readers could follow, and lets it end where its bytes end. The file
/// says otherwise that it ends where it did before its first sample, and whoever opens it for writing cuts the data
/// off; clearing the mark alone, as the library advises, does just that. A file that was closed stays as it is. Source:
/// HDF5 File Format Specification 3.0, section II.A, superblock version 3; the same bytes as `h5clear -s
/// --increment=0`. Throws Failure (bad_input: not such a file, or its first bytes are damaged; run_failed: disk).
void mark_closed(const std::string& path);

/// Whether the writer of a file died before readers were let in: nothing was flushed by then.
bool died_in_the_making(const std::string& path);

}  // namespace thyrode::recording
