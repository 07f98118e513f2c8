// What the output looks like: the shapes of spikes, and where it rests between them.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/analysis/isi_histogram.hpp"

namespace thyrode::analysis {

/// The shape of a spike, volts. One of width 0 says nothing of its shape.
struct SpikeShape {
  double peak = 0.0;
  double trough = 0.0;           ///< lowest value since the previous spike
  std::int64_t width_ticks = 0;  ///< from the crossing to the re-arm
};

/// What a level record says of the output, volts.
struct OutputLevel {
  double v_out = 0.0;       ///< mean
  bool open_spike = false;  ///< a spike began and has not ended
  std::optional<double> v_m;
  std::optional<double> across;  ///< mean of V_m - V_out, across the switch
  /// No smaller than V_m - V_out ever was: highest V_m less lowest V_out.
  std::optional<double> highest_across;
};

/// What later steps must know to tell a switch that stays closed from one that stays open: V_out = I R_L in either.
struct OutputMemory {
  double peak = 0.0;  ///< of the latest spike
  double trough = 0.0;
  std::optional<double> highest_across;  ///< so far
  bool operator==(const OutputMemory&) const = default;
};

/// Single pass, bounded memory (16 kB), O(1) per spike and level. The first spike of a step counts for neither widths
/// nor means: it may have begun before, or be the output that charges up from rest.
class OutputStatistics {
 public:
  /// @param seconds_per_tick  length of a tick
  /// @param before  as the step before has left it
  explicit OutputStatistics(double seconds_per_tick, const OutputMemory& before = {})
      : us_per_tick_(seconds_per_tick * 1e6), memory_(before) {}

  void spike(const SpikeShape& shape);
  void level(const OutputLevel& level);

  /// Widths in µs; empty where no shape is known.
  const IsiHistogram& widths() const { return widths_; }
  std::optional<double> mean_peak() const { return mean(peak_sum_); }
  std::optional<double> mean_trough() const { return mean(trough_sum_); }
  /// Ticks; empty without shapes.
  std::optional<std::int64_t> shortest_width() const;
  std::optional<std::int64_t> longest_width() const;
  /// Means over all level records.
  std::optional<double> mean_v_out() const;
  std::optional<double> mean_v_m() const;
  /// Spikes wider than both limits. @param longer_than_us  µs
  std::int64_t plateaus(double times_narrow, double longer_than_us) const;

  /// The output has not come down since the latest spike: a switch between V_m and V_out that is closed for good.
  /// Without V_m: a spike is open, or the level lies above a quarter of the swing, where a trigger re-arms.
  /// @param least_swing  share of the swing that it lies above the trough
  /// @param most_across  share of the highest voltage across the switch
  bool latched(double least_swing, double most_across) const;
  /// A spike has begun and not ended.
  bool open_spike() const { return last_ && last_->open_spike; }

  const OutputMemory& memory() const { return memory_; }

 private:
  std::optional<double> mean(double sum) const {
    return shapes_ > 0 ? std::optional(sum / static_cast<double>(shapes_)) : std::nullopt;
  }

  double us_per_tick_;
  OutputMemory memory_;
  IsiHistogram widths_;
  bool first_ = true;  // no spike so far
  std::int64_t shapes_ = 0;
  std::int64_t shortest_ = 0;
  std::int64_t longest_ = 0;
  double peak_sum_ = 0.0;
  double trough_sum_ = 0.0;
  std::int64_t levels_ = 0;
  double v_out_sum_ = 0.0;
  std::int64_t v_m_levels_ = 0;
  double v_m_sum_ = 0.0;
  std::optional<OutputLevel> last_;  // level since the latest spike
};

}  // namespace thyrode::analysis
