// One file of a run while it is written. Private to this room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/recording/description.hpp"
#include "daemon/recording/file_access.hpp"
#include "daemon/recording/part_mark.hpp"
#include "daemon/recording/streams.hpp"
#include "daemon/recording/write_slot.hpp"

namespace thyrode::recording {

/// NAME.part from its first byte to its last, and then NAME. Everything but the destructor throws Failure.
class Part {
 public:
  /// Makes NAME.part with everything but the data, and lets readers in.
  /// @param path    NAME
  /// @param before  the files of the run before this one
  Part(const std::string& path, RunDescription run, const PartMark& mark, const std::vector<EarlierPart>& before);
  /// Without finish(): closes NAME.part so that any reader can open it.
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// Only until close().
  Streams& streams() { return *streams_; }
  bool writable() const { return streams_ != nullptr; }
  const PartMark& mark() const { return mark_; }
  /// Where the data are now: NAME.part, or NAME after finish().
  const std::string& path() const { return current_; }
  /// NAME, without its folder.
  std::string name() const;

  std::vector<DeviceMessage> read_back(Channel channel, Sample from, Sample until);
  /// A file that nobody can find any more is no recording: the run ends now, not when it is to be finished.
  void check_still_there() const;
  /// The disk has refused a write: the file is left as it was flushed last.
  void give_up() { given_up_ = true; }

  /// Hands everything to the disk and closes the file; nothing can be written any more.
  void close();
  /// Writes what a finished file has and gives it its name, after close(); from any thread.
  /// @param next_file  in which the run goes on; empty: this is its last file
  void finish(const analysis::RunResult& result, const std::string& exit_status, const std::string& finished,
              const std::string& next_file);
  /// Removes the file of a run that never began; a finished one stays.
  void discard();

 private:
  RunDescription run_;
  PartMark mark_;
  std::string final_;
  std::string current_;
  /// Open for writing from the first byte to the new name, so that others see that somebody writes (writer_of()).
  std::optional<Descriptor> held_;
  std::unique_ptr<WriteSlot> slot_;  ///< of file_, and until it is closed
  h5::Handle file_;
  std::unique_ptr<Streams> streams_;
  bool given_up_ = false;
};

}  // namespace thyrode::recording
