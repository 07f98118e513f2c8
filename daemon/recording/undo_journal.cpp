#include "daemon/recording/undo_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <set>
#include <span>
#include <vector>

#include "daemon/recording/checksum.hpp"
#include "daemon/recording/posix_file.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t page_bytes = 4096;
constexpr std::array<char, 8> journal_mark{'T', 'H', 'Y', 'U', 'N', 'D', 'O', '1'};

/// What the journal begins with.
struct JournalHead {
  std::array<char, 8> mark;
  std::int64_t file_bytes;
  std::uint32_t checksum;  ///< of what is before it
  std::uint32_t unused;
};

/// A page of the file as it was; its bytes follow.
struct PageHead {
  std::int64_t offset;
  std::uint32_t bytes;
  std::uint32_t checksum;  ///< of offset, bytes and the page
};

std::uint32_t checksum_of(const JournalHead& head) {
  return lookup3(std::as_bytes(std::span{&head, 1}).first(offsetof(JournalHead, checksum)), 0);
}

std::uint32_t checksum_of(const PageHead& head, std::span<const std::byte> page) {
  return lookup3(page, lookup3(std::as_bytes(std::span{&head, 1}).first(offsetof(PageHead, checksum)), 0));
}

}  // namespace

struct UndoableFile::Journal final : WriteGuard {
  explicit Journal(const std::string& path) : name{journal_of(path)}, out{name, O_RDWR | O_CREAT | O_TRUNC} {
    std::error_code error;
    file_bytes = static_cast<std::int64_t>(fs::file_size(path, error));
    JournalHead head{journal_mark, file_bytes, 0, 0};
    head.checksum = checksum_of(head);
    if (!out || !append(std::as_bytes(std::span{&head, 1}))) {
      raise(ErrorKind::run_failed, fmt::format("{}: cannot keep what the file was: {}; its data are complete and "
                                               "readable: free space, then `thyrode recover`",
                                               name, std::strerror(errno)));
    }
  }

  bool before_write(int file, std::int64_t offset, std::span<const std::byte> bytes, bool) override {
    return keep(file, offset, offset + static_cast<std::int64_t>(bytes.size()));
  }
  bool before_cut(int file, std::int64_t size) override { return keep(file, size, file_bytes); }

  bool append(std::span<const std::byte> bytes) {
    if (!write_at(out.get(), end, bytes)) return false;
    end += static_cast<std::int64_t>(bytes.size());
    return true;
  }

  /// Keeps the pages of [first, last) of the file that are not kept yet.
  bool keep(int file, std::int64_t first, std::int64_t last) {
    last = std::min(last, file_bytes);
    for (std::int64_t page = first / page_bytes; page * page_bytes < last; ++page) {
      if (!kept.insert(page).second) continue;
      std::vector<std::byte> record(sizeof(PageHead) + page_bytes);
      const std::span<std::byte> bytes = std::span{record}.subspan(sizeof(PageHead));
      const std::int64_t n = read_at(file, page * page_bytes, bytes);
      if (n < 0) return false;
      PageHead head{page * page_bytes, static_cast<std::uint32_t>(n), 0};
      head.checksum = checksum_of(head, bytes.first(head.bytes));
      std::memcpy(record.data(), &head, sizeof(head));
      if (!append(std::span{record}.first(sizeof(head) + head.bytes))) return false;
    }
    return true;
  }

  std::string name;
  Descriptor out;
  std::int64_t file_bytes = 0;
  std::int64_t end = 0;
  std::set<std::int64_t> kept;
};

std::string journal_of(const std::string& path) {
  return path + ".undo";
}

bool has_journal(const std::string& path) {
  std::error_code ignored;
  return fs::exists(journal_of(path), ignored);
}

UndoableFile::UndoableFile(const std::string& path) : path_{path} {
  std::error_code error;
  if (!fs::exists(path, error)) {
    raise(ErrorKind::run_failed, fmt::format("{}: somebody removed or renamed it during the run: it is not finished, "
                                             "and if it was removed its data are lost",
                                             path));
  }
  journal_ = std::make_unique<Journal>(path);
  file_ = open_guarded(path, 0, *journal_);
  if (file_) return;
  const std::string reason = errno == EWOULDBLOCK ? "another program holds it"
                             : errno != 0         ? std::strerror(errno)
                                                  : h5::last_reason();
  fs::remove(journal_->name, error);
  raise(ErrorKind::run_failed,
        fmt::format("{}: cannot open the recording again to finish it: {}; its data are complete "
                    "and readable: `thyrode recover` finishes it",
                    path, reason));
}

UndoableFile::~UndoableFile() {
  drop();
}

void UndoableFile::drop() {
  if (!journal_) return;
  // The library must let go of the file before its driver's part goes, and it must not write any more.
  journal_->let_go();
  h5::quiet();
  file_.reset();
  const std::string name = journal_->name;
  try {
    take_back(name, path_);
    fs::remove(name);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the journal stays, and the next reader takes it back
  }
  journal_.reset();
}

void UndoableFile::commit() {
  const hid_t id = file_.release();
  if (H5Fclose(id) < 0) {
    const std::string reason = h5::last_reason();
    drop();
    raise(ErrorKind::run_failed, fmt::format("{}: cannot finish the recording: {}; its data are complete and readable: "
                                             "free space, then `thyrode recover`",
                                             path_, reason));
  }
  std::error_code ignored;
  fs::remove(journal_->name, ignored);
  journal_.reset();
}

void take_back(const std::string& journal, const std::string& target) {
  const auto fail_with = [](const std::string& path) {
    raise(ErrorKind::run_failed, fmt::format("{}: cannot take an unfinished change back: {}; check the disk and the "
                                             "folder, then run `thyrode recover` again",
                                             path, std::strerror(errno)));
  };
  const Descriptor in{journal, O_RDONLY};
  if (!in) fail_with(journal);
  JournalHead head{};
  const auto head_bytes = std::as_writable_bytes(std::span{&head, 1});
  const std::int64_t n = read_at(in.get(), 0, head_bytes);
  if (n < 0) fail_with(journal);
  const bool whole = n == static_cast<std::int64_t>(head_bytes.size());
  if (!whole || head.mark != journal_mark || head.checksum != checksum_of(head)) return;
  const Descriptor out{target, O_RDWR};
  if (!out) fail_with(target);
  std::int64_t at = n;
  for (std::vector<std::byte> page(page_bytes);;) {
    PageHead of_page{};
    const auto bytes = std::as_writable_bytes(std::span{&of_page, 1});
    if (read_at(in.get(), at, bytes) != static_cast<std::int64_t>(bytes.size())) break;
    if (of_page.bytes > page.size()) break;
    const std::span<std::byte> content = std::span{page}.first(of_page.bytes);
    at += static_cast<std::int64_t>(bytes.size());
    // The last page may be cut short: what it was kept for has not been written then.
    if (read_at(in.get(), at, content) != std::int64_t{of_page.bytes}) break;
    if (of_page.checksum != checksum_of(of_page, content)) break;
    at += of_page.bytes;
    if (!write_at(out.get(), of_page.offset, content)) fail_with(target);
  }
  if (::ftruncate(out.get(), head.file_bytes) != 0) fail_with(target);
}

}  // namespace thyrode::recording
