// NWB tables whose rows are all known. Private to this room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/recording/table.hpp"

namespace thyrode::recording {

/// Writes one DynamicTable (or a type derived from it) column by column. Everything throws Failure.
class FixedTable {
 public:
  FixedTable(Builder& builder, std::string path, NwbType type, const std::string& description);

  /// @param width  values in a row
  void column(const std::string& name, const std::string& description, std::span<const double> values,
              std::size_t width = 1);
  void column(const std::string& name, const std::string& description, const std::vector<std::int64_t>& values);
  void column(const std::string& name, const std::string& description, const std::vector<std::string>& values);
  void column(const std::string& name, const std::string& description, const std::vector<hobj_ref_t>& values);
  /// A column of ranges of TimeSeries.
  void column(const std::string& name, const std::string& description, const std::vector<SeriesRange>& values);
  /// A column that points to rows of another table.
  void region(const std::string& name, const std::string& description, const std::vector<std::int64_t>& rows,
              const std::string& table);
  /// A column that a Column fills afterwards.
  void stream(const std::string& name, const std::string& description, Element element);
  /// Makes a column ragged: row k ends before value ends[k].
  void index(const std::string& name, const std::vector<std::uint64_t>& ends);
  /// Writes the names of the columns and the ids.
  void finish(std::size_t rows);

 private:
  std::string begin(const std::string& name);
  void describe(const std::string& path, NwbType type, const std::string& description);

  Builder& builder_;
  std::string path_;
  std::vector<std::string> names_;
};

}  // namespace thyrode::recording
