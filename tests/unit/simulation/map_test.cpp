// Phase maps: the same result with any number of threads and any interruption.
#include "daemon/simulation/map.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <set>

#include "daemon/simulation/map_picture.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::simulation {
namespace {

using neurons::wu2023;
using recording::Map;
using recording::MapDescription;
using recording::MapFile;
using recording::MapPoint;

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "thyrode-map-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// 12 currents and 5 load times through every phase of the circuit.
MapDescription plane() {
  MapDescription map;
  map.axes = {{"I", "A", {}, "uA", 1e-6}, {"tau_L", "s", {}, "ms", 1e-3}};
  for (int k = 0; k < 12; ++k) map.axes[0].values.push_back(30e-6 + 8e-6 * k);
  for (int k = 0; k < 5; ++k) map.axes[1].values.push_back(0.05e-3 + 0.1e-3 * k);
  map.neuron_yaml = "schema: thyrode.neuron/1\n# as written\n";
  map.provenance = {{"neuron", "mbn"}, {"seed", "7"}};
  return map;
}

/// The bursting neuron with noise, so that seeds matter.
tl::expected<PointNeuron, SimulationError> noisy_neuron(std::span<const double> at, std::uint64_t seed) {
  return PointNeuron{neurons::must_make("thyristor", wu2023(at[1] / 0.1e-6), {0.5e-6, 20e-3}, seed),
                     Current::from_si(at[0]),
                     {Duration::from_si(at[1]), true}};
}

MapRun quick(int threads) {
  MapRun run;
  run.duration = Duration::from_si(0.1);
  run.settle = Duration::from_si(0.05);
  run.seed = 7;
  run.threads = threads;
  return run;
}

bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

void expect_same(const Map& a, const Map& b) {
  ASSERT_EQ(a.points.size(), b.points.size());
  EXPECT_EQ(a.computed, b.computed);
  for (std::size_t k = 0; k < a.points.size(); ++k) {
    const MapPoint& x = a.points[k];
    const MapPoint& y = b.points[k];
    EXPECT_TRUE(same_bits(x.frequency_hz, y.frequency_hz)) << k;
    EXPECT_TRUE(same_bits(x.event_frequency_hz, y.event_frequency_hz)) << k;
    EXPECT_TRUE(same_bits(x.spikes_per_burst, y.spikes_per_burst)) << k;
    EXPECT_TRUE(same_bits(x.cv, y.cv)) << k;
    EXPECT_EQ(x.n_spikes, y.n_spikes) << k;
    EXPECT_EQ(x.label, y.label) << k;
    EXPECT_EQ(x.latched, y.latched) << k;
    EXPECT_EQ(x.failed, y.failed) << k;
  }
}

/// Computes a map, or the rest of one, and reads its file.
Map compute(const std::string& path, const MapDescription& map, const MapRun& run) {
  {
    auto file = MapFile::open(path, map);
    if (!file) throw std::runtime_error(file.error().message);
    const auto known = compute_map(*file, map, noisy_neuron, run);
    if (!known) throw std::runtime_error(known.error().message);
    EXPECT_EQ(*known, std::count(file->computed().begin(), file->computed().end(), 1));
  }
  return recording::read_map(path).value();
}

TEST(ComputeMap, DoesNotDependOnTheNumberOfThreads) {
  const Folder folder;
  const Map one = compute(folder / "1.h5", plane(), quick(1));
  EXPECT_EQ(one.computed_points(), 60);
  std::set<analysis::Label> labels;
  for (const MapPoint& point : one.points) labels.insert(point.label);
  EXPECT_GE(labels.size(), 4U) << "a map of one colour shows nothing";
  for (const int threads : {2, 7}) {
    expect_same(compute(folder / (std::to_string(threads) + ".h5"), plane(), quick(threads)), one);
  }
}

TEST(ComputeMap, EndsWhenThreadsFinishBeforeOthersBegin) {
  const Folder folder;
  MapRun run = quick(40);
  run.duration = run.settle = Duration::from_si(1e-6);
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(compute(folder / (std::to_string(round) + ".h5"), plane(), run).computed_points(), 60);
  }
}

TEST(ComputeMap, GoesOnAfterAStopWithoutComputingAPointTwice) {
  const Folder folder;
  const Map whole = compute(folder / "whole.h5", plane(), quick(2));
  for (const int threads : {1, 3}) {
    const std::string path = folder / ("parts" + std::to_string(threads) + ".h5");
    MapRun first = quick(threads);
    first.go_on = [](std::int64_t begun) { return begun < 23; };
    const Map part = compute(path, plane(), first);
    EXPECT_EQ(part.computed_points(), 23);
    std::int64_t begun_later = 0;
    MapRun second = quick(threads);
    second.go_on = [&](std::int64_t begun) {
      begun_later = begun + 1;
      return true;
    };
    expect_same(compute(path, plane(), second), whole);
    EXPECT_EQ(begun_later, 60 - 23);
  }
}

TEST(ComputeMap, WritesTheFirstPointsAtOnceAndThenOnceASecond) {
  const Folder folder;
  double now = 100.0;
  std::int64_t lines = 0;
  std::int64_t last = 0;
  MapRun run = quick(1);
  run.seconds = [&] { return now; };  // time stands still: one write at the begin, one at the end
  run.progress = [&](std::int64_t known, std::int64_t written) {
    EXPECT_LE(written, known);
    if (written != last) ++lines;
    last = written;
  };
  compute(folder / "a.h5", plane(), run);
  EXPECT_LE(lines, 2);
  EXPECT_EQ(last, 60);
}

TEST(ComputeMap, MarksPointsThatCannotBeSimulatedAndGoesOn) {
  const Folder folder;
  MapDescription map = plane();
  const auto builder = [](std::span<const double> at,
                          std::uint64_t seed) -> tl::expected<PointNeuron, SimulationError> {
    if (at[0] < 35e-6) return tl::make_unexpected(SimulationError{"no such circuit"});
    neurons::Parameters p = wu2023();
    if (at[0] < 60e-6) p["V_on"] = 0.9055;  // chatters
    return PointNeuron{neurons::must_make("thyristor", p, {}, seed), Current::from_si(at[0]), {}};
  };
  auto file = MapFile::open(folder / "a.h5", map);
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ(compute_map(*file, map, builder, quick(2)).value(), 60);
  *file = MapFile::open(folder / "b.h5", map).value();  // closes the first
  const Map read = recording::read_map(folder / "a.h5").value();
  EXPECT_TRUE(read.points[0].failed);
  EXPECT_EQ(read.points[0].label, analysis::Label::undetermined);
  EXPECT_TRUE(read.points[3].failed) << "54 uA";
  EXPECT_FALSE(read.points[6].failed) << "78 uA";
  EXPECT_EQ(read.failed_points(), 4 * 5);
  EXPECT_EQ(read.first_failure, "at I = 30 uA, tau_L = 0.05 ms: no such circuit");
  EXPECT_NE(draw_map(read, {}).find("20 points could not be simulated; the first at I = 30 uA, tau_L = 0.05 ms: no"),
            std::string::npos);
}

TEST(ComputeMap, KeepsTheReasonOfTheFirstFailureWhateverTheOrder) {
  const Folder folder;
  {
    auto file = MapFile::open(folder / "a.h5", plane());
    ASSERT_TRUE(file.has_value());
    const auto write = [&](std::int64_t index, const std::string& failure) {
      recording::MapResult result{index, {}, failure};
      result.point.failed = true;
      ASSERT_TRUE(file->write(std::vector{result}).has_value());
    };
    write(7, "seven");
    write(5, "five");
    write(9, "nine");
  }
  EXPECT_EQ(recording::read_map(folder / "a.h5").value().first_failure, "five");
  {
    auto again = MapFile::open(folder / "a.h5", plane());
    recording::MapResult result{6, {}, "six"};
    result.point.failed = true;
    ASSERT_TRUE(again->write(std::vector{result}).has_value());
  }
  EXPECT_EQ(recording::read_map(folder / "a.h5").value().first_failure, "five") << "also after an interruption";
}

TEST(ComputeMap, ShowsTheChannelThatIsAskedFor) {
  // Two neurons whose membranes begin far apart: their spikes in a short window differ in number.
  MapDescription map;
  map.axes = {{"I", "A", {45e-6, 60e-6}, "uA", 1e-6}};
  const auto builder = [](std::span<const double> at, std::uint64_t) -> tl::expected<PointNeuron, SimulationError> {
    neurons::Parameters p = wu2023();
    p.erase("u_start");
    p.insert({{"w", -10e-6}, {"t_d", 20e-3}, {"u_start_A", 0.1}, {"u_start_B", 0.9}});
    return PointNeuron{neurons::must_make("thyristor-pair", p), Current::from_si(at[0]), {}};
  };
  MapRun run = quick(1);
  run.settle = 0.0_s;
  const auto spikes = [&](std::size_t channel) {
    run.channel = channel;
    return simulate_point(map, 0, builder, run).point.n_spikes;
  };
  EXPECT_EQ(spikes(0), 0);
  EXPECT_GT(spikes(1), 0);
}

TEST(PointSeed, DiffersBetweenNeighboursAndSeeds) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::int64_t index = 0; index < 1000; ++index) seeds.insert(point_seed(seed, index));
  }
  EXPECT_EQ(seeds.size(), 20'000U);
}

TEST(CoordinatesAt, RunsAlongTheFirstAxis) {
  const MapDescription map = plane();
  EXPECT_EQ(coordinates_at(map, 0), (std::vector<double>{map.axes[0].values[0], map.axes[1].values[0]}));
  EXPECT_EQ(coordinates_at(map, 13), (std::vector<double>{map.axes[0].values[1], map.axes[1].values[1]}));
}

// ---------------------------------------------------------------- the picture

Map painted(std::int64_t columns, std::int64_t rows) {
  Map map;
  map.description.axes = {{"I", "A", {}, "uA", 1e-6}, {"tau_L", "s", {}, "ms", 1e-3}};
  for (std::int64_t k = 0; k < columns; ++k) map.description.axes[0].values.push_back(1e-6 * double(k));
  for (std::int64_t k = 0; k < rows; ++k) map.description.axes[1].values.push_back(1e-3 * double(k));
  map.points.resize(std::size_t(columns * rows));
  map.computed.assign(map.points.size(), 1);
  for (MapPoint& point : map.points) point.label = analysis::Label::TS;
  map.points.front().label = analysis::Label::QH;  // bottom left
  map.points.back().label = analysis::Label::IB2;  // top right
  map.computed[1] = 0;
  return map;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

TEST(DrawMap, PutsTheSecondAxisUpwards) {
  const auto lines = lines_of(draw_map(painted(40, 3), {60, 20, false}));
  EXPECT_NE(lines[0].find("tau_L [ms]"), std::string::npos);
  EXPECT_EQ(lines[1].back(), '2');
  EXPECT_EQ(lines[3].substr(11, 3), ". T") << "the second point is not computed";
  EXPECT_NE(lines[5].find("I [uA]"), std::string::npos);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_NE(text.find("1 points are not computed yet"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(DrawMap, KeepsBothEndsOfAGridLargerThanThePicture) {
  const auto lines = lines_of(draw_map(painted(1000, 300), {80, 20, false}));
  EXPECT_EQ(lines[1].back(), '2');
  EXPECT_EQ(lines[20][11], '.');
  for (const std::string& line : lines) EXPECT_LE(line.size(), 90U) << line;
}

TEST(DrawMap, PaintsOnlyWhenAsked) {
  EXPECT_NE(draw_map(painted(10, 3), {60, 20, true}).find("\x1b[30;48;5;"), std::string::npos);
}

TEST(DrawMap, ShowsTheRateOverASingleAxis) {
  Map map = painted(20, 1);
  map.description.axes.pop_back();
  for (std::size_t k = 0; k < 20; ++k) map.points[k].event_frequency_hz = double(k);
  const std::string text = draw_map(map, {60, 20, false});
  EXPECT_NE(text.find("rate [Hz]"), std::string::npos);
  EXPECT_NE(text.find("19 +"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '*'), 19) << "one for each computed point\n" << text;
}

TEST(LetterOf, IsDifferentForEveryLabel) {
  std::set<char> letters;
  for (int k = 0; k <= int(analysis::Label::undetermined); ++k) letters.insert(letter_of(analysis::Label(k)));
  EXPECT_EQ(letters.size(), std::size_t(analysis::Label::undetermined) + 1);
}

}  // namespace
}  // namespace thyrode::simulation
