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
#include "tests/unit/recording/death_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

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
      const Descriptor claimed = claim_file(path);
      WriteSlot slot{path};
      const h5::Handle file = create_file(claimed, path, slot);
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

}  // namespace
}  // namespace thyrode::recording
