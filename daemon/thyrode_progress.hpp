// What long computations show on the standard error stream while they go on.
#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace thyrode::program {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The points of a map: a bar that moves on a terminal; elsewhere a line each time points are written.
class MapProgress {
 public:
  explicit MapProgress(std::int64_t points)
      : points_{points}, terminal_{isatty(STDERR_FILENO) != 0}, begun_{steady_seconds()} {}

  void show(std::int64_t known, std::int64_t written) {
    if (first_ < 0) first_ = known;
    const double now = steady_seconds();
    if (!terminal_) {
      if (written == written_) return;
      written_ = written;
      fmt::print(stderr, "{} of {} points, {} %\n", written, points_, 100 * written / points_);
      return;
    }
    if (now - drawn_ < 0.1 && known < points_) return;
    drawn_ = now;
    const int full = static_cast<int>(30 * known / points_);
    std::string left;
    if (known > first_ && known < points_) {
      const double pace = static_cast<double>(known - first_) / (now - begun_);
      left = fmt::format(", {:.0f} s left", static_cast<double>(points_ - known) / pace);
    }
    fmt::print(stderr, "\r\x1b[K[{:#<{}}{:-<{}}] {} of {} points, {} %{}", "", full, "", 30 - full, known, points_,
               100 * known / points_, left);
    std::fflush(stderr);
  }
  void end() const {
    if (terminal_) fmt::print(stderr, "\n");
  }

 private:
  std::int64_t points_;
  bool terminal_;
  double begun_;
  std::int64_t first_ = -1;
  std::int64_t written_ = -1;
  double drawn_ = 0.0;
};

/// A simulation that takes longer than people like to wait: a line on a terminal, which goes when it is done; nothing
/// elsewhere.
class SimulationProgress {
 public:
  SimulationProgress() : terminal_{isatty(STDERR_FILENO) != 0}, begun_{steady_seconds()} {}
  SimulationProgress(const SimulationProgress&) = delete;
  SimulationProgress& operator=(const SimulationProgress&) = delete;
  ~SimulationProgress() {
    if (!shown_) return;
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  }

  /// @param share  of the whole that is done, 0 to 1
  void show(double share) {
    constexpr double patience = 2.0;  // s
    constexpr double pause = 0.1;     // s
    if (!terminal_ || share <= 0.0) return;
    const double now = steady_seconds();
    if (now - begun_ < patience || now - drawn_ < pause) return;
    drawn_ = now;
    shown_ = true;
    fmt::print(stderr, "\r\x1b[Ksimulated {:.0f} %, {:.0f} s left", 100.0 * share,
               (now - begun_) * (1.0 - share) / share);
    std::fflush(stderr);
  }

 private:
  bool terminal_;
  double begun_;
  double drawn_ = 0.0;
  bool shown_ = false;
};

}  // namespace thyrode::program
