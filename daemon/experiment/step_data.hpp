// The data of steps in one order, whether they come from the device or from the recording.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::experiment {

/// Samples between two marks, level records and decisions: 10 ms.
std::int64_t grid_of(const DeviceInfo& device);

/// The next multiple of `step`, which is positive, from `value` >= 0 on.
constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

/// One thing that a step is made of, and when the device told it.
struct StepDatum {
  std::int64_t period = 0;  ///< of the grid: that in which the device knew it, or a gap begins
  int rank = 0;             ///< within a period: spikes and gaps by time, then the levels
  Ticks at;
  Channel channel;
  std::variant<protocol::SpikeRecord, protocol::LevelRecord, Gap> what;
  /// First sample of the period.
  Sample begins(std::int64_t grid) const { return Sample{period * grid}; }
};

/// Collects the data of the measured channels between two marks. The order in which they are given does not depend on
/// the order in which they came, so a step that is read back from the recording is fed as it was the first time.
class StepData {
 public:
  StepData(const DeviceInfo& device, std::vector<Channel> channels);

  /// Takes spikes, levels and gaps of the channels; anything else is none of them.
  void add(const DeviceMessage& message);
  /// All data so far in order; none are left.
  std::vector<StepDatum> take();

 private:
  bool takes(std::uint8_t channel) const;

  std::int64_t grid_;
  std::vector<Channel> channels_;
  std::vector<StepDatum> waiting_;
};

}  // namespace thyrode::experiment
