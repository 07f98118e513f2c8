// Changes to a closed recording that can be taken back, whatever stops them. Private to this room.
#pragma once

#include <memory>
#include <string>

#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// Where the journal of a file lies while it is changed.
std::string journal_of(const std::string& path);

/// A recording that is open for changes in place. Before a page of the file as it was is overwritten or cut off, it
/// goes to the journal beside the file; what is appended needs none. A process that dies in the middle leaves the
/// journal, and take_back() makes the file what it was. Everything throws Failure.
class UndoableFile {
 public:
  /// Errors: run_failed (gone, cannot be opened, no room for the journal).
  explicit UndoableFile(const std::string& path);
  UndoableFile(const UndoableFile&) = delete;
  UndoableFile& operator=(const UndoableFile&) = delete;
  /// Without commit(): takes everything back.
  ~UndoableFile();

  hid_t get() const { return file_.get(); }
  /// Closes the file and forgets the journal. Errors: run_failed (disk; everything was taken back then).
  void commit();

 private:
  struct Journal;
  void drop();

  std::string path_;
  std::unique_ptr<Journal> journal_;
  h5::Handle file_;
};

/// Whether a file was being changed when its process died.
bool has_journal(const std::string& path);

/// Makes a file what it was when its journal was begun. A journal whose first page is not whole belongs to a file that
/// was not changed yet. Throws Failure (run_failed) if the file cannot be written.
/// @param journal  stays
/// @param target   the file, or a copy of it
void take_back(const std::string& journal, const std::string& target);

}  // namespace thyrode::recording
