// The program under test with a short experiment, and the emulated instrument as a second process.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/emulator/process.hpp"

namespace thyrode::test {

inline const std::string program = THYRODE_PROGRAM;

inline const char* const quick = R"(schema: thyrode.experiment/1
name: quick
plan: list
current: [40 uA, 60 uA, 90 uA, 45 uA]
dwell: {stop_when: {ci_rel_f: 2 %}, max: 20 s}
record: {trace: 25 kS/s}
)";

struct Emulator {
  explicit Emulator(std::vector<std::string> options) : process{with(std::move(options))}, uri{process.line()} {}
  static std::vector<std::string> with(std::vector<std::string> options) {
    options.insert(options.begin(), {program, "emulate"});
    return options;
  }
  Process process;
  std::string uri;
};

/// The current of a line "tick,channel,current,VALUE,..." of a side file, in uA; empty for another event.
inline std::string true_current(const std::string& line) {
  const std::string before = ",current,";
  const std::size_t at = line.find(before);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size();
  return line.substr(begin, line.find(',', begin) - begin);
}

inline std::vector<std::string> rows_of(const Finished& finished) {
  return {finished.lines.begin(), finished.lines.end() - (finished.lines.empty() ? 0 : 1)};
}

}  // namespace thyrode::test
