// The stream of a device as its recording tells it again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Reads a recording from its first mark to its last. What lies between two marks comes between them, with the codes,
/// ticks and numbers that the device sent, and holes where there were holes; the order within a period is by kind.
class RecordedStream {
 public:
  /// Errors: bad_input (as read_run; a recording in which the device said nothing).
  static Result<RecordedStream> open(const std::string& path);
  RecordedStream(RecordedStream&&) noexcept;
  RecordedStream& operator=(RecordedStream&&) noexcept;
  ~RecordedStream();

  /// The next period: its messages, its mark the last of them. After the last mark what is left without one, once; then
  /// nothing any more.
  /// Errors: bad_input (damaged).
  Result<std::vector<DeviceMessage>> next();
  /// First sample of the data, by the current means; the origin where there are none.
  Sample first_sample() const;
  /// The last mark.
  Sample end() const;

 private:
  class Impl;
  explicit RecordedStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace thyrode::recording
