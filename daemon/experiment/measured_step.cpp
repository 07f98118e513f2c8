#include "daemon/experiment/measured_step.hpp"

#include <algorithm>
#include <utility>

namespace thyrode::experiment {

void pass_over(const StepDatum& datum, std::int64_t grid, Carried& carried) {
  if (const auto* record = std::get_if<protocol::LevelRecord>(&datum.what)) {
    carried.open_since.reset();
    if (record->open_spike > 0) carried.open_since = to_ticks(record->first + grid) - record->open_spike;
  } else if (const auto* gap = std::get_if<Gap>(&datum.what)) {
    carried.gap_end = std::max(carried.gap_end, gap->last);
  }
}

MeasuredStep::MeasuredStep(const analysis::StepRules& rules, const DeviceInfo& device, Channel channel, Sample settled,
                           const Carried& carried)
    : channel_{&device.channels[channel.index]},
      settled_{to_ticks(settled)},
      analyzer_{rules, device.seconds_per_tick(), settled_} {
  // A gap that began in the step before reaches into this one.
  if (carried.gap_end > settled) analyzer_.gap(settled_, to_ticks(carried.gap_end));
}

void MeasuredStep::take(const StepDatum& datum) {
  if (const auto* record = std::get_if<protocol::SpikeRecord>(&datum.what)) spike(*record);
  if (const auto* record = std::get_if<protocol::LevelRecord>(&datum.what)) level(*record);
  const auto* gap = std::get_if<Gap>(&datum.what);
  if (gap != nullptr && to_ticks(gap->last) > settled_) analyzer_.gap(to_ticks(gap->first), to_ticks(gap->last));
}

void MeasuredStep::spike(const protocol::SpikeRecord& record) {
  if (record.at < settled_) return;  // of the step before: counted there, though a plateau tells its spike late
  const Scale& scale = channel_->signal(protocol::Signal::v_out);
  analyzer_.spike(record.at, {scale.value(record.peak), scale.value(record.trough), record.width});
}

void MeasuredStep::level(const protocol::LevelRecord& record) {
  if (to_ticks(record.first) < settled_) return;
  command_sum_ += record.command_sum;
  command_count_ += record.command_count;
  const protocol::Level& level = record.signals[static_cast<std::size_t>(protocol::Signal::v_out)];
  if (level.count == 0) return;
  const Scale& scale = channel_->signal(protocol::Signal::v_out);
  analysis::OutputLevel seen;
  seen.v_out = scale.value(static_cast<double>(level.sum) / level.count);
  seen.open_spike = record.open_spike > 0;
  const protocol::Level& node = record.signals[static_cast<std::size_t>(protocol::Signal::v_m)];
  if (node.count > 0) {
    const Scale& node_scale = channel_->signal(protocol::Signal::v_m);
    seen.v_m = node_scale.value(static_cast<double>(node.sum) / node.count);
    seen.across = *seen.v_m - seen.v_out;
    seen.highest_across = node_scale.value(node.highest) - scale.value(level.lowest);
  }
  analyzer_.level(seen);
  const int top = (1 << scale.bits) - 1;
  // An undershoot of the filter below 0 V loses nothing; an output that lies there does.
  const bool below = level.lowest == 0 && static_cast<double>(level.sum) / level.count < 0.5 * scale.zero;
  if (below || level.highest >= top) analyzer_.saturated();
}

void MeasuredStep::close(Sample end, const Carried& carried) {
  if (!carried.open_since || *carried.open_since < settled_ || *carried.open_since >= to_ticks(end)) return;
  analyzer_.spike(*carried.open_since);
}

analysis::StepResult MeasuredStep::row(Sample end, Current planned) const {
  analysis::StepResult result = analyzer_.result(to_ticks(end));
  result.current_ua = planned.in(1.0_uA);
  if (command_count_ > 0) {
    const double code = static_cast<double>(command_sum_) / static_cast<double>(command_count_);
    result.current_ua = channel_->command.value(code) * 1e6;
  }
  return result;
}

std::vector<std::uint32_t> MeasuredStep::isi_counts() const {
  const auto counters = analyzer_.histogram().counters();
  std::vector<std::uint32_t> counts(counters.size());
  std::transform(counters.begin(), counters.end(), counts.begin(),
                 [](std::int64_t count) { return static_cast<std::uint32_t>(count); });
  return counts;
}

}  // namespace thyrode::experiment
