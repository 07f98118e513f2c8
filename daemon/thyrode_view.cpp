#include "daemon/thyrode_view.hpp"

#include <fmt/core.h>
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

std::string bracket(const std::optional<double>& low, const std::optional<double>& high) {
  if (!low && !high) return "not seen";
  const auto side = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.3f}", *value) : std::string{"?"};
  };
  return fmt::format("between {} and {} uA", side(low), side(high));
}

}  // namespace

std::string table_head() {
  return fmt::format("{:>4} {:>4} {:>10} {:>10} {:>22} {:>8} {:>7} {:>13} {:>12} {:>10} {:>22} {}", "step", "leg",
                     "I [uA]", "f [Hz]", "95 % interval", "CV", "spikes", "status", "label", "beta_n", "[1/uA] 95 %",
                     "beta");
}

std::string table_row(const analysis::StepResult& step) {
  return fmt::format("{:>4} {:>4} {:>10.4f} {} {:>22} {} {:>7} {:>13} {:>12} {} {:>22} {}", step.index,
                     analysis::to_string(step.direction), step.current_ua,
                     number(step.frequency_hz.value, "{:.4f}", 10), interval(step.frequency_hz, "{:.4f}"),
                     number(step.cv, "{:.4f}", 8), step.n_spikes, analysis::to_string(step.status),
                     analysis::to_string(step.label), number(step.beta_n_per_ua.value, "{:.5f}", 10),
                     interval(step.beta_n_per_ua, "{:.5f}"), analysis::to_string(step.beta_status));
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
  text += fmt::format("integrity      {} samples, {} gaps, {} overruns, {} retransmits, {} late decisions\n",
                      integrity.samples, integrity.gaps, integrity.overruns, integrity.retransmits,
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
  } else if (const auto* notice = std::get_if<experiment::Notice>(&event)) {
    erase();
    fmt::print(stderr, "thyrode: {}\n", notice->text);
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
  int lines = 0;
  for (std::size_t k = printed_; k < rows_.size() && !json_; ++k, ++lines) {
    fmt::print(stderr, "\x1b[2m{}\x1b[0m\n", table_row(rows_[k]));
  }
  const auto done = static_cast<std::size_t>(std::max(0, running_.index));
  const double share = steps_ > 0 ? static_cast<double>(done) / static_cast<double>(steps_) : 0.0;
  const int full = static_cast<int>(std::lround(share * 30.0));
  const double wall = wall_clock_() - began_;
  fmt::print(stderr, "\x1b[1m{}\x1b[0m\n[{:#<{}}{:-<{}}] step {} of {}, {:.1f} s on the bench in {:.1f} s\n",
             table_row(running_), "", full, "", 30 - full, done + 1, steps_, device_time_s_, wall);
  lines_drawn_ = lines + 2;
  std::fflush(stderr);
}

}  // namespace thyrode::program
