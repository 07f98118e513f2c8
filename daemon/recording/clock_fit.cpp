#include "daemon/recording/clock_fit.hpp"

#include <cmath>
#include <string>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {

std::optional<ClockFit> fit_clock(std::span<const std::int64_t> ticks, std::span<const double> seconds) {
  const auto n = static_cast<double>(ticks.size());
  if (ticks.size() < 3 || ticks.size() != seconds.size()) return std::nullopt;
  // About the first reading: seconds since 1970 leave too few digits for squares.
  double x = 0.0;
  double y = 0.0;
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (std::size_t k = 0; k < ticks.size(); ++k) {
    const auto dx = static_cast<double>(ticks[k] - ticks[0]);
    const double dy = seconds[k] - seconds[0];
    x += dx / n;
    y += dy / n;
    xx += dx * dx / n;
    xy += dx * dy / n;
    yy += dy * dy / n;
  }
  const double variance = xx - x * x;
  const double covariance = xy - x * y;
  if (!(variance > 0.0) || !(covariance > 0.0)) return std::nullopt;
  const double slope = covariance / variance;
  ClockFit fit;
  fit.ticks_per_second = 1.0 / slope;
  fit.offset_s = seconds[0] + y - slope * (x + static_cast<double>(ticks[0]));
  fit.residual_s = std::sqrt(std::max(0.0, yy - y * y - slope * covariance));
  return fit;
}

void write_clock_fit(Builder& builder) {
  const hid_t file = builder.file();
  const std::int64_t rows = std::min(row_count(file, layout::clock_ticks), row_count(file, layout::clock_seconds));
  if (rows == 0) return;
  const auto fit = fit_clock(read_column<std::int64_t>(file, layout::clock_ticks, 0, rows),
                             read_column<double>(file, layout::clock_seconds, 0, rows));
  if (!fit) return;
  const double nominal = read_attribute<double>(file, layout::provenance, "sample_rate_hz") * ticks_per_sample;
  builder.attribute(layout::wall_clock, "clock_ticks_per_s", fit->ticks_per_second);
  builder.attribute(layout::wall_clock, "clock_deviation_ppm", (fit->ticks_per_second / nominal - 1.0) * 1e6);
  builder.attribute(layout::wall_clock, "clock_offset_s", fit->offset_s);
  builder.attribute(layout::wall_clock, "clock_residual_s", fit->residual_s);
}

}  // namespace thyrode::recording
