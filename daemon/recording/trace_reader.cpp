#include "daemon/recording/trace_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {
namespace {

class OpenTrace final : public TraceReader {
 public:
  OpenTrace(h5::Handle file, const std::string& series) : file_{std::move(file)}, name_{series + "/data"} {
    data_ = h5::open_dataset(file_.get(), name_);
    decimation_ = static_cast<int>(read_attribute<std::int64_t>(file_.get(), name_, "decimation"));
    scale_.scale = read_attribute<double>(file_.get(), name_, "adc_scale");
    scale_.zero = read_attribute<double>(file_.get(), name_, "adc_zero");
    ticks_per_value_ = decimation_ * read_attribute<std::int64_t>(file_.get(), name_, "ticks_per_sample");
    total_ = row_count(file_.get(), name_);
    first_ = Ticks{read_scalar<std::int64_t>(file_.get(), series + "/first_tick")};
  }

  Result<std::vector<std::int64_t>> code_sums(std::int64_t begin, std::int64_t count) const override {
    return guarded([&] {
      begin = std::clamp<std::int64_t>(begin, 0, total_);
      count = std::clamp<std::int64_t>(count, 0, total_ - begin);
      const auto values = read(begin, count);
      std::vector<std::int64_t> sums(values.size(), missing);
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (std::isnan(values[k])) continue;
        // The inverse of value = (sum/decimation - zero) scale.
        sums[k] = std::llround((static_cast<double>(values[k]) * 1e-3 / scale_.scale + scale_.zero) * decimation_);
      }
      return sums;
    });
  }

 private:
  std::vector<float> read(std::int64_t begin, std::int64_t count) const {
    std::vector<float> values(static_cast<std::size_t>(count));
    if (values.empty()) return values;
    const h5::Handle space{H5Dget_space(data_.get())};
    const int rank = H5Sget_simple_extent_ndims(space.get());
    const std::array<hsize_t, 2> offset{static_cast<hsize_t>(begin), 0};
    const std::array<hsize_t, 2> extent{static_cast<hsize_t>(count), 1};
    h5::expect(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, offset.data(), nullptr, extent.data(), nullptr),
               file_.get(), name_, "select rows of");
    const h5::Handle memory{H5Screate_simple(rank, extent.data(), nullptr)};
    h5::expect(H5Dread(data_.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT, values.data()),
               file_.get(), name_, "read");
    return values;
  }

  h5::Handle file_;
  std::string name_;
  h5::Handle data_;
};

}  // namespace

Result<std::unique_ptr<TraceReader>> TraceReader::open(const std::string& path, const std::string& channel) {
  auto trace = guarded([&]() -> std::unique_ptr<TraceReader> {
    h5::Handle file = open_for_reading(path);
    const std::string series = layout::trace(channel);
    if (!h5::exists(file.get(), series)) return nullptr;
    return std::make_unique<OpenTrace>(std::move(file), series);
  });
  if (!trace) trace.error().kind = ErrorKind::bad_input;
  return trace;
}

}  // namespace thyrode::recording
