#include "daemon/calibration/store.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/calibration/bench.hpp"

namespace thyrode::calibration {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test.
class CalibrationStore : public testing::Test {
 protected:
  CalibrationStore() {
    std::string pattern = (fs::temp_directory_path() / "thyrode-store-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~CalibrationStore() override { fs::remove_all(folder_); }
  static std::string text_of(const std::string& path) {
    std::ifstream file{path};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

  std::string folder_;
};

Converter converter(double gain) {
  Converter c;
  c.nominal = {400e-6 / 4096.0, 2048.0, 10, 12};
  c.gain = {gain, gain - 1e-3, gain + 1e-3};
  c.offset = {-3.25, -3.5, -3.0};
  c.nonlinearity = {0.6, 0.5, 0.7};
  c.largest_deviation = 1.5;
  c.noise = {1.1, 1.0, 1.2};
  return c;
}

ChannelCalibration channel(double gain) {
  ChannelCalibration c;
  c.source = converter(gain);
  c.source.step = Estimate{0.3, 0.2, 0.4};
  c.signals = {converter(1.001), converter(0.999), converter(1.01)};
  c.signals[0] = {};
  c.signals[0].measured = false;
  c.reference = {6.2e3, 1e-3, 1e-6, 1.2345678901234567, false, 5e-4};
  c.lowest = -2e-5;
  c.highest = 1.9999e-4;
  c.date = "2026-11-24T18:00:00+01:00";
  return c;
}

TEST_F(CalibrationStore, GivesBackBitForBitWhatItWasGiven) {
  const auto path = keep(folder_, "EMU1234", "native", "A", channel(1.004));
  ASSERT_TRUE(path) << path.error().message;
  const auto found = find(folder_, "EMU1234");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(*found);
  EXPECT_EQ(to_yaml(**found), to_yaml({"EMU1234", "native", {{"A", channel(1.004)}}}));
  EXPECT_EQ(*(*found)->channels.at("A").reference.reading, 1.2345678901234567);
}

TEST_F(CalibrationStore, KeepsOtherChannelsAndOtherInstruments) {
  ASSERT_TRUE(keep(folder_, "EMU1", "native", "A", channel(1.001)));
  ASSERT_TRUE(keep(folder_, "EMU1", "native", "B", channel(1.002)));
  ASSERT_TRUE(keep(folder_, "EMU2", "native", "A", channel(1.003)));
  ASSERT_TRUE(keep(folder_, "EMU1", "native", "B", channel(1.004)));
  EXPECT_EQ((*find(folder_, "EMU1"))->channels.at("A").source.gain.value, 1.001);
  EXPECT_EQ((*find(folder_, "EMU1"))->channels.at("B").source.gain.value, 1.004);
  EXPECT_EQ((*find(folder_, "EMU2"))->channels.at("A").source.gain.value, 1.003);
}

TEST_F(CalibrationStore, HasNothingOfAnInstrumentThatWasNeverCalibrated) {
  const auto found = find(folder_, "EMU1");
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  EXPECT_FALSE(*find("", "EMU1"));
}

TEST_F(CalibrationStore, NamesNoFileOutsideItsFolder) {
  EXPECT_EQ(fs::path{file_of(folder_, "../../etc/x y")}.parent_path(), fs::path{folder_});
  EXPECT_EQ(fs::path{file_of(folder_, "")}.filename(), "unnamed.yaml");
}

TEST_F(CalibrationStore, SaysOfEveryDamageWhatToDo) {
  const std::string path = *keep(folder_, "EMU1", "native", "A", channel(1.001));
  const std::string whole = text_of(path);
  for (std::size_t length = 0; length < whole.size(); length += 37) {
    write(path, whole.substr(0, length));
    const auto found = find(folder_, "EMU1");
    ASSERT_FALSE(found) << length;
    EXPECT_NE(found.error().message.find(path), std::string::npos) << found.error().message;
  }
  for (std::size_t at = 120; at < whole.size(); at += 41) {
    std::string changed = whole;
    changed[at] = changed[at] == '1' ? '2' : '1';
    write(path, changed);
    EXPECT_FALSE(find(folder_, "EMU1")) << at;
  }
  write(path, whole);
  EXPECT_TRUE(find(folder_, "EMU1"));
}

TEST_F(CalibrationStore, RefusesTheFileOfAnotherSerialNumber) {
  const std::string path = *keep(folder_, "EMU1", "native", "A", channel(1.001));
  fs::rename(path, file_of(folder_, "EMU2"));
  const auto found = find(folder_, "EMU2");
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("EMU1"), std::string::npos);
}

TEST_F(CalibrationStore, LeavesWhatWasKeptWhereThereIsNoRoom) {
  const std::string path = *keep(folder_, "EMU1", "native", "A", channel(1.001));
  const std::string before = text_of(path);
  fs::create_directory(folder_ + "/sub");
  // A folder in the place of the draft is a disk that refuses.
  fs::create_directory(path + ".new-" + std::to_string(::getpid()));
  const auto kept = keep(folder_, "EMU1", "native", "A", channel(1.5));
  ASSERT_FALSE(kept);
  EXPECT_NE(kept.error().message.find("--store"), std::string::npos);
  EXPECT_EQ(text_of(path), before);
}

TEST_F(CalibrationStore, IsWholeWheneverItsWriterIsKilled) {
  ASSERT_TRUE(keep(folder_, "EMU1", "native", "A", channel(1.0)));
  for (int k = 0; k < 25; ++k) {
    const pid_t writer = ::fork();
    if (writer == 0) {
      for (int n = 0;; ++n) (void)keep(folder_, "EMU1", "native", "A", channel(1.0 + 1e-6 * (n % 1000)));
    }
    // Another number of its writes each time.
    for (int spin = 0; spin < 300 * (k + 1); ++spin) (void)text_of(file_of(folder_, "EMU1"));
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    const auto found = find(folder_, "EMU1");
    ASSERT_TRUE(found) << k << ": " << found.error().message;
    ASSERT_TRUE(*found);
    EXPECT_EQ((*found)->channels.at("A").signals[1].gain.value, 0.999);
  }
}

TEST_F(CalibrationStore, AForeignCalibrationIsNotApplied) {
  const ResistorBench bench{1};
  const DeviceInfo& info = bench.device->info();
  const auto foreign = apply({"EMU0", info.board, {{"A", channel(1.0)}}}, *bench.device);
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("EMU0"), std::string::npos);
  const auto other_converters = apply({info.serial, info.board, {{"A", channel(1.0)}}}, *bench.device);
  ASSERT_FALSE(other_converters);
  EXPECT_NE(other_converters.error().message.find("other scales"), std::string::npos);
}

TEST(CalibrationAge, IsCountedFromTheDateWithItsOffset) {
  EXPECT_NEAR(*age_in_days("1970-01-02T01:00:00+01:00", 2.0 * 86400.0), 1.0, 1e-9);
  EXPECT_NEAR(*age_in_days("1970-01-01T22:00:00-02:00", 2.0 * 86400.0), 1.0, 1e-9);
  EXPECT_FALSE(age_in_days("yesterday", 0.0));
}

}  // namespace
}  // namespace thyrode::calibration
