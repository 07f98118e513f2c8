// What completion asks of a file again and again: its time, its channels, where its series lie. Private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {

/// What the file says about its own time and channels.
struct Frame {
  double seconds_per_tick = 0.0;
  std::int64_t origin_tick = 0;
  std::vector<std::string> labels;
  double seconds(std::int64_t tick) const { return static_cast<double>(tick - origin_tick) * seconds_per_tick; }
};

inline Frame read_frame(hid_t file) {
  const double rate = read_attribute<double>(file, layout::provenance, "sample_rate_hz");
  return {.seconds_per_tick = 1.0 / (rate * static_cast<double>(ticks_per_sample)),
          .origin_tick = read_attribute<std::int64_t>(file, layout::provenance, "origin_sample") * ticks_per_sample,
          .labels = read_texts_attribute(file, layout::provenance, "channels")};
}

/// Where the rows of a series lie in device time.
struct SeriesSpan {
  std::string path;
  std::int64_t first_tick = 0;
  std::int64_t row_ticks = 0;
  std::int64_t rows = 0;
  std::int64_t end_tick() const { return first_tick + rows * row_ticks; }
};

inline SeriesSpan read_span(hid_t file, const std::string& path) {
  SeriesSpan span{.path = path, .rows = row_count(file, path + "/data")};
  if (span.rows == 0) return span;
  span.first_tick = read_scalar<std::int64_t>(file, path + "/first_tick");
  span.row_ticks = read_attribute<std::int64_t>(file, path + "/data", "decimation") * ticks_per_sample;
  return span;
}

/// One value of each step.
template <class Get>
auto collect(const std::vector<analysis::StepResult>& steps, Get&& get) {
  std::vector<std::invoke_result_t<Get, const analysis::StepResult&>> values;
  values.reserve(steps.size());
  for (const analysis::StepResult& step : steps) values.push_back(get(step));
  return values;
}

}  // namespace thyrode::recording
