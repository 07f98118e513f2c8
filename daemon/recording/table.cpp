#include "daemon/recording/table.hpp"

#include <fmt/format.h>

#include <array>

namespace thyrode::recording {

std::string unit_of(std::string_view column) {
  for (const std::string_view end : {"_low", "_high"}) {
    if (column.ends_with(end)) column.remove_suffix(end.size());
  }
  struct Unit {
    std::string_view end;
    const char* unit;
  };
  // The longer ends first: uA/s is no time, Hz/uA no current.
  constexpr Unit units[] = {{"_hz_per_ua", "hertz/microampere"},
                            {"_ua_per_s", "microamperes/second"},
                            {"_per_ua", "1/microampere"},
                            {"_hz", "hertz"},
                            {"_ua", "microamperes"},
                            {"_mv", "millivolts"},
                            {"_ms", "milliseconds"},
                            {"_ticks", "device ticks"},
                            {"tick", "device ticks"},
                            {"_sample", "samples"},
                            {"_samples", "samples"},
                            {"_time", "seconds"},
                            {"_times", "seconds"},
                            {"obs_intervals", "seconds"},
                            {"_s", "seconds"},
                            {"_v", "volts"},
                            {"_fine", "DAC codes/65536"}};
  for (const Unit& unit : units) {
    if (column.ends_with(unit.end)) return unit.unit;
  }
  return {};
}

void create_table(Builder& builder, const TableSpec& spec) {
  builder.group(spec.path, spec.type);
  builder.attribute(spec.path, "description", spec.description);
  std::vector<std::string> names;
  for (const ColumnSpec& column : spec.columns) {
    names.push_back(column.name);
    const std::string path = spec.path + "/" + column.name;
    builder.stream(path, column.element, column.width, spec.rows_per_chunk);
    builder.set_type(path, column.type);
    builder.attribute(path, "description", column.description);
    if (const std::string unit = unit_of(column.name); !unit.empty()) builder.attribute(path, "unit", unit);
  }
  builder.attribute(spec.path, "colnames", std::span<const std::string>{names});
  const std::string id = spec.path + "/id";
  builder.stream(id, Element::i64, 1, spec.rows_per_chunk);
  builder.set_type(id, element_identifiers);
  if (!spec.id_description.empty()) builder.attribute(id, "description", spec.id_description);
}

Column::Column(hid_t file, std::string path, Element element, std::size_t width)
    : data_{h5::open_dataset(file, path)},
      type_{type_of(element)},
      path_{std::move(path)},
      width_{width},
      row_bytes_{size_of(element) * width} {
  const h5::Handle space{H5Dget_space(data_.get())};
  std::array<hsize_t, 2> shape{};
  h5::expect(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), data_.get(), path_, "read the size of");
  rows_ = shape[0];
}

void Column::refuse_row(std::size_t bytes) const {
  raise(ErrorKind::run_failed,
        fmt::format("{}: a row has {} bytes, not {}: the recorder and its layout disagree", path_, row_bytes_, bytes));
}

void Column::push_bytes(const void* data, std::size_t bytes) {
  if (bytes != row_bytes_) refuse_row(bytes);
  std::memcpy(room(bytes), data, bytes);
}

void Column::push_text(std::string_view text) {
  std::array<char, text16_bytes> padded{};
  text.copy(padded.data(), padded.size());
  push_bytes(padded.data(), padded.size());
}

void Column::set_extent(std::size_t rows) {
  const std::array<hsize_t, 2> shape{rows, width_};
  h5::expect(H5Dset_extent(data_.get(), shape.data()), data_.get(), path_, "extend");
}

void Column::transfer(std::size_t first, std::size_t rows, const void* data) {
  const int rank = width_ == 1 ? 1 : 2;
  const std::array<hsize_t, 2> start{first, 0};
  const std::array<hsize_t, 2> count{rows, width_};
  const h5::Handle space{H5Dget_space(data_.get())};
  const h5::Handle memory{H5Screate_simple(rank, count.data(), nullptr)};
  h5::expect(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
             data_.get(), path_, "select rows of");
  h5::expect(H5Dwrite(data_.get(), type_.get(), memory.get(), space.get(), H5P_DEFAULT, data), data_.get(), path_,
             "write");
}

void Column::write() {
  const std::size_t rows = pending();
  if (rows == 0) return;
  set_extent(rows_ + rows);
  transfer(rows_, rows, pending_.data());
  rows_ += rows;
  used_ = 0;
}

void Column::overwrite(std::size_t first, std::span<const std::byte> bytes) {
  const std::size_t rows = bytes.size() / row_bytes_;
  if (rows > 0) transfer(first, rows, bytes.data());
}

void Column::truncate() {
  set_extent(rows_);
}

Table::Table(hid_t file, const TableSpec& spec)
    : id_{file, spec.path + "/id", Element::i64, 1}, rows_per_chunk_{spec.rows_per_chunk} {
  columns_.reserve(spec.columns.size());
  for (const ColumnSpec& column : spec.columns) {
    columns_.emplace_back(file, spec.path + "/" + column.name, column.element, column.width);
  }
}

void Table::end_row(std::int64_t id) {
  id_.push(id);
  if (id_.pending() >= rows_per_chunk_) write();
}

void Table::write() {
  for (Column& column : columns_) column.write();
  id_.write();
}

void Table::rewind() {
  for (Column& column : columns_) column.rewind();
  id_.rewind();
}

void Table::truncate() {
  for (Column& column : columns_) column.truncate();
  id_.truncate();
}

}  // namespace thyrode::recording
