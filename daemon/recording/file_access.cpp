#include "daemon/recording/file_access.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/map_file.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/undo_journal.hpp"
#include "daemon/recording/write_slot.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

/// Room that must be left on the disk beside the recording, for the system and the finishing touches.
constexpr std::uint64_t reserve_bytes = 64ULL << 20;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy) {
  raise(ErrorKind::bad_input, fmt::format("{}: {}; {}", path, what, remedy));
}

[[noreturn]] void cannot_create(const std::string& path, const std::string& reason) {
  raise(ErrorKind::run_failed, fmt::format("{}: cannot create the recording: {}; check the folder and the disk, or "
                                           "name another file with --out",
                                           path, reason));
}

fs::path folder_of(const std::string& path) {
  const fs::path folder = fs::path{path}.parent_path();
  return folder.empty() ? fs::path{"."} : folder;
}

void check_folder(const std::string& path) {
  std::error_code error;
  const fs::path folder = folder_of(path);
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) refuse(folder.string(), "no such folder", "create it or name another with --out");
  if (!fs::is_directory(status)) refuse(folder.string(), "not a folder", "name a folder with --out");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    refuse(folder.string(), std::strerror(errno), "the recording needs a folder you may write to, name one with --out");
  }
}

void check_room(const std::string& path, std::uint64_t expected_bytes) {
  const std::uint64_t free_bytes = free_bytes_at(path);
  const std::uint64_t needed = expected_bytes + reserve_bytes;
  if (free_bytes >= needed) return;
  constexpr double megabyte = 1e6;
  refuse(folder_of(path).string(),
         fmt::format("{:.0f} MB free, the recording needs {:.0f} MB", static_cast<double>(free_bytes) / megabyte,
                     static_cast<double>(needed) / megabyte),
         "free space, record less, or name another folder with --out");
}

bool is_hdf5(const std::string& path) {
  constexpr std::array<unsigned char, 8> signature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
  std::array<char, 8> head{};
  std::ifstream file{path, std::ios::binary};
  file.read(head.data(), head.size());
  return file.good() && std::memcmp(head.data(), signature.data(), signature.size()) == 0;
}

}  // namespace

h5::Handle access_properties() {
  h5::Handle list{H5Pcreate(H5P_FILE_ACCESS)};
  // Version 1.10 is the oldest format that readers can follow while it is written.
  H5Pset_libver_bounds(list.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG);
  // Chunks of signals on whole pages, and large ones of those where the system has them: none is written twice.
  H5Pset_alignment(list.get(), 65536, 65536);
  return list;
}

std::uint64_t free_bytes_at(const std::string& path) {
  struct statvfs disk {};
  if (::statvfs(folder_of(path).c_str(), &disk) != 0) return std::numeric_limits<std::uint64_t>::max();
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

void check_schema(hid_t file, const std::string& path) {
  const bool marked =
      h5::exists(file, layout::provenance) && H5Aexists_by_name(file, layout::provenance, "schema", H5P_DEFAULT) > 0;
  const std::string schema = marked ? read_text_attribute(file, layout::provenance, "schema") : std::string{};
  const std::string prefix = std::string{layout::schema_name} + "/";
  if (!schema.starts_with(prefix)) {
    refuse(path, "an HDF5 file, but not a recording of thyrode", "name a file that `thyrode run` made");
  }
  const std::string version = schema.substr(prefix.size());
  if (std::atoi(version.c_str()) != layout::schema_version) {
    refuse(path, fmt::format("its schema is {}, this version reads {}{}", schema, prefix, layout::schema_version),
           "use a newer version of thyrode");
  }
}

void check_place(const std::string& path, std::uint64_t expected_bytes) {
  check_folder(path);
  std::error_code error;
  if (fs::exists(fs::symlink_status(path, error))) {
    refuse(path, "exists already", "recordings are never overwritten: move it or name another file with --out");
  }
  const std::string part = path + ".part";
  if (fs::exists(fs::symlink_status(part, error))) {
    refuse(part, "exists already, an unfinished recording or one that is still running",
           "wait for it, or move it, or name another file with --out");
  }
  check_room(path, expected_bytes);
}

void check_description(const RunDescription& run) {
  const auto wrong = [](const std::string& what) { raise(ErrorKind::bad_input, "recording: " + what); };
  if (run.device.channels.empty()) wrong("the device has no channels: there is nothing to record");
  if (run.channels.size() != run.device.channels.size()) {
    wrong(fmt::format("{} channels are described, the device has {}", run.channels.size(), run.device.channels.size()));
  }
  if (!(run.device.sample_rate_hz >= layout::current_rate_hz)) {
    wrong(fmt::format("sampling rate {} Hz is below {} Hz", run.device.sample_rate_hz, layout::current_rate_hz));
  }
  for (std::size_t k = 0; k < run.channels.size(); ++k) {
    const std::string& label = run.device.channels[k].label;
    if (label.empty() || label.find('/') != std::string::npos) wrong(fmt::format("'{}' cannot name a channel", label));
    const int decimation = run.channels[k].trace_decimation;
    if (decimation < 0 || decimation > 16)
      wrong(fmt::format("channel {}: decimation {} is not 0 to 16", label, decimation));
    const int snippet = run.channels[k].snippet_samples;
    if (snippet < 0 || snippet > 65535) wrong(fmt::format("channel {}: snippets of {} samples", label, snippet));
  }
  for (const std::string& name : run.conditions) {
    if (name.empty() || name.find('/') != std::string::npos) wrong(fmt::format("'{}' cannot name a condition", name));
  }
  for (const std::string* text : {&run.experiment_yaml, &run.station_yaml, &run.experiment}) {
    if (text->find('\0') != std::string::npos) wrong("a text with a zero byte cannot be kept as it is");
  }
}

std::uint64_t room_to_complete(const std::string& path) {
  // Tables of steps and references; and each spike once more, which took more than that in its own table.
  constexpr std::uint64_t tables = 4U << 20;
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  return tables + (error ? 0 : std::min<std::uint64_t>(size, tables * 16));
}

void check_room_to_complete(const std::string& path) {
  const std::uint64_t needed = room_to_complete(path);
  if (free_bytes_at(path) >= needed) return;
  raise(ErrorKind::run_failed, fmt::format("{}: no room on the disk to finish the recording; its data are complete and "
                                           "readable as they are: free {} MB, then `thyrode recover` finishes it",
                                           path, needed / 1000000 + 1));
}

void remove_companions(const std::string& part) {
  std::error_code ignored;
  fs::remove(journal_of(part), ignored);
  fs::remove(slot_of(part), ignored);
  fs::remove(draft_of(part), ignored);
}

Descriptor claim_file(const std::string& path) {
  Descriptor file{path, O_RDWR | O_CREAT | O_EXCL};
  if (!file) cannot_create(path, std::strerror(errno));
  if (!lock_file(file)) {
    const std::string reason = std::strerror(errno);
    const bool cannot = errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS;
    std::error_code ignored;
    fs::remove(path, ignored);
    if (!cannot) cannot_create(path, reason);
    refuse(path, fmt::format("the file system cannot lock files ({}), so nobody could follow the recording", reason),
           "record to a local disk: --out");
  }
  // What is applied to this file when its writer dies must be its own.
  remove_companions(path);
  return file;
}

std::string draft_of(const std::string& part) {
  return part + ".making";
}

h5::Handle create_file(const Descriptor& empty, const std::string& path, WriteGuard& guard) {
  std::string reason;
  h5::Handle file;
  if (!empty || !lock_file(empty)) {
    reason = std::strerror(errno);
  } else {
    file = open_guarded(empty, path, true, guard, reason);
  }
  if (file) return file;
  std::error_code ignored;
  fs::remove(path, ignored);
  cannot_create(path, reason);
}

h5::Handle open_for_reading(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) refuse(path, "no such file", "check the name");
  if (fs::is_directory(status)) refuse(path, "is a folder", "name a recording in it");
  if (::access(path.c_str(), R_OK) != 0) refuse(path, std::strerror(errno), "you need the right to read it");
  if (path.ends_with(".part") && fs::is_empty(path, error)) {
    refuse(path, "nothing is in it yet: its run just begins, or its program died before anything was recorded",
           "`thyrode recover` tells");
  }
  if (is_map(path)) refuse(path, "is a map of `thyrode simulate --map`, no recording", "`thyrode show` draws a map");
  if (!is_hdf5(path)) refuse(path, "not an HDF5 file", "name a recording (.nwb or .nwb.part)");
  if (has_journal(path)) {
    // Half changed, it could make the library fall over.
    refuse(path, "is being finished, or its program died while it did that", "wait, or finish it: `thyrode recover`");
  }
  const h5::Handle access = access_properties();
  h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get())};
  // A file that is being written, or whose writer died, opens only as a follower.
  if (!file) file = h5::Handle{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get())};
  if (!file) {
    refuse(path, fmt::format("damaged or cut short: {}", h5::last_reason()), "use a copy of it, if there is one");
  }
  check_schema(file.get(), path);
  return file;
}

}  // namespace thyrode::recording
