// The file of a phase map: how a neuron fires on every point of a grid. It can be stopped, killed and gone on with.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Schema of the file: the first line of its seal, and attribute `schema` of its root.
inline constexpr const char* map_schema = "thyrode.map/2";

/// Bytes kept of Map::first_failure.
inline constexpr std::size_t map_failure_bytes = 1024;

/// Most points of one map.
inline constexpr std::int64_t map_points_max = 4'000'000;

/// One axis of the grid.
struct MapAxis {
  std::string name;            ///< "I" or a parameter of the neuron
  std::string unit;            ///< symbol of its SI unit
  std::vector<double> values;  ///< SI, in order, both ends included
  std::string shown_unit;      ///< in which people read it: "uA"
  double shown_scale = 1.0;    ///< SI units in one of those
  bool operator==(const MapAxis&) const = default;
};

/// What the points of a map depend on, and so what must agree before one is gone on with.
struct MapDescription {
  std::vector<MapAxis> axes;  ///< one or two; the first is the fast one: the columns
  std::string neuron_yaml;    ///< the neuron file, byte for byte
  /// Name and value, in order: neuron, version, seed, duration_s ...
  std::vector<std::pair<std::string, std::string>> provenance;

  std::int64_t columns() const { return std::int64_t(axes.front().values.size()); }
  std::int64_t rows() const { return axes.size() < 2 ? 1 : std::int64_t(axes[1].values.size()); }
  std::int64_t points() const { return columns() * rows(); }
};

/// The result at one point. Undefined numbers are NaN.
struct MapPoint {
  double frequency_hz = std::numeric_limits<double>::quiet_NaN();
  double event_frequency_hz = std::numeric_limits<double>::quiet_NaN();
  double spikes_per_burst = std::numeric_limits<double>::quiet_NaN();
  double cv = std::numeric_limits<double>::quiet_NaN();
  std::int64_t n_spikes = 0;
  analysis::Label label = analysis::Label::undetermined;
  bool latched = false;
  bool failed = false;  ///< it could not be simulated; all else is undefined
};

struct MapResult {
  std::int64_t index = 0;  ///< row * columns + column
  MapPoint point;
  std::string failure = {};  ///< of a point that failed: where and why, in words
};

/// A map as it stands in its file.
struct Map {
  MapDescription description;
  std::vector<MapPoint> points;        ///< shape (rows * columns)
  std::vector<std::uint8_t> computed;  ///< shape (rows * columns): 1 where the point is known
  std::string first_failure;           ///< where and why the point of lowest index failed; empty if none did
  std::int64_t computed_points() const;
  std::int64_t failed_points() const;
};

/// Writes a map. All space of the file is taken when it is made, and a point counts only once all its numbers are on
/// their way to the disk: whenever the program is killed, the file opens and what it says is true.
class MapFile {
 public:
  /// Makes the file, or opens the map that is there to go on with it.
  /// Errors: bad_input: the folder, or a file that is no map, or a map of another grid, neuron or options (named, with
  /// both values), or one that another program writes; run_failed: the disk.
  static Result<MapFile> open(const std::string& path, const MapDescription& description);
  MapFile(MapFile&&) noexcept;
  MapFile& operator=(MapFile&&) noexcept;
  ~MapFile();

  /// Shape (points), 1 where the point is known.
  const std::vector<std::uint8_t>& computed() const;
  /// Adds points and hands everything to the system.
  /// Errors: run_failed, the disk.
  Result<void> write(std::span<const MapResult> results);

 private:
  struct State;
  explicit MapFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether a file begins as maps do, of any version, damaged or not. Looks at its first bytes only.
bool is_map(const std::string& path);

/// Reads a map, complete or not, also while another program computes it. Before the HDF5 library opens the file, its
/// seal is checked: length, structure, axes and description are those that were written when the map was begun. The
/// numbers of the points are not sealed, since they change while the map is computed.
/// Errors: bad_input: no such file, no map, another version, damaged.
Result<Map> read_map(const std::string& path);

}  // namespace thyrode::recording
