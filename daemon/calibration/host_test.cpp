#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon/calibration/self_test.hpp"
#include "daemon/calibration/store.hpp"

namespace thyrode::calibration {
namespace {

namespace fs = std::filesystem;

constexpr double megabyte = 1e6;

Check check(const char* name, std::string measured, std::string limit, Verdict verdict, std::string fix) {
  return {name, std::move(measured), std::move(limit), verdict, verdict == Verdict::ok ? std::string{} : std::move(fix),
          false};
}

Check test_space(const HostPlaces& places) {
  std::error_code error;
  const fs::space_info space = fs::space(places.folder, error);
  const double hour = 3600.0 * places.run_bytes_per_second;
  if (error) {
    return check("disk space", fmt::format("{}: {}", places.folder, error.message()), "a folder that can be written",
                 Verdict::failed, "create the folder or name another with --out");
  }
  const double free = static_cast<double>(space.available);
  const Verdict verdict = free < 0.02 * hour ? Verdict::failed : free < hour ? Verdict::warning : Verdict::ok;
  return check("disk space", fmt::format("{:.0f} MB free in {}", free / megabyte, places.folder),
               fmt::format("{:.0f} MB: an hour of every sample", hour / megabyte), verdict,
               "make room, write elsewhere with --out, or record a slower trace");
}

Check test_speed(const HostPlaces& places) {
  const std::string path = (fs::path{places.folder} / fmt::format(".thyrode-doctor-{}", ::getpid())).string();
  constexpr const char* fix = "look whether the disk is full or read-only, or write elsewhere with --out";
  const double least = 3.0 * places.run_bytes_per_second;
  const std::string limit = fmt::format("{:.0f} MB/s: three times a run of every sample", least / megabyte);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) {
    return check("disk speed", fmt::format("{}: {}", path, std::strerror(errno)), limit, Verdict::failed, fix);
  }
  const auto begin = std::chrono::steady_clock::now();
  const std::string part(1 << 20, 'x');
  std::size_t written = 0;
  int failure = 0;
  for (int k = 0; k < 8 && failure == 0; ++k) {
    const ssize_t count = ::write(file, part.data(), part.size());
    if (count > 0) written += static_cast<std::size_t>(count);
    if (count < static_cast<ssize_t>(part.size())) failure = count < 0 ? errno : ENOSPC;
  }
  if (failure == 0 && ::fsync(file) != 0) failure = errno;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ::close(file);
  ::unlink(path.c_str());
  if (failure != 0) return check("disk speed", std::strerror(failure), limit, Verdict::failed, fix);
  const double speed = static_cast<double>(written) / std::max(seconds, 1e-9);
  return check("disk speed", fmt::format("{:.0f} MB/s", speed / megabyte), limit,
               speed < places.run_bytes_per_second ? Verdict::failed
               : speed < least                     ? Verdict::warning
                                                   : Verdict::ok,
               fix);
}

/// Two readers of one lock: the second must be refused, else two runs could write one file.
Check test_locking(const HostPlaces& places) {
  const std::string path = (fs::path{places.folder} / fmt::format(".thyrode-lock-{}", ::getpid())).string();
  constexpr const char* fix = "write to a local disk (--out); network folders often have no locks";
  const int first = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (first < 0) return check("disk locks", std::strerror(errno), "locks that hold", Verdict::failed, fix);
  const int second = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool taken = ::flock(first, LOCK_EX | LOCK_NB) == 0;
  const bool refused = ::flock(second, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(second);
  ::close(first);
  ::unlink(path.c_str());
  const bool good = taken && refused;
  return check("disk locks", good ? "hold" : "do not hold", "locks that hold", good ? Verdict::ok : Verdict::failed,
               fix);
}

}  // namespace

std::vector<Check> test_disk(const HostPlaces& places) {
  return {test_space(places), test_speed(places), test_locking(places)};
}

std::vector<Check> test_port(const std::string& path, const HostPlaces& places) {
  std::vector<Check> checks;
  constexpr const char* limit = "read and write";
  if (::access(path.c_str(), F_OK) != 0) {
    checks.push_back(check("permission", fmt::format("{}: {}", path, std::strerror(errno)), limit, Verdict::failed,
                           "plug the board in; `thyrode scan` lists the ports there are"));
    return checks;
  }
  if (::access(path.c_str(), R_OK | W_OK) == 0) {
    checks.push_back(check("permission", path + " can be opened", limit, Verdict::ok, ""));
  } else {
    struct stat status {};
    const char* group = "dialout";
    if (::stat(path.c_str(), &status) == 0) {
      if (const struct group* owner = ::getgrgid(status.st_gid); owner != nullptr) group = owner->gr_name;
    }
    checks.push_back(check(
        "permission", fmt::format("{}: {}", path, std::strerror(errno)), limit, Verdict::failed,
        fmt::format("sudo usermod -aG {} $USER, then log in again; or a udev rule with TAG+=\"uaccess\"", group)));
  }
  // Only USB adapters with a timer of their own have one; a board with its own USB does not.
  const std::string timer = (fs::path{places.usb_serial} / fs::path{path}.filename() / "latency_timer").string();
  std::ifstream file{timer};
  int milliseconds = 0;
  if (file >> milliseconds) {
    checks.push_back(check("latency timer", fmt::format("{} ms", milliseconds), "1 ms",
                           milliseconds > 2 ? Verdict::warning : Verdict::ok,
                           fmt::format("echo 1 | sudo tee {}", timer)));
  }
  return checks;
}

Check test_calibration(const std::string& store, const std::string& serial, double most_days, double now_seconds) {
  const std::string limit = fmt::format("{:g} days", most_days);
  constexpr const char* fix = "thyrode calibrate, with a resistor that is known";
  const auto found = find(store, serial);
  if (!found) return check("calibration", found.error().message, limit, Verdict::failed, fix);
  if (!*found || (*found)->channels.empty()) {
    return check("calibration", fmt::format("none of {}: currents and voltages are good to 1 %", serial), limit,
                 Verdict::warning, fix);
  }
  std::string measured;
  Verdict verdict = Verdict::ok;
  for (const auto& [label, channel] : (*found)->channels) {
    const auto age = age_in_days(channel.date, now_seconds);
    if (!age || *age > most_days || *age < -1.0) verdict = Verdict::warning;
    measured += fmt::format("{}channel {}: {}", measured.empty() ? "" : ", ", label,
                            age ? fmt::format("{:.0f} days old", *age) : "not dated");
  }
  return check("calibration", measured, limit, verdict, fix);
}

}  // namespace thyrode::calibration
