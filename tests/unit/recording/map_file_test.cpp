// The file of a phase map: what is written comes back, and a map of something else is not gone on with.
#include "daemon/recording/map_file.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

class MapFileTest : public ::testing::Test {
 protected:
  MapFileTest() {
    std::string name = (fs::temp_directory_path() / "thyrode-map-file-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~MapFileTest() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

MapDescription description() {
  MapDescription map;
  map.axes = {{"I", "A", {30e-6, 60e-6, 90e-6}, "uA", 1e-6}, {"tau_L", "s", {0.1e-3, 0.3e-3}, "ms", 1e-3}};
  map.neuron_yaml = "# byte for byte: \xc2\xb5\n\tend without line feed";
  map.provenance = {{"current", ""}, {"neuron", "mbn"}, {"seed", "3"}};
  return map;
}

MapResult point(std::int64_t index, double rate) {
  MapResult result;
  result.index = index;
  result.point.frequency_hz = rate;
  result.point.event_frequency_hz = rate / 4.0;
  result.point.spikes_per_burst = 4.0;
  result.point.cv = 0.5;
  result.point.n_spikes = 17 + index;
  result.point.label = analysis::Label::IB1;
  result.point.latched = true;
  return result;
}

TEST_F(MapFileTest, GivesBackWhatWasWritten) {
  {
    auto file = MapFile::open(at("a.h5"), description());
    ASSERT_TRUE(file.has_value()) << file.error().message;
    EXPECT_EQ(file->computed(), std::vector<std::uint8_t>(6, 0));
    const std::vector<MapResult> results{point(4, 100.0), point(1, 0.125)};
    ASSERT_TRUE(file->write(results).has_value());
  }
  EXPECT_TRUE(is_map(at("a.h5")));
  const auto map = read_map(at("a.h5"));
  ASSERT_TRUE(map.has_value()) << map.error().message;
  EXPECT_EQ(map->description.axes, description().axes);
  EXPECT_EQ(map->description.neuron_yaml, description().neuron_yaml);
  EXPECT_EQ(map->description.provenance, description().provenance);
  EXPECT_EQ(map->computed, (std::vector<std::uint8_t>{0, 1, 0, 0, 1, 0}));
  EXPECT_EQ(map->computed_points(), 2);
  EXPECT_EQ(map->points[4].frequency_hz, 100.0);
  EXPECT_EQ(map->points[4].event_frequency_hz, 25.0);
  EXPECT_EQ(map->points[4].spikes_per_burst, 4.0);
  EXPECT_EQ(map->points[4].cv, 0.5);
  EXPECT_EQ(map->points[1].n_spikes, 18);
  EXPECT_EQ(map->points[1].label, analysis::Label::IB1);
  EXPECT_TRUE(map->points[1].latched);
  EXPECT_FALSE(map->points[1].failed);
  EXPECT_TRUE(std::isnan(map->points[0].frequency_hz));
  EXPECT_EQ(map->points[0].label, analysis::Label::undetermined);
}

TEST_F(MapFileTest, KeepsLabelsUnderTheirNames) {
  { ASSERT_TRUE(MapFile::open(at("a.h5"), description())->write(std::vector{point(0, 1.0)}).has_value()); }
  const hid_t file = H5Fopen(at("a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t data = H5Dopen2(file, "/label", H5P_DEFAULT);
  const hid_t type = H5Dget_type(data);
  EXPECT_EQ(H5Tget_class(type), H5T_ENUM);
  std::uint8_t value = 255;
  EXPECT_GE(H5Tenum_valueof(type, "IB1", &value), 0);
  EXPECT_EQ(value, static_cast<std::uint8_t>(analysis::Label::IB1));
  H5Tclose(type);
  H5Dclose(data);
  H5Fclose(file);
}

TEST_F(MapFileTest, GoesOnWithTheSameMap) {
  { ASSERT_TRUE(MapFile::open(at("a.h5"), description())->write(std::vector{point(2, 7.0)}).has_value()); }
  {
    auto again = MapFile::open(at("a.h5"), description());
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(again->computed(), (std::vector<std::uint8_t>{0, 0, 1, 0, 0, 0}));
    ASSERT_TRUE(again->write(std::vector{point(3, 8.0)}).has_value());
  }
  const auto map = read_map(at("a.h5"));
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(map->points[2].frequency_hz, 7.0);
  EXPECT_EQ(map->points[3].frequency_hz, 8.0);
}

TEST_F(MapFileTest, HoldsAllOfItsSpaceFromTheBegin) {
  auto file = MapFile::open(at("a.h5"), description());
  ASSERT_TRUE(file.has_value());
  const auto size = fs::file_size(at("a.h5"));
  for (std::int64_t k = 0; k < 6; ++k) ASSERT_TRUE(file->write(std::vector{point(k, 1.0)}).has_value());
  EXPECT_EQ(fs::file_size(at("a.h5")), size);
}

TEST_F(MapFileTest, IsWholeForAReaderOfABrokenOffWriter) {
  auto file = MapFile::open(at("a.h5"), description());
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(file->write(std::vector{point(5, 3.0)}).has_value());
  // The bytes as a kill at this moment would leave them: the writer has neither closed nor flushed anything more.
  fs::copy_file(at("a.h5"), at("left.h5"));
  const auto left = read_map(at("left.h5"));
  ASSERT_TRUE(left.has_value()) << left.error().message;
  EXPECT_EQ(left->computed_points(), 1);
  EXPECT_EQ(left->points[5].frequency_hz, 3.0);
  EXPECT_TRUE(MapFile::open(at("left.h5"), description()).has_value());
}

TEST_F(MapFileTest, RefusesAMapOfSomethingElse) {
  { ASSERT_TRUE(MapFile::open(at("a.h5"), description()).has_value()); }
  const auto refusal = [&](const MapDescription& map) {
    const auto file = MapFile::open(at("a.h5"), map);
    EXPECT_FALSE(file.has_value());
    return file ? std::string{} : file.error().message;
  };
  MapDescription grid = description();
  grid.axes[0].values[1] = 61e-6;
  EXPECT_NE(refusal(grid).find("another grid: it has I = 30 to 90 uA in 3 points, tau_L"), std::string::npos);
  MapDescription fewer = description();
  fewer.axes.pop_back();
  EXPECT_NE(refusal(fewer).find("another grid"), std::string::npos);
  MapDescription seed = description();
  seed.provenance[2].second = "4";
  EXPECT_NE(refusal(seed).find("is a map with seed = 3; asked for is 4"), std::string::npos) << refusal(seed);
  MapDescription current = description();
  current.provenance[0].second = "45 uA";
  EXPECT_NE(refusal(current).find("current = (none); asked for is 45 uA"), std::string::npos) << refusal(current);
  MapDescription neuron = description();
  neuron.neuron_yaml += "\n";
  EXPECT_NE(refusal(neuron).find("the neuron file has changed"), std::string::npos);
}

TEST_F(MapFileTest, RefusesFilesThatAreNoMaps) {
  const auto refusal = [&](const std::string& name) {
    const auto map = read_map(at(name));
    EXPECT_FALSE(map.has_value());
    EXPECT_FALSE(is_map(at(name))) << name;
    return map ? std::string{} : map.error().message;
  };
  EXPECT_NE(refusal("none.h5").find("no such file"), std::string::npos);
  std::ofstream{at("text.h5")} << "not HDF5";
  EXPECT_NE(refusal("text.h5").find("cannot be opened"), std::string::npos);
  EXPECT_FALSE(MapFile::open(at("text.h5"), description()).has_value()) << "and is not overwritten";
  H5Fclose(H5Fcreate(at("other.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_NE(refusal("other.h5").find("not a map of thyrode"), std::string::npos);
  EXPECT_FALSE(MapFile::open(at("nowhere/a.h5"), description()).has_value());
}

TEST_F(MapFileTest, KeepsTwoWritersApart) {
  const auto first = MapFile::open(at("a.h5"), description());
  ASSERT_TRUE(first.has_value());
  // Within one program the library itself shares an open file: another process is what must be kept out, and what
  // stops it is a lock on the file.
  const std::string try_lock = "flock --nonblock --exclusive " + at("a.h5") + " true";
  EXPECT_NE(std::system(try_lock.c_str()), 0);
}

TEST_F(MapFileTest, SurvivesEveryCutOfItsBytesWithoutACrash) {
  { ASSERT_TRUE(MapFile::open(at("a.h5"), description())->write(std::vector{point(0, 1.0)}).has_value()); }
  const auto size = fs::file_size(at("a.h5"));
  for (std::uintmax_t cut = 0; cut < size; cut += 97) {
    fs::copy_file(at("a.h5"), at("cut.h5"), fs::copy_options::overwrite_existing);
    fs::resize_file(at("cut.h5"), cut);
    EXPECT_FALSE(read_map(at("cut.h5")).has_value()) << cut << " of " << size << " bytes";
  }
}

TEST_F(MapFileTest, TellsDamagedBytesAndNeverCrashes) {
  {
    auto file = MapFile::open(at("a.h5"), description());
    for (std::int64_t k = 0; k < 6; ++k) ASSERT_TRUE(file->write(std::vector{point(k, 1.0)}).has_value());
  }
  std::ifstream whole{at("a.h5"), std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{whole}, {}};
  int told = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random{seed};
    std::string broken = bytes;
    for (std::uint64_t flips = 1 + random() % 16; flips > 0; --flips) {
      char& byte = broken[random() % broken.size()];
      byte = static_cast<char>(byte ^ static_cast<char>(1U << random() % 8));
    }
    if (seed % 4 == 0) broken.resize(random() % broken.size());
    std::ofstream{at("broken.h5"), std::ios::binary} << broken;
    const auto map = read_map(at("broken.h5"));
    if (map) continue;
    ++told;
    EXPECT_EQ(map.error().kind, ErrorKind::bad_input);
    EXPECT_NE(map.error().message.find("broken.h5: "), std::string::npos) << map.error().message;
    EXPECT_EQ(map.error().message.find("internal"), std::string::npos) << map.error().message;
    EXPECT_FALSE(MapFile::open(at("broken.h5"), description()).has_value()) << "and nobody goes on with it";
  }
  EXPECT_GT(told, 195) << "the numbers of six points are few of the bytes of the file";
}

TEST_F(MapFileTest, ReadsTheSealedBytesOnly) {
  { ASSERT_TRUE(MapFile::open(at("a.h5"), description())->write(std::vector{point(0, 1.0)}).has_value()); }
  const auto with = [&](std::streamoff place, char value) {
    fs::copy_file(at("a.h5"), at("b.h5"), fs::copy_options::overwrite_existing);
    std::fstream file{at("b.h5"), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(place);
    file.put(value);
    file.close();
    return read_map(at("b.h5"));
  };
  // Every byte of the seal counts, also those behind its words.
  for (const std::streamoff place : {0, 13, 100, 300, 511}) {
    const auto map = with(place, '\x7f');
    ASSERT_FALSE(map.has_value()) << place;
    EXPECT_NE(map.error().message.find("damaged"), std::string::npos) << map.error().message;
    EXPECT_TRUE(is_map(at("b.h5"))) << "a damaged map is told as one";
  }
  const auto newer = with(12, '3');
  ASSERT_FALSE(newer.has_value());
  EXPECT_NE(newer.error().message.find("its schema is thyrode.map/3, this version reads thyrode.map/2"),
            std::string::npos)
      << newer.error().message;
}

TEST_F(MapFileTest, SaysOfARecordingWhatItIs) {
  const hid_t file = H5Fcreate(at("a.nwb").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t general = H5Gcreate2(file, "/general", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(file, "/general/thyrode", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(group, "schema", type, space, H5P_DEFAULT, H5P_DEFAULT);
  const char* schema = "thyrode.recording/1";
  H5Awrite(attribute, type, &schema);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Gclose(group);
  H5Gclose(general);
  H5Fclose(file);
  const auto map = MapFile::open(at("a.nwb"), description());
  ASSERT_FALSE(map.has_value());
  EXPECT_NE(map.error().message.find("a.nwb: is a recording, not a map"), std::string::npos) << map.error().message;
}

}  // namespace
}  // namespace thyrode::recording
