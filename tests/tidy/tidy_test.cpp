// The rules on made-up examples, so that each is known to catch something, and then on this repository.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/tidy/rules.hpp"

namespace thyrode::tidy {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(Arrows, RefuseAStairUp) {
  EXPECT_NE(judge_include("protocols/framing.cpp", "drivers/device.hpp"), "");
  EXPECT_NE(judge_include("firmware/core/instrument.hpp", "firmware/neurons/neuron.hpp"), "");
  EXPECT_NE(judge_include("firmware/neurons/msn.cpp", "protocols/messages.hpp"), "");
  EXPECT_NE(judge_include("drivers/current_clamp/device.cpp", "daemon/acquisition/acquisition.hpp"), "");
  EXPECT_NE(judge_include("drivers/current_clamp/device.cpp", "firmware/boards/native/board.hpp"), "");
  EXPECT_NE(judge_include("daemon/analysis/rate.cpp", "daemon/recording/writer.hpp"), "");
  EXPECT_NE(judge_include("daemon/experiment/bench.cpp", "daemon/recording/writer.hpp"), "");
  EXPECT_NE(judge_include("daemon/experiment/bench.cpp", "drivers/make_device.hpp"), "");
  EXPECT_NE(judge_include("daemon/analysis/rate.cpp", "tests/tidy/rules.hpp"), "");
}

TEST(Arrows, AllowWhatIsOnTheList) {
  EXPECT_EQ(judge_include("firmware/neurons/msn.cpp", "protocols/units.hpp"), "");
  EXPECT_EQ(judge_include("drivers/simulated/simulated.cpp", "firmware/boards/native/board.hpp"), "");
  EXPECT_EQ(judge_include("daemon/experiment/load/experiment.cpp", "daemon/experiment/experiment.hpp"), "");
  EXPECT_EQ(judge_include("daemon/recording/writer.cpp", "drivers/result.hpp"), "");
  EXPECT_EQ(judge_include("daemon/thyrode.cpp", "firmware/boards/native/board.hpp"), "");
  EXPECT_EQ(judge_include("daemon/thyrode_demo.cpp", "daemon/recording/writer.hpp"), "");
  EXPECT_EQ(judge_include("tests/emulator/demo_test.cpp", "daemon/recording/writer.hpp"), "");
}

TEST(Arrows, WantIncludesFromTheRoot) {
  EXPECT_NE(judge_include("protocols/framing.cpp", "framing.hpp"), "");
  EXPECT_NE(judge_include("daemon/analysis/rate.cpp", "../recording/writer.hpp"), "");
}

TEST(Arrows, RefuseAFileInNoRoom) {
  EXPECT_NE(judge_include("daemon/helper.cpp", "protocols/units.hpp"), "");
}

TEST(SystemIncludes, KeepHeapAndExceptionsOutOfTheFirmware) {
  EXPECT_NE(judge_system_include("firmware/core/instrument.hpp", "vector"), "");
  EXPECT_NE(judge_system_include("protocols/framing.hpp", "stdexcept"), "");
  EXPECT_EQ(judge_system_include("firmware/core/instrument.hpp", "array"), "");
  EXPECT_EQ(judge_system_include("daemon/analysis/rate.hpp", "vector"), "");
}

TEST(SystemIncludes, LetAsioInThroughOneDoor) {
  EXPECT_NE(judge_system_include("drivers/current_clamp/link.cpp", "boost/asio.hpp"), "");
  EXPECT_EQ(judge_system_include("drivers/asio.hpp", "boost/asio.hpp"), "");
}

TEST(Lines, CountCharactersAndNotBytes) {
  std::string micro;
  for (int k = 0; k < 120; ++k) micro += "µ";
  EXPECT_TRUE(judge_line("daemon/analysis/rate.cpp", micro).empty());
  EXPECT_EQ(judge_line("daemon/analysis/rate.cpp", micro + "!").size(), 1U);
  EXPECT_TRUE(judge_line("docs/architecture.md", micro + "!").empty());
}

TEST(Lines, RefuseUnfinishedWordsMachinePathsAndSleeps) {
  EXPECT_EQ(judge_line("daemon/analysis/rate.cpp", "// TODO: later").size(), 1U);
  EXPECT_TRUE(judge_line("daemon/analysis/rate.cpp", "// TODOS of a different kind").empty());
  EXPECT_EQ(judge_line("README.md", "see /home/somebody/data").size(), 1U);
  EXPECT_EQ(judge_line("tests/unit/core/a_test.cpp", "std::this_thread::sleep_for(1s);").size(), 1U);
  EXPECT_EQ(judge_line("tests/python/a.py", "time.sleep(1)").size(), 1U);
  EXPECT_TRUE(judge_line("daemon/acquisition/a.cpp", "std::this_thread::sleep_for(1ms);").empty());
  EXPECT_EQ(judge_line("tests/unit/core/a_test.cpp", "TEST(A, DISABLED_B) {").size(), 1U);
}

TEST(Lines, AreNamedByFileAndNumber) {
  const auto complaints = judge_file("protocols/a.cpp", "int a;\n#include \"drivers/device.hpp\"\n");
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].substr(0, 18), "protocols/a.cpp:2:");
}

TEST(Targets, NameASourceThatNoTargetLists) {
  const auto root = std::filesystem::temp_directory_path() / "thyrode_tidy_test";
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root / "room" / "inner");
  std::ofstream(root / "room" / "CMakeLists.txt") << "add_library(room a.cpp inner/c.cpp page.ts)\n";
  std::ofstream(root / "CMakeLists.txt") << "add_executable(x ${CMAKE_SOURCE_DIR}/room/far.cpp)\n";
  const auto unlisted =
      unlisted_sources(root, {"CMakeLists.txt", "room/CMakeLists.txt", "room/a.cpp", "room/b.cpp", "room/far.cpp",
                              "room/inner/c.cpp", "room/inner/a.cpp", "room/page.ts", "room/other.ts"});
  std::filesystem::remove_all(root);
  EXPECT_EQ(joined(unlisted),
            "room/b.cpp: listed in no CMakeLists.txt\nroom/inner/a.cpp: listed in no CMakeLists.txt\n"
            "room/other.ts: listed in no CMakeLists.txt\n");
}

TEST(Pages, NameFunctionsThatExist) {
  EXPECT_EQ(joined(names_without_source("first Queue::push(), then `gone()`", "class Queue { void push(int); }")),
            "gone\n");
}

TEST(Repository, HasFilesInEveryRoom) {
  EXPECT_GT(files_of(".").size(), 50U);
}

TEST(Repository, KeepsTheRulesInEveryFile) {
  std::vector<std::string> complaints;
  for (const std::string& file : files_of(".")) {
    const auto wrong = judge_file(file, read(file));
    complaints.insert(complaints.end(), wrong.begin(), wrong.end());
  }
  EXPECT_EQ(joined(complaints), "");
}

TEST(Repository, ListsEverySourceInATarget) {
  EXPECT_EQ(joined(unlisted_sources(".", files_of("."))), "");
}

TEST(Repository, HasTheFunctionsThatTheArchitectureNames) {
  std::string sources;
  for (const std::string& file : files_of(".")) {
    if (file.ends_with(".cpp") || file.ends_with(".hpp") || file.ends_with(".ts")) sources += read(file);
  }
  EXPECT_EQ(joined(names_without_source(read("docs/architecture.md"), sources)), "");
}

}  // namespace
}  // namespace thyrode::tidy
