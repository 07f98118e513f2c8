// Disks that fill up, folders that go, files that somebody takes away: each with its message.
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>

#include "daemon/recording/recovery.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace {
int flock_error = 0;  ///< what a file system without locks would answer
}

/// Stands before that of the system.
extern "C" int flock(int file, int operation) noexcept {
  if (flock_error != 0) {
    errno = flock_error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// Writes and flushes until something fails. @returns its error; no message if nothing did
Error record_until_it_fails(Recorder& recorder, int most_periods, const std::function<void(int)>& disturb) {
  std::int64_t at = 5000;
  for (int k = 0; k < most_periods; ++k, at += 2500) {
    disturb(k);
    for (const DeviceMessage& message : ten_milliseconds(at, 1)) {
      if (const auto done = recorder.write(message); !done) return done.error();
    }
    if (const auto done = recorder.flush(); !done) return done.error();
  }
  return {};
}

/// The same while something happens after ten periods.
Error record_disturbed(const std::string& path, const std::function<void()>& disturb) {
  auto recorder = Recorder::create(path, description(1));
  EXPECT_TRUE(recorder) << recorder.error().message;
  Error error = record_until_it_fails(*recorder, 20, [&](int k) {
    if (k == 10) disturb();
  });
  EXPECT_EQ(recorder->flush().error().message, error.message) << "the first failure is the answer to all that follows";
  return error;
}

TEST(Disk, AFileDeletedUnderUsEndsTheRunAtTheNextFlush) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const Error error = record_disturbed(path, [&] { fs::remove(path + ".part"); });
  EXPECT_EQ(error.kind, ErrorKind::run_failed);
  EXPECT_NE(error.message.find("run.nwb.part: somebody deleted it"), std::string::npos) << error.message;
}

TEST(Disk, AFolderDeletedUnderUsEndsTheRunAtTheNextFlush) {
  const Folder folder;
  fs::create_directory(folder.file("runs"));
  const Error error = record_disturbed(folder.file("runs/run.nwb"), [&] { fs::remove_all(folder.file("runs")); });
  EXPECT_NE(error.message.find("somebody deleted it, or the folder it was in"), std::string::npos) << error.message;
}

TEST(Disk, AFileMovedUnderUsEndsTheRunAndCanBeRecovered) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const Error error = record_disturbed(path, [&] { fs::rename(path + ".part", folder.file("other")); });
  EXPECT_NE(error.message.find("somebody moved it"), std::string::npos) << error.message;
  fs::rename(folder.file("other"), path + ".part");
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->samples, 11 * 2500);
}

TEST(Disk, AFileClosedByForceEndsTheRunAndCanBeRecovered) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const Error error = record_disturbed(path, [&] {
    for (int file = 3; file < 256; ++file) {
      const std::string link = "/proc/self/fd/" + std::to_string(file);
      std::error_code none;
      if (fs::read_symlink(link, none) == path + ".part") ::close(file);
    }
  });
  EXPECT_NE(error.message.find("Bad file descriptor"), std::string::npos) << error.message;
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->samples, 10 * 2500) << "all that was flushed";
}

TEST(Disk, AFileSystemWithoutLocksIsToldOfBeforeTheRun) {
  const Folder folder;
  for (const int error : {ENOLCK, EOPNOTSUPP, ENOSYS}) {
    flock_error = error;
    const auto recorder = Recorder::create(folder.file("run.nwb"), description());
    flock_error = 0;
    ASSERT_FALSE(recorder);
    EXPECT_EQ(recorder.error().kind, ErrorKind::bad_input);
    EXPECT_NE(recorder.error().message.find("cannot lock files"), std::string::npos) << recorder.error().message;
    EXPECT_NE(recorder.error().message.find("--out"), std::string::npos) << recorder.error().message;
    EXPECT_TRUE(fs::is_empty(fs::path{folder.file("run.nwb")}.parent_path())) << "nothing is left";
  }
  EXPECT_TRUE(Recorder::create(folder.file("run.nwb"), description()));
}

/// Runs `body` as nobody, whom folders can refuse. @returns what it printed
template <class Body>
std::string as_nobody(Body&& body) {
  int out[2];
  if (::pipe(out) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(1);
    const std::string text = body();
    static_cast<void>(::write(out[1], text.data(), text.size()));
    ::_exit(0);
  }
  ::close(out[1]);
  std::string text(4096, '\0');
  const ssize_t length = ::read(out[0], text.data(), text.size());
  ::close(out[0]);
  ::waitpid(child, nullptr, 0);
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

TEST(Disk, AReadOnlyFolderIsToldOfBeforeTheRun) {
  const Folder folder;
  fs::create_directory(folder.file("runs"));
  fs::permissions(folder.file("runs"),
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  const std::string message = as_nobody([&] {
    const auto recorder = Recorder::create(folder.file("runs/run.nwb"), description());
    return recorder ? std::string{"it was created"} : recorder.error().message;
  });
  EXPECT_NE(message.find("runs: Permission denied"), std::string::npos) << message;
  EXPECT_NE(message.find("--out"), std::string::npos) << message;
}

/// In a child: a disk of its own of so many megabytes at `folder`. @returns whether the system allows it
bool mount_small_disk(const std::string& folder, int megabytes) {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const std::string options = "size=" + std::to_string(megabytes) + "m";
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

TEST(Disk, AFullDiskEndsTheRunAndWhatWasFlushedIsRecoveredWithRoomAgain) {
  const Folder folder;
  const std::string disk = folder.file("disk");
  fs::create_directory(disk);
  int out[2];
  ASSERT_EQ(::pipe(out), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto tell = [&](const std::string& text) {
      static_cast<void>(::write(out[1], text.data(), text.size()));
      ::_exit(0);
    };
    // Where nobody may mount a disk, a limit of file sizes stands for its end.
    const bool own_disk = mount_small_disk(disk, 80);
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit unlimited = limit;
    const std::string path = disk + "/run.nwb";
    {
      auto recorder = Recorder::create(path, description(1));
      if (!recorder) tell(recorder.error().message);
      // Somebody else takes what was free at the beginning.
      if (own_disk) std::ofstream{disk + "/filler"} << std::string((80U << 20) - (6U << 20), 'x');
      limit.rlim_cur = 6U << 20;
      if (!own_disk) ::setrlimit(RLIMIT_FSIZE, &limit);
      const Error error = record_until_it_fails(*recorder, 5000, [](int) {});
      const char* const reason = own_disk ? "No space left on device" : "File too large";
      if (error.message.find(reason) == std::string::npos) tell(error.message);
    }
    const auto no_room = recover(path);
    if (no_room) tell("recovered without room");
    if (own_disk && no_room.error().message.find("no room") == std::string::npos) tell(no_room.error().message);
    fs::remove(disk + "/filler");
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
    const auto recovered = recover(path);
    if (!recovered) tell(recovered.error().message);
    tell(recovered->samples > 500'000 && fs::exists(path) ? "recovered" : "data are missing");
  }
  ::close(out[1]);
  std::string told(4096, '\0');
  const ssize_t length = ::read(out[0], told.data(), told.size());
  ::close(out[0]);
  ::waitpid(child, nullptr, 0);
  told.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  EXPECT_EQ(told, "recovered");
}

}  // namespace
}  // namespace thyrode::recording
