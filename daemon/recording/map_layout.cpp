#include "daemon/recording/map_layout.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/map_seal.hpp"

namespace thyrode::recording {
namespace map_layout {

using analysis::Label;
using h5::Handle;

Handle label_type() {
  Handle type{H5Tenum_create(H5T_STD_U8LE)};
  for (int k = 0; k <= last_label; ++k) {
    auto value = static_cast<std::uint8_t>(k);
    H5Tenum_insert(type.get(), analysis::to_string(static_cast<Label>(k)), &value);
  }
  return type;
}

Handle failure_type() {
  Handle type{H5Tcopy(H5T_C_S1)};
  H5Tset_size(type.get(), map_failure_bytes);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  return type;
}

Handle access_properties() {
  Handle list{H5Pcreate(H5P_FILE_ACCESS)};
  // The newest format marks a file as open for writing, and one whose writer was killed then opens no more.
  H5Pset_libver_bounds(list.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
  H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG);
  return list;
}

}  // namespace map_layout

namespace {

namespace fs = std::filesystem;
using h5::expect;
using h5::Handle;
using h5::own;
using namespace map_layout;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy) {
  raise(ErrorKind::bad_input, fmt::format("{}: {}; {}", path, what, remedy));
}

class Skeleton {
 public:
  Skeleton(hid_t file, const MapDescription& description) : file_{file}, builder_{file, 0}, description_{description} {}

  void make() {
    builder_.attribute("/", "schema", map_schema);
    builder_.group(axes_group);
    std::vector<std::string> names;
    for (const MapAxis& axis : description_.axes) {
      const std::string path = std::string{axes_group} + "/" + axis.name;
      builder_.array(path, axis.values);
      builder_.attribute(path, "unit", axis.unit);
      builder_.attribute(path, "shown_unit", axis.shown_unit);
      builder_.attribute(path, "shown_scale", axis.shown_scale);
      names.push_back(axis.name);
    }
    // As for any array: the last axis is the fast one.
    builder_.attribute(axes_group, "columns", names.front());
    if (names.size() > 1) builder_.attribute(axes_group, "rows", names.back());
    builder_.group(provenance_group);
    builder_.text(neuron_path, description_.neuron_yaml);
    for (const auto& [name, value] : description_.provenance) builder_.attribute(provenance_group, name.c_str(), value);
    const double undefined = std::numeric_limits<double>::quiet_NaN();
    for (const RealColumn& column : real_columns) {
      make_column(column.path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &undefined, column.unit, column.description);
    }
    const std::int64_t none = 0;
    make_column(spikes_path, H5T_STD_I64LE, H5T_NATIVE_INT64, &none, "1", "spikes in the time watched");
    const auto undetermined = static_cast<std::uint8_t>(last_label);
    const Handle labels = label_type();
    make_column(label_path, labels.get(), labels.get(), &undetermined, "1", "name of the firing pattern");
    const std::uint8_t no = 0;
    make_column(latched_path, H5T_STD_U8LE, H5T_NATIVE_UINT8, &no, "1", "1 where the switch stays closed for ever");
    make_column(failed_path, H5T_STD_U8LE, H5T_NATIVE_UINT8, &no, "1", "1 where the circuit could not be simulated");
    make_column(computed_path, H5T_STD_U8LE, H5T_NATIVE_UINT8, &no, "1", "1 where the point is known");
    const Handle one{H5Screate(H5S_SCALAR)};
    const std::array<char, map_failure_bytes> nothing{};
    make(failure_path, failure_type().get(), failure_type().get(), one.get(), nothing.data(), "1",
         "where and why the failed point of lowest index failed");
    make(failure_point_path, H5T_STD_I64LE, H5T_NATIVE_INT64, one.get(), &no_point, "1",
         "its index, row * columns + column; -1 if none failed");
  }

 private:
  void make_column(const std::string& path, hid_t type, hid_t memory, const void* fill, const char* unit,
                   const char* description) {
    const std::array<hsize_t, 2> shape{hsize_t(description_.rows()), hsize_t(description_.columns())};
    const bool plane = description_.axes.size() > 1;
    const Handle space{H5Screate_simple(plane ? 2 : 1, plane ? shape.data() : &shape[1], nullptr)};
    make(path, type, memory, space.get(), fill, unit, description);
  }

  void make(const std::string& path, hid_t type, hid_t memory, hid_t space, const void* fill, const char* unit,
            const char* description) {
    const Handle properties{H5Pcreate(H5P_DATASET_CREATE)};
    // All of the space at once: from then on only numbers change in the file, never its structure.
    H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(properties.get(), H5D_FILL_TIME_ALLOC);
    H5Pset_obj_track_times(properties.get(), false);
    H5Pset_fill_value(properties.get(), memory, fill);
    own(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, properties.get(), H5P_DEFAULT), file_, path,
        "create");
    builder_.attribute(path, "unit", unit);
    builder_.attribute(path, "description", description);
  }

  hid_t file_;
  Builder builder_;
  const MapDescription& description_;
};

/// Where the file changes after it was made: above all, where the numbers of the points lie. Rising.
std::vector<ByteRange> changing_bytes(hid_t file) {
  std::vector<std::string> paths{spikes_path,   label_path,   latched_path,      failed_path,
                                 computed_path, failure_path, failure_point_path};
  for (const RealColumn& column : real_columns) paths.emplace_back(column.path);
  // "File consistency flags" of the superblock: the library sets them while it writes, and reads them in later
  // versions.
  std::vector<ByteRange> ranges{{map_seal_bytes + 20, 4}};
  for (const std::string& path : paths) {
    const Handle data = h5::open_dataset(file, path);
    const haddr_t begin = H5Dget_offset(data.get());
    if (begin == HADDR_UNDEF) h5::complain(file, path, "find the place of");
    ranges.push_back({begin, H5Dget_storage_size(data.get())});
  }
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return ranges;
}

}  // namespace

void make_map_file(const std::string& path, const MapDescription& description) {
  const fs::path folder = fs::path{path}.parent_path();
  std::error_code error;
  if (!folder.empty() && !fs::is_directory(folder, error)) {
    refuse(folder.string(), "no such folder", "create it or name another file with --out");
  }
  // A file appears under its name only when it is whole.
  const std::string draft = fmt::format("{}.{}.new", path, getpid());
  {
    const Handle access = access_properties();
    const Handle creation{H5Pcreate(H5P_FILE_CREATE)};
    H5Pset_obj_track_times(creation.get(), false);
    H5Pset_userblock(creation.get(), map_seal_bytes);
    Handle file{H5Fcreate(draft.c_str(), H5F_ACC_TRUNC, creation.get(), access.get())};
    if (!file) {
      refuse(draft, fmt::format("cannot be made: {}", h5::last_reason()),
             "check the folder and the disk, or name another file with --out");
    }
    Skeleton{file.get(), description}.make();
    expect(H5Fflush(file.get(), H5F_SCOPE_LOCAL), file.get(), "the map", "write");
    const std::vector<ByteRange> changing = changing_bytes(file.get());
    file.reset();
    seal_map(draft, changing);
  }
  // Of several programs that begin the same map one makes it; the others find it there.
  fs::create_hard_link(draft, path, error);
  if (error && error != std::errc::file_exists && !fs::exists(path)) {
    fs::rename(draft, path, error);  // a file system without hard links
  } else {
    error.clear();
    std::error_code ignored;
    fs::remove(draft, ignored);
  }
  if (error) {
    refuse(path, fmt::format("cannot be made: {}", error.message()), "name another file with --out");
  }
}

}  // namespace thyrode::recording
