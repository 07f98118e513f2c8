// How a run looks in a terminal: the table, the moving last lines, the summary.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "daemon/analysis/result.hpp"
#include "daemon/experiment/events.hpp"

namespace thyrode::program {

/// The head of the step table.
std::string table_head();
/// One row of it.
std::string table_row(const analysis::StepResult& step);
/// Onset, upper end, LIF fit, largest β_n and integrity, several lines.
std::string summary(const analysis::RunResult& result);

/// Shows a run while it goes on. Finished rows go to standard output; the row of the running step and the progress bar
/// go to standard error, and only if that is a terminal.
class LiveView {
 public:
  /// @param json  rows as JSON lines on standard output instead of the table
  /// @param wall_clock  steady seconds, to draw at most 20 times a second
  LiveView(bool json, std::function<double()> wall_clock);
  /// Takes an event of the run, from one thread.
  void show(const experiment::Event& event);

 private:
  void print_rows(std::size_t up_to);
  void tell(const std::string& text);
  void erase();
  void draw();

  bool json_;
  std::function<double()> wall_clock_;
  bool terminal_;
  std::size_t steps_ = 0;
  std::size_t printed_ = 0;
  std::vector<analysis::StepResult> rows_;
  analysis::StepResult running_;
  double device_time_s_ = 0.0;
  double began_ = 0.0;
  double drawn_ = -1.0;
  int lines_drawn_ = 0;
};

}  // namespace thyrode::program
