#include "daemon/acquisition/acquisition.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace thyrode::acquisition {

Acquisition::Acquisition(Device& device, Queues& queues, Settings settings)
    : device_{device}, queues_{queues}, settings_{std::move(settings)}, expected_(device.info().channels.size()) {
  last_mark_ = decided_ = granted_ = device.info().now;
}

Result<Turn> Acquisition::turn(Duration timeout) {
  // Silence counts from the first turn, not from the settings that were sent before it.
  if (last_heard_ < 0.0) last_heard_ = settings_.wall_clock();
  if (auto carried = carry_orders(); !carried) return tl::make_unexpected(carried.error());
  // Readers that are behind must not cost the device its lease.
  if (auto granted = keep_granted(); !granted) return tl::make_unexpected(granted.error());
  if (delivered_ < outgoing_.size()) return deliver();
  auto message = device_.read(timeout);
  if (!message) {
    if (message.error().kind == ErrorKind::timeout) return silent();
    return tl::make_unexpected(message.error());
  }
  last_heard_ = settings_.wall_clock();
  silent_ = false;
  return hand_on(std::move(*message));
}

Result<void> Acquisition::carry_orders() {
  Order order;
  while (queues_.orders.pop(order)) {
    Result<void> done;
    if (const auto* step = std::get_if<ScheduleStep>(&order)) {
      done = device_.schedule(step->channel, {&step->segment, 1});
    } else if (const auto* stop = std::get_if<StopRun>(&order)) {
      done = device_.stop(stop->at);
    } else if (std::holds_alternative<EmergencyStop>(order)) {
      done = device_.estop();
    } else {
      decided_ = std::max(decided_, std::get<Decided>(order).until);
    }
    if (!done) return done;
  }
  return {};
}

/// Virtual time: the device may run until the earliest moment that a decision still to come can name, but never so far
/// that its lease would run out before the next grant. Real time: a heartbeat each 20 ms.
Result<void> Acquisition::keep_granted() {
  const DeviceInfo& info = device_.info();
  if (!info.virtual_time) {
    const double now = settings_.wall_clock();
    if (last_beat_ >= 0.0 && now - last_beat_ < 0.02) return {};
    last_beat_ = now;
    return device_.grant(last_mark_);
  }
  const std::int64_t by_lease = info.samples(0.6 * settings_.lease).index;
  const Sample until = std::min(decided_ + info.samples(settings_.decision_latency).index, last_mark_ + by_lease);
  if (until <= granted_) return {};
  granted_ = until;
  return device_.grant(until);
}

Result<Turn> Acquisition::hand_on(DeviceMessage message) {
  outgoing_.clear();
  delivered_ = 0;
  recorded_front_ = false;
  if (const auto* block = std::get_if<protocol::SampleBlock>(&message)) {
    check_samples(*block);
  } else if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
    check_mark(*mark);
  } else if (std::holds_alternative<FramesLost>(message)) {
    frames_lost_ = true;
  }
  outgoing_.push_back(std::move(message));
  return deliver();
}

void Acquisition::check_samples(const protocol::SampleBlock& block) {
  std::optional<Sample>& expected = expected_[block.channel];
  if (expected && block.first != *expected) {
    ++counters_.gaps;
    outgoing_.emplace_back(Gap{{block.channel}, *expected, block.first});
  }
  const auto count = static_cast<std::int64_t>(block.sums.size()) * block.decimation;
  counters_.samples += count;
  expected = block.first + count;
}

void Acquisition::check_mark(const protocol::Mark& mark) {
  counters_.overruns = mark.overruns;
  if (frames_lost_ && !settings_.trace_on) {
    // Without a trace the loss is known to a mark's length only.
    for (std::size_t c = 0; c < expected_.size(); ++c) {
      ++counters_.gaps;
      outgoing_.emplace_back(Gap{{static_cast<std::uint8_t>(c)}, last_mark_, mark.at});
    }
  }
  frames_lost_ = false;
  last_mark_ = mark.at;
}

Result<Turn> Acquisition::deliver() {
  while (delivered_ < outgoing_.size()) {
    const DeviceMessage& message = outgoing_[delivered_];
    if (!recorded_front_) {
      if (!queues_.recording.push(message)) {
        if (device_.info().virtual_time) return Turn::blocked;
        return fail(
            ErrorKind::run_failed,
            "recording_overrun: the disk did not keep up with the data (1024 messages are waiting); record to a "
            "faster disk, or a lower trace rate");
      }
      recorded_front_ = true;
    }
    if (!std::holds_alternative<protocol::SampleBlock>(message) && !queues_.analysis.push(message))
      return Turn::blocked;
    recorded_front_ = false;
    ++delivered_;
  }
  return Turn::moved;
}

Result<Turn> Acquisition::silent() {
  const DeviceInfo& info = device_.info();
  const Duration limit = info.virtual_time ? settings_.patience : settings_.silence;
  const double quiet = settings_.wall_clock() - last_heard_;
  if (quiet > limit.si()) {
    return fail(ErrorKind::device,
                fmt::format("{}: the device has been silent for {:.0f} ms (limit {:.0f} ms): check cable, "
                            "power and the program behind the port; the device's lease of {:.0f} ms "
                            "takes its current to zero by itself",
                            info.uri, quiet * 1e3, limit.in(1.0_ms), settings_.lease.in(1.0_ms)));
  }
  if (quiet > settings_.silence.si() && !silent_) {
    silent_ = true;
    silence_noticed_.store(true, std::memory_order_relaxed);
  }
  return Turn::idle;
}

}  // namespace thyrode::acquisition
