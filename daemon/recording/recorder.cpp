#include "daemon/recording/recorder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/recording/completion.hpp"
#include "daemon/recording/file_access.hpp"
#include "daemon/recording/hdf5.hpp"
#include "daemon/recording/skeleton.hpp"
#include "daemon/recording/streams.hpp"
#include "daemon/recording/undo_journal.hpp"
#include "daemon/recording/write_slot.hpp"
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

class Recorder::Impl {
 public:
  Impl(std::string path, const RunDescription& run) : run_{run}, final_{std::move(path)}, current_{final_ + ".part"} {
    // The name first: whoever has it may have a slot beside it. It stays a file of no bytes until the recording can
    // be read: a process that dies before leaves no half of one.
    const Descriptor claimed = claim_file(current_);
    const std::string making = draft_of(current_);
    try {
      held_.emplace(making, O_RDWR | O_CREAT | O_TRUNC);
      slot_ = std::make_unique<WriteSlot>(current_);
      file_ = create_file(*held_, current_, *slot_);
      Builder builder{file_.get(), run.seed};
      create_skeleton(builder, run, fs::absolute(final_).string());
      let_readers_in(file_.get(), current_);
      fs::rename(making, current_);
      streams_ = std::make_unique<Streams>(file_.get(), run);
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

  ~Impl() {
    h5::quiet();
    if (streams_ && !broken_) static_cast<void>(change([this] { streams_->flush(); }));
    // Closing a recording whose disk has refused a write would write a superblock that speaks of data which never
    // reached the disk, and the file could not be read again; left alone, it reads up to its last flush.
    const bool refused = streams_ && broken_;
    if (refused) slot_->let_go();
    streams_.reset();
    file_.reset();
    if (slot_ && !refused) slot_->close();
  }

  /// Runs a change; its first failure is the answer to everything that follows.
  template <class Change>
  Result<void> change(Change&& body) {
    if (broken_) return tl::make_unexpected(*broken_);
    if (!streams_) return fail(ErrorKind::run_failed, current_ + ": the recording is finished already");
    const std::int64_t before = streams_->flushes();
    Result<void> done = guarded([&] {
      body();
      if (streams_ && streams_->flushes() != before) check_still_there();
    });
    if (!done) broken_ = done.error();
    return done;
  }

  Streams& streams() { return *streams_; }

  std::vector<DeviceMessage> read_back(Channel channel, Sample from, Sample until) {
    streams_->flush();
    return read_messages(file_.get(), run_, channel, from, until);
  }

  void finalise(const analysis::RunResult& result, const std::string& exit_status, const std::string& finished) {
    streams_->flush();
    streams_.reset();
    close_file(file_, current_);
    slot_->close();
    slot_.reset();
    check_room_to_complete(current_);
    UndoableFile file{current_};
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
      raise(ErrorKind::run_failed, fmt::format("{}: cannot rename {} to it: {}; the recording is complete there",
                                               final_, current_, error.message()));
    }
    current_ = final_;
    held_.reset();
  }

  void discard() {
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

  const std::string& path() const { return current_; }

 private:
  /// A file that nobody can find any more is no recording: the run ends now, not when it is to be finished.
  void check_still_there() const {
    struct stat own {};
    struct stat named {};
    const bool found = ::stat(current_.c_str(), &named) == 0;
    if (::fstat(held_->get(), &own) != 0 || (found && own.st_ino == named.st_ino && own.st_dev == named.st_dev)) return;
    if (own.st_nlink == 0) {
      raise(ErrorKind::run_failed,
            fmt::format("{}: somebody deleted it, or the folder it was in, while it was written: "
                        "its data are lost; begin the run again",
                        current_));
    }
    raise(ErrorKind::run_failed,
          fmt::format("{}: somebody moved it while it was written: what was flushed is where it is "
                      "now; give it its name back, then `thyrode recover` finishes it",
                      current_));
  }

  RunDescription run_;
  std::string final_;
  std::string current_;
  /// Open for writing from the first byte to the new name, so that others see that somebody writes (writer_of()).
  std::optional<Descriptor> held_;
  std::unique_ptr<WriteSlot> slot_;  ///< of file_, and until it is closed
  h5::Handle file_;
  std::unique_ptr<Streams> streams_;
  std::optional<Error> broken_;
};

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Recorder::Recorder(Recorder&&) noexcept = default;
Recorder& Recorder::operator=(Recorder&&) noexcept = default;
Recorder::~Recorder() = default;

Result<Recorder> Recorder::create(const std::string& path, RunDescription description) {
  return guarded([&] {
    check_description(description);
    check_place(path, description.expected_bytes);
    return Recorder{std::make_unique<Impl>(path, description)};
  });
}

Result<void> Recorder::write(const DeviceMessage& message) {
  return impl_->change([&] { impl_->streams().write(message); });
}

Result<void> Recorder::add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                                const analysis::PairCorrelation& pairs) {
  return impl_->change([&] { impl_->streams().add_step(step, isi_counts, pairs); });
}

Result<void> Recorder::update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) {
  return impl_->change([&] { impl_->streams().update_results(steps, fit); });
}

Result<void> Recorder::update_link(const LinkCounters& counters) {
  return impl_->change([&] { impl_->streams().update_link(counters); });
}

Result<void> Recorder::add(const RecordedOrder& order) {
  return impl_->change([&] { impl_->streams().add(order); });
}

Result<void> Recorder::add(const RecordedRequest& request) {
  return impl_->change([&] { impl_->streams().add(request); });
}

Result<std::vector<DeviceMessage>> Recorder::read_back(Channel channel, Sample from, Sample until) {
  std::vector<DeviceMessage> messages;
  auto done = impl_->change([&] { messages = impl_->read_back(channel, from, until); });
  if (!done) return tl::make_unexpected(done.error());
  return messages;
}

Result<void> Recorder::flush() {
  return impl_->change([&] { impl_->streams().flush(); });
}

Result<void> Recorder::finalise(const analysis::RunResult& result, const std::string& exit_status,
                                const std::string& finished) {
  return impl_->change([&] { impl_->finalise(result, exit_status, finished); });
}

void Recorder::discard() {
  impl_->discard();
}

const std::string& Recorder::path() const {
  return impl_->path();
}

}  // namespace thyrode::recording
