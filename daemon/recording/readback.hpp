// Reading typed values out of an open file. Private to this room; everything throws Failure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

template <class T>
hid_t memory_type();
template <>
inline hid_t memory_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t memory_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t memory_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t memory_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}
template <>
inline hid_t memory_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
inline hid_t memory_type<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}

/// Rows of a dataset of one or two dimensions; 0 if it is not there.
std::int64_t row_count(hid_t file, const std::string& path);

/// Reads rows [first, first + count) of a dataset into `out`, converted to the memory type.
void read_rows(hid_t file, const std::string& path, std::int64_t first, std::int64_t count, std::size_t width,
               hid_t type, void* out);

/// @param width  values in a row
template <class T>
std::vector<T> read_column(hid_t file, const std::string& path, std::int64_t first, std::int64_t count,
                           std::size_t width = 1) {
  std::vector<T> values(static_cast<std::size_t>(count) * width);
  if (count > 0) read_rows(file, path, first, count, width, memory_type<T>(), values.data());
  return values;
}

/// The first of `rows` rows whose value is not less than `value`; the column rises.
std::int64_t lower_row(hid_t file, const std::string& column, std::int64_t rows, std::int64_t value);

/// Texts of a column, of fixed or of variable length.
std::vector<std::string> read_texts(hid_t file, const std::string& path, std::int64_t count);

template <class T>
T read_scalar(hid_t file, const std::string& path) {
  const h5::Handle data = h5::open_dataset(file, path);
  T value{};
  h5::expect(H5Dread(data.get(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &value), file, path, "read");
  return value;
}
std::string read_text(hid_t file, const std::string& path);

template <class T>
T read_attribute(hid_t file, const std::string& path, const char* name) {
  const h5::Handle attribute =
      h5::own(H5Aopen_by_name(file, path.c_str(), name, H5P_DEFAULT, H5P_DEFAULT), file, path + "@" + name, "open");
  T value{};
  h5::expect(H5Aread(attribute.get(), memory_type<T>(), &value), file, path + "@" + name, "read");
  return value;
}
std::string read_text_attribute(hid_t file, const std::string& path, const char* name);
std::vector<std::string> read_texts_attribute(hid_t file, const std::string& path, const char* name);

/// Whole rows of a table: the length of its shortest column, since a writer may have died between two columns.
std::int64_t table_rows(hid_t file, const std::string& path);

}  // namespace thyrode::recording
