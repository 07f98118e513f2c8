// Changes to a closed recording that can be taken back, whatever stops them. Private to this room.
#pragma once

#include <memory>
#include <string>

#include "daemon/recording/hdf5.hpp"
#include "daemon/recording/posix_file.hpp"

namespace thyrode::recording {

/// Where the journal of a file lies while it is changed.
std::string journal_of(const std::string& path);

/// A recording that is open for changes in place. Before a page of the file as it was is overwritten or cut off, it
/// goes to the journal beside the file; what is appended needs none. A process that dies in the middle leaves the
/// journal, and take_back() makes the file what it was. Everything throws Failure.
class UndoableFile {
 public:
  /// Errors: run_failed (gone, another program holds it, cannot be opened, has a journal, no room for the journal).
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
  Descriptor locked_;  ///< the file, until it is what it was or what it is to be
  std::unique_ptr<Journal> journal_;
  h5::Handle file_;
};

/// Whether a file was being changed when its process died.
bool has_journal(const std::string& path);

/// The host whose program changes a file; nothing if the journal's first page is not whole.
std::string host_of_journal(const std::string& journal);

/// Makes a file what it was when its journal was begun. A journal whose first page is not whole belongs to a file that
/// was not changed yet. Throws Failure: run_failed if the file cannot be written, bad_input if the journal is of
/// another file; nothing was written then.
/// @param journal  stays
/// @param target   the file, or a copy of it
void take_back(const std::string& journal, const std::string& target);

}  // namespace thyrode::recording
