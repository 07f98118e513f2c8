#include "daemon/recording/series.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "protocols/time.hpp"

namespace thyrode::recording {
namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

}  // namespace

Series::Series(hid_t file, std::string path, SeriesClock clock)
    : data_{h5::open_dataset(file, path + "/data")}, path_{std::move(path)}, clock_{clock} {
  const h5::Handle properties{H5Dget_create_plist(data_.get())};
  std::array<hsize_t, 2> chunk{1, 1};
  if (H5Pget_chunk(properties.get(), 2, chunk.data()) < 0) h5::complain(data_.get(), path_, "read the chunks of");
  chunk_rows_ = chunk[0];
  width_ = chunk[1];
  buffer_.assign(chunk_rows_ * width_, 0.0F);
  H5Iinc_ref(file);
  file_ = h5::Handle{file};
}

void Series::begin(std::int64_t first_sample) {
  first_ = first_sample;
  begun_ = true;
  // A row stands for the mean of `stride` samples, so its time is the middle of them.
  const double middle =
      static_cast<double>(first_sample - clock_.origin) + 0.5 * static_cast<double>(clock_.stride - 1);
  const double seconds = middle / clock_.sample_rate_hz;
  const std::int64_t tick = first_sample * ticks_per_sample;
  const h5::Handle time = h5::open_dataset(file_.get(), path_ + "/starting_time");
  const h5::Handle ticks = h5::open_dataset(file_.get(), path_ + "/first_tick");
  h5::expect(H5Dwrite(time.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &seconds), file_.get(),
             path_ + "/starting_time", "write");
  h5::expect(H5Dwrite(ticks.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &tick), file_.get(),
             path_ + "/first_tick", "write");
}

void Series::go_on_from(const Series& other, std::int64_t sample) {
  if (!other.begun_) return;
  const std::int64_t stride = clock_.stride;
  begin(other.first_ + std::max<std::int64_t>(0, sample - other.first_ + stride - 1) / stride * stride);
}

std::int64_t Series::seek(std::int64_t first_sample) {
  if (!begun_) {
    begin(first_sample);
    return 0;
  }
  const std::int64_t distance = first_sample - end_sample();
  if (distance == 0) return 0;
  if (distance < 0) {
    raise(ErrorKind::run_failed, fmt::format("{}: data of sample {} came again or late; the series is already at {}: "
                                             "the device or the link repeats itself, look at the link counters",
                                             path_, first_sample, end_sample()));
  }
  if (distance % clock_.stride != 0) {
    raise(ErrorKind::run_failed,
          fmt::format("{}: data begin at sample {}, which is not a multiple of {} samples after the first, {}: start "
                      "the device on the grid of its first start",
                      path_, first_sample, clock_.stride, first_));
  }
  skip(distance / clock_.stride);
  return distance / clock_.stride;
}

void Series::skip(std::int64_t rows) {
  const auto fill = [](std::span<float> values, std::size_t) { std::fill(values.begin(), values.end(), missing); };
  const auto chunk = static_cast<std::int64_t>(chunk_rows_);
  const std::int64_t head = std::min(rows, (chunk - static_cast<std::int64_t>(used_)) % chunk);
  append(static_cast<std::size_t>(head), fill);
  // Whole chunks are left out: they read as the fill value, NaN, and take no room.
  base_ += (rows - head) / chunk * chunk;
  append(static_cast<std::size_t>((rows - head) % chunk), fill);
  dirty_ = true;
}

void Series::store() {
  const std::array<hsize_t, 2> extent{static_cast<hsize_t>(size()), width_};
  h5::expect(H5Dset_extent(data_.get(), extent.data()), data_.get(), path_, "extend");
  if (used_ > 0) {
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(used_ * width_), buffer_.end(), missing);
    const std::array<hsize_t, 2> offset{static_cast<hsize_t>(base_), 0};
    h5::expect(
        H5Dwrite_chunk(data_.get(), H5P_DEFAULT, 0, offset.data(), buffer_.size() * sizeof(float), buffer_.data()),
        data_.get(), path_, "write");
  }
  if (used_ == chunk_rows_) {
    base_ += static_cast<std::int64_t>(chunk_rows_);
    used_ = 0;
  }
}

void Series::write() {
  if (dirty_) store();
  dirty_ = false;
}

}  // namespace thyrode::recording
