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

  Result<SpikeListSummary> read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    spikes_.clear();
    lines_.clear();
    return read_spike_list(path_, [&](const ListedSpike& spike) {
      spikes_.emplace_back(spike.train, spike.nanoseconds);
      lines_.push_back(spike.line);
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
  std::vector<std::int64_t> lines_;
};

TEST_F(SpikeList, ATimeALineIsInSeconds) {
  ASSERT_TRUE(read("-1\n0.001\n0.0025\n+1e-2\n"));
  EXPECT_EQ(spikes_, (Spikes{{"", -1'000'000'000}, {"", 1'000'000}, {"", 2'500'000}, {"", 10'000'000}}));
}

TEST_F(SpikeList, AHeaderTellsTheUnit) {
  const std::vector<std::pair<std::string, std::int64_t>> headers{
      {"time_s", 1'500'000'000}, {"spike_time_s", 1'500'000'000}, {"time_ms", 1'500'000}, {"tick_us", 1500},
      {"Time (ms)", 1'500'000},  {"TIME [S]", 1'500'000'000},     {"t_\xC2\xB5s", 1500},  {"t_ns", 2}};
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
  EXPECT_EQ(lines_, (std::vector<std::int64_t>{4, 6}));
}

TEST_F(SpikeList, SaysWhetherThereIsAHeaderEvenWithoutSpikes) {
  EXPECT_TRUE(read("time_ms\n")->has_header);
  EXPECT_FALSE(read("# nothing\n")->has_header);
  EXPECT_FALSE(read("")->has_header);
}

TEST_F(SpikeList, TrainsAreNumberedWhereTheHeaderOrADecimalPointSaysSo) {
  ASSERT_TRUE(read("time_s,channel\n1,0\n2,1\n"));
  EXPECT_EQ(spikes_, (Spikes{{"0", 1'000'000'000}, {"1", 2'000'000'000}}));
  ASSERT_TRUE(read("time_s,unit_id\n1,7\n"));
  ASSERT_TRUE(read("0.5,3\n"));
  EXPECT_EQ(spikes_, (Spikes{{"3", 500'000'000}}));
  ASSERT_TRUE(read("time_s,colour\n1,red\n"));
}

TEST_F(SpikeList, NumbersThatNameNoTrainAreRefused) {
  expect_refused("time_s,amplitude_V\n0.1,0.31\n", ":2: '0.31' is a number and names no train");
  expect_refused("time_s,peak_mV\n0.1,311\n", ":2: '311' is a number and names no train");
  expect_refused("0.1,-2e-3\n", ":1: '-2e-3' is a number and names no train");
  expect_refused("0,1\n0,2\n", ":1: '0,1' may be the train 1 or 0.1 with a decimal comma");
  expect_refused("time_ms\n1,5\n", ":2: has a second column and the header has none; is it a decimal comma?");
  expect_refused("time_ms,train\n1\n", ":2: has no second column; the header has one");
}

TEST_F(SpikeList, WhatIsNoTextIsRefusedAsThat) {
  expect_refused(std::string(9000, '\0'), ":1: is no text");
  expect_refused("\x89PNG\r\n\x1a\n", ":1: '?PNG' is neither a time nor a header");
  expect_refused("1\n2\x01\n", ":2: is no text");
  expect_refused(std::string("\xFF\xFE"
                             "1\0\n\0",
                             6),
                 ":1: is UTF-16 text");
  expect_refused("time_ms\r1\r2\r", ":1: has carriage returns between its values");
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
  expect_refused("1\n2;A\n", ":2: '2;A' is no time; write a number, one spike a line; a comma parts the columns");
  expect_refused("train,time_s\n", "the time comes first");
}

TEST_F(SpikeList, AHeaderWithoutUnitAndAThirdColumnAreRefused) {
  expect_refused("time\n1\n", ":1: 'time' is neither a time nor a header");
  expect_refused("1,A,3\n", ":1: more than two columns");
}

TEST_F(SpikeList, TimesBeyondWhatIsExactAreRefusedWithTheUnitsThereAre) {
  expect_refused("1\n1e7\n", ":2: 1e+07 s is beyond 9e6 s");
  expect_refused("time_us\n1e13\n", ":2: 1e+07 s");
  expect_refused("1e305\n", ":1: 1e+305 s is beyond 9e6 s");
  expect_refused("1e999\n", ":1: 1e999 is beyond 9e6 s");
}

TEST_F(SpikeList, FilesThatAreNoListsAreRefused) {
  expect_refused(std::string(5000, 'a'), ":1: a line is longer than 1000 characters");
  const auto nothing = [](const ListedSpike&) { return true; };
  EXPECT_NE(read_spike_list("/nowhere/at-all", nothing).error().message.find("no such file"), std::string::npos);
  EXPECT_NE(read_spike_list("/", nothing).error().message.find("is not a file"), std::string::npos);
}

TEST_F(SpikeList, ReadingEndsWhenNoMoreIsWanted) {
  std::ofstream(path_) << "1\n2\nno number\n";
  int taken = 0;
  EXPECT_TRUE(read_spike_list(path_, [&](const ListedSpike&) { return ++taken < 2; }));
  EXPECT_EQ(taken, 2);
}

}  // namespace
}  // namespace thyrode::recording
