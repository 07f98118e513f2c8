#include "daemon/calibration/store.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "daemon/experiment/load/source.hpp"

namespace thyrode::calibration {
namespace {

namespace fs = std::filesystem;

constexpr load::TextFile calibration_file{"calibration", load::largest_file, "check the path"};

/// An open descriptor, closed at the end.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : id_{::open(path.c_str(), flags | O_CLOEXEC, 0666)} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (id_ >= 0) ::close(id_);
  }
  int get() const { return id_; }

 private:
  int id_;
};

tl::unexpected<Error> disk_failed(const std::string& path, int error) {
  return fail(
      ErrorKind::run_failed,
      fmt::format("{}: the calibration cannot be kept: {}; what was kept before is as it was. Make room or name "
                  "another folder with --store",
                  path, std::strerror(error)));
}

/// Writes beside the file, waits until the disk has it, then gives it the name.
Result<void> replace(const std::string& path, const std::string& text) {
  const std::string beside = fmt::format("{}.new-{}", path, ::getpid());
  int error = 0;
  {
    const Descriptor file{beside, O_WRONLY | O_CREAT | O_TRUNC};
    if (file.get() < 0) return disk_failed(path, errno);
    std::size_t done = 0;
    while (done < text.size() && error == 0) {
      const ssize_t written = ::write(file.get(), text.data() + done, text.size() - done);
      if (written > 0) done += static_cast<std::size_t>(written);
      if (written <= 0 && errno != EINTR) error = written == 0 ? ENOSPC : errno;
    }
    if (error == 0 && ::fsync(file.get()) != 0) error = errno;
  }
  if (error == 0 && std::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    std::remove(beside.c_str());
    return disk_failed(path, error);
  }
  const Descriptor folder{fs::path{path}.parent_path().string(), O_RDONLY | O_DIRECTORY};
  if (folder.get() >= 0) ::fsync(folder.get());
  return {};
}

}  // namespace

std::string default_store() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
  };
  if (const std::string own = variable("THYRODE_CALIBRATION"); !own.empty()) return own;
  if (const std::string config = variable("XDG_CONFIG_HOME"); !config.empty()) return config + "/thyrode/calibration";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.config/thyrode/calibration";
  return {};
}

std::string file_of(const std::string& store, const std::string& serial) {
  std::string name = serial.empty() ? "unnamed" : serial;
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    if (!plain) c = '_';
  }
  return (fs::path{store} / (name + ".yaml")).string();
}

Result<Calibration> read_file(const std::string& path) {
  return load::read_text_file(path, calibration_file).and_then([&](const std::string& text) {
    return parse_calibration(text, path);
  });
}

Result<std::optional<Calibration>> find(const std::string& store, const std::string& serial) {
  if (store.empty()) return std::optional<Calibration>{};
  const std::string path = file_of(store, serial);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return std::optional<Calibration>{};
  auto calibration = read_file(path);
  if (!calibration) return tl::make_unexpected(calibration.error());
  if (calibration->serial != serial) {
    return fail(ErrorKind::bad_input,
                fmt::format("{}: is named after serial number {} and tells of {}; remove it and calibrate again", path,
                            serial, calibration->serial));
  }
  return std::optional<Calibration>{*std::move(calibration)};
}

Result<std::string> keep(const std::string& store, const std::string& serial, const std::string& board,
                         const std::string& channel, const ChannelCalibration& calibration) {
  if (store.empty()) {
    return fail(ErrorKind::run_failed,
                "no folder for calibrations is known: neither HOME nor XDG_CONFIG_HOME is set; name one with --store");
  }
  std::error_code error;
  fs::create_directories(store, error);
  if (error) return disk_failed(store, error.value());
  // Two programs that calibrate two channels of one instrument must not undo each other's.
  const Descriptor lock{(fs::path{store} / ".lock").string(), O_RDWR | O_CREAT};
  if (lock.get() < 0) return disk_failed(store, errno);
  if (::flock(lock.get(), LOCK_EX) != 0) return disk_failed(store, errno);
  const auto before = find(store, serial);
  if (!before) return tl::make_unexpected(before.error());
  Calibration whole = before->value_or(Calibration{serial, board, {}});
  whole.board = board;
  whole.channels[channel] = calibration;
  const std::string path = file_of(store, serial);
  if (auto written = replace(path, to_yaml(whole)); !written) return tl::make_unexpected(written.error());
  return path;
}

}  // namespace thyrode::calibration
