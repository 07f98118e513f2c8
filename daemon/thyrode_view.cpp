#include "daemon/thyrode_view.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "daemon/experiment/documents.hpp"

namespace thyrode::program {
namespace {

std::string number(const std::optional<double>& value, const char* format, int width) {
  if (!value) return fmt::format("{:>{}}", "-", width);
  return fmt::format("{:>{}}", fmt::format(fmt::runtime(format), *value), width);
}

std::string interval(const analysis::Estimate& estimate, const char* format) {
  if (!estimate.low && !estimate.high) return "";
  const auto side = [&](const std::optional<double>& value) {
    return value ? fmt::format(fmt::runtime(format), *value) : std::string{"-"};
  };
  return "[" + side(estimate.low) + ", " + side(estimate.high) + "]";
}

/// Columns of the terminal: a line that wraps could not be taken back.
std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : std::size_t{80};
}

std::string bracket(const std::optional<double>& low, const std::optional<double>& high) {
  if (!low && !high) return "not seen";
  const auto side = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.3f}", *value) : std::string{"?"};
  };
  return fmt::format("between {} and {} uA", side(low), side(high));
}

}  // namespace

std::string table_head() {
  return fmt::format("{:>4} {:>4} {:>8} {:>8} {:>18} {:>6} {:>6} {:>12} {:>12} {:>8} {:>16}  {}", "step", "leg",
                     "I [uA]", "f [Hz]", "95 % interval", "CV", "spikes", "status", "label", "beta_n", "95 % [1/uA]",
                     "beta");
}

std::string table_row(const analysis::StepResult& step) {
  return fmt::format("{:>4} {:>4} {:>8.3f} {} {:>18} {} {:>6} {:>12} {:>12} {} {:>16}  {}", step.index,
                     analysis::to_string(step.direction), step.current_ua, number(step.frequency_hz.value, "{:.3f}", 8),
                     interval(step.frequency_hz, "{:.3f}"), number(step.cv, "{:.3f}", 6), step.n_spikes,
                     analysis::to_string(step.status), analysis::to_string(step.label),
                     number(step.beta_n_per_ua.value, "{:.4f}", 8), interval(step.beta_n_per_ua, "{:.4f}"),
                     analysis::to_string(step.beta_status));
}

std::string summary(const analysis::RunResult& result) {
  const analysis::SweepFit& fit = result.fit;
  std::string text = fmt::format("firing begins  {}\nfiring ends    {}\n", bracket(fit.onset_low_ua, fit.onset_high_ua),
                                 bracket(fit.end_low_ua, fit.end_high_ua));
  if (fit.lif) {
    const analysis::LifFit& lif = *fit.lif;
    text += fmt::format(
        "LIF fit        {} over {:.2f} to {:.2f} uA: rheobase {:.3f} [{:.3f}, {:.3f}] uA, tau {:.2f} [{:.2f}, {:.2f}] "
        "ms, refractory "
        "{:.2f} ms, chi2/dof {:.2f}\n",
        lif.accepted ? "accepted" : "not accepted (not a LIF here)", lif.range_low_ua, lif.range_high_ua,
        lif.rheobase_ua, lif.rheobase_low_ua, lif.rheobase_high_ua, lif.tau_ms, lif.tau_low_ms, lif.tau_high_ms,
        lif.refractory_ms, lif.chi2_per_dof);
  } else {
    text += "LIF fit        none (needs four firing steps up to twice the onset)\n";
  }
  const analysis::StepResult* largest = nullptr;
  for (const analysis::StepResult& step : result.steps) {
    if (!step.beta_n_per_ua.value) continue;
    if (largest == nullptr || *step.beta_n_per_ua.value > *largest->beta_n_per_ua.value) largest = &step;
  }
  if (largest != nullptr) {
    text += fmt::format("largest beta_n {:.5f} {} /uA at {:.3f} uA\n", *largest->beta_n_per_ua.value,
                        interval(largest->beta_n_per_ua, "{:.5f}"), largest->current_ua);
  } else {
    text += "largest beta_n none (needs five firing steps on a branch)\n";
  }
  const analysis::Integrity& integrity = result.integrity;
  text += fmt::format(
      "integrity      {} samples, {} gaps, {} lost frames, {} overruns, {} retransmits, {} late decisions\n",
      integrity.samples, integrity.gaps, integrity.lost_frames, integrity.overruns, integrity.retransmits,
      integrity.late_decisions);
  return text;
}

LiveView::LiveView(bool json, std::function<double()> wall_clock)
    : json_{json}, wall_clock_{std::move(wall_clock)}, terminal_{isatty(STDERR_FILENO) != 0} {}

void LiveView::show(const experiment::Event& event) {
  if (const auto* started = std::get_if<experiment::RunStarted>(&event)) {
    steps_ = started->steps;
    began_ = wall_clock_();
    if (!json_) fmt::print("{}\n", table_head());
  } else if (const auto* progress = std::get_if<experiment::StepProgress>(&event)) {
    running_ = progress->row;
    device_time_s_ = progress->device_time_s;
    if (wall_clock_() - drawn_ >= 0.05) draw();
  } else if (const auto* finished = std::get_if<experiment::StepFinished>(&event)) {
    if (json_) {
      erase();
      fmt::print("{}\n", experiment::to_json(finished->row).dump());
      std::fflush(stdout);
    }
  } else if (const auto* updated = std::get_if<experiment::ResultsUpdated>(&event)) {
    rows_ = updated->steps;
    // β_n of a step is known once three more have been measured: its row waits for them.
    constexpr std::size_t wait = 3;
    if (rows_.size() > wait) print_rows(rows_.size() - wait);
  } else if (const auto* paused = std::get_if<experiment::Paused>(&event)) {
    tell(fmt::format(
        "paused at {:.2f} s on the bench: the current is zero, and step {} will begin anew; Ctrl-Z goes on, "
        "Ctrl-C ends the run",
        paused->device_time_s, paused->index));
  } else if (const auto* resumed = std::get_if<experiment::Resumed>(&event)) {
    tell(fmt::format("goes on with step {}", resumed->index));
  } else if (const auto* notice = std::get_if<experiment::Notice>(&event)) {
    tell(notice->text);
  } else if (const auto* end = std::get_if<experiment::RunFinished>(&event)) {
    rows_ = end->result.steps;
    print_rows(rows_.size());
    erase();
  }
}

void LiveView::print_rows(std::size_t up_to) {
  if (json_ || up_to <= printed_) return;
  erase();
  for (; printed_ < up_to; ++printed_) fmt::print("{}\n", table_row(rows_[printed_]));
  std::fflush(stdout);
}

void LiveView::tell(const std::string& text) {
  erase();
  fmt::print(stderr, "thyrode: {}\n", text);
  std::fflush(stderr);
}

void LiveView::erase() {
  if (!terminal_ || lines_drawn_ == 0) return;
  fmt::print(stderr, "\r\x1b[{}A\x1b[J", lines_drawn_);
  std::fflush(stderr);
  lines_drawn_ = 0;
}

void LiveView::draw() {
  if (!terminal_) return;
  std::fflush(stdout);
  erase();
  drawn_ = wall_clock_();
  const std::size_t width = terminal_width();
  const auto line = [width](const char* look, const std::string& text) {
    fmt::print(stderr, "\x1b[{}m{}\x1b[0m\n", look, text.substr(0, width));
  };
  int lines = 0;
  for (std::size_t k = printed_; k < rows_.size() && !json_; ++k, ++lines) line("2", table_row(rows_[k]));
  line("1", table_row(running_));
  const auto done = static_cast<std::size_t>(std::max(0, running_.index));
  const double share = steps_ > 0 ? static_cast<double>(done) / static_cast<double>(steps_) : 0.0;
  const int full = static_cast<int>(std::lround(share * 30.0));
  line("0", fmt::format("[{:#<{}}{:-<{}}] step {} of {}, {:.1f} s on the bench in {:.1f} s", "", full, "", 30 - full,
                        done + 1, steps_, device_time_s_, wall_clock_() - began_));
  lines_drawn_ = lines + 2;
  std::fflush(stderr);
}

}  // namespace thyrode::program
