#include "daemon/recording/map_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "daemon/recording/hdf5.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/map_layout.hpp"
#include "daemon/recording/map_seal.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;
using analysis::Label;
using h5::expect;
using h5::Handle;
using h5::own;
using namespace map_layout;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy) {
  raise(ErrorKind::bad_input, fmt::format("{}: {}; {}", path, what, remedy));
}

// ---------------------------------------------------------------- reading

/// Readers take no lock: they may look at a map that is being computed. Its structure never changes.
Handle reader_properties() {
  Handle list = access_properties();
  H5Pset_file_locking(list.get(), false, true);
  return list;
}

std::string schema_of(hid_t object, const char* path) {
  if (H5Aexists_by_name(object, path, "schema", H5P_DEFAULT) <= 0) return {};
  return read_text_attribute(object, path, "schema");
}

/// Refuses a file that is no map in words that say what it is.
[[noreturn]] void refuse_stranger(const std::string& path) {
  Handle access{H5Pcreate(H5P_FILE_ACCESS)};
  H5Pset_file_locking(access.get(), false, true);
  Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get())};
  if (!file) file = Handle{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get())};
  const std::string remedy = "name a map that `thyrode simulate --map` made";
  if (!file) refuse(path, fmt::format("cannot be opened: {}", h5::last_reason()), remedy);
  if (h5::exists(file.get(), layout::provenance) &&
      schema_of(file.get(), layout::provenance).starts_with(std::string{layout::schema_name} + "/")) {
    refuse(path, "is a recording, not a map", remedy + ", or another file with --out");
  }
  if (const std::string schema = schema_of(file.get(), "/"); schema.starts_with("thyrode.map/")) {
    refuse(path, fmt::format("its schema is {}, this version reads {}", schema, map_schema), "compute the map again");
  }
  refuse(path, "an HDF5 file, but not a map of thyrode", remedy);
}

Handle open_file(const std::string& path, unsigned flags) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) refuse(path, "no such file", "check the name");
  if (!fs::is_regular_file(status)) refuse(path, "is not a file", "name a map (.h5)");
  if (fs::file_size(path, error) == 0) refuse(path, "is empty", "name a map (.h5), or remove it");
  if (::access(path.c_str(), R_OK) != 0) refuse(path, std::strerror(errno), "you need the right to read it");
  if (!looks_sealed(path)) refuse_stranger(path);
  check_seal(path);
  const Handle access = flags == H5F_ACC_RDONLY ? reader_properties() : access_properties();
  Handle file{H5Fopen(path.c_str(), flags, access.get())};
  if (file) return file;
  const std::string reason = h5::last_reason();
  if (reason.find("unable to lock file") != std::string::npos ||
      reason.find("temporarily unavailable") != std::string::npos) {
    refuse(path, "another program is writing this map", "wait for its end");
  }
  refuse(path, fmt::format("cannot be opened: {}", reason), "name a map that `thyrode simulate --map` made");
}

MapAxis read_axis(hid_t file, const char* role) {
  MapAxis axis;
  axis.name = read_text_attribute(file, axes_group, role);
  const std::string path = std::string{axes_group} + "/" + axis.name;
  axis.values = read_column<double>(file, path, 0, row_count(file, path));
  axis.unit = read_text_attribute(file, path, "unit");
  axis.shown_unit = read_text_attribute(file, path, "shown_unit");
  axis.shown_scale = read_attribute<double>(file, path, "shown_scale");
  if (axis.values.empty()) h5::complain(file, path, "find values in");
  return axis;
}

// Attributes come in the order of their names, whatever the order in which they were written.
herr_t collect_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

MapDescription read_description(hid_t file) {
  MapDescription description;
  description.axes.push_back(read_axis(file, "columns"));
  if (H5Aexists_by_name(file, axes_group, "rows", H5P_DEFAULT) > 0) description.axes.push_back(read_axis(file, "rows"));
  description.neuron_yaml = read_text(file, neuron_path);
  std::vector<std::string> names;
  const Handle group = own(H5Gopen2(file, provenance_group, H5P_DEFAULT), file, provenance_group, "open");
  expect(H5Aiterate2(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &names), file, provenance_group,
         "read");
  for (const std::string& name : names) {
    description.provenance.emplace_back(name, read_text_attribute(file, provenance_group, name.c_str()));
  }
  return description;
}

template <class T>
std::vector<T> read_all(hid_t file, const std::string& path, hid_t type, std::int64_t points) {
  const Handle data = h5::open_dataset(file, path);
  const Handle space{H5Dget_space(data.get())};
  if (H5Sget_simple_extent_npoints(space.get()) != points) h5::complain(file, path, "find every point in");
  std::vector<T> values(static_cast<std::size_t>(points));
  expect(H5Dread(data.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), file, path, "read");
  return values;
}

// ---------------------------------------------------------------- going on with a map

std::string axis_text(const MapAxis& axis) {
  return fmt::format("{} = {:.9g} to {:.9g} {} in {} points", axis.name, axis.values.front() / axis.shown_scale,
                     axis.values.back() / axis.shown_scale, axis.shown_unit, axis.values.size());
}

std::string axes_text(const std::vector<MapAxis>& axes) {
  std::string text;
  for (const MapAxis& axis : axes) text += (text.empty() ? "" : ", ") + axis_text(axis);
  return text;
}

bool same_grid(const std::vector<MapAxis>& a, const std::vector<MapAxis>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const MapAxis& x, const MapAxis& y) { return x.name == y.name && x.values == y.values; });
}

std::string value_of(const MapDescription& description, const std::string& name) {
  for (const auto& [key, value] : description.provenance) {
    if (key == name) return value;
  }
  return {};
}

void check_same(const std::string& path, const MapDescription& there, const MapDescription& asked) {
  const std::string remedy = "give the options of that map to go on with it, or name another file with --out";
  if (!same_grid(there.axes, asked.axes)) {
    refuse(path,
           fmt::format("is a map of another grid: it has {}; asked for is {}", axes_text(there.axes),
                       axes_text(asked.axes)),
           remedy);
  }
  for (const auto& [name, value] : asked.provenance) {
    const std::string other = value_of(there, name);
    if (other == value) continue;
    refuse(path,
           fmt::format("is a map with {} = {}; asked for is {}", name, other.empty() ? "(none)" : other,
                       value.empty() ? "(none)" : value),
           remedy);
  }
  if (there.neuron_yaml != asked.neuron_yaml) {
    refuse(path, "is a map of another neuron: the neuron file has changed since it was begun", remedy);
  }
}

}  // namespace

// ---------------------------------------------------------------- the door

struct MapFile::State {
  std::string path;
  Handle file;
  bool plane = false;
  std::int64_t columns = 0;
  std::vector<MapPoint> points;
  std::vector<std::uint8_t> computed;
  std::int64_t failure_point = no_point;

  /// Keeps the reason of the failed point of lowest index, whatever the order in which they come.
  void note_failures(std::span<const MapResult> results) {
    const MapResult* first = nullptr;
    for (const MapResult& result : results) {
      if (!result.point.failed || (failure_point != no_point && result.index >= failure_point)) continue;
      first = &result;
      failure_point = result.index;
    }
    if (first == nullptr) return;
    std::array<char, map_failure_bytes> text{};
    std::copy_n(first->failure.begin(), std::min(first->failure.size(), text.size()), text.begin());
    write_one(failure_path, failure_type().get(), text.data());
    write_one(failure_point_path, H5T_NATIVE_INT64, &failure_point);
  }

  void write_one(const char* name, hid_t type, const void* value) const {
    const Handle data = h5::open_dataset(file.get(), name);
    expect(H5Dwrite(data.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value), file.get(), name, "write");
  }

  /// Writes the rows that hold the points [first, last].
  template <class T, class Value>
  void write_rows(const char* name, hid_t type, std::int64_t first, std::int64_t last, Value value) const {
    const std::int64_t begin = plane ? first / columns : first;
    const std::int64_t end = (plane ? last / columns : last) + 1;
    const std::int64_t width = plane ? columns : 1;
    std::vector<T> values;
    for (std::int64_t k = begin * width; k < end * width; ++k) values.push_back(value(static_cast<std::size_t>(k)));
    const Handle data = h5::open_dataset(file.get(), name);
    const Handle space{H5Dget_space(data.get())};
    const std::array<hsize_t, 2> start{hsize_t(begin), 0};
    const std::array<hsize_t, 2> block{hsize_t(end - begin), hsize_t(width)};
    const Handle memory{H5Screate_simple(plane ? 2 : 1, block.data(), nullptr)};
    expect(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr), file.get(),
           name, "select rows of");
    expect(H5Dwrite(data.get(), type, memory.get(), space.get(), H5P_DEFAULT, values.data()), file.get(), name,
           "write");
  }

  void write_values(std::int64_t first, std::int64_t last) const {
    for (const RealColumn& column : real_columns) {
      write_rows<double>(column.path, H5T_NATIVE_DOUBLE, first, last,
                         [&](std::size_t k) { return points[k].*column.member; });
    }
    write_rows<std::int64_t>(spikes_path, H5T_NATIVE_INT64, first, last,
                             [&](std::size_t k) { return points[k].n_spikes; });
    const Handle labels = label_type();
    write_rows<std::uint8_t>(label_path, labels.get(), first, last,
                             [&](std::size_t k) { return static_cast<std::uint8_t>(points[k].label); });
    write_rows<std::uint8_t>(latched_path, H5T_NATIVE_UINT8, first, last,
                             [&](std::size_t k) { return std::uint8_t{points[k].latched}; });
    write_rows<std::uint8_t>(failed_path, H5T_NATIVE_UINT8, first, last,
                             [&](std::size_t k) { return std::uint8_t{points[k].failed}; });
  }

  void flush() const { expect(H5Fflush(file.get(), H5F_SCOPE_LOCAL), file.get(), "the map", "write"); }
};

namespace {

/// Refuses a number that no point can have: the numbers are not sealed.
void check_value(const std::string& path, const char* column, std::size_t point, int value, int highest) {
  if (value <= highest) return;
  refuse(path, fmt::format("damaged: {} is {} at point {}, at most {}", column, value, point, highest),
         "use a copy of it, or remove it and compute it again");
}

/// The text is not sealed: what is no letter is not shown.
std::string read_failure(hid_t file) {
  std::array<char, map_failure_bytes> text{};
  const Handle data = h5::open_dataset(file, failure_path);
  const Handle type = failure_type();
  expect(H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), file, failure_path, "read");
  std::string letters{text.begin(), std::find(text.begin(), text.end(), '\0')};
  std::replace_if(
      letters.begin(), letters.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return letters;
}

Map read_open_map(hid_t file, const std::string& path) {
  Map map;
  map.description = read_description(file);
  const std::int64_t points = map.description.points();
  // First of all: a point that was known by now has had its numbers written before.
  map.computed = read_all<std::uint8_t>(file, computed_path, H5T_NATIVE_UINT8, points);
  map.points.resize(static_cast<std::size_t>(points));
  for (const RealColumn& column : real_columns) {
    const auto values = read_all<double>(file, column.path, H5T_NATIVE_DOUBLE, points);
    for (std::size_t k = 0; k < values.size(); ++k) map.points[k].*column.member = values[k];
  }
  const auto spikes = read_all<std::int64_t>(file, spikes_path, H5T_NATIVE_INT64, points);
  const Handle type = label_type();
  const auto labels = read_all<std::uint8_t>(file, label_path, type.get(), points);
  const auto latched = read_all<std::uint8_t>(file, latched_path, H5T_NATIVE_UINT8, points);
  const auto failed = read_all<std::uint8_t>(file, failed_path, H5T_NATIVE_UINT8, points);
  for (std::size_t k = 0; k < map.points.size(); ++k) {
    check_value(path, label_path, k, labels[k], last_label);
    check_value(path, computed_path, k, map.computed[k], 1);
    map.points[k].n_spikes = spikes[k];
    map.points[k].label = static_cast<Label>(labels[k]);
    map.points[k].latched = latched[k] != 0;
    map.points[k].failed = failed[k] != 0;
  }
  map.first_failure = read_failure(file);
  return map;
}

}  // namespace

std::int64_t Map::computed_points() const {
  return std::count(computed.begin(), computed.end(), std::uint8_t{1});
}

std::int64_t Map::failed_points() const {
  return std::count_if(points.begin(), points.end(), [](const MapPoint& point) { return point.failed; });
}

MapFile::MapFile(std::unique_ptr<State> state) : state_{std::move(state)} {}
MapFile::MapFile(MapFile&&) noexcept = default;
MapFile& MapFile::operator=(MapFile&&) noexcept = default;
MapFile::~MapFile() = default;

Result<MapFile> MapFile::open(const std::string& path, const MapDescription& description) {
  return guarded([&] {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(path, error))) make_map_file(path, description);
    Handle file = open_file(path, H5F_ACC_RDWR);
    check_same(path, read_description(file.get()), description);
    Map map = read_open_map(file.get(), path);
    auto state = std::make_unique<State>();
    state->path = path;
    state->file = std::move(file);
    state->plane = description.axes.size() > 1;
    state->columns = description.columns();
    state->points = std::move(map.points);
    state->computed = std::move(map.computed);
    state->failure_point = read_scalar<std::int64_t>(state->file.get(), failure_point_path);
    return MapFile{std::move(state)};
  });
}

const std::vector<std::uint8_t>& MapFile::computed() const {
  return state_->computed;
}

Result<void> MapFile::write(std::span<const MapResult> results) {
  if (results.empty()) return {};
  return guarded([&] {
    const auto [first, last] = std::minmax_element(
        results.begin(), results.end(), [](const MapResult& a, const MapResult& b) { return a.index < b.index; });
    for (const MapResult& result : results) state_->points[static_cast<std::size_t>(result.index)] = result.point;
    state_->write_values(first->index, last->index);
    state_->note_failures(results);
    state_->flush();
    for (const MapResult& result : results) state_->computed[static_cast<std::size_t>(result.index)] = 1;
    state_->write_rows<std::uint8_t>(computed_path, H5T_NATIVE_UINT8, first->index, last->index,
                                     [&](std::size_t k) { return state_->computed[k]; });
    state_->flush();
  });
}

bool is_map(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && looks_sealed(path);
}

Result<Map> read_map(const std::string& path) {
  auto map = guarded([&] {
    const Handle file = open_file(path, H5F_ACC_RDONLY);
    return read_open_map(file.get(), path);
  });
  if (!map) map.error().kind = ErrorKind::bad_input;
  return map;
}

}  // namespace thyrode::recording
