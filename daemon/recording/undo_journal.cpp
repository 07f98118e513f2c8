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
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "daemon/recording/checksum.hpp"
#include "daemon/recording/posix_file.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t page_bytes = 4096;
constexpr std::array<char, 8> journal_mark{'T', 'H', 'Y', 'U', 'N', 'D', 'O', '2'};

constexpr std::size_t sample_count = 64;

/// What the journal begins with.
struct JournalHead {
  std::array<char, 8> mark;
  std::int64_t file_bytes;
  std::array<char, 72> host;  ///< whose program changes the file
  /// Checksums of pages of the file, evenly spread: they tell the file also where it was copied to.
  std::array<std::uint32_t, sample_count> samples;
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

std::int64_t sampled_page(std::size_t sample, std::int64_t file_bytes) {
  return file_bytes / page_bytes * static_cast<std::int64_t>(sample) / static_cast<std::int64_t>(sample_count);
}

/// Checksum of a page as far as it is of the first `file_bytes`. @returns nothing with errno
std::optional<std::uint32_t> checksum_of_page(int file, std::int64_t page, std::int64_t file_bytes) {
  std::array<std::byte, page_bytes> bytes{};
  const auto inside = static_cast<std::size_t>(std::clamp<std::int64_t>(file_bytes - page * page_bytes, 0, page_bytes));
  const std::int64_t n = read_at(file, page * page_bytes, std::span{bytes}.first(inside));
  if (n < 0) return std::nullopt;
  return lookup3(std::span<const std::byte>{bytes}.first(static_cast<std::size_t>(n)), 0);
}

/// @returns nothing with errno
std::optional<JournalHead> head_of(int file) {
  JournalHead head{};
  head.mark = journal_mark;
  head.file_bytes = size_of_file(file);
  if (head.file_bytes < 0) return std::nullopt;
  ::gethostname(head.host.data(), head.host.size() - 1);
  for (std::size_t k = 0; k < sample_count; ++k) {
    const auto checksum = checksum_of_page(file, sampled_page(k, head.file_bytes), head.file_bytes);
    if (!checksum) return std::nullopt;
    head.samples[k] = *checksum;
  }
  head.checksum = checksum_of(head);
  return head;
}

/// The head of a journal. @returns nothing if it is not whole: the file was not changed then
std::optional<JournalHead> whole_head(const Descriptor& journal) {
  JournalHead head{};
  const auto bytes = std::as_writable_bytes(std::span{&head, 1});
  if (read_at(journal.get(), 0, bytes) != static_cast<std::int64_t>(bytes.size())) return std::nullopt;
  if (head.mark != journal_mark || head.checksum != checksum_of(head)) return std::nullopt;
  return head;
}

/// Calls `use(offset, bytes)` for each page that a journal keeps, until it says no.
template <class Use>
void for_each_page(const Descriptor& journal, Use&& use) {
  std::int64_t at = sizeof(JournalHead);
  for (std::vector<std::byte> page(page_bytes);;) {
    PageHead head{};
    const auto bytes = std::as_writable_bytes(std::span{&head, 1});
    if (read_at(journal.get(), at, bytes) != static_cast<std::int64_t>(bytes.size())) return;
    if (head.bytes > page.size()) return;
    const std::span<std::byte> content = std::span{page}.first(head.bytes);
    at += static_cast<std::int64_t>(bytes.size());
    // The last page may be cut short: what it was kept for has not been written then.
    if (read_at(journal.get(), at, content) != std::int64_t{head.bytes}) return;
    if (head.checksum != checksum_of(head, content)) return;
    at += head.bytes;
    if (!use(head.offset, content)) return;
  }
}

/// Whether the pages that a journal does not keep are those of the file that it was begun for.
bool belongs_to(const Descriptor& journal, const JournalHead& head, int file) {
  std::set<std::int64_t> kept;
  for_each_page(journal, [&](std::int64_t offset, std::span<const std::byte>) {
    kept.insert(offset / page_bytes);
    return true;
  });
  for (std::size_t k = 0; k < sample_count; ++k) {
    const std::int64_t page = sampled_page(k, head.file_bytes);
    if (kept.contains(page)) continue;
    if (checksum_of_page(file, page, head.file_bytes) != head.samples[k]) return false;
  }
  return true;
}

}  // namespace

struct UndoableFile::Journal final : WriteGuard {
  Journal(const std::string& path, const Descriptor& file)
      : name{journal_of(path)}, out{name, O_RDWR | O_CREAT | O_EXCL} {
    if (!out && errno == EEXIST) {
      raise(ErrorKind::run_failed, fmt::format("{}: exists already: a program died while it changed {}; `thyrode "
                                               "recover` takes that back",
                                               name, path));
    }
    const auto head = head_of(file.get());
    if (head) file_bytes = head->file_bytes;
    if (out && head && append(std::as_bytes(std::span{&*head, 1}))) return;
    const std::string reason = std::strerror(errno);
    std::error_code ignored;
    if (out) fs::remove(name, ignored);
    raise(ErrorKind::run_failed, fmt::format("{}: cannot keep what the file was: {}; its data are complete and "
                                             "readable: free space, then `thyrode recover`",
                                             name, reason));
  }

  bool before_write(int file, std::int64_t offset, std::span<const std::byte> bytes, bool) override {
    return keep_pages(file, offset, offset + static_cast<std::int64_t>(bytes.size()));
  }
  bool before_cut(int file, std::int64_t size) override { return keep_pages(file, size, file_bytes); }

  bool append(std::span<const std::byte> bytes) {
    if (!write_at(out.get(), end, bytes)) return false;
    end += static_cast<std::int64_t>(bytes.size());
    return true;
  }

  /// Keeps the pages of [first, last) of the file that are not kept yet.
  bool keep_pages(int file, std::int64_t first, std::int64_t last) {
    last = std::min(last, file_bytes);
    for (std::int64_t page = first / page_bytes; page * page_bytes < last; ++page) {
      if (kept.contains(page)) continue;
      std::vector<std::byte> record(sizeof(PageHead) + page_bytes);
      const std::span<std::byte> bytes = std::span{record}.subspan(sizeof(PageHead));
      const std::int64_t n = read_at(file, page * page_bytes, bytes);
      if (n < 0) return false;
      PageHead head{page * page_bytes, static_cast<std::uint32_t>(n), 0};
      head.checksum = checksum_of(head, bytes.first(head.bytes));
      std::memcpy(record.data(), &head, sizeof(head));
      if (!append(std::span{record}.first(sizeof(head) + head.bytes))) return false;
      kept.insert(page);
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

UndoableFile::UndoableFile(const std::string& path) : path_{path}, locked_{path, O_RDWR} {
  if (!locked_ && errno == ENOENT) {
    raise(ErrorKind::run_failed, fmt::format("{}: somebody removed or renamed it during the run: it is not finished, "
                                             "and if it was removed its data are lost",
                                             path));
  }
  const auto cannot_open = [&](const std::string& reason) {
    raise(ErrorKind::run_failed,
          fmt::format("{}: cannot open the recording again to finish it: {}; its data are complete "
                      "and readable: `thyrode recover` finishes it",
                      path, reason));
  };
  // The lock first: whoever has it may have a journal beside the file.
  if (!locked_ || !lock_file(locked_)) {
    cannot_open(locked_ && errno == EWOULDBLOCK ? "another program holds it" : std::strerror(errno));
  }
  journal_ = std::make_unique<Journal>(path, locked_);
  std::string reason;
  file_ = open_guarded(locked_, path, false, *journal_, reason);
  if (file_) return;
  drop();
  cannot_open(reason);
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

std::string host_of_journal(const std::string& journal) {
  const Descriptor in{journal, O_RDONLY};
  const auto head = in ? whole_head(in) : std::nullopt;
  return head ? std::string{head->host.data()} : std::string{};
}

void take_back(const std::string& journal, const std::string& target) {
  const auto fail_with = [](const std::string& path) {
    raise(ErrorKind::run_failed, fmt::format("{}: cannot take an unfinished change back: {}; check the disk and the "
                                             "folder, then run `thyrode recover` again",
                                             path, std::strerror(errno)));
  };
  const Descriptor in{journal, O_RDONLY};
  if (!in || size_of_file(in.get()) < 0) fail_with(journal);
  const auto head = whole_head(in);
  if (!head) return;
  const Descriptor out{target, O_RDWR};
  if (!out) fail_with(target);
  if (!belongs_to(in, *head, out.get())) {
    raise(ErrorKind::bad_input, fmt::format("{}: is not of the file beside it but of another recording; move it away, "
                                            "then run `thyrode recover` again",
                                            journal));
  }
  for_each_page(in, [&](std::int64_t offset, std::span<const std::byte> content) {
    if (!write_at(out.get(), offset, content)) fail_with(target);
    return true;
  });
  if (::ftruncate(out.get(), head->file_bytes) != 0) fail_with(target);
}

}  // namespace thyrode::recording
