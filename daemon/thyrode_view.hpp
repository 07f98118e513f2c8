// How a run looks while it goes on: the table and the moving last lines.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/thyrode_summary.hpp"

namespace thyrode::program {

/// Where a run is shown.
struct Screen {
  std::FILE* out = stdout;     ///< finished rows
  std::FILE* moving = stderr;  ///< notices, and what moves
  bool moves = false;          ///< `moving` is a terminal: lines can be taken back
  bool together = false;       ///< `out` is one too: a row stays among the moving lines until its values are final
};
/// Standard output and standard error.
Screen standard_screen();

/// Shows a run while it goes on. β_n of a step changes with every later one, so no row says it before the end:
/// where rows can be taken back they carry it marked as provisional and end in the final table; where they cannot they
/// come without it as steps end, and the table of final values follows them.
class LiveView {
 public:
  /// @param json  rows as JSON lines on `out` instead of the table
  /// @param wall_clock  steady seconds, to draw at most 20 times a second
  LiveView(bool json, std::function<double()> wall_clock, const Screen& screen = standard_screen());
  /// Takes an event of the run, from one thread.
  void show(const experiment::Event& event);

 private:
  void begin(const experiment::RunStarted& started);
  void add(const experiment::StepFinished& finished);
  void end(const experiment::RunFinished& finished);
  void print(const std::string& line);
  void tell(const std::string& text);
  void erase();
  void draw();
  std::string bar() const;

  bool json_;
  std::function<double()> wall_clock_;
  Screen screen_;
  std::size_t steps_ = 0;       // 0: the plan decides while it runs
  std::size_t most_steps_ = 0;  // of such a plan; 0: it does not say
  StepTable table_;             // as it scrolls by
  std::vector<analysis::StepResult> rows_;
  analysis::StepResult running_;
  double device_time_s_ = 0.0;
  double began_ = 0.0;
  double drawn_ = -1.0;
  std::size_t lines_drawn_ = 0;
};

}  // namespace thyrode::program
