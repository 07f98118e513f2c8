// Recordings whose writer died, and what is left of them.
#include "daemon/recording/recovery.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>
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
#include "tests/unit/recording/death_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

bool is_being_recovered(const std::string& path) {
  const fs::directory_iterator all{fs::path{path}.parent_path()};
  return std::any_of(begin(all), end(all),
                     [&](const auto& entry) { return entry.path().string().starts_with(path + ".recovering"); });
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
  EXPECT_FALSE(record->result.integrity.late_decisions) << "a run tells it at its end";
  EXPECT_FALSE(record->result.integrity.retransmits);
  EXPECT_FALSE(record->link);
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
  EXPECT_FALSE(is_being_recovered(path));
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
  EXPECT_FALSE(is_being_recovered(folder.file("text.nwb")));
}

TEST(Recover, RemovesWhatARunLeftThatDiedBeforeItCouldRecord) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  for (const bool keep : {true, false}) {
    const int status = in_child([&] {
      const Descriptor claimed = claim_file(path + ".part");
      const Descriptor draft{draft_of(path + ".part"), O_RDWR | O_CREAT};
      WriteSlot slot{path + ".part"};
      const h5::Handle file = create_file(draft, path + ".part", slot);
      H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
      ::kill(::getpid(), SIGKILL);
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto read = read_run(path + ".part");
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find("thyrode recover"), std::string::npos) << read.error().message;
    EXPECT_TRUE(made_here(path + ".part"));
    const auto recovered = recover(path + ".part", {}, keep);
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_TRUE(recovered->was_empty);
    EXPECT_EQ(recovered->source_kept, keep);
    EXPECT_EQ(fs::exists(path + ".part"), keep);
    fs::remove(path + ".part");
  }
  EXPECT_TRUE(fs::is_empty(folder.file(""))) << "nothing is left beside it";
}

TEST(Recover, RemovesNoFileThatAnEarlierVersionLeftHalfMade) {
  const Folder folder;
  const std::string path = folder.file("run.nwb.part");
  const int status = in_child([&] {
    const Descriptor made{path, O_RDWR | O_CREAT};
    WriteSlot slot{path};
    const h5::Handle file = create_file(made, path, slot);
    Builder{file.get(), 1}.group("/general");
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto recovered = recover(path);
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().kind, ErrorKind::bad_input);
  EXPECT_NE(recovered.error().message.find("before anything was recorded"), std::string::npos)
      << recovered.error().message;
  EXPECT_TRUE(fs::exists(path)) << "it is not ours to remove";
}

TEST(Recover, IsDoneByOneProgramAtATime) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  std::ofstream{path + ".recovering-1"} << "of one that died";
  std::string second;
  const auto meanwhile = [&](const RunRecord&, analysis::RunResult&) {
    EXPECT_FALSE(fs::exists(path + ".recovering-1"));
    const auto other = recover(path);
    second = other ? "recovered twice" : other.error().message;
  };
  const auto first = recover(path, meanwhile);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_NE(second.find("another program recovers it"), std::string::npos) << second;
  EXPECT_EQ(read_run(path)->result.steps.size(), 4U);
  EXPECT_FALSE(is_being_recovered(path));
}

TEST(Recover, KnowsWhichRecordingsWereMadeHere) {
  const Folder folder;
  leave_unfinished(folder.file("elsewhere.nwb"));
  EXPECT_FALSE(made_here(folder.file("elsewhere.nwb.part"))) << "its host is bench-pc";
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  RunDescription here = description();
  here.wall_clock.host_name = host.data();
  record_run(folder.file("here.nwb"), here, 1);
  EXPECT_TRUE(made_here(folder.file("here.nwb")));
  const UndoableFile changed{folder.file("here.nwb")};
  EXPECT_TRUE(made_here(folder.file("here.nwb"))) << "its journal tells it";
  std::ofstream{folder.file("text.nwb.part")} << "text";
  EXPECT_FALSE(made_here(folder.file("text.nwb.part")));
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

/// Puts NaN into rows of a series, as if they had never come.
void forget_rows(hid_t file, const std::string& series, hsize_t first, hsize_t rows) {
  const h5::Handle set = h5::open_dataset(file, series + "/data");
  const h5::Handle space{H5Dget_space(set.get())};
  std::array<hsize_t, 2> shape{1, 1};
  const int rank = H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  const std::array<hsize_t, 2> start{first, 0};
  const std::array<hsize_t, 2> count{rows, shape[1]};
  const std::vector<float> nothing(rows * shape[1], std::numeric_limits<float>::quiet_NaN());
  ASSERT_GE(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), 0);
  const h5::Handle memory{H5Screate_simple(rank, count.data(), nullptr)};
  ASSERT_GE(H5Dwrite(set.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT, nothing.data()), 0);
}

TEST(Recover, ListsAHoleOnceThatIsInSeveralSignals) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  mark_closed(path + ".part");
  std::int64_t stride = 0;
  std::int64_t origin = 0;
  {
    const h5::Handle file{H5Fopen((path + ".part").c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
    forget_rows(file.get(), layout::trace("A"), 300, 20);
    const std::string command = layout::command("A");
    stride = read_attribute<std::int64_t>(file.get(), command + "/data", "decimation");
    origin = read_scalar<std::int64_t>(file.get(), command + "/first_tick") / ticks_per_sample;
    // Whatever the stride: some rows in the trace's hole and a few beyond its end, and one hole far away.
    const auto first = static_cast<hsize_t>((8100 - origin) / stride);
    forget_rows(file.get(), command, first, static_cast<hsize_t>(400 / stride));
    forget_rows(file.get(), command, static_cast<hsize_t>((50000 - origin) / stride), 2);
  }
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->holes, 2);
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  const std::string gaps = layout::invalid_times().path;
  const std::int64_t end = origin + (8100 - origin) / stride * stride + 400 / stride * stride;
  EXPECT_EQ(row_count(file.get(), gaps + "/first_sample"), 2);
  EXPECT_EQ(read_column<std::int64_t>(file.get(), gaps + "/first_sample", 0, 1).front(), 8000);
  EXPECT_EQ(read_column<std::int64_t>(file.get(), gaps + "/end_sample", 0, 1).front(), end);
  EXPECT_EQ(read_column<std::int64_t>(file.get(), gaps + "/trace_samples", 0, 2), (std::vector<std::int64_t>{200, 0}));
  EXPECT_TRUE(unlisted_holes(file.get(), "A", 0).empty());
}

TEST(Recover, ListsAHoleThatNoGapTellsOf) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  leave_unfinished(path);
  mark_closed(path + ".part");
  {
    const h5::Handle file{H5Fopen((path + ".part").c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
    forget_rows(file.get(), layout::trace("A"), 300, 20);
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

}  // namespace
}  // namespace thyrode::recording
