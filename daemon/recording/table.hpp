// Tables that grow by rows while the file is open for readers: NWB DynamicTables. Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

inline constexpr NwbType vector_data{"hdmf-common", "VectorData"};
inline constexpr NwbType vector_index{"hdmf-common", "VectorIndex"};
inline constexpr NwbType table_region{"hdmf-common", "DynamicTableRegion"};
inline constexpr NwbType element_identifiers{"hdmf-common", "ElementIdentifiers"};

struct ColumnSpec {
  std::string name;
  std::string description{};  ///< what it is, with its unit
  Element element = Element::f64;
  std::size_t width = 1;  ///< values in a row
  NwbType type = vector_data;
};

struct TableSpec {
  std::string path;
  NwbType type{"hdmf-common", "DynamicTable"};
  std::string description{};
  std::vector<ColumnSpec> columns{};
  std::size_t rows_per_chunk = 512;
  std::string id_description{};
};

/// The unit of a column, from the end of its name; empty where it has none.
std::string unit_of(std::string_view column);

/// Makes an empty table: group, id and columns.
void create_table(Builder& builder, const TableSpec& spec);

/// A column of a table, or any dataset that grows by rows: rows wait in memory until write().
class Column {
 public:
  /// Opens the dataset at `path`; rows are appended after those it has.
  Column(hid_t file, std::string path, Element element, std::size_t width);

  template <class T>
  void push(const T& value) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      push_text(value);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      if (row_bytes_ != sizeof(value)) refuse_row(sizeof(value));
      std::memcpy(room(sizeof(value)), &value, sizeof(value));
    } else {
      push_bytes(value.data(), value.size() * sizeof(*value.data()));
    }
  }

  std::size_t pending() const { return used_ / row_bytes_; }
  std::size_t rows() const { return rows_; }
  /// Appends the pending rows to the dataset.
  void write();
  /// Replaces rows [first, first + n) that write() has written before; n follows from the size of `bytes`.
  void overwrite(std::size_t first, std::span<const std::byte> bytes);
  /// Appending begins again at row 0.
  void rewind() { rows_ = 0; }
  /// Cuts the dataset to the rows written since rewind().
  void truncate();

 private:
  [[noreturn]] void refuse_row(std::size_t bytes) const;
  void push_bytes(const void* data, std::size_t bytes);
  /// Where the next so many bytes go.
  std::byte* room(std::size_t bytes) {
    if (used_ + bytes > pending_.size()) pending_.resize(2 * pending_.size() + 64 * bytes);
    std::byte* const place = pending_.data() + used_;
    used_ += bytes;
    return place;
  }
  void push_text(std::string_view text);
  void set_extent(std::size_t rows);
  void transfer(std::size_t first, std::size_t rows, const void* data);

  h5::Handle data_;
  h5::Handle type_;
  std::string path_;
  std::size_t width_;
  std::size_t row_bytes_;
  std::size_t rows_ = 0;
  std::vector<std::byte> pending_;  ///< its first used_ bytes
  std::size_t used_ = 0;
};

/// Appends rows to a table of the file; `id` is written last, so its length is the count of whole rows.
class Table {
 public:
  Table(hid_t file, const TableSpec& spec);

  /// Appends one row.
  /// @param values  one for each column, of exactly the column's type; a span for a wide column
  template <class... T>
  void append(std::int64_t id, const T&... values) {
    std::size_t k = 0;
    (columns_[k++].push(values), ...);
    end_row(id);
  }
  Column& column(std::size_t k) { return columns_[k]; }
  /// Ends a row whose values were pushed to the columns one by one.
  void end_row(std::int64_t id);
  std::size_t rows() const { return id_.rows() + id_.pending(); }
  /// Rows that write() has not handed over yet.
  bool pending() const { return id_.pending() > 0; }
  /// Hands the pending rows to the library; a flush of the file brings them to readers.
  void write();
  void rewind();
  void truncate();

 private:
  std::vector<Column> columns_;
  Column id_;
  std::size_t rows_per_chunk_;
};

}  // namespace thyrode::recording
