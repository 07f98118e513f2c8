#include "tests/reference/ngspice.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace thyrode::reference {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, gone when the run is over.
class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "thyrode-ngspice-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + name);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const char* file) const { return path_ / file; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Replaces the value of NAME=value on a .param line.
bool replace_parameter(std::string& line, const std::string& name, const std::string& value) {
  if (!line.starts_with(".param ")) return false;
  const std::size_t at = line.find(" " + name + "=");
  if (at == std::string::npos) return false;
  const std::size_t begin = at + name.size() + 2;
  line.replace(begin, line.find(' ', begin) - begin, value);
  return true;
}

std::string changed_netlist(const std::string& netlist, const Changes& changes,
                            const std::vector<std::string>& signals) {
  std::ifstream file("tests/reference/" + netlist);
  if (!file) throw std::runtime_error("cannot read tests/reference/" + netlist);
  std::ostringstream text;
  std::map<std::string, std::string> left = changes.parameters;
  for (std::string line; std::getline(file, line);) {
    for (const auto& [name, value] : changes.parameters) {
      if (replace_parameter(line, name, value)) left.erase(name);
    }
    if (line.starts_with(".options ") && !changes.options.empty()) line = changes.options;
    if (line.starts_with(".tran ") && !changes.transient.empty()) line = changes.transient;
    // The measurements of the netlist are for people who run it by hand.
    if (line.starts_with("meas ") || line.starts_with("let ") || line.starts_with("print ")) continue;
    if (line == ".endc") {
      if (!signals.empty()) {
        text << "wrdata signals.txt";
        for (const std::string& signal : signals) text << ' ' << signal;
        text << '\n';
      }
      // Without it a netlist that plots nothing ends as if it had failed.
      text << "quit 0\n";
    }
    text << line << '\n';
  }
  if (!left.empty()) throw std::runtime_error(netlist + " has no parameter " + left.begin()->first);
  return text.str();
}

double run_in(const Folder& folder) {
  const pid_t child = fork();
  if (child == 0) {
    const int log = open((folder / "log.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (chdir(folder.path().c_str()) != 0) _exit(126);
    execlp("ngspice", "ngspice", "-b", "netlist.cir", static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) throw std::runtime_error("cannot wait for ngspice");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::ifstream log(folder / "log.txt");
    std::ostringstream said;
    said << log.rdbuf();
    throw std::runtime_error(WIFEXITED(status) && WEXITSTATUS(status) == 127
                                 ? "ngspice is not installed: apt-get install ngspice"
                                 : "ngspice failed: " + said.str());
  }
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Transient run_ngspice(const std::string& netlist, const Changes& changes, const std::vector<std::string>& signals) {
  const Folder folder;
  std::ofstream(folder / "netlist.cir") << changed_netlist(netlist, changes, signals);
  Transient result;
  result.cpu_seconds = run_in(folder);
  result.signals.resize(signals.size());
  if (signals.empty()) return result;
  std::ifstream data(folder / "signals.txt");
  for (double t = 0.0; data >> t;) {
    result.time.push_back(t);
    for (auto& signal : result.signals) {
      double x = 0.0;
      data >> x;
      signal.push_back(x);
    }
  }
  if (result.time.size() < 2) throw std::runtime_error("ngspice wrote no signals for " + netlist);
  return result;
}

std::vector<double> rises(const std::vector<double>& time, const std::vector<double>& signal, double level) {
  std::vector<double> times;
  for (std::size_t k = 1; k < signal.size(); ++k) {
    if (signal[k - 1] >= level || signal[k] < level) continue;
    const double share = (level - signal[k - 1]) / (signal[k] - signal[k - 1]);
    times.push_back(time[k - 1] + share * (time[k] - time[k - 1]));
  }
  return times;
}

}  // namespace thyrode::reference
