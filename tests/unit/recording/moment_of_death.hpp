// Calls of the operating system that change files, each a moment at which a process can die.
//
// A moment is one such call: the process dies before it, after it, or in the middle of it, where the system may cut it:
// at the border of a page. All that a file can ever look like lies at such a moment.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace thyrode::recording::testing {

/// Shared by the program and the processes that it kills.
struct Shared {
  std::atomic<std::int64_t> calls{0};         ///< that changed files
  std::atomic<std::int64_t> calls_before{0};  ///< finalise() began
  std::int64_t kill_at = -1;                  ///< number of the call; -1 never
  int how = 0;                                ///< 0 before it, 1 after it, else cut after so many eighths
  std::atomic<std::int64_t> written{0};       ///< end of the data handed over, samples
  std::atomic<std::int64_t> acked{0};         ///< end of the data acknowledged as flushed, samples
  std::atomic<std::int64_t> steps{0};         ///< acknowledged
  /// Numbers of the calls that may leave a piece of the file's structure cut in two: those announced in the slot.
  std::array<std::int64_t, 20000> risky{};
  std::atomic<std::size_t> risky_count{0};
  bool note_risky = false;
  /// Calls between which the recording goes over to its next file, from the last ones in the old file alone until the
  /// old file has its name.
  std::array<std::array<std::int64_t, 2>, 8> rolls{};
  std::size_t roll_count = 0;
};

/// In memory that all of them share; made before anything else.
extern Shared* shared;
/// In the process that is to die.
extern bool armed;

}  // namespace thyrode::recording::testing
