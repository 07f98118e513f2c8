// A disk that refuses one write, or every write from then on, at whatever moment of a run.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "daemon/recording/recovery.hpp"
#include "tests/unit/recording/child_process.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace {

enum class Refusal { none, one, all_later };

std::int64_t writes = 0;  ///< asked for so far
std::int64_t refused = 0;
std::int64_t refuse_at = -1;
Refusal refusal = Refusal::none;

/// A full disk takes what fits on its last page and refuses the rest.
std::size_t cut_at_page(off_t at, std::size_t bytes) {
  constexpr off_t page = 4096;
  const off_t border = (at / page + 1) * page;
  return std::min(bytes, static_cast<std::size_t>(border - at));
}

}  // namespace

// The recorder calls these instead of those of the system.
extern "C" {

ssize_t pwrite64(int file, const void* data, size_t bytes, off64_t at) {
  const std::int64_t number = writes++;
  const bool refuses = (refusal == Refusal::one && number == refuse_at) ||
                       (refusal == Refusal::all_later && refuse_at >= 0 && number >= refuse_at);
  if (!refuses) return static_cast<ssize_t>(::syscall(SYS_pwrite64, file, data, bytes, at));
  if (++refused == 1 && cut_at_page(at, bytes) < bytes) {
    static_cast<void>(::syscall(SYS_pwrite64, file, data, cut_at_page(at, bytes), at));
  }
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite(int file, const void* data, size_t bytes, off_t at) {
  return pwrite64(file, data, bytes, at);
}
}

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

constexpr int steps = 2;
constexpr std::int64_t step_samples = 25000;

/// What a run was told before its disk refused a write; shared with the process of the run.
struct Told {
  bool created = false;
  int steps = 0;
  std::int64_t writes = 0;
  std::int64_t refused = 0;
  std::array<char, 1024> error{};
  std::string message() const { return error.data(); }
  void fails(const Error& with) { with.message.copy(error.data(), error.size() - 1); }
};

/// Records a short run until something fails.
void record_until_refused(const std::string& path, Told& told) {
  auto recorder = Recorder::create(path, description());
  const auto failed = [&](const Result<void>& done) {
    if (!done) told.fails(done.error());
    return !done;
  };
  told.created = recorder.has_value();
  if (!recorder) told.fails(recorder.error());
  std::int64_t at = 5000;
  for (int k = 0; told.created && k < steps; ++k) {
    for (int part = 0; part < 10; ++part, at += 2500) {
      for (const DeviceMessage& message : ten_milliseconds(at, 10)) {
        if (failed(recorder->write(message))) return;
      }
      if (part % 4 == 3 && failed(recorder->flush())) return;
    }
    if (failed(recorder->add_step(step(k), histogram(static_cast<std::uint32_t>(k)), pairs(k)))) return;
    ++told.steps;
    if (failed(recorder->update_results(result(told.steps).steps, result(told.steps).fit))) return;
  }
  if (told.created) failed(recorder->finalise(result(steps), "success"));
}

/// Runs `body` in a process of its own whose disk refuses the write of this number: nothing is sure of a library that
/// has seen a write fail. @returns what body was told
template <class Body>
Told refusing(Refusal how, std::int64_t number, Body&& body) {
  static Told* const shared =
      static_cast<Told*>(::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  *shared = Told{};
  const int status = in_child([&] {
    writes = refused = 0;
    refuse_at = number;
    refusal = how;
    body(*shared);
    refusal = Refusal::none;
    shared->writes = writes;
    shared->refused = refused;
    ::_exit(0);
  });
  EXPECT_EQ(status, 0) << "it died";
  return *shared;
}

void expect_all_that_was_told(const std::string& path, const Told& told) {
  const auto record = read_run(path);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_TRUE(record->finalised);
  const auto found = static_cast<int>(record->result.steps.size());
  ASSERT_GE(found, told.steps);
  EXPECT_EQ(record->result.steps, result(found).steps);
  if (told.steps == 0) return;
  EXPECT_GE(read_trace(path, "A", 0, 1)->total, told.steps * step_samples / 10);
  EXPECT_GE(static_cast<int>(read_spikes(path, "A", 0, 1000)->size()), told.steps * 10);
}

class RefusedWrite : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedWrite, LosesNothingThatWasTold) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const auto record = [&](Told& told) { record_until_refused(path, told); };
  const Told undisturbed = refusing(Refusal::none, -1, record);
  ASSERT_EQ(undisturbed.message(), "");
  const std::int64_t all = undisturbed.writes;
  ASSERT_GT(all, 300);
  fs::remove(path);
  int in_run = 0;
  for (std::int64_t number = 0; number < all; number += 17) {
    SCOPED_TRACE("write " + std::to_string(number) + " of " + std::to_string(all));
    const Told told = refusing(GetParam(), number, record);
    ASSERT_GT(told.refused, 0);
    ASSERT_NE(told.message().find("No space left on device"), std::string::npos) << told.message();
    if (!told.created) {
      EXPECT_TRUE(fs::is_empty(fs::path{path}.parent_path())) << "nothing is left of a run that never began";
      continue;
    }
    ++in_run;
    if (fs::exists(path + ".part")) {
      const auto recovered = recover(path);
      ASSERT_TRUE(recovered) << recovered.error().message;
    }
    expect_all_that_was_told(path, told);
    if (HasFailure()) return;
    fs::remove(path);
  }
  EXPECT_GT(in_run, 40);
}

TEST_P(RefusedWrite, OfARecoveryLeavesTheUnfinishedRecordingAsItWas) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const auto record_half = [&] {
    auto recorder = Recorder::create(path, description());
    for (std::int64_t at = 5000; at < 5000 + step_samples; at += 2500) write_all(*recorder, ten_milliseconds(at, 10));
    ASSERT_TRUE(recorder->add_step(step(0), histogram(0), pairs(0)));
  };
  record_half();
  const auto recover_it = [&](Told& told) {
    if (const auto done = recover(path, {}, true); !done) told.fails(done.error());
  };
  const std::int64_t all = refusing(Refusal::none, -1, recover_it).writes;
  ASSERT_TRUE(fs::remove(path));
  for (std::int64_t number = 0; number < all; number += 5) {
    SCOPED_TRACE("write " + std::to_string(number) + " of " + std::to_string(all));
    const std::string message = refusing(GetParam(), number, recover_it).message();
    EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
    EXPECT_EQ(message.find("recovering-"), std::string::npos) << "of a file that is gone by now: " << message;
    EXPECT_FALSE(fs::exists(path));
    ASSERT_TRUE(fs::exists(path + ".part"));
    ASSERT_EQ(std::distance(fs::directory_iterator{folder.file("")}, fs::directory_iterator{}), 1);
    if (HasFailure()) return;
  }
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(read_run(path)->result.steps, result(1).steps);
}

INSTANTIATE_TEST_SUITE_P(Disk, RefusedWrite, ::testing::Values(Refusal::one, Refusal::all_later),
                         [](const auto& test) { return test.param == Refusal::one ? "Once" : "FromThenOn"; });

}  // namespace
}  // namespace thyrode::recording
