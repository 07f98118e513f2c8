// Changes that are taken back, and writes that are made whole.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "daemon/recording/checksum.hpp"
#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/recovery.hpp"
#include "daemon/recording/undo_journal.hpp"
#include "daemon/recording/write_slot.hpp"
#include "tests/unit/recording/death_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

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

/// Lets this process write files up to a size, until the end of the block: it stands for the end of the disk.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(UndoableFile, ChangesNothingAnyMoreOnceAPageCouldNotBeKept) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 2);
  const std::string before = bytes_of(path);
  for (const bool dies : {false, true}) {
    const int status = in_child([&] {
      UndoableFile file{path};
      Builder{file.get(), 1}.remove(layout::marks().path);
      h5::quiet();
      {
        const SizeLimit full{static_cast<rlim_t>(fs::file_size(journal_of(path))) + 2000};
        if (H5Fflush(file.get(), H5F_SCOPE_GLOBAL) >= 0) ::_exit(2);
      }
      // There is room again, and the library tries again, also when it closes the file.
      H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
      if (dies) H5Fclose(file.get());
      if (dies) ::kill(::getpid(), SIGKILL);
      ::_exit(guarded([&] { file.commit(); }) ? 1 : 0);
    });
    ASSERT_EQ(WIFSIGNALED(status), dies) << status;
    ASSERT_TRUE(dies || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    EXPECT_EQ(has_journal(path), dies);
    if (dies) take_back(journal_of(path), path);
    EXPECT_TRUE(bytes_of(path) == before) << "dies: " << dies;
  }
}

TEST(UndoableFile, LeavesTheJournalOfWhoeverHoldsTheFile) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 1);
  std::optional<UndoableFile> holder;
  holder.emplace(path);
  Builder{holder->get(), 1}.remove(layout::marks().path);
  H5Fflush(holder->get(), H5F_SCOPE_GLOBAL);
  const std::string journal = bytes_of(journal_of(path));
  const auto refusal = [&] {
    try {
      const UndoableFile other{path};
    } catch (const Failure& failure) {
      return failure.error.message;
    }
    return std::string{};
  };
  EXPECT_NE(refusal().find("another program holds it"), std::string::npos) << refusal();
  EXPECT_TRUE(bytes_of(journal_of(path)) == journal);
  holder.reset();
  std::ofstream{journal_of(path), std::ios::binary} << journal;
  EXPECT_NE(refusal().find("exists already"), std::string::npos) << refusal();
  EXPECT_TRUE(bytes_of(journal_of(path)) == journal) << "nor that of one who died";
}

TEST(UndoableFile, LeavesNoJournalBesideAFileThatCannotBeOpened) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  std::ofstream{path} << std::string(10000, 'x');
  const std::string before = bytes_of(path);
  EXPECT_THROW(UndoableFile{path}, Failure);
  EXPECT_FALSE(has_journal(path));
  EXPECT_TRUE(bytes_of(path) == before);
}

TEST(UndoableFile, HasAJournalThatFitsNoOtherRecording) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 2);
  const std::string journal = folder.file("journal");
  const std::string other = folder.file("other.nwb");
  {
    UndoableFile file{path};
    Builder{file.get(), 1}.remove(layout::marks().path);
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
    fs::copy_file(journal_of(path), journal);
    fs::copy_file(path, other);
  }
  take_back(journal, other);
  EXPECT_TRUE(bytes_of(other) == bytes_of(path)) << "a copy of the file is no other recording";
  leave_unfinished(folder.file("next.nwb"));
  const std::string next = folder.file("next.nwb.part");
  const std::string before = bytes_of(next);
  fs::copy_file(journal, journal_of(next));
  EXPECT_THROW(take_back(journal_of(next), next), Failure);
  EXPECT_TRUE(bytes_of(next) == before);
  const auto recovered = recover(next);
  ASSERT_FALSE(recovered);
  EXPECT_NE(recovered.error().message.find("of another recording"), std::string::npos) << recovered.error().message;
  EXPECT_TRUE(bytes_of(next) == before);
}

TEST(Recorder, BeginsWithoutWhatAnEarlierRecordingOfItsNameLeftBesideIt) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  std::ofstream{journal_of(path + ".part")} << "left behind";
  std::ofstream{slot_of(path + ".part")} << std::string(10000, 'x');
  leave_unfinished(path);
  EXPECT_FALSE(has_journal(path + ".part"));
  const auto recovered = recover(path);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->steps, steps_before_death);
}

TEST(Recorder, LeavesTheSlotOfWhoeverHasTheName) {
  const Folder folder;
  const std::string path = folder.file("run.nwb.part");
  std::ofstream{path} << "somebody's";
  std::ofstream{slot_of(path)} << "somebody's write";
  EXPECT_THROW(claim_file(path), Failure);
  EXPECT_EQ(bytes_of(slot_of(path)), "somebody's write");
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
