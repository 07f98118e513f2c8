// The trace of one channel, for whoever reads many short pieces of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// The V_out trace of a channel, held open. A value is the mean of `decimation` ADC codes, as a voltage.
class TraceReader {
 public:
  /// @param channel  label
  /// @returns nullptr where the channel has no trace
  /// Errors: bad_input (as read_run).
  static Result<std::unique_ptr<TraceReader>> open(const std::string& path, const std::string& channel);
  virtual ~TraceReader() = default;

  std::int64_t total() const { return total_; }  ///< values in the file
  Ticks first() const { return first_; }         ///< of the first ADC sample of the first value
  std::int64_t ticks_per_value() const { return ticks_per_value_; }
  int decimation() const { return decimation_; }
  const Scale& scale() const { return scale_; }  ///< of one ADC code, V

  /// Reads values [begin, begin + count), cut to what there is, as sums of `decimation` ADC codes.
  /// @returns shape (count); `missing` where data were lost
  /// Errors: bad_input (damaged).
  virtual Result<std::vector<std::int64_t>> code_sums(std::int64_t begin, std::int64_t count) const = 0;
  static constexpr std::int64_t missing = INT64_MIN;

 protected:
  std::int64_t total_ = 0;
  Ticks first_;
  std::int64_t ticks_per_value_ = 1;
  int decimation_ = 1;
  Scale scale_;
};

}  // namespace thyrode::recording
