// How two channels of a recording keep step, step by step.

#include <algorithm>
#include <variant>
#include <vector>

#include "daemon/analysis/train_relation.hpp"
#include "daemon/experiment/step_data.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/thyrode_train.hpp"

namespace thyrode::program {
namespace {

using analysis::RelationCounter;
using analysis::StepResult;

Channel channel_of(const StepResult& row) {
  return Channel{static_cast<std::uint8_t>(row.channel)};
}

}  // namespace

Result<analysis::TrainRelation> relation_of(const std::string& path, const DeviceInfo& device, const StepResult& a,
                                            const StepResult& b) {
  const Ticks from = std::max(a.start, b.start);
  const Ticks until = std::min(a.end, b.end);
  experiment::StepData data{device, {channel_of(a), channel_of(b)}};
  for (const StepResult* row : {&a, &b}) {
    const auto messages = recording::read_stretch(path, channel_of(*row), to_sample(from), to_sample(until) + 1);
    if (!messages) return tl::make_unexpected(messages.error());
    for (const DeviceMessage& message : *messages) data.add(message);
  }
  std::vector<experiment::StepDatum> all = data.take();
  // A relation wants the order of time; the device tells a spike later than it was.
  std::stable_sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.at < y.at; });
  RelationCounter counter;
  for (const experiment::StepDatum& datum : all) {
    if (std::holds_alternative<Gap>(datum.what)) counter.gap();
    const auto* spike = std::get_if<protocol::SpikeRecord>(&datum.what);
    if (spike == nullptr || spike->at < from || spike->at >= until) continue;
    const bool of_a = datum.channel.index == channel_of(a).index;
    counter.spike(of_a ? RelationCounter::Train::a : RelationCounter::Train::b, spike->at);
  }
  return counter.result();
}

}  // namespace thyrode::program
