// Whether the memory of a run grows with its length: the largest resident set of `thyrode run`, by the same plan at two
// lengths and with two numbers of steps. What is kept of each step is its row; nothing is kept of each spike, level or
// sample. bench_memory [PART]: PART of the lengths, up to 1.

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/emulator/process.hpp"

namespace {

using namespace thyrode::test;

/// A run of `steps` equal steps.
struct Length {
  int steps;
  double step_s;
  double hours() const { return steps * step_s / 3600.0; }
};

/// A kind of run at three lengths: twice as many steps of the same length each, and the same number of longer ones.
struct Case {
  const char* name;
  const char* record;
  Length base, longer, more;
  double most_mb_per_hour;
  double most_kb_per_step;
};

// The resident set settles in the first hour of spikes, some 15 MB above where it begins; what is limited is what comes
// after that: rows of steps and of files.
constexpr Case cases[] = {
    {"spikes only, by events", "trace: off", {6, 600.0}, {6, 2400.0}, {24, 600.0}, 4.0, 400.0},
    {"trace of 25 kS/s in files of 2 min",
     "trace: 25 kS/s, roll_after: 2 min",
     {6, 200.0},
     {6, 800.0},
     {24, 200.0},
     8.0,
     400.0},
};

std::string experiment(const Case& of, const Length& length) {
  std::string currents;
  for (int k = 0; k < length.steps; ++k) currents += fmt::format("{}{} uA", k > 0 ? ", " : "", 60.0 + 0.5 * k);
  return fmt::format(
      "schema: thyrode.experiment/1\nname: long\nplan: list\ncurrent: [{}]\n"
      "dwell: {{stop_when: {{ci_rel_f: 0.01 %}}, max: {} s, max_spikes: 10000000}}\nrecord: {{{}}}\n",
      currents, length.step_s, of.record);
}

/// Runs a program to its end. @returns its largest resident set, MB; nothing if it failed
std::optional<double> peak_mb(const std::vector<std::string>& arguments) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> words;
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    if (std::freopen("/dev/null", "w", stdout) != nullptr) ::execv(words[0], words.data());
    ::_exit(127);
  }
  int status = 0;
  struct rusage usage {};
  if (::wait4(child, &status, 0, &usage) != child || status != 0) return std::nullopt;
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

std::optional<double> measure(const Case& of, const Length& length) {
  const Folder folder;
  const auto peak = peak_mb({THYRODE_PROGRAM, "run", folder.write("long.yaml", experiment(of, length)), "--device",
                             "sim:msn", "--out", folder / "long.nwb"});
  if (!peak) {
    fmt::print(stderr, "{}: the run of {} steps failed\n", of.name, length.steps);
    return peak;
  }
  fmt::print("  {:>3} steps, {:>6.3f} h: {:>7.1f} MB\n", length.steps, length.hours(), *peak);
  return peak;
}

bool kept(const Case& of) {
  fmt::print("{}\n", of.name);
  const auto base = measure(of, of.base);
  const auto longer = base ? measure(of, of.longer) : base;
  const auto more = longer ? measure(of, of.more) : longer;
  if (!more) return false;
  // The two long runs are of one length: what differs comes from the steps.
  const double per_hour = (*longer - *base) / (of.longer.hours() - of.base.hours());
  const double per_step = (*more - *longer) * 1024.0 / (of.more.steps - of.longer.steps);
  const bool good = per_hour < of.most_mb_per_hour && per_step < of.most_kb_per_step;
  fmt::print("  {:.2f} MB an hour (limit {}), {:.1f} kB a step (limit {}): {}\n", per_hour, of.most_mb_per_hour,
             per_step, of.most_kb_per_step, good ? "kept" : "NOT kept");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const double part = argc > 1 ? std::atof(argv[1]) : 1.0;
  if (!(part > 0.0 && part <= 1.0)) {
    fmt::print(stderr, "usage: bench_memory [PART]\n");
    return 2;
  }
  bool good = true;
  for (Case of : cases) {
    for (Length* length : {&of.base, &of.longer, &of.more}) length->step_s *= part;
    good = kept(of) && good;
  }
  return good ? 0 : 1;
}
