// Tables and series of a recording, read from the first row to the last, some thousands at a time. Private to this
// room.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "daemon/recording/readback.hpp"

namespace thyrode::recording {

/// The rows of a table; none of a table that is not there. Throws Failure.
class RecordedRows {
 public:
  /// @param integers, reals  names of the columns that are read
  RecordedRows(hid_t file, std::string table, std::vector<std::string> integers, std::vector<std::string> reals = {})
      : file_{file},
        table_{std::move(table)},
        integer_names_{std::move(integers)},
        real_names_{std::move(reals)},
        rows_{table_rows(file, table_)} {
    fill();
  }
  bool done() const { return next_ == rows_; }
  /// Values of the row that is next; by the position of the column's name.
  std::int64_t integer(std::size_t column) const { return integers_[column][row()]; }
  double real(std::size_t column) const { return reals_[column][row()]; }
  std::int64_t number() const { return next_; }  ///< of the row that is next
  void advance() {
    ++next_;
    if (next_ == begin_ + count_) fill();
  }

 private:
  static constexpr std::int64_t most_ = 4096;  // rows held
  std::size_t row() const { return static_cast<std::size_t>(next_ - begin_); }
  void fill() {
    begin_ = next_;
    count_ = std::min(most_, rows_ - begin_);
    integers_.clear();
    reals_.clear();
    for (const std::string& name : integer_names_) {
      integers_.push_back(read_column<std::int64_t>(file_, table_ + "/" + name, begin_, count_));
    }
    for (const std::string& name : real_names_) {
      reals_.push_back(read_column<double>(file_, table_ + "/" + name, begin_, count_));
    }
  }

  hid_t file_;
  std::string table_;
  std::vector<std::string> integer_names_;
  std::vector<std::string> real_names_;
  std::int64_t rows_;
  std::int64_t begin_ = 0;  // the rows held
  std::int64_t count_ = 0;
  std::int64_t next_ = 0;
  std::vector<std::vector<std::int64_t>> integers_;
  std::vector<std::vector<double>> reals_;
};

/// The values of a series of one value a row; none of one that is not there. Throws Failure.
class RecordedSeries {
 public:
  RecordedSeries(hid_t file, const std::string& series) : file_{file}, data_{series + "/data"} {
    rows_ = row_count(file, data_);
    if (rows_ == 0) return;
    scale_.scale = read_attribute<double>(file, data_, "adc_scale");
    scale_.zero = read_attribute<double>(file, data_, "adc_zero");
    stride_ = read_attribute<std::int64_t>(file, data_, "decimation");
    conversion_ = read_attribute<double>(file, data_, "conversion");
    first_ = read_scalar<std::int64_t>(file, series + "/first_tick") / ticks_per_sample;
    fill();
  }
  bool done() const { return next_ == rows_; }
  std::int64_t stride() const { return stride_; }                     ///< ADC samples in a value
  Sample begins() const { return Sample{first_ + next_ * stride_}; }  ///< of the value that is next
  bool missing() const { return std::isnan(value()); }
  /// The sum of `count` codes whose mean the value is.
  std::int64_t sum_of(std::int64_t count) const {
    return std::llround(scale_.code(value() * conversion_) * static_cast<double>(count));
  }
  void advance() {
    ++next_;
    if (next_ == begin_ + static_cast<std::int64_t>(values_.size())) fill();
  }

 private:
  static constexpr std::int64_t most_ = 65536;  // values held
  double value() const { return values_[static_cast<std::size_t>(next_ - begin_)]; }
  void fill() {
    begin_ = next_;
    values_ = read_column<double>(file_, data_, begin_, std::min(most_, rows_ - begin_));
  }

  hid_t file_;
  std::string data_;
  std::int64_t rows_ = 0;
  Scale scale_;
  std::int64_t stride_ = 1;
  double conversion_ = 1.0;
  std::int64_t first_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t next_ = 0;
  std::vector<double> values_;
};

}  // namespace thyrode::recording
