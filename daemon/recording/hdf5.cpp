#include "daemon/recording/hdf5.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace thyrode::recording {

void raise(ErrorKind kind, std::string message) {
  throw Failure{Error{kind, std::move(message)}};
}

namespace h5 {
namespace {

herr_t keep_innermost(unsigned depth, const H5E_error2_t* entry, void* text) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

std::string file_of(hid_t inside) {
  std::array<char, 4096> name{};
  const ssize_t length = H5Fget_name(inside, name.data(), name.size());
  return length > 0 ? std::string{name.data()} : std::string{"(unknown file)"};
}

std::string remedy(std::string_view reason) {
  if (reason.find("No space left") != std::string_view::npos || reason.find("quota") != std::string_view::npos) {
    return "; free space on that disk and run again: what was flushed before can be read";
  }
  if (reason.find("File too large") != std::string_view::npos) {
    return "; raise the file size limit or record to another disk: what was flushed before can be read";
  }
  if (reason.find("lock") != std::string_view::npos) {
    return "; the file system cannot lock files, or another program holds this one: record to a local disk";
  }
  return "; check the disk and the folder, then run again: what was flushed before can be read";
}

}  // namespace

void quiet() {
  // The library would otherwise flush at exit what a failed disk refused, and hang in a loop over it.
  static const bool once = [] { return H5dont_atexit() >= 0; }();
  static_cast<void>(once);
  thread_local bool silent = false;
  if (!silent) silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
}

std::string last_reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  constexpr std::string_view key = "error message = '";
  if (const auto begin = text.find(key); begin != std::string::npos) {
    const auto end = text.find('\'', begin + key.size());
    return text.substr(begin + key.size(), end - begin - key.size());
  }
  return text.empty() ? "no reason given" : text;
}

void complain(hid_t inside, const std::string& object, const char* doing) {
  const std::string reason = last_reason();
  raise(ErrorKind::run_failed,
        fmt::format("{}: cannot {} {}: {}{}", file_of(inside), doing, object, reason, remedy(reason)));
}

bool exists(hid_t file, const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (H5Lexists(file, path.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

Handle open_dataset(hid_t file, const std::string& path) {
  return own(H5Dopen2(file, path.c_str(), H5P_DEFAULT), file, path, "open");
}

}  // namespace h5
}  // namespace thyrode::recording
