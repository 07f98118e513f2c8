#include "tests/unit/recording/moment_of_death.hpp"

#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace thyrode::recording::testing {

Shared* shared = nullptr;
bool armed = false;

}  // namespace thyrode::recording::testing

namespace {

using thyrode::recording::testing::armed;
using thyrode::recording::testing::shared;

void die() {
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  while (true) ::pause();
}

/// Carries a call out, unless it is the one to die at. @param part  the call with so many eighths of its bytes
template <class Call, class Part>
auto at_moment(Call&& call, Part&& part) {
  if (!armed) return call();
  const std::int64_t number = shared->calls.fetch_add(1);
  const bool last = number == shared->kill_at;
  if (last && shared->how > 1) part(shared->how);
  if (last && shared->how != 1) die();
  const auto result = call();
  if (last) die();
  return result;
}

void nothing(int) {}

constexpr size_t slot_head_bytes = 16;  // a write that is announced has been put into the slot before

/// Bytes of a write that is cut at the last border of a page before so many eighths of it.
size_t cut_at_page(off_t at, size_t bytes, int eighths) {
  constexpr auto page = static_cast<off_t>(4096);
  const off_t border = (at + static_cast<off_t>(bytes * static_cast<size_t>(eighths) / 8)) / page * page;
  return border > at ? static_cast<size_t>(border - at) : 0;
}

}  // namespace

// The libraries call these instead of those of the system.
extern "C" {

ssize_t pwrite64(int file, const void* data, size_t bytes, off64_t at) {
  const auto write = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_pwrite64, file, data, n, at)); };
  static size_t before = 0;
  if (armed && shared->note_risky && before == bytes + slot_head_bytes) {
    const size_t k = shared->risky_count;
    if (k < shared->risky.size()) shared->risky[k] = shared->calls;
    if (k < shared->risky.size()) ++shared->risky_count;
  }
  before = bytes;
  return at_moment([&] { return write(bytes); }, [&](int eighths) { write(cut_at_page(at, bytes, eighths)); });
}

ssize_t pwrite(int file, const void* data, size_t bytes, off_t at) {
  return pwrite64(file, data, bytes, at);
}

ssize_t write(int file, const void* data, size_t bytes) {
  const auto put = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_write, file, data, n)); };
  return at_moment([&] { return put(bytes); }, [&](int eighths) { put(cut_at_page(0, bytes, eighths)); });
}

ssize_t sendfile64(int out, int in, off64_t* at, size_t bytes) {
  const auto send = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_sendfile, out, in, at, n)); };
  return at_moment([&] { return send(bytes); }, [&](int eighths) { send(cut_at_page(0, bytes, eighths)); });
}

ssize_t sendfile(int out, int in, off_t* at, size_t bytes) {
  return sendfile64(out, in, at, bytes);
}

int ftruncate64(int file, off64_t bytes) noexcept {
  return at_moment([&] { return static_cast<int>(::syscall(SYS_ftruncate, file, bytes)); }, nothing);
}

int ftruncate(int file, off_t bytes) noexcept {
  return ftruncate64(file, bytes);
}

int rename(const char* from, const char* to) noexcept {
  return at_moment([&] { return static_cast<int>(::syscall(SYS_rename, from, to)); }, nothing);
}

int remove(const char* path) noexcept {
  return at_moment(
      [&] {
        const auto gone = static_cast<int>(::syscall(SYS_unlink, path));
        return gone == 0 ? gone : static_cast<int>(::syscall(SYS_rmdir, path));
      },
      nothing);
}

int fsync(int file) {
  return at_moment([&] { return static_cast<int>(::syscall(SYS_fsync, file)); }, nothing);
}
}
