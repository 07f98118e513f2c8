// Where a file stands among the files of its run, as it says itself. Private to this room.
#pragma once

#include <string>
#include <vector>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/description.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// What a file says of its run and of its place in it.
struct PartMark {
  std::string run_id;      ///< the same in every file of a run, and in no other; of an old recording empty
  std::string first_file;  ///< name of the run's first file, without its folder
  int number = 1;          ///< 1 is the first file
  Sample first;            ///< its data begin here
  std::string next_file;   ///< in which the run goes on; empty: it is the last one, or not known yet
};

/// The file that comes before another one, and where its own data begin.
struct EarlierPart {
  std::string name;  ///< without its folder
  Sample first;
};

/// The mark of the first file of a run.
/// @param path  of the file, absolute
PartMark first_part(const RunDescription& run, const std::string& path);

/// Writes the mark. @param before  the files before it, in their order
void write_part_mark(Builder& builder, const PartMark& mark, const std::vector<EarlierPart>& before);
/// Names the file in which the run goes on, in a file that is being finished.
void write_next_file(Builder& builder, const std::string& next_file);

/// A file without a mark is the first and only one of its run.
PartMark read_part_mark(hid_t file);
/// Errors: bad_input (as read_run).
Result<PartMark> read_part_mark(const std::string& path);

/// Number of a file in its run, 1 is the first.
int part_number(hid_t file);

}  // namespace thyrode::recording
