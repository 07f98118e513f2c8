// Runs the program under test as a user does: arguments in, exit code and both outputs out.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace thyrode::test {

/// In a child process: becomes the program under test, which dies with the test.
[[noreturn]] inline void become(const std::vector<std::string>& arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // What the user of this machine has calibrated is no business of a test.
  setenv("THYRODE_CALIBRATION", "/nonexistent/thyrode-calibration", 0);
  execv(argv[0], argv.data());
  _exit(127);
}

/// Waits until a child has ended. @returns its exit code, or 128 + signal
inline int exit_code_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// A child process whose standard output is read line by line. Killed by its id when the test ends.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const std::string& folder = ".") {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) std::abort();
    errors_ = std::filesystem::temp_directory_path() /
              ("thyrode-test-" + std::to_string(getpid()) + "-" + std::to_string(count_++));
    child_ = fork();
    if (child_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      const int err = open(errors_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(err, STDERR_FILENO);
      if (chdir(folder.c_str()) != 0) _exit(126);
      become(arguments);
    }
    close(out[1]);
    output_ = fdopen(out[0], "r");
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (child_ > 0 && !ended_) {
      ::kill(child_, SIGKILL);
      wait();
    }
    if (output_ != nullptr) std::fclose(output_);
    std::filesystem::remove(errors_);
  }

  /// The next line without its end; empty when the output has ended.
  std::string line() {
    char* text = nullptr;
    std::size_t size = 0;
    const ssize_t length = getline(&text, &size, output_);
    std::string result{text, length > 0 ? static_cast<std::size_t>(length) : 0};
    std::free(text);
    while (!result.empty() && result.back() == '\n') result.pop_back();
    return result;
  }
  /// Everything that is left of the output.
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    for (std::string next = line(); !std::feof(output_) || !next.empty(); next = line()) all.push_back(next);
    return all;
  }
  void signal(int number) const { ::kill(child_, number); }
  /// @returns exit code, or 128 + signal
  int wait() {
    if (!ended_) {
      ended_ = true;
      code_ = exit_code_of(child_);
    }
    return code_;
  }
  std::string errors() const {
    std::ifstream file{errors_};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  static inline int count_ = 0;
  pid_t child_ = -1;
  std::FILE* output_ = nullptr;
  std::string errors_;
  bool ended_ = false;
  int code_ = -1;
};

struct Finished {
  int code = -1;
  std::vector<std::string> lines;
  std::string errors;
};

/// Runs to the end.
inline Finished run(const std::vector<std::string>& arguments, const std::string& folder = ".") {
  Process process{arguments, folder};
  Finished finished;
  finished.lines = process.lines();
  finished.code = process.wait();
  finished.errors = process.errors();
  return finished;
}

/// An empty folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "thyrode-cli-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{*this / name} << text;
    return *this / name;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) all.push_back(entry.path().filename());
    return all;
  }

 private:
  std::string path_;
};

}  // namespace thyrode::test
