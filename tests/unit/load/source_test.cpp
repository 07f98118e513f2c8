#include "daemon/experiment/load/source.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/neuron_file.hpp"
#include "daemon/experiment/load/station.hpp"

namespace thyrode::load {
namespace {

std::string written(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "thyrode_load_" + std::to_string(getpid()) + "_" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string refusal(const std::string& path) {
  const auto text = read_text_file(path);
  return text ? "accepted" : text.error().message;
}

TEST(Source, PointsAtTheValueOrAtWhatEnclosesIt) {
  Source source{"f.yaml", "", {{"channels", {3, 1}}, {"channels.A.limits", {4, 15}}}};
  EXPECT_EQ(source.at("channels.A.limits"), "f.yaml:4:15");
  EXPECT_EQ(source.at("channels.A.limits[1]"), "f.yaml:4:15");
  EXPECT_EQ(source.at("channels.B.slew"), "f.yaml:3:1");
  EXPECT_EQ(source.at("safety.lease"), "f.yaml:1:1");
  EXPECT_EQ(source.error("channels", "is wrong; do right").value().message, "f.yaml:3:1: is wrong; do right");
}

TEST(TextFile, IsReadByteForByte) {
  const std::string text = "a: b\r\n\xEF\xBB\xBF# end without newline";
  const std::string path = written("bytes.yaml", text);
  EXPECT_EQ(read_text_file(path).value(), text);
  std::filesystem::remove(path);
}

TEST(TextFile, ThatDoesNotExistIsTold) {
  EXPECT_EQ(refusal("/nowhere/x.yaml"), "/nowhere/x.yaml: cannot be read: no such file; check the path");
  EXPECT_EQ(refusal(""), ": cannot be read: no such file; check the path");
}

TEST(TextFile, ThatIsADirectoryIsTold) {
  EXPECT_EQ(refusal("/tmp"), "/tmp: cannot be read: it is a directory; name a YAML file in it");
}

TEST(TextFile, ThatIsADeviceIsNotOpened) {
  EXPECT_EQ(refusal("/dev/zero"), "/dev/zero: cannot be read: it is not a regular file; name a YAML file");
}

TEST(TextFile, WhoseReadingFailsIsTold) {
  // Opens for its own process, and every read of address 0 fails.
  EXPECT_EQ(refusal("/proc/self/mem"), "/proc/self/mem: cannot be read: Input/output error");
}

TEST(TextFile, ThatIsAWaveformIsCalledOneAndMayBeLarger) {
  const std::string path = written("wave.csv", std::string(largest_file + 1, '#'));
  EXPECT_TRUE(read_text_file(path, waveform_file));
  std::filesystem::resize_file(path, waveform_file.most + 1);
  const auto refused = read_text_file(path, waveform_file);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            path +
                ": cannot be read: it has 8388609 bytes, more than the 8388608 (8 MiB) that a CSV file of a waveform "
                "may have; write fewer samples, or cut it into several segments");
  std::filesystem::remove(path);
}

TEST(TextFile, LargerThanAMebibyteIsRefused) {
  const std::string path = written("large.yaml", std::string(largest_file + 1, '#'));
  EXPECT_EQ(
      refusal(path),
      path +
          ": cannot be read: it has 1048577 bytes, more than the 1048576 (1 MiB) that a YAML file may have; a YAML "
          "file of this kind has a few hundred lines at most, check the path");
  std::filesystem::resize_file(path, largest_file);
  EXPECT_EQ(refusal(path), "accepted");
  std::filesystem::remove(path);
}

TEST(TextFile, OfEachKindIsLoadedByItsPath) {
  const std::string path = written("kinds.yaml", "schema: thyrode.sattion/1\n");
  EXPECT_EQ(load_station(path).error().message,
            path + ":1:9: schema 'thyrode.sattion/1' is not known; write thyrode.station/1");
  EXPECT_EQ(load_experiment(path).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(load_neuron_file(path).error().message.substr(0, path.size() + 4), path + ":1:9");
  EXPECT_EQ(load_neuron_file("/nowhere").error().message, "/nowhere: cannot be read: no such file; check the path");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace thyrode::load
