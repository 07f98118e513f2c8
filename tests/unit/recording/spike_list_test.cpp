// Lists of spike times: what is read, and what is refused with its line.
#include "daemon/recording/spike_list.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace thyrode::recording {
namespace {

using Spikes = std::vector<std::pair<std::string, std::int64_t>>;

class SpikeList : public ::testing::Test {
 protected:
  SpikeList() {
    std::string name = (std::filesystem::temp_directory_path() / "thyrode-spike-list-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    if (descriptor >= 0) close(descriptor);
    path_ = name;
  }
  ~SpikeList() override { std::filesystem::remove(path_); }

  Result<void> read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    spikes_.clear();
    return read_spike_list(path_, [&](std::string_view train, std::int64_t nanoseconds) {
      spikes_.emplace_back(train, nanoseconds);
      return true;
    });
  }
  void expect_refused(const std::string& text, const std::string& what) {
    const auto result = read(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().kind, ErrorKind::bad_input);
    EXPECT_NE(result.error().message.find(what), std::string::npos) << result.error().message;
  }

  std::string path_;
  Spikes spikes_;
};

TEST_F(SpikeList, ATimeALineIsInSeconds) {
  ASSERT_TRUE(read("0.001\n0.0025\n1e-2\n"));
  EXPECT_EQ(spikes_, (Spikes{{"", 1'000'000}, {"", 2'500'000}, {"", 10'000'000}}));
}

TEST_F(SpikeList, AHeaderTellsTheUnit) {
  const std::vector<std::pair<std::string, std::int64_t>> headers{{"time_s", 1'500'000'000},
                                                                  {"spike_time_s", 1'500'000'000},
                                                                  {"time_ms", 1'500'000},
                                                                  {"tick_us", 1500},
                                                                  {"t_ns", 2}};
  for (const auto& [header, expected] : headers) {
    ASSERT_TRUE(read(header + "\n1.5\n")) << header;
    EXPECT_EQ(spikes_, (Spikes{{"", expected}})) << header;
  }
}

TEST_F(SpikeList, ASecondColumnNamesTheTrain) {
  ASSERT_TRUE(read("time_ms,channel\n1,A\n 2 , \"B\" \n3,A\n"));
  EXPECT_EQ(spikes_, (Spikes{{"A", 1'000'000}, {"B", 2'000'000}, {"A", 3'000'000}}));
}

TEST_F(SpikeList, CommentsEmptyLinesAndOtherLineEndsArePassedOver) {
  ASSERT_TRUE(read("\xEF\xBB\xBF# from a spreadsheet\r\n\r\ntime_s\r\n1\r\n\r\n2"));
  EXPECT_EQ(spikes_, (Spikes{{"", 1'000'000'000}, {"", 2'000'000'000}}));
}

TEST_F(SpikeList, WholeTicksOfAMicrosecondAreExact) {
  ASSERT_TRUE(read("tick_us\n999999\n123456789012\n"));
  EXPECT_EQ(spikes_, (Spikes{{"", 999'999'000}, {"", 123'456'789'012'000}}));
}

TEST_F(SpikeList, WhatIsNoTimeIsRefusedWithItsLine) {
  expect_refused("time_s\n1\nx\n", path_ + ":3: 'x' is no time");
  expect_refused("1\nnan\n", ":2: 'nan'");
  expect_refused("1\n2s\n", ":2: '2s'");
  expect_refused("1\ntime_s\n", ":2: 'time_s'");
  expect_refused("1\n,A\n", ":2: ''");
}

TEST_F(SpikeList, AHeaderWithoutUnitAndAThirdColumnAreRefused) {
  expect_refused("time\n1\n", ":1: 'time' is neither a time nor a header");
  expect_refused("1,A,3\n", ":1: more than two columns");
}

TEST_F(SpikeList, TimesBeyondWhatIsExactAreRefusedWithTheUnitsThereAre) {
  expect_refused("1\n1e7\n", ":2: 1e+07 s is beyond 9e6 s");
  expect_refused("time_us\n1e13\n", ":2: 1e+07 s");
}

TEST_F(SpikeList, FilesThatAreNoListsAreRefused) {
  expect_refused(std::string(5000, 'a'), ":1: a line is longer than 1000 characters");
  const auto nothing = [](std::string_view, std::int64_t) { return true; };
  EXPECT_NE(read_spike_list("/nowhere/at-all", nothing).error().message.find("no such file"), std::string::npos);
  EXPECT_NE(read_spike_list("/", nothing).error().message.find("is not a file"), std::string::npos);
}

TEST_F(SpikeList, ReadingEndsWhenNoMoreIsWanted) {
  std::ofstream(path_) << "1\n2\nno number\n";
  int taken = 0;
  EXPECT_TRUE(read_spike_list(path_, [&](std::string_view, std::int64_t) { return ++taken < 2; }));
  EXPECT_EQ(taken, 2);
}

}  // namespace
}  // namespace thyrode::recording
