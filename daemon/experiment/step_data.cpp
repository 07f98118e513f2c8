#include "daemon/experiment/step_data.hpp"

#include <algorithm>
#include <tuple>

namespace thyrode::experiment {

std::int64_t grid_of(const DeviceInfo& device) {
  return static_cast<std::int64_t>(device.sample_rate_hz / 100.0);
}

StepData::StepData(const DeviceInfo& device, Channel channel) : grid_{grid_of(device)}, channel_{channel} {}

void StepData::add(const DeviceMessage& message) {
  constexpr int by_time = 0;
  constexpr int after = 1;
  if (const auto* spikes = std::get_if<protocol::SpikeBlock>(&message)) {
    if (spikes->channel != channel_.index) return;
    for (const protocol::SpikeRecord& record : spikes->records) {
      // A spike is told when it re-arms.
      const std::int64_t told = to_sample(record.at + record.width).index;
      waiting_.push_back({told / grid_, by_time, record.at, record});
    }
  } else if (const auto* levels = std::get_if<protocol::LevelRecord>(&message)) {
    if (levels->channel != channel_.index) return;
    waiting_.push_back({levels->first.index / grid_, after, to_ticks(levels->first), *levels});
  } else if (const auto* gap = std::get_if<Gap>(&message)) {
    if (gap->channel != channel_) return;
    // It is told with the first mark after it, but before all that came after its beginning.
    waiting_.push_back({gap->first.index / grid_, by_time, to_ticks(gap->first), *gap});
  }
}

std::vector<StepDatum> StepData::take() {
  std::stable_sort(waiting_.begin(), waiting_.end(), [](const StepDatum& a, const StepDatum& b) {
    return std::tie(a.period, a.rank, a.at) < std::tie(b.period, b.rank, b.at);
  });
  std::vector<StepDatum> all;
  all.swap(waiting_);
  return all;
}

}  // namespace thyrode::experiment
