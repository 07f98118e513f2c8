#include "daemon/analysis/output_shape.hpp"

#include <algorithm>

namespace thyrode::analysis {

void OutputStatistics::spike(const SpikeShape& shape) {
  const bool first = first_;
  first_ = false;
  if (shape.width_ticks <= 0) return;
  // What was told of the level lies before the spike's end.
  last_.reset();
  memory_.peak = shape.peak;
  memory_.trough = shape.trough;
  if (first) return;
  shortest_ = shapes_ > 0 ? std::min(shortest_, shape.width_ticks) : shape.width_ticks;
  longest_ = std::max(longest_, shape.width_ticks);
  ++shapes_;
  peak_sum_ += shape.peak;
  trough_sum_ += shape.trough;
  widths_.add(static_cast<double>(shape.width_ticks) * us_per_tick_);
}

void OutputStatistics::level(const OutputLevel& level) {
  ++levels_;
  v_out_sum_ += level.v_out;
  if (level.v_m) {
    ++v_m_levels_;
    v_m_sum_ += *level.v_m;
  }
  if (level.highest_across) {
    memory_.highest_across = std::max(memory_.highest_across.value_or(*level.highest_across), *level.highest_across);
  }
  last_ = level;
}

std::optional<std::int64_t> OutputStatistics::shortest_width() const {
  return shapes_ > 0 ? std::optional(shortest_) : std::nullopt;
}

std::optional<std::int64_t> OutputStatistics::longest_width() const {
  return shapes_ > 0 ? std::optional(longest_) : std::nullopt;
}

std::optional<double> OutputStatistics::mean_v_out() const {
  return levels_ > 0 ? std::optional(v_out_sum_ / static_cast<double>(levels_)) : std::nullopt;
}

std::optional<double> OutputStatistics::mean_v_m() const {
  return v_m_levels_ > 0 ? std::optional(v_m_sum_ / static_cast<double>(v_m_levels_)) : std::nullopt;
}

std::int64_t OutputStatistics::plateaus(double times_narrow, double longer_than_us) const {
  const auto narrow = widths_.quantile_us(0.05);
  if (!narrow) return 0;
  std::int64_t count = 0;
  for (int k = IsiHistogram::counter_of(std::max(times_narrow * *narrow, longer_than_us)) + 1; k < IsiHistogram::size;
       ++k) {
    count += widths_.counters()[static_cast<std::size_t>(k)];
  }
  return count;
}

bool OutputStatistics::latched(double least_swing, double most_across) const {
  if (!last_) return false;
  constexpr double rearm = 0.25;
  const double swing = memory_.peak - memory_.trough;
  const double above = swing > 0.0 ? (last_->v_out - memory_.trough) / swing : 0.0;
  if (!last_->across || !memory_.highest_across) return last_->open_spike || above > rearm;
  return (last_->open_spike || above > least_swing) && *last_->across < most_across * *memory_.highest_across;
}

}  // namespace thyrode::analysis
