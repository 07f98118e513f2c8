// A signal at a fixed rate that grows while the file is open for readers. Private to this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// Where a series lies in the device's time.
struct SeriesClock {
  std::int64_t stride = 1;  ///< ADC samples from one row to the next
  std::int64_t origin = 0;  ///< ADC sample at time 0 of the file
  double sample_rate_hz = 0.0;
};

/// Rows of float32 in one extendible dataset. Chunks go to the file whole, past HDF5's own buffers; the last,
/// unfinished chunk is written again at every write(). Rows that never came are NaN.
class Series {
 public:
  /// @param path  group of the series with datasets data (chunked by whole rows), starting_time and first_tick
  Series(hid_t file, std::string path, SeriesClock clock);

  /// Goes to the row that begins at an ADC sample; the first call says where the series begins. Rows passed over
  /// are NaN.
  /// @returns rows passed over
  /// Throws Failure if the row has been written already or the sample is not at the beginning of a row.
  std::int64_t seek(std::int64_t first_sample);

  /// Appends rows.
  /// @param fill  called as fill(values, row): writes `values`, whole rows, beginning with the row-th of this call
  template <class Fill>
  void append(std::size_t rows, Fill&& fill) {
    for (std::size_t done = 0; done < rows;) {
      const std::size_t n = std::min(rows - done, chunk_rows_ - used_);
      fill(std::span<float>{buffer_.data() + used_ * width_, n * width_}, done);
      used_ += n;
      done += n;
      dirty_ = true;
      if (used_ == chunk_rows_) store();
    }
  }

  /// Goes on where another series of the same clock ends: this one begins with the first row that begins at a sample
  /// or after it. Does nothing where the other has not begun.
  void go_on_from(const Series& other, std::int64_t sample);

  /// ADC sample after the last row; only once begun().
  std::int64_t end_sample() const { return first_ + size() * clock_.stride; }
  bool begun() const { return begun_; }
  std::int64_t size() const { return base_ + static_cast<std::int64_t>(used_); }
  /// Hands all rows to the library; a flush of the file brings them to readers.
  void write();

 private:
  void begin(std::int64_t first_sample);
  void skip(std::int64_t rows);
  void store();

  h5::Handle file_;
  h5::Handle data_;
  std::string path_;
  SeriesClock clock_;
  std::size_t width_ = 1;
  std::size_t chunk_rows_ = 1;
  std::vector<float> buffer_;
  std::size_t used_ = 0;   ///< rows in the buffer
  std::int64_t base_ = 0;  ///< rows before the buffer
  std::int64_t first_ = 0;
  bool begun_ = false;
  bool dirty_ = false;
};

}  // namespace thyrode::recording
