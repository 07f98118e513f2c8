// Recordings whose writer died, and what is left of them.
#include "daemon/recording/recovery.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <sstream>

#include "daemon/recording/checksum.hpp"
#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/step_table.hpp"
#include "daemon/recording/superblock.hpp"
#include "daemon/recording/tail.hpp"
#include "daemon/recording/undo_journal.hpp"
#include "daemon/recording/write_slot.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// Runs `body` in a process of its own. @returns wait status
template <class Body>
int in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

constexpr int steps_before_death = 4;

void record_steps(Recorder& recorder) {
  std::int64_t at = 5000;
  for (int k = 0; k < steps_before_death; ++k) {
    for (int part = 0; part < 10; ++part, at += 2500) write_all(recorder, ten_milliseconds(at, 10));
    if (!recorder.add_step(step(k), histogram(static_cast<std::uint32_t>(k)), pairs(k))) ::_exit(3);
  }
}

/// Leaves NAME.part of a process that was killed.
void leave_unfinished(const std::string& path) {
  const int status = in_child([&] {
    auto recorder = Recorder::create(path, description());
    if (!recorder) ::_exit(1);
    record_steps(*recorder);
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
}

TEST(Recover, FinishesTheRecordingOfADeadWriterAndTakesItsNameOver) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  const auto recovered = recover(path + ".part");
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->path, path);
  EXPECT_EQ(recovered->steps, steps_before_death);
  EXPECT_EQ(recovered->spikes, 40);
  EXPECT_EQ(recovered->samples, 100000);
  EXPECT_DOUBLE_EQ(recovered->seconds, 0.4);
  EXPECT_FALSE(recovered->source_kept);
  const auto record = read_run(path);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_TRUE(record->finalised);
  EXPECT_EQ(record->exit_status, "recovered");
  EXPECT_EQ(record->result.steps, result(steps_before_death).steps);
  EXPECT_EQ(record->result.integrity.samples, 100000);
  EXPECT_EQ(read_trace(path, "A", 0, 100000)->total, 10000);
  EXPECT_EQ(read_isi_counts(path, 3), histogram(3));
  EXPECT_EQ((*read_pair_correlation(path, 3))->counts, pairs(3).counts);
  EXPECT_EQ(std::distance(fs::directory_iterator{folder.file("")}, fs::directory_iterator{}), 1) << "nothing beside it";
}

TEST(Recover, LetsItsCallerCompleteTheResult) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  const auto fitted = [](const RunRecord& record, analysis::RunResult& whole) {
    EXPECT_EQ(record.experiment_yaml, description().experiment_yaml);
    whole.fit = result(0).fit;
  };
  ASSERT_TRUE(recover(path, fitted));
  EXPECT_EQ(read_run(path)->result.fit, result(0).fit);
}

TEST(Recover, KeepsTheUnfinishedFileWhenAskedTo) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  const std::string before = bytes_of(path + ".part");
  const auto recovered = recover(path + ".part", {}, true);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_TRUE(recovered->source_kept);
  EXPECT_TRUE(bytes_of(path + ".part") == before) << "it worked on a copy";
  const auto again = recover(path + ".part");
  ASSERT_TRUE(again) << "what it made before is no other recording: " << again.error().message;
  EXPECT_FALSE(fs::exists(path + ".part"));
  EXPECT_EQ(read_run(path)->result.steps.size(), 4U);
}

TEST(Recover, MarksAFileAsClosedByTheBytesThatTheLibrarysOwnToolWrites) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  const std::string by_tool = folder.file("tool");
  fs::copy_file(path + ".part", by_tool);
  const int status = in_child([&] { ::execlp("h5clear", "h5clear", "-s", "--increment=0", by_tool.c_str(), nullptr); });
  ASSERT_EQ(status, 0) << "h5clear is in the Debian package hdf5-tools";
  const std::string ours = folder.file("ours");
  fs::copy_file(path + ".part", ours);
  mark_closed(ours);
  EXPECT_TRUE(bytes_of(ours) == bytes_of(by_tool));
  EXPECT_TRUE(bytes_of(ours) != bytes_of(path + ".part"));
  mark_closed(ours);
  EXPECT_TRUE(bytes_of(ours) == bytes_of(by_tool)) << "a closed file stays as it is";
}

TEST(Recover, RefusesARecordingThatIsStillWritten) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder);
  EXPECT_EQ(writer_of(path + ".part"), Writer::alive);
  const auto recovered = recover(path + ".part");
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().kind, ErrorKind::bad_input);
  EXPECT_NE(recovered.error().message.find("still being written"), std::string::npos) << recovered.error().message;
  EXPECT_TRUE(unfinished_in(folder.file("")).empty());
  EXPECT_TRUE(recorder->finalise(result(0), "success")) << "nothing of it was touched";
}

TEST(Recover, RefusesToReplaceAnotherRecording) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  RunDescription other = description();
  other.wall_clock.created = "2024-02-03T21:00:00+01:00";
  record_run(folder.file("other.nwb"), other, 1);
  fs::rename(folder.file("other.nwb"), path);
  const std::string before = bytes_of(path);
  const auto recovered = recover(path + ".part");
  ASSERT_FALSE(recovered);
  EXPECT_NE(recovered.error().message.find("is another recording"), std::string::npos) << recovered.error().message;
  EXPECT_TRUE(bytes_of(path) == before);
  EXPECT_TRUE(fs::exists(path + ".part"));
  EXPECT_FALSE(fs::exists(path + ".recovering"));
}

TEST(Recover, SaysWhatCannotBeRecovered) {
  const Folder folder;
  const auto message = [&](const std::string& name) {
    const auto recovered = recover(folder.file(name));
    EXPECT_FALSE(recovered);
    EXPECT_EQ(recovered.error().kind, ErrorKind::bad_input);
    return recovered ? std::string{} : recovered.error().message;
  };
  EXPECT_NE(message("none.nwb.part").find("no such file"), std::string::npos);
  record_run(folder.file("whole.nwb"), description(), 1);
  EXPECT_NE(message("whole.nwb").find("is not unfinished"), std::string::npos);
  std::ofstream{folder.file("text.nwb.part")} << "time,voltage\n" << std::string(100, '0');
  EXPECT_NE(message("text.nwb.part").find("not a recording"), std::string::npos) << "long enough to be one";
  EXPECT_TRUE(fs::exists(folder.file("text.nwb.part")));
  EXPECT_FALSE(fs::exists(folder.file("text.nwb.recovering")));
}

TEST(Recover, SaysThatNothingWasRecordedYet) {
  const Folder folder;
  const std::string path = folder.file("run.nwb.part");
  for (const bool flushed : {false, true}) {
    const int status = in_child([&] {
      WriteSlot slot{path};
      const h5::Handle file = create_file(path, slot);
      Builder{file.get(), 1}.group("/general");
      if (flushed) H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
      ::kill(::getpid(), SIGKILL);
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto recovered = recover(path);
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().kind, ErrorKind::bad_input);
    EXPECT_NE(recovered.error().message.find("before anything was recorded"), std::string::npos)
        << recovered.error().message;
    EXPECT_TRUE(fs::exists(path)) << "it is not ours to remove";
    fs::remove(path);
  }
}

TEST(Recover, FindsWhatDeadWritersLeftInAFolder) {
  const Folder folder;
  leave_unfinished(folder.file("b.nwb"));
  leave_unfinished(folder.file("a.nwb"));
  record_run(folder.file("c.nwb"), description(), 1);
  const std::vector<std::string> wanted{folder.file("a.nwb.part"), folder.file("b.nwb.part")};
  EXPECT_EQ(unfinished_in(fs::path{folder.file("a")}.parent_path().string()), wanted);
  EXPECT_TRUE(unfinished_in(folder.file("nowhere")).empty());
}

TEST(Recover, CutsTablesToTheirShortestColumnAndRowsThatNeverCame) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  mark_closed(path + ".part");
  {
    const h5::Handle file{H5Fopen((path + ".part").c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
    const auto extend = [&](const std::string& data, hsize_t rows) {
      const h5::Handle set = h5::open_dataset(file.get(), data);
      ASSERT_GE(H5Dset_extent(set.get(), &rows), 0);
    };
    const std::string spikes = layout::spikes("A").path;
    extend(spikes + "/tick", 45);  // one column ahead of the others
    const std::string marks = layout::marks().path;
    for (const char* column : {"tick", "state", "fault", "overruns", "dropped_frames", "bad_frames", "id"}) {
      extend(marks + "/" + column, 43);  // rows of zeros
    }
    extend(layout::trace("A") + "/data", 30000);  // values that were never written
  }
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->rows_cut, 5 + 3 + 20000);
  EXPECT_EQ(recovered->holes, 0);
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  EXPECT_EQ(row_count(file.get(), layout::spikes("A").path + "/tick"), 40);
  EXPECT_EQ(row_count(file.get(), layout::marks().path + "/bad_frames"), 40);
  EXPECT_EQ(row_count(file.get(), layout::trace("A") + "/data"), 10000);
}

TEST(Recover, ListsAHoleThatNoGapTellsOf) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  mark_closed(path + ".part");
  {
    const h5::Handle file{H5Fopen((path + ".part").c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
    const h5::Handle set = h5::open_dataset(file.get(), layout::trace("A") + "/data");
    const hsize_t first = 300;
    const hsize_t count = 20;
    const std::vector<float> nothing(count, std::numeric_limits<float>::quiet_NaN());
    const h5::Handle space{H5Dget_space(set.get())};
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr);
    const h5::Handle memory{H5Screate_simple(1, &count, nullptr)};
    ASSERT_GE(H5Dwrite(set.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT, nothing.data()), 0);
  }
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->holes, 1);
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  const std::string gaps = layout::invalid_times().path;
  EXPECT_EQ(read_column<std::int64_t>(file.get(), gaps + "/first_sample", 0, 1), (std::vector<std::int64_t>{8000}));
  EXPECT_EQ(read_column<std::int64_t>(file.get(), gaps + "/end_sample", 0, 1), (std::vector<std::int64_t>{8200}));
  EXPECT_TRUE(unlisted_holes(file.get(), "A", 0).empty());
}

// ---------------------------------------------------------------- changes that can be taken back

TEST(UndoableFile, TakesEverythingBackWithoutCommit) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 2);
  const std::string before = bytes_of(path);
  {
    UndoableFile file{path};
    EXPECT_TRUE(has_journal(path));
    Builder builder{file.get(), 1};
    builder.remove(layout::marks().path);
    builder.array("/scratch/more", std::vector<double>(100000, 1.5));
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
    EXPECT_TRUE(bytes_of(path) != before);
  }
  EXPECT_TRUE(bytes_of(path) == before);
  EXPECT_FALSE(has_journal(path));
}

TEST(UndoableFile, TakesBackWhatADeadProcessHasChanged) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 2);
  const std::string before = bytes_of(path);
  const int status = in_child([&] {
    UndoableFile file{path};
    Builder builder{file.get(), 1};
    builder.remove(layout::marks().path);
    builder.array("/scratch/more", std::vector<double>(100000, 1.5));
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_TRUE(bytes_of(path) != before);
  const auto record = read_run(path);
  ASSERT_FALSE(record) << "half changed, it is not to be read";
  EXPECT_NE(record.error().message.find("thyrode recover"), std::string::npos) << record.error().message;
  // A journal cut in the middle of its last page: the write that the page was kept for had not begun.
  std::ofstream{journal_of(path), std::ios::app | std::ios::binary} << std::string(1000, 'x');
  take_back(journal_of(path), path);
  EXPECT_TRUE(bytes_of(path) == before);
}

TEST(Finalise, LeavesTheDataAsTheyWereWhenTheDiskFillsUpInTheMiddleOfIt) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  const std::string message_file = folder.file("message");
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto recorder = Recorder::create(path, description());
    if (!recorder) ::_exit(1);
    record_steps(*recorder);
    const auto size = static_cast<rlim_t>(fs::file_size(path + ".part"));
    const rlimit limit{size + 2000, size + 2000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const auto done = recorder->finalise(result(steps_before_death), "success");
    if (done) ::_exit(4);
    std::ofstream{message_file} << done.error().message;
    ::_exit(0);
  });
  ASSERT_TRUE(WIFEXITED(status)) << status;
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_NE(bytes_of(message_file).find("File too large"), std::string::npos) << bytes_of(message_file);
  EXPECT_FALSE(has_journal(path + ".part"));
  EXPECT_EQ(read_run(path + ".part")->result.steps.size(), 4U);
  ASSERT_TRUE(recover(path)) << "with room again it is finished";
  EXPECT_EQ(read_run(path)->result.steps, result(steps_before_death).steps);
}

// ---------------------------------------------------------------- writes cut in two

TEST(WriteSlot, MakesAWriteWholeThatWasCut) {
  const Folder folder;
  const std::string path = folder.file("file");
  const std::string text(20000, 'a');
  std::ofstream{path} << text;
  const std::string news(6000, 'b');
  {
    WriteSlot slot{path};
    EXPECT_TRUE(slot.before_write(-1, 3000, std::as_bytes(std::span{news}), true));
  }
  std::string cut = text;
  cut.replace(3000, 1096, news.substr(0, 1096));
  std::ofstream{path} << cut;
  whole_again(slot_of(path), path);
  std::string whole = text;
  whole.replace(3000, 6000, news);
  EXPECT_TRUE(bytes_of(path) == whole);
  // A slot that is itself cut: its write had not begun.
  fs::resize_file(slot_of(path), 4000);
  std::ofstream{path} << text;
  whole_again(slot_of(path), path);
  EXPECT_TRUE(bytes_of(path) == text);
}

TEST(WriteSlot, IsEmptiedBeforeALaterWriteChangesTheSameBytes) {
  const Folder folder;
  const std::string path = folder.file("file");
  const std::string text(20000, 'a');
  std::ofstream{path} << text;
  const std::string news(6000, 'b');
  const std::string other(10, 'c');
  WriteSlot slot{path};
  EXPECT_TRUE(slot.before_write(-1, 3000, std::as_bytes(std::span{news}), true));
  EXPECT_TRUE(slot.before_write(-1, 9000, std::as_bytes(std::span{other}), true));
  whole_again(slot_of(path), path);
  EXPECT_TRUE(bytes_of(path) != text) << "what lies elsewhere leaves the slot as it is";
  std::ofstream{path} << text;
  EXPECT_TRUE(slot.before_write(-1, 8990, std::as_bytes(std::span{other}), false));
  whole_again(slot_of(path), path);
  EXPECT_TRUE(bytes_of(path) == text);
}

TEST(WriteSlot, IsOnlyForStructureThatCrossesAPage) {
  const Folder folder;
  const std::string path = folder.file("file");
  const std::string news(100, 'b');
  WriteSlot slot{path};
  EXPECT_TRUE(slot.before_write(-1, 4000, std::as_bytes(std::span{news}), false));
  EXPECT_TRUE(slot.before_write(-1, 4096, std::as_bytes(std::span{news}), true));
  EXPECT_TRUE(slot.before_write(-1, 3996, std::as_bytes(std::span{news}), true));
  EXPECT_EQ(fs::file_size(slot_of(path)), 0U);
  EXPECT_TRUE(slot.before_write(-1, 3997, std::as_bytes(std::span{news}), true));
  EXPECT_GT(fs::file_size(slot_of(path)), 100U);
}

TEST(Lookup3, IsThatOfItsAuthor) {
  const auto of = [](const std::string& text, std::uint32_t start) {
    return lookup3(std::as_bytes(std::span{text}), start);
  };
  // The values that driver5() of lookup3.c prints.
  EXPECT_EQ(of("", 0), 0xDEADBEEFU);
  EXPECT_EQ(of("", 0xDEADBEEFU), 0xBD5B7DDEU);
  EXPECT_EQ(of("Four score and seven years ago", 0), 0x17770551U);
  EXPECT_EQ(of("Four score and seven years ago", 1), 0xCD628161U);
}

}  // namespace
}  // namespace thyrode::recording
