// Writers that die, and what they leave.
#pragma once

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/recording/child_process.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording::testing {

inline std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline constexpr int steps_before_death = 4;

inline void record_steps(Recorder& recorder) {
  std::int64_t at = 5000;
  for (int k = 0; k < steps_before_death; ++k) {
    for (int part = 0; part < 10; ++part, at += 2500) write_all(recorder, ten_milliseconds(at, 10));
    if (!recorder.add_step(step(k), histogram(static_cast<std::uint32_t>(k)), pairs(k))) ::_exit(3);
  }
}

/// Leaves NAME.part of a process that was killed.
inline void leave_unfinished(const std::string& path) {
  const int status = in_child([&] {
    auto recorder = Recorder::create(path, description());
    if (!recorder) ::_exit(1);
    record_steps(*recorder);
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
}

}  // namespace thyrode::recording::testing
