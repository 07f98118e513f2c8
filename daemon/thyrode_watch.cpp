// watch: a run as it is written, from its file alone.

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "daemon/experiment/documents.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/recording/recovery.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_summary.hpp"

namespace thyrode::program {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_ending = ".part";

/// As often as the writer flushes.
constexpr std::chrono::milliseconds pause{250};

class Watch {
 public:
  Watch(const std::string& path, bool json)
      : final_{path.ends_with(part_ending) ? path.substr(0, path.size() - part_ending.size()) : path},
        part_{final_ + std::string{part_ending}},
        json_{json} {}

  int run() {
    while (true) {
      const recording::Writer writer = recording::writer_of(part_);
      std::error_code error;
      // The name changes last, so a file that has the old one is looked at under it.
      if (!fs::exists(part_, error)) {
        if (!go_on()) return finished();
        continue;
      }
      const auto record = recording::read_run(part_);
      if (record) show(*record);
      if (writer == recording::Writer::gone && fs::exists(part_, error)) return abandoned();
      if (!record && writer != recording::Writer::alive) return report(record.error());
      // While the file is being finished it cannot be read.
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  /// The run goes on in another file: that one has all rows, and is followed now.
  bool go_on() {
    const auto record = recording::read_run(final_);
    if (!record || record->next_file.empty()) return false;
    const std::string next = (fs::path{final_}.parent_path() / record->next_file).string();
    std::error_code error;
    if (!fs::exists(next, error) && !fs::exists(next + std::string{part_ending}, error)) return false;
    show(*record);
    final_ = next;
    part_ = next + std::string{part_ending};
    return true;
  }

  int finished() {
    const auto record = recording::read_run(final_);
    if (!record) return report(record.error());
    show(*record);
    clear_line();
    if (json_) {
      fmt::print("{}\n", experiment::to_json(record->result).dump());
    } else {
      fmt::print("\n{}ended          {}\nfile           {}\n", summary(record->result), record->exit_status, final_);
    }
    return 0;
  }

  int abandoned() {
    clear_line();
    return report({ErrorKind::run_failed,
                   fmt::format("{}: its program died, and nothing more will come; `thyrode recover {}` finishes it",
                               part_, part_)});
  }

  /// Prints the steps that are new, and on a terminal the one under way.
  void show(const recording::RunRecord& record) {
    const auto& steps = record.result.steps;
    if (shown_ < steps.size()) clear_line();
    if (!json_ && shown_ == 0 && !steps.empty()) fmt::print("{}\n", table_head());
    for (; shown_ < steps.size(); ++shown_) {
      const analysis::StepResult& step = steps[shown_];
      if (json_) {
        fmt::print("{}\n", experiment::to_json(step).dump());
      } else {
        fmt::print("{}\n", table_row(step, record.finalised ? BetaShown::final : BetaShown::provisional));
      }
    }
    std::fflush(stdout);
    if (!record.running || ::isatty(STDERR_FILENO) == 0) return;
    const recording::RunningStretch& running = *record.running;
    fmt::print(stderr, "\r\x1b[K{:.3f} uA on {}: {} spikes{}", running.current_ua, running.channel, running.n_spikes,
               running.frequency_hz ? fmt::format(", {:.3f} Hz", *running.frequency_hz) : std::string{});
    std::fflush(stderr);
    line_ = true;
  }

  void clear_line() {
    if (line_) fmt::print(stderr, "\r\x1b[K");
    line_ = false;
  }

  std::string final_;
  std::string part_;
  bool json_;
  bool line_ = false;
  std::size_t shown_ = 0;
};

}  // namespace

int watch(const std::string& path, bool json) {
  return Watch{path, json}.run();
}

}  // namespace thyrode::program
