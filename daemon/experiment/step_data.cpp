#include "daemon/experiment/step_data.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace thyrode::experiment {

std::int64_t grid_of(const DeviceInfo& device) {
  return static_cast<std::int64_t>(device.sample_rate_hz / 100.0);
}

StepData::StepData(const DeviceInfo& device, std::vector<Channel> channels)
    : grid_{grid_of(device)}, channels_{std::move(channels)} {}

bool StepData::takes(std::uint8_t channel) const {
  return std::find(channels_.begin(), channels_.end(), Channel{channel}) != channels_.end();
}

void StepData::add(const DeviceMessage& message) {
  constexpr int by_time = 0;
  constexpr int after = 1;
  if (const auto* spikes = std::get_if<protocol::SpikeBlock>(&message)) {
    if (!takes(spikes->channel)) return;
    for (const protocol::SpikeRecord& record : spikes->records) {
      // A spike is told when it re-arms.
      const std::int64_t told = to_sample(record.at + record.width).index;
      waiting_.push_back({told / grid_, by_time, record.at, Channel{spikes->channel}, record});
    }
  } else if (const auto* levels = std::get_if<protocol::LevelRecord>(&message)) {
    if (!takes(levels->channel)) return;
    waiting_.push_back(
        {levels->first.index / grid_, after, to_ticks(levels->first), Channel{levels->channel}, *levels});
  } else if (const auto* gap = std::get_if<Gap>(&message)) {
    if (!takes(gap->channel.index)) return;
    // It is told with the first mark after it, but before all that came after its beginning.
    waiting_.push_back({gap->first.index / grid_, by_time, to_ticks(gap->first), gap->channel, *gap});
  }
}

std::vector<StepDatum> StepData::take() {
  std::stable_sort(waiting_.begin(), waiting_.end(), [](const StepDatum& a, const StepDatum& b) {
    return std::tie(a.period, a.rank, a.at, a.channel) < std::tie(b.period, b.rank, b.at, b.channel);
  });
  std::vector<StepDatum> all;
  all.swap(waiting_);
  return all;
}

}  // namespace thyrode::experiment
