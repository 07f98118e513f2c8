// Runs the program under test as somebody does who sits before a terminal.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/emulator/process.hpp"

namespace thyrode::test {

/// A child process in a session of its own, whose three streams are one terminal. Killed by its id when the test ends.
class PtyProcess {
 public:
  explicit PtyProcess(const std::vector<std::string>& arguments) {
    terminal_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0 || grantpt(terminal_) != 0 || unlockpt(terminal_) != 0) std::abort();
    const std::string name = ptsname(terminal_);
    child_ = fork();
    if (child_ != 0) return;
    setsid();
    const int side = open(name.c_str(), O_RDWR);
    ioctl(side, TIOCSCTTY, 0);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(side, stream);
    become(arguments);
  }
  PtyProcess(const PtyProcess&) = delete;
  PtyProcess& operator=(const PtyProcess&) = delete;
  ~PtyProcess() {
    if (child_ > 0 && !ended_) {
      ::kill(child_, SIGKILL);
      wait();
    }
    close(terminal_);
  }

  /// Reads on until a text stands there. @returns false if the program ended without it
  bool reads(const std::string& text) {
    while (true) {
      const std::size_t found = seen_.find(text, read_);
      if (found != std::string::npos) {
        read_ = found + text.size();
        return true;
      }
      if (!more()) return false;
    }
  }
  void types(const std::string& keys) {
    if (write(terminal_, keys.data(), keys.size()) < 0) std::abort();
  }
  /// Reads to the end. @returns exit code, or 128 + signal
  int wait() {
    while (!ended_ && more()) {
    }
    if (!ended_) {
      ended_ = true;
      code_ = exit_code_of(child_);
    }
    return code_;
  }
  const std::string& seen() const { return seen_; }

 private:
  bool more() {
    char bytes[4096];
    const ssize_t got = read(terminal_, bytes, sizeof bytes);
    if (got <= 0) return false;  // EIO: nobody has the other end any more
    seen_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  pid_t child_ = -1;
  int terminal_ = -1;
  std::string seen_;
  std::size_t read_ = 0;
  bool ended_ = false;
  int code_ = -1;
};

}  // namespace thyrode::test
