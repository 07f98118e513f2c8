#include "daemon/recording/part.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "daemon/recording/completion.hpp"
#include "daemon/recording/skeleton.hpp"
#include "daemon/recording/undo_journal.hpp"
#include "daemon/recording/written_messages.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

void close_file(h5::Handle& file, const std::string& path) {
  if (!file) return;
  const hid_t id = file.release();
  if (H5Fclose(id) < 0) {
    raise(ErrorKind::run_failed, fmt::format("{}: cannot close the recording: {}; what was flushed before can be read",
                                             path, h5::last_reason()));
  }
}

void let_readers_in(hid_t file, const std::string& path) {
  h5::expect(H5Fflush(file, H5F_SCOPE_GLOBAL), file, path, "flush");
  h5::expect(H5Fstart_swmr_write(file), file, path, "open for readers");
}

}  // namespace

Part::Part(const std::string& path, RunDescription run, const PartMark& mark, const std::vector<EarlierPart>& before)
    : run_{std::move(run)}, mark_{mark}, final_{path}, current_{final_ + ".part"} {
  // What was measured before this file began has its data in the files before it.
  for (const EarlierPart& earlier : before) run_.resumed_from.push_back(earlier.name);
  // The name first: whoever has it may have a slot beside it. It stays a file of no bytes until the recording can
  // be read: a process that dies before leaves no half of one.
  const Descriptor claimed = claim_file(current_);
  const std::string making = draft_of(current_);
  try {
    held_.emplace(making, O_RDWR | O_CREAT | O_TRUNC);
    slot_ = std::make_unique<WriteSlot>(current_);
    file_ = create_file(*held_, current_, *slot_);
    Builder builder{file_.get(), run_.seed, mark_.number};
    create_skeleton(builder, run_, fs::absolute(final_).string(), mark_, before);
    let_readers_in(file_.get(), current_);
    fs::rename(making, current_);
    streams_ = std::make_unique<Streams>(file_.get(), run_);
  } catch (...) {
    // A file without data helps nobody: leave nothing behind.
    streams_.reset();
    file_.reset();
    if (slot_) slot_->close();
    std::error_code error;
    fs::remove(making, error);
    fs::remove(current_, error);
    throw;
  }
}

Part::~Part() {
  h5::quiet();
  if (streams_ && !given_up_) given_up_ = !guarded([this] { streams_->flush(); });
  // Closing a recording whose disk has refused a write would write a superblock that speaks of data which never
  // reached the disk, and the file could not be read again; left alone, it reads up to its last flush.
  const bool refused = streams_ && given_up_;
  if (refused) slot_->let_go();
  streams_.reset();
  file_.reset();
  if (slot_ && !refused) slot_->close();
}

std::string Part::name() const {
  return fs::path{final_}.filename().string();
}

std::vector<DeviceMessage> Part::read_back(Channel channel, Sample from, Sample until) {
  streams_->flush();
  return read_messages(file_.get(), run_, channel, from, until);
}

void Part::check_still_there() const {
  struct stat own {};
  struct stat named {};
  const bool found = ::stat(current_.c_str(), &named) == 0;
  if (::fstat(held_->get(), &own) != 0 || (found && own.st_ino == named.st_ino && own.st_dev == named.st_dev)) return;
  if (own.st_nlink == 0) {
    raise(ErrorKind::run_failed, fmt::format("{}: somebody deleted it, or the folder it was in, while it was written: "
                                             "its data are lost; begin the run again",
                                             current_));
  }
  raise(ErrorKind::run_failed,
        fmt::format("{}: somebody moved it while it was written: what was flushed is where it is "
                    "now; give it its name back, then `thyrode recover` finishes it",
                    current_));
}

void Part::close() {
  streams_->flush();
  streams_.reset();
  close_file(file_, current_);
  slot_->close();
  slot_.reset();
}

void Part::finish(const analysis::RunResult& result, const std::string& exit_status, const std::string& finished,
                  const std::string& next_file) {
  check_room_to_complete(current_);
  UndoableFile file{current_};
  if (!next_file.empty()) {
    Builder builder{file.get(), run_.seed, mark_.number};
    write_next_file(builder, next_file);
  }
  complete(file.get(), result, exit_status, finished);
  file.commit();
  if (fs::exists(final_)) {
    raise(ErrorKind::run_failed, fmt::format("{}: appeared while the run was going on; the recording is complete in "
                                             "{}: rename it",
                                             final_, current_));
  }
  std::error_code error;
  fs::rename(current_, final_, error);
  if (error) {
    raise(ErrorKind::run_failed, fmt::format("{}: cannot rename {} to it: {}; the recording is complete there", final_,
                                             current_, error.message()));
  }
  current_ = final_;
  held_.reset();
}

void Part::discard() {
  if (!streams_) return;
  h5::quiet();
  slot_->let_go();
  streams_.reset();
  file_.reset();
  std::error_code ignored;
  fs::remove(current_, ignored);
  slot_->close();
  slot_.reset();
  held_.reset();
}

}  // namespace thyrode::recording
