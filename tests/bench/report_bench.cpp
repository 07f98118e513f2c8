// The page of a long run: how long it takes and how large it is. Records an hour first, about 1.8 GB in the folder of
// temporary files.

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/emulator/process.hpp"

namespace {

using namespace thyrode::test;

const char* const hour = R"(schema: thyrode.experiment/1
name: hour
plan: list
current: [40 uA, 45.3 uA, 50 uA, 60 uA, 70 uA, 80 uA, 90 uA, 100 uA, 110 uA, 120 uA, 126 uA, 128 uA]
dwell: {stop_when: {ci_rel_f: 0.01 %}, max: 300 s, max_spikes: 1000000}
record: {trace: 125 kS/s}
)";

constexpr double most_seconds = 3.0;
constexpr double most_megabytes = 5.0;

double seconds_of(const std::vector<std::string>& arguments, Finished& finished) {
  const auto begin = std::chrono::steady_clock::now();
  finished = run(arguments);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double megabytes(const std::string& path) {
  return static_cast<double>(std::filesystem::file_size(path)) / 1e6;
}

}  // namespace

int main() {
  const std::string program = THYRODE_PROGRAM;
  const Folder folder;
  const std::string recording = folder / "hour.nwb";
  const std::string page = folder / "hour.html";
  Finished finished;
  const double measured = seconds_of({program, "run", folder.write("hour.yaml", hour), "--out", recording}, finished);
  if (finished.code != 0) {
    fmt::print(stderr, "the run failed: {}\n", finished.errors);
    return 1;
  }
  fmt::print("an hour at 125 kS/s: {:.0f} MB, recorded in {:.1f} s\n", megabytes(recording), measured);
  bool good = true;
  fmt::print("{:<8}{:>12}{:>14}\n", "report", "seconds", "page [MB]");
  for (const char* name : {"first", "again", "again"}) {
    const double seconds = seconds_of({program, "report", recording}, finished);
    if (finished.code != 0) {
      fmt::print(stderr, "the report failed: {}\n", finished.errors);
      return 1;
    }
    fmt::print("{:<8}{:>12.2f}{:>14.2f}\n", name, seconds, megabytes(page));
    good = good && seconds < most_seconds && megabytes(page) < most_megabytes;
  }
  fmt::print("limits: {} s, {} MB: {}\n", most_seconds, most_megabytes, good ? "kept" : "NOT kept");
  return good ? 0 : 1;
}
