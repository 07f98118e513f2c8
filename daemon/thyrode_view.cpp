#include "daemon/thyrode_view.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/experiment/documents.hpp"
#include "daemon/thyrode_summary.hpp"

namespace thyrode::program {
namespace {

struct Size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// A line that wraps, or one that has left the screen, could not be taken back.
Size terminal_size(std::FILE* file) {
  winsize size{};
  if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace

Screen standard_screen() {
  const bool moves = isatty(STDERR_FILENO) != 0;
  return {stdout, stderr, moves, moves && isatty(STDOUT_FILENO) != 0};
}

LiveView::LiveView(bool json, std::function<double()> wall_clock, const Screen& screen)
    : json_{json}, wall_clock_{std::move(wall_clock)}, screen_{screen} {}

void LiveView::show(const experiment::Event& event) {
  if (const auto* started = std::get_if<experiment::RunStarted>(&event)) {
    begin(*started);
  } else if (const auto* progress = std::get_if<experiment::StepProgress>(&event)) {
    running_ = progress->row;
    device_time_s_ = progress->device_time_s;
    if (wall_clock_() - drawn_ >= 0.05) draw();
  } else if (const auto* finished = std::get_if<experiment::StepFinished>(&event)) {
    add(*finished);
  } else if (const auto* updated = std::get_if<experiment::ResultsUpdated>(&event)) {
    rows_ = updated->steps;
  } else if (const auto* paused = std::get_if<experiment::Paused>(&event)) {
    tell(fmt::format(
        "paused at {:.2f} s on the bench: the current is zero, and step {} will begin anew; Ctrl-Z goes on, "
        "Ctrl-C ends the run",
        paused->device_time_s, paused->index));
  } else if (const auto* resumed = std::get_if<experiment::Resumed>(&event)) {
    tell(fmt::format("goes on with step {}", resumed->index));
  } else if (const auto* notice = std::get_if<experiment::Notice>(&event)) {
    tell(notice->text);
  } else if (const auto* finished_run = std::get_if<experiment::RunFinished>(&event)) {
    end(*finished_run);
  }
}

void LiveView::begin(const experiment::RunStarted& started) {
  steps_ = started.steps;
  most_steps_ = started.most_steps;
  began_ = wall_clock_();
  if (!json_ && !screen_.together) print(table_head());
}

void LiveView::add(const experiment::StepFinished& finished) {
  if (json_) {
    print(experiment::to_json(finished.row).dump());
  } else if (!screen_.together) {
    print(table_.row(finished.row, BetaShown::later));
  }
}

void LiveView::end(const experiment::RunFinished& finished) {
  erase();
  if (json_ || finished.result.steps.empty()) return;
  if (!screen_.together) print("\nthe same steps with labels and beta_n from all of them:");
  print(table_head());
  StepTable table;
  for (const analysis::StepResult& step : finished.result.steps) print(table.row(step));
}

void LiveView::print(const std::string& line) {
  erase();
  fmt::print(screen_.out, "{}\n", line);
  std::fflush(screen_.out);
}

void LiveView::tell(const std::string& text) {
  erase();
  fmt::print(screen_.moving, "thyrode: {}\n", text);
  std::fflush(screen_.moving);
}

void LiveView::erase() {
  if (!screen_.moves || lines_drawn_ == 0) return;
  fmt::print(screen_.moving, "\r\x1b[{}A\x1b[J", lines_drawn_);
  std::fflush(screen_.moving);
  lines_drawn_ = 0;
}

/// Steps are called by their numbers in the table.
std::string LiveView::bar() const {
  const std::size_t steps = std::max(steps_, most_steps_);
  const double share = steps > 0 ? static_cast<double>(running_.index) / static_cast<double>(steps) : 0.0;
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 20.0));
  const std::string of = steps_ > 0        ? fmt::format(" of 0-{}", steps_ - 1)
                         : most_steps_ > 0 ? fmt::format(", at most {}", most_steps_ - 1)
                                           : std::string{};
  return fmt::format("[{:#<{}}{:-<{}}] step {}{}, {:.1f} s on the bench in {:.1f} s", "", full, "", 20 - full,
                     running_.index, of, device_time_s_, wall_clock_() - began_);
}

void LiveView::draw() {
  if (!screen_.moves) return;
  drawn_ = wall_clock_();
  const Size size = terminal_size(screen_.moving);
  std::string text = lines_drawn_ > 0 ? fmt::format("\r\x1b[{}A\x1b[J", lines_drawn_) : std::string{};
  lines_drawn_ = 0;
  const auto line = [&](const char* look, const std::string& content) {
    text += fmt::format("\x1b[{}m{}\x1b[0m\n", look, content.substr(0, size.columns));
    ++lines_drawn_;
  };
  if (screen_.together && !json_) {
    constexpr std::size_t others = 4;  // head, running step, bar, and the line of the cursor
    const std::size_t room = size.rows > others ? size.rows - others : 0;
    line("0", table_head());
    for (std::size_t k = rows_.size() - std::min(room, rows_.size()); k < rows_.size(); ++k) {
      line("2", table_row(rows_[k], BetaShown::provisional));
    }
  }
  line("1", table_row(running_, BetaShown::later));
  line("0", bar());
  fmt::print(screen_.moving, "{}", text);
  std::fflush(screen_.moving);
}

}  // namespace thyrode::program
