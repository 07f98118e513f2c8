// What survives the death of the writer, a full disk and a damaged file.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/layout.hpp"
#include "tests/unit/recording/child_process.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

constexpr int steps_before_death = 5;

/// Records steps, flushes, writes a little more, and dies without a word.
void record_and_die(const std::string& path, int unflushed_tens) {
  RunDescription run = description();
  auto recorder = Recorder::create(path, run);
  if (!recorder) ::_exit(1);
  std::int64_t at = 5000;
  for (int k = 0; k < steps_before_death; ++k) {
    for (int part = 0; part < 10; ++part, at += 2500) {
      for (const auto& message : ten_milliseconds(at, 10)) {
        if (!recorder->write(message)) ::_exit(2);
      }
    }
    if (!recorder->add_step(step(k), histogram(static_cast<std::uint32_t>(k)))) ::_exit(3);
  }
  for (int part = 0; part < unflushed_tens; ++part, at += 2500) {
    for (const auto& message : ten_milliseconds(at, 10)) {
      if (!recorder->write(message)) ::_exit(4);
    }
  }
  ::kill(::getpid(), SIGKILL);
}

TEST(DeadWriter, LeavesEverythingThatWasFlushed) {
  const Folder folder;
  for (const int unflushed : {0, 1, 7, 60, 150}) {
    const std::string path = folder.file("run" + std::to_string(unflushed) + ".nwb");
    const int status = in_child([&] { record_and_die(path, unflushed); });
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    const auto record = read_run(path + ".part");
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_FALSE(record->finalised);
    EXPECT_EQ(record->result.steps, result(steps_before_death).steps);
    const auto trace = read_trace(path + ".part", "A", 0, 12500);
    ASSERT_TRUE(trace) << trace.error().message;
    ASSERT_EQ(trace->values_mv.size(), 12500U);
    for (std::int64_t k = 0; k < 12500; ++k) {
      const auto sum = (5000 + k * 10) * 7 % 4096 * 10;
      ASSERT_EQ(trace->code_sum(trace->values_mv[static_cast<std::size_t>(k)]), sum) << k;
    }
    EXPECT_GE(read_spikes(path + ".part", "A", 0, 1000)->size(), 50U);
  }
}

TEST(DeadWriter, HasFlushedByDeviceTimeWhenAskedTo) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const int status = in_child([&] {
    RunDescription run = description();
    run.flush_samples = 62500;
    auto recorder = Recorder::create(path, run);
    if (!recorder) ::_exit(1);
    for (std::int64_t at = 5000; at < 5000 + 40 * 2500; at += 2500) {
      for (const auto& message : ten_milliseconds(at, 10)) {
        if (!recorder->write(message)) ::_exit(2);
      }
    }
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  const auto trace = read_trace(path + ".part", "A", 0, 100000);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->total, 6250);
}

/// Waits for one byte from a pipe.
void wait_for(int end) {
  char byte = 0;
  static_cast<void>(::read(end, &byte, 1));
}

TEST(GrowingFile, CanBeFollowedByAReader) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  int flushed[2];
  int finish[2];
  ASSERT_EQ(::pipe(flushed), 0);
  ASSERT_EQ(::pipe(finish), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    auto recorder = Recorder::create(path, description());
    if (!recorder) ::_exit(1);
    for (const auto& message : ten_milliseconds(5000, 10)) {
      if (!recorder->write(message)) ::_exit(2);
    }
    if (!recorder->add_step(step(0), {})) ::_exit(3);
    static_cast<void>(::write(flushed[1], "x", 1));
    wait_for(finish[0]);
    ::_exit(recorder->finalise(result(1), "success") ? 0 : 4);
  }
  wait_for(flushed[0]);
  const auto record = read_run(path + ".part");
  const auto trace = read_trace(path + ".part", "A", 0, 1000);
  static_cast<void>(::write(finish[1], "x", 1));
  int status = 0;
  ::waitpid(writer, &status, 0);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->result.steps, result(1).steps);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->total, 250);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_run(path)->result, result(1));
}

TEST(FullDisk, EndsTheRunWithAMessageAndKeepsWhatWasFlushed) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const std::string message_file = folder.file("message");
  const int status = in_child([&] {
    // A limit on the size of files stands for the end of the disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4U << 20, 4U << 20};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
    auto recorder = Recorder::create(path, description(1));
    if (!recorder) ::_exit(2);
    Result<void> done;
    for (std::int64_t at = 5000; done && at < 5000 + 2500 * 2000; at += 2500) {
      for (const auto& message : ten_milliseconds(at, 1)) {
        if (done) done = recorder->write(message);
      }
      if (done) done = recorder->flush();
    }
    if (done || done.error().kind != ErrorKind::run_failed) ::_exit(3);
    std::ofstream{message_file} << done.error().message;
    if (recorder->flush()) ::_exit(4);
    { const Recorder dropped = std::move(*recorder); }
    ::_exit(0);
  });
  ASSERT_TRUE(WIFEXITED(status)) << status;
  ASSERT_EQ(WEXITSTATUS(status), 0);
  std::ifstream file{message_file};
  const std::string message{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_NE(message.find(path + ".part"), std::string::npos) << message;
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(message.find("h5clear"), std::string::npos) << message;
  const auto trace = read_trace(path + ".part", "A", 0, 1000000);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_GT(trace->total, 500000);
  for (std::size_t k = 0; k < 250000; ++k) {
    ASSERT_EQ(trace->code_sum(trace->values_mv[k]), (5000 + static_cast<std::int64_t>(k)) * 7 % 4096) << k;
  }
}

TEST(ReadRun, SaysThatThereIsNoFile) {
  const Folder folder;
  const auto record = read_run(folder.file("nothing.nwb"));
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().kind, ErrorKind::bad_input);
  EXPECT_NE(record.error().message.find("no such file"), std::string::npos) << record.error().message;
}

TEST(ReadRun, SaysThatAFileIsNotHdf5) {
  const Folder folder;
  for (const std::string& content : {std::string{}, std::string{"time,voltage\n0,1\n"}, std::string(10000, '\xff')}) {
    std::ofstream{folder.file("other.nwb"), std::ios::binary} << content;
    const auto record = read_run(folder.file("other.nwb"));
    ASSERT_FALSE(record);
    EXPECT_EQ(record.error().kind, ErrorKind::bad_input);
    EXPECT_NE(record.error().message.find("not an HDF5 file"), std::string::npos) << record.error().message;
  }
}

TEST(ReadRun, SaysThatAnHdf5FileIsNotARecording) {
  const Folder folder;
  const std::string path = folder.file("other.h5");
  H5Fclose(H5Fcreate(path.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT));
  const auto record = read_run(path);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().kind, ErrorKind::bad_input);
  EXPECT_NE(record.error().message.find("not a recording"), std::string::npos) << record.error().message;
}

TEST(ReadRun, SaysThatARecordingIsNewerThanItself) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 1);
  {
    const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
    ASSERT_GE(H5Adelete_by_name(file.get(), layout::provenance, "schema", H5P_DEFAULT), 0);
    Builder{file.get(), 0}.attribute(layout::provenance, "schema", "thyrode.recording/2");
  }
  const auto record = read_run(path);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().kind, ErrorKind::bad_input);
  EXPECT_NE(record.error().message.find("its schema is thyrode.recording/2"), std::string::npos);
  EXPECT_NE(record.error().message.find("newer version"), std::string::npos) << record.error().message;
}

TEST(ReadRun, NeverFallsOverAFileCutAnywhere) {
  const Folder folder;
  const std::string whole = folder.file("run.nwb");
  record_run(whole, description(), 2);
  std::ifstream file{whole, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  for (std::size_t cut = 9; cut < bytes.size(); cut += bytes.size() / 37) {
    const std::string part = folder.file("cut.nwb");
    std::ofstream{part, std::ios::binary} << bytes.substr(0, cut);
    const auto record = read_run(part);
    ASSERT_FALSE(record) << cut;
    EXPECT_EQ(record.error().kind, ErrorKind::bad_input);
    EXPECT_NE(record.error().message.find(part), std::string::npos) << record.error().message;
  }
}

}  // namespace
}  // namespace thyrode::recording
