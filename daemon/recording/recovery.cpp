#include "daemon/recording/recovery.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <tuple>
#include <utility>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/completion.hpp"
#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/origin.hpp"
#include "daemon/recording/part_mark.hpp"
#include "daemon/recording/posix_file.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/recording/superblock.hpp"
#include "daemon/recording/tail.hpp"
#include "daemon/recording/undo_journal.hpp"
#include "daemon/recording/write_slot.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_ending = ".part";

/// NAME.nwb of NAME.nwb or NAME.nwb.part.
std::string final_name(const std::string& path) {
  const bool part = path.size() > part_ending.size() && path.ends_with(part_ending);
  return part ? path.substr(0, path.size() - part_ending.size()) : path;
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  raise(ErrorKind::bad_input, fmt::format("{}: {}", path, what));
}

[[noreturn]] void disk_failed(const std::string& path, const std::string& doing, const std::error_code& error) {
  raise(ErrorKind::run_failed, fmt::format("{}: cannot {} it: {}; check the disk, then run `thyrode recover` again: "
                                           "the unfinished recording is as it was",
                                           path, doing, error.message()));
}

/// Brings what was written to the disk itself, before the original is removed.
void settle(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = file >= 0 && ::fsync(file) == 0;
  const std::error_code error{errno, std::generic_category()};
  if (file >= 0) ::close(file);
  if (!done) disk_failed(path, "bring to the disk", error);
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path{path}.parent_path();
  return folder.empty() ? "." : folder.string();
}

/// A copy that shares its blocks where the file system can do that.
void copy(const std::string& from, const std::string& to) {
  {
    const Descriptor in{from, O_RDONLY};
    const Descriptor out{to, O_WRONLY | O_CREAT | O_EXCL};
    if (!out) disk_failed(to, "create", {errno, std::generic_category()});
    if (in && ::ioctl(out.get(), FICLONE, in.get()) == 0) return;
  }
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(to, ignored);
  disk_failed(to, "copy the unfinished recording to", error);
}

/// Keeps every other recovery of a file out.
void hold(const Descriptor& file, const std::string& part) {
  if (!file) return;  // not ours to read, which copying it tells
  struct stat own {};
  struct stat named {};
  const bool held = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
  const bool taken = !held && errno == EWOULDBLOCK;
  const bool same = ::fstat(file.get(), &own) == 0 && ::stat(part.c_str(), &named) == 0 && own.st_ino == named.st_ino &&
                    own.st_dev == named.st_dev;
  if (taken || !same) refuse(part, "another program recovers it; wait for that");
}

/// What recoveries that died have left; nobody else is at it while the unfinished recording is held.
void remove_working_copies(const std::string& final_path) {
  std::error_code error;
  const std::string beginning = fs::path{final_path}.filename().string() + ".recovering";
  std::vector<fs::path> left;
  for (const fs::directory_entry& entry : fs::directory_iterator{folder_of(final_path), error}) {
    if (entry.path().filename().string().starts_with(beginning)) left.push_back(entry.path());
  }
  for (const fs::path& path : left) fs::remove(path, error);
}

void check_room_to_copy(const std::string& part) {
  std::error_code error;
  const std::uint64_t needed = fs::file_size(part, error) + room_to_complete(part);
  if (error || free_bytes_at(part) >= needed) return;
  raise(ErrorKind::run_failed,
        fmt::format("{}: it is finished on a copy, and the disk has no room for one: free {} MB, "
                    "or move the file to another disk",
                    part, needed / 1000000 + 1));
}

/// The copy, open for changes. A write that was refused may be one that the library does not tell of; with a guard all
/// that follow are refused too, and closing fails.
class OpenCopy {
 public:
  explicit OpenCopy(const std::string& path) : path_{path}, descriptor_{path, O_RDWR} {
    std::string reason;
    file_ = open_guarded(descriptor_, path, false, guard_, reason);
    if (!file_) refuse(path, fmt::format("damaged: {}; use a copy of it, if there is one", reason));
  }
  hid_t get() const { return file_.get(); }
  void close() {
    if (H5Fclose(file_.release()) >= 0 && guard_.refused() == 0) return;
    const std::string reason = guard_.refused() != 0 ? std::strerror(guard_.refused()) : h5::last_reason();
    raise(ErrorKind::run_failed, fmt::format("{}: cannot be closed: {}; free space on that disk, then run `thyrode "
                                             "recover` again: the unfinished recording is as it was",
                                             path_, reason));
  }

 private:
  struct Guard final : WriteGuard {
    bool before_write(int, std::int64_t, std::span<const std::byte>, bool) override { return true; }
    bool before_cut(int, std::int64_t) override { return true; }
  };
  std::string path_;
  Descriptor descriptor_;
  Guard guard_;
  h5::Handle file_;
};

std::vector<std::string> labels_of(hid_t file) {
  return read_texts_attribute(file, layout::provenance, "channels");
}

void count(hid_t file, const RunRecord& record, Recovery& recovery) {
  recovery.steps = static_cast<std::int64_t>(record.result.steps.size());
  for (const std::string& label : labels_of(file)) {
    recovery.spikes += table_rows(file, layout::spikes(label).path);
    for (const std::string& series : {layout::trace(label), layout::command(label)}) {
      if (!h5::exists(file, series)) continue;
      const std::int64_t stride = read_attribute<std::int64_t>(file, series + "/data", "decimation");
      const std::int64_t samples = row_count(file, series + "/data") * stride;
      if (series == layout::trace(label)) recovery.samples += samples;
      recovery.seconds = std::max(recovery.seconds, static_cast<double>(samples) / record.sample_rate_hz);
    }
  }
}

/// The trace may lie beyond the last flush; what was counted then is counted again.
void recount(hid_t file, const Recovery& recovery, analysis::Integrity& integrity) {
  integrity.samples = recovery.samples;
  integrity.gaps = table_rows(file, layout::invalid_times().path);
}

/// The rows of earlier steps come into a later file when the one before has its last row: a writer that died before
/// that left them there alone.
void take_earlier_rows(const std::string& of, const PartMark& mark, std::vector<analysis::StepResult>& steps) {
  if (mark.number < 2) return;
  const std::string name = name_of_part(mark.first_file, mark.number - 1);
  const std::string before = (fs::path{of}.parent_path() / name).string();
  for (const std::string& path : {before, before + std::string{part_ending}}) {
    const auto its = read_part_mark(path);
    if (!its || its->run_id != mark.run_id) continue;
    auto record = read_run(path);
    if (!record || record->result.steps.size() <= steps.size()) return;
    steps = std::move(record->result.steps);
    for (analysis::StepResult& step : steps) {
      if (step.resumed_from.empty()) step.resumed_from = name;
    }
    return;
  }
}

/// The file in which the run goes on, if there is one beside it.
std::string next_of(const std::string& of, const PartMark& mark) {
  if (mark.run_id.empty()) return {};
  const std::string name = name_of_part(mark.first_file, mark.number + 1);
  const std::string next = (fs::path{of}.parent_path() / name).string();
  for (const std::string& path : {next, next + std::string{part_ending}}) {
    const auto its = read_part_mark(path);
    if (its && its->run_id == mark.run_id) return name;
  }
  return {};
}

/// Makes a closed copy a finished recording.
void finish(const std::string& path, const CompleteResult& complete_result, Recovery& recovery) {
  {
    OpenCopy file{path};
    check_schema(file.get(), path);
    recovery.was_finished = h5::exists(file.get(), layout::exit_status);
    if (!recovery.was_finished) {
      const CutRows cut = cut_ragged_end(file.get(), labels_of(file.get()));
      recovery.rows_cut = cut.rows;
      recovery.holes = cut.holes;
    }
    file.close();
  }
  auto record = read_run(path);
  if (!record) throw Failure{record.error()};
  OpenCopy file{path};
  count(file.get(), *record, recovery);
  if (recovery.was_finished) return;
  const PartMark mark = read_part_mark(file.get());
  take_earlier_rows(path, mark, record->result.steps);
  if (const std::string next = next_of(path, mark); !next.empty()) {
    Builder builder{file.get(), record->result.seed, mark.number};
    write_next_file(builder, next);
  }
  analysis::RunResult result = record->result;
  recount(file.get(), recovery, result.integrity);
  if (complete_result) complete_result(*record, result);
  complete(file.get(), result, "recovered", {});
  file.close();
}

std::string identity_of(const std::string& path) {
  const h5::Handle file = open_for_reading(path);
  return read_text(file.get(), "/identifier") + read_text_attribute(file.get(), layout::wall_clock, "created") +
         read_text_attribute(file.get(), layout::wall_clock, "file");
}

/// NAME.nwb was made by a recover that died before it could remove NAME.nwb.part.
bool made_before(const std::string& path, const std::string& made_now) {
  const auto record = read_run(path);
  return record && record->finalised && identity_of(path) == identity_of(made_now);
}

void remove_source(const std::string& part) {
  std::error_code error;
  // The file first: what lies beside it must not be missing while it is there.
  fs::remove(part, error);
  remove_companions(part);
}

/// An error of a copy that is gone by then, told of what the user knows.
Failure of_copy(Error error, const std::string& working, const std::string& part) {
  for (std::size_t at = error.message.find(working); at != std::string::npos; at = error.message.find(working)) {
    error.message.replace(at, working.size(), part + " (a copy of it)");
  }
  return {std::move(error)};
}

Recovery recover_file(const std::string& path, const CompleteResult& complete_result, bool keep) {
  Recovery recovery;
  recovery.path = final_name(path);
  recovery.source = recovery.path + std::string{part_ending};
  const std::string& part = recovery.source;
  std::error_code error;
  if (!fs::exists(part, error)) {
    refuse(path, fs::exists(path, error) ? "is not unfinished: a recording that needs this ends in .part"
                                         : "no such file; check the name");
  }
  const Writer writer = writer_of(part);
  if (writer == Writer::alive) refuse(part, "is still being written; wait for its run to end");
  const bool empty = fs::is_empty(part, error);
  if (!empty && !has_journal(part) && died_in_the_making(part)) {
    refuse(part, "its program died before anything was recorded: nothing is in it, and you may remove it");
  }
  const Descriptor held{part, O_RDONLY};
  hold(held, part);
  if (size_of_file(held.get()) == 0) {
    recovery.was_empty = true;
    recovery.source_kept = keep || writer == Writer::unknown;
    if (!recovery.source_kept) remove_source(part);
    return recovery;
  }
  recovery.source_kept = keep || writer == Writer::unknown;
  remove_working_copies(recovery.path);
  check_room_to_copy(part);
  const std::string working = fmt::format("{}.recovering-{}", recovery.path, ::getpid());
  try {
    copy(part, working);
    if (has_journal(part)) {
      take_back(journal_of(part), working);
    } else {
      whole_again(slot_of(part), working);
    }
    mark_closed(working);
    finish(working, complete_result, recovery);
    const bool there = fs::exists(fs::symlink_status(recovery.path, error));
    if (there && !made_before(recovery.path, working)) {
      refuse(recovery.path, fmt::format("exists already and is another recording; move it, then recover {}", part));
    }
    settle(working);
  } catch (const Failure& failure) {
    fs::remove(working, error);
    throw of_copy(failure.error, working, part);
  } catch (...) {
    fs::remove(working, error);
    throw;
  }
  fs::rename(working, recovery.path, error);
  if (error) disk_failed(recovery.path, "rename the finished copy to", error);
  settle(folder_of(recovery.path));
  if (!recovery.source_kept) remove_source(part);
  return recovery;
}

}  // namespace

Writer writer_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Writer::unknown;
  // Nobody gets a lease on a file that is open for writing. Somebody who opens it in this moment must not end us.
  ::fcntl(file, F_SETSIG, SIGURG);
  const bool granted = ::fcntl(file, F_SETLEASE, F_RDLCK) == 0;
  const int reason = errno;
  ::close(file);
  if (granted) return Writer::gone;
  return reason == EAGAIN ? Writer::alive : Writer::unknown;
}

bool made_here(const std::string& part) {
  std::array<char, 256> here{};
  ::gethostname(here.data(), here.size() - 1);
  std::error_code ignored;
  if (fs::is_empty(part, ignored)) return true;  // whose it was does not matter: nothing is in it
  if (has_journal(part)) return host_of_journal(journal_of(part)) == here.data();
  const auto origin = read_origin(part);
  return origin && origin->host_name == here.data();
}

Result<Recovery> recover(const std::string& path, const CompleteResult& complete, bool keep) {
  return guarded([&] { return recover_file(path, complete, keep); });
}

std::vector<std::string> unfinished_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator{folder, error}) {
    const std::string path = entry.path().string();
    if (path.ends_with(".nwb.part") && writer_of(path) == Writer::gone) found.push_back(path);
  }
  // The files of a run in their order: NAME.nwb before NAME.2.nwb, and that before NAME.10.nwb.
  std::sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    const auto key = [](const std::string& path) {
      const std::string stem = path.substr(0, path.size() - std::string_view{".nwb.part"}.size());
      const std::size_t end = stem.find_last_not_of("0123456789");
      const bool numbered = end != std::string::npos && stem[end] == '.' && end + 1 < stem.size();
      return std::tuple{numbered ? stem.substr(0, end) : stem, numbered ? stem.size() - end : 0, path};
    };
    return key(a) < key(b);
  });
  return found;
}

}  // namespace thyrode::recording
