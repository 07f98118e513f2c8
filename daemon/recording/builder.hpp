// Makes NWB objects in an open file: groups, attributes, datasets, links. Private to this room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// What one value of a column or series is in the file; all are little endian and of fixed size.
enum class Element : std::uint8_t { i64, i32, u32, u16, u8, f64, f32, text16 };
inline constexpr std::size_t text16_bytes = 16;

std::size_t size_of(Element element);
h5::Handle type_of(Element element);

/// Namespace and neurodata_type of a typed NWB object.
struct NwbType {
  const char* space;
  const char* name;
};

/// A range of a TimeSeries, as NWB's TimeSeriesReferenceVectorData stores it.
struct SeriesRange {
  std::int32_t first = 0;
  std::int32_t count = 0;
  hobj_ref_t series = 0;
};

/// Everything throws Failure. Objects carry no time stamps, so that the same calls give the same bytes.
class Builder {
 public:
  /// @param file  open for writing; must outlive this
  /// @param seed  from which every object_id follows
  /// @param part  number of the file in its run: objects of one path in two files have two ids
  Builder(hid_t file, std::uint64_t seed, int part = 1) : file_{file}, seed_{seed}, part_{part} {}

  hid_t file() const { return file_; }
  /// The object_id of an object of this file.
  std::string id_of(const std::string& path) const;

  void group(const std::string& path);
  void group(const std::string& path, NwbType type);
  /// Gives an object its namespace, neurodata_type and object_id.
  void set_type(const std::string& path, NwbType type);
  void soft_link(const std::string& path, const std::string& target);

  /// A scalar text, UTF-8.
  void text(const std::string& path, const std::string& value);
  /// A list of texts, shape (n), extendible.
  void texts(const std::string& path, std::span<const std::string> values);
  void scalar(const std::string& path, double value);
  void scalar(const std::string& path, float value);
  void scalar(const std::string& path, std::int64_t value);
  /// An empty extendible dataset, shape (0) or (0, width).
  void stream(const std::string& path, Element element, std::size_t width, std::size_t rows_per_chunk);
  /// A dataset of fixed shape (n) or (n / width, width).
  void array(const std::string& path, std::span<const double> values, std::size_t width = 1);
  void array(const std::string& path, std::span<const std::int64_t> values);
  void array(const std::string& path, std::span<const std::uint64_t> values);
  void references(const std::string& path, std::span<const hobj_ref_t> values);
  void ranges(const std::string& path, std::span<const SeriesRange> values);

  void attribute(const std::string& path, const char* name, const std::string& value);
  void attribute(const std::string& path, const char* name, const char* value) {
    attribute(path, name, std::string{value});
  }
  void attribute(const std::string& path, const char* name, double value);
  void attribute(const std::string& path, const char* name, std::int64_t value);
  void attribute(const std::string& path, const char* name, std::uint64_t value);
  void attribute(const std::string& path, const char* name, std::span<const std::string> values);
  void attribute(const std::string& path, const char* name, std::span<const double> values);
  /// An attribute that points to another object.
  void attribute_reference(const std::string& path, const char* name, const std::string& target);

  hobj_ref_t reference(const std::string& path);
  void remove(const std::string& path);

 private:
  void write_attribute(const std::string& path, const char* name, hid_t type, hid_t space, const void* value);
  void write_dataset(const std::string& path, hid_t type, hid_t space, const void* value);

  hid_t file_;
  std::uint64_t seed_;
  int part_;
};

}  // namespace thyrode::recording
