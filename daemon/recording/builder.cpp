#include "daemon/recording/builder.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <limits>

#include "daemon/recording/object_id.hpp"

namespace thyrode::recording {
namespace {

using h5::expect;
using h5::Handle;
using h5::own;

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

/// Creation properties without time stamps.
Handle plain(hid_t of) {
  Handle list{H5Pcreate(of)};
  H5Pset_obj_track_times(list.get(), false);
  return list;
}

Handle text_type() {
  Handle type{H5Tcopy(H5T_C_S1)};
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Handle range_type() {
  Handle type{H5Tcreate(H5T_COMPOUND, sizeof(SeriesRange))};
  H5Tinsert(type.get(), "idx_start", HOFFSET(SeriesRange, first), H5T_STD_I32LE);
  H5Tinsert(type.get(), "count", HOFFSET(SeriesRange, count), H5T_STD_I32LE);
  H5Tinsert(type.get(), "timeseries", HOFFSET(SeriesRange, series), H5T_STD_REF_OBJ);
  return type;
}

Handle simple_space(std::initializer_list<hsize_t> shape) {
  return Handle{H5Screate_simple(static_cast<int>(shape.size()), shape.begin(), nullptr)};
}

std::vector<const char*> pointers(std::span<const std::string> values) {
  std::vector<const char*> list;
  list.reserve(values.size());
  for (const std::string& value : values) list.push_back(value.c_str());
  return list;
}

}  // namespace

std::size_t size_of(Element element) {
  switch (element) {
    case Element::i64:
    case Element::f64: return 8;
    case Element::i32:
    case Element::u32:
    case Element::f32: return 4;
    case Element::u16: return 2;
    case Element::u8: return 1;
    case Element::text16: return text16_bytes;
  }
  return 0;
}

Handle type_of(Element element) {
  switch (element) {
    case Element::i64: return Handle{H5Tcopy(H5T_STD_I64LE)};
    case Element::i32: return Handle{H5Tcopy(H5T_STD_I32LE)};
    case Element::u32: return Handle{H5Tcopy(H5T_STD_U32LE)};
    case Element::u16: return Handle{H5Tcopy(H5T_STD_U16LE)};
    case Element::u8: return Handle{H5Tcopy(H5T_STD_U8LE)};
    case Element::f64: return Handle{H5Tcopy(H5T_IEEE_F64LE)};
    case Element::f32: return Handle{H5Tcopy(H5T_IEEE_F32LE)};
    case Element::text16: break;
  }
  Handle type{H5Tcopy(H5T_C_S1)};
  H5Tset_size(type.get(), text16_bytes);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

void Builder::group(const std::string& path) {
  const Handle properties = plain(H5P_GROUP_CREATE);
  own(H5Gcreate2(file_, path.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), file_, path, "create");
}

void Builder::group(const std::string& path, NwbType type) {
  group(path);
  set_type(path, type);
}

std::string Builder::id_of(const std::string& path) const {
  return object_id(seed_, part_ > 1 ? fmt::format("{}:{}", part_, path) : path);
}

void Builder::set_type(const std::string& path, NwbType type) {
  attribute(path, "namespace", type.space);
  attribute(path, "neurodata_type", type.name);
  attribute(path, "object_id", id_of(path));
}

void Builder::soft_link(const std::string& path, const std::string& target) {
  expect(H5Lcreate_soft(target.c_str(), file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT), file_, path, "link");
}

void Builder::write_dataset(const std::string& path, hid_t type, hid_t space, const void* value) {
  const Handle properties = plain(H5P_DATASET_CREATE);
  const Handle data = own(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                          file_, path, "create");
  expect(H5Dwrite(data.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value), file_, path, "write");
}

void Builder::text(const std::string& path, const std::string& value) {
  const Handle type = text_type();
  const Handle space{H5Screate(H5S_SCALAR)};
  const char* pointer = value.c_str();
  write_dataset(path, type.get(), space.get(), &pointer);
}

void Builder::texts(const std::string& path, std::span<const std::string> values) {
  const Handle type = text_type();
  const hsize_t shape = values.size();
  const hsize_t limit = H5S_UNLIMITED;
  const hsize_t chunk = 64;
  const Handle space{H5Screate_simple(1, &shape, &limit)};
  const Handle properties = plain(H5P_DATASET_CREATE);
  H5Pset_chunk(properties.get(), 1, &chunk);
  const Handle data =
      own(H5Dcreate2(file_, path.c_str(), type.get(), space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), file_,
          path, "create");
  const auto list = pointers(values);
  if (list.empty()) return;
  expect(H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, list.data()), file_, path, "write");
}

void Builder::scalar(const std::string& path, double value) {
  const Handle space{H5Screate(H5S_SCALAR)};
  write_dataset(path, H5T_IEEE_F64LE, space.get(), &value);
}

void Builder::scalar(const std::string& path, float value) {
  const Handle space{H5Screate(H5S_SCALAR)};
  write_dataset(path, H5T_IEEE_F32LE, space.get(), &value);
}

void Builder::scalar(const std::string& path, std::int64_t value) {
  const Handle space{H5Screate(H5S_SCALAR)};
  write_dataset(path, H5T_STD_I64LE, space.get(), &value);
}

void Builder::stream(const std::string& path, Element element, std::size_t width, std::size_t rows_per_chunk) {
  const int rank = width == 1 ? 1 : 2;
  const std::array<hsize_t, 2> shape{0, width};
  const std::array<hsize_t, 2> limit{H5S_UNLIMITED, width};
  const std::array<hsize_t, 2> chunk{rows_per_chunk, width};
  const Handle type = type_of(element);
  const Handle space{H5Screate_simple(rank, shape.data(), limit.data())};
  const Handle properties = plain(H5P_DATASET_CREATE);
  H5Pset_chunk(properties.get(), rank, chunk.data());
  if (element == Element::f32) {
    // A gap that spans whole chunks is never written: it reads as the fill value.
    const float fill = std::numeric_limits<float>::quiet_NaN();
    H5Pset_fill_value(properties.get(), H5T_NATIVE_FLOAT, &fill);
  }
  own(H5Dcreate2(file_, path.c_str(), type.get(), space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), file_, path,
      "create");
}

void Builder::array(const std::string& path, std::span<const double> values, std::size_t width) {
  const Handle space = width == 1 ? simple_space({values.size()}) : simple_space({values.size() / width, width});
  write_dataset(path, H5T_IEEE_F64LE, space.get(), values.data());
}

void Builder::array(const std::string& path, std::span<const std::int64_t> values) {
  const Handle space = simple_space({values.size()});
  write_dataset(path, H5T_STD_I64LE, space.get(), values.data());
}

void Builder::array(const std::string& path, std::span<const std::uint64_t> values) {
  const Handle space = simple_space({values.size()});
  write_dataset(path, H5T_STD_U64LE, space.get(), values.data());
}

void Builder::references(const std::string& path, std::span<const hobj_ref_t> values) {
  const Handle space = simple_space({values.size()});
  write_dataset(path, H5T_STD_REF_OBJ, space.get(), values.data());
}

void Builder::ranges(const std::string& path, std::span<const SeriesRange> values) {
  const Handle type = range_type();
  const Handle space = simple_space({values.size()});
  write_dataset(path, type.get(), space.get(), values.data());
}

void Builder::write_attribute(const std::string& path, const char* name, hid_t type, hid_t space, const void* value) {
  const Handle object = own(H5Oopen(file_, path.c_str(), H5P_DEFAULT), file_, path, "open");
  const Handle attribute =
      own(H5Acreate2(object.get(), name, type, space, H5P_DEFAULT, H5P_DEFAULT), file_, path + "@" + name, "create");
  expect(H5Awrite(attribute.get(), type, value), file_, path + "@" + name, "write");
}

void Builder::attribute(const std::string& path, const char* name, const std::string& value) {
  const Handle type = text_type();
  const Handle space{H5Screate(H5S_SCALAR)};
  const char* pointer = value.c_str();
  write_attribute(path, name, type.get(), space.get(), &pointer);
}

void Builder::attribute(const std::string& path, const char* name, double value) {
  const Handle space{H5Screate(H5S_SCALAR)};
  write_attribute(path, name, H5T_IEEE_F64LE, space.get(), &value);
}

void Builder::attribute(const std::string& path, const char* name, std::int64_t value) {
  const Handle space{H5Screate(H5S_SCALAR)};
  write_attribute(path, name, H5T_STD_I64LE, space.get(), &value);
}

void Builder::attribute(const std::string& path, const char* name, std::uint64_t value) {
  const Handle space{H5Screate(H5S_SCALAR)};
  write_attribute(path, name, H5T_STD_U64LE, space.get(), &value);
}

void Builder::attribute(const std::string& path, const char* name, std::span<const std::string> values) {
  const Handle type = text_type();
  const Handle space = simple_space({values.size()});
  auto list = pointers(values);
  list.push_back(nullptr);  // The library wants an address even for an empty list.
  write_attribute(path, name, type.get(), space.get(), list.data());
}

void Builder::attribute(const std::string& path, const char* name, std::span<const double> values) {
  const Handle space = simple_space({values.size()});
  write_attribute(path, name, H5T_IEEE_F64LE, space.get(), values.data());
}

void Builder::attribute_reference(const std::string& path, const char* name, const std::string& target) {
  const Handle space{H5Screate(H5S_SCALAR)};
  const hobj_ref_t target_reference = reference(target);
  write_attribute(path, name, H5T_STD_REF_OBJ, space.get(), &target_reference);
}

hobj_ref_t Builder::reference(const std::string& path) {
  hobj_ref_t value = 0;
  expect(H5Rcreate(&value, file_, path.c_str(), H5R_OBJECT, H5I_INVALID_HID), file_, path, "refer to");
  return value;
}

void Builder::remove(const std::string& path) {
  expect(H5Ldelete(file_, path.c_str(), H5P_DEFAULT), file_, path, "remove");
}

}  // namespace thyrode::recording
