#include "daemon/acquisition/acquisition.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace thyrode::acquisition {
namespace {

constexpr double beat = 0.02;           // s between heartbeats: the shortest lease is 20 ms, the default 100 ms
constexpr double shortest_wait = 1e-6;  // s: a shorter wait for a heartbeat is none

}  // namespace

Acquisition::Acquisition(Device& device, Queues& queues, Settings settings)
    : device_{device},
      queues_{queues},
      settings_{std::move(settings)},
      continuity_{device.info(), settings_.start, settings_.decimation} {
  last_mark_ = decided_ = granted_ = device.info().now;
}

Result<Turn> Acquisition::turn(Duration timeout) {
  // Silence counts from the first turn, not from the settings that were sent before it.
  if (last_heard_ < 0.0) last_heard_ = settings_.wall_clock();
  if (auto carried = carry_orders(); !carried) return tl::make_unexpected(carried.error());
  // Readers that are behind must not cost the device its lease.
  if (auto granted = keep_granted(); !granted) return tl::make_unexpected(granted.error());
  if (delivered_ < outgoing_.size()) return deliver();
  auto message = device_.read(until_next_beat(timeout));
  if (!message) {
    if (message.error().kind == ErrorKind::timeout) return silent();
    return tl::make_unexpected(ended(message.error()));
  }
  last_heard_ = settings_.wall_clock();
  silent_ = false;
  if (const auto* mark = std::get_if<protocol::Mark>(&*message)) last_mark_ = mark->at;
  outgoing_.clear();
  delivered_ = 0;
  recorded_front_ = false;
  continuity_.take(std::move(*message), outgoing_);
  return deliver();
}

/// The device is lost: what was held back for its next mark goes on, as far as the queues have room.
Error Acquisition::ended(Error error) {
  outgoing_.clear();
  delivered_ = 0;
  recorded_front_ = false;
  continuity_.release(outgoing_);
  static_cast<void>(deliver());
  return error;
}

LinkCounters Acquisition::link() const {
  LinkCounters link = device_.counters();
  link.lost_frames = static_cast<std::uint64_t>(continuity_.counters().lost_frames);
  return link;
}

Result<void> Acquisition::carry_orders() {
  Order order;
  while (queues_.orders.pop(order)) {
    Result<void> done;
    if (const auto* step = std::get_if<ScheduleStep>(&order)) {
      done = device_.schedule(step->channel, {&step->segment, 1});
    } else if (const auto* set = std::get_if<Configure>(&order)) {
      done = device_.configure(set->channel, set->setting, set->at);
    } else if (const auto* stop = std::get_if<StopRun>(&order)) {
      done = device_.stop(stop->at);
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
    if (last_beat_ >= 0.0 && now - last_beat_ < beat - shortest_wait) return {};
    last_beat_ = now;
    return device_.grant(last_mark_);
  }
  const std::int64_t by_lease = info.samples(0.6 * settings_.lease).index;
  const Sample until = std::min(decided_ + info.samples(settings_.decision_latency).index, last_mark_ + by_lease);
  if (until <= granted_) return {};
  granted_ = until;
  return device_.grant(until);
}

/// A wait for the device must not make a heartbeat late.
Duration Acquisition::until_next_beat(Duration timeout) const {
  if (device_.info().virtual_time) return timeout;
  const double left = last_beat_ + beat - settings_.wall_clock();
  return std::min(timeout, Duration::from_si(std::max(0.0, left)));
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
    if (!std::holds_alternative<protocol::SampleBlock>(message) && !deliver_for_analysis(message)) {
      return Turn::blocked;
    }
    recorded_front_ = false;
    ++delivered_;
  }
  return Turn::moved;
}

/// In real time an analysis that is behind loses messages, but never what the device refused or why it stopped.
bool Acquisition::deliver_for_analysis(const DeviceMessage& message) {
  const auto push = [this](const DeviceMessage& next) {
    if (!queues_.analysis.push({next, dropped_})) return false;
    dropped_ = false;
    return true;
  };
  std::size_t paid = 0;
  while (paid < owed_.size() && push(owed_[paid])) ++paid;
  owed_.erase(owed_.begin(), owed_.begin() + static_cast<std::ptrdiff_t>(paid));
  if (owed_.empty() && push(message)) return true;
  if (device_.info().virtual_time) return false;
  dropped_ = true;
  if (std::holds_alternative<protocol::Fault>(message) || std::holds_alternative<Rejected>(message)) {
    owed_.push_back(message);
  }
  return true;
}

Result<Turn> Acquisition::silent() {
  const DeviceInfo& info = device_.info();
  if (info.virtual_time && granted_ - last_mark_ < info.samples(10.0_ms).index) {
    // It stands where its granted time ends: the silence is ours.
    last_heard_ = settings_.wall_clock();
    return Turn::idle;
  }
  const Duration limit = info.virtual_time ? settings_.patience : settings_.silence;
  const double quiet = settings_.wall_clock() - last_heard_;
  if (quiet > limit.si()) {
    return tl::make_unexpected(ended(
        {ErrorKind::device, fmt::format("{}: the device has been silent for {:.0f} ms (limit {:.0f} ms): check cable, "
                                        "power and the program behind the port; the device's lease of {:.0f} ms "
                                        "takes its current to zero by itself",
                                        info.uri, quiet * 1e3, limit.in(1.0_ms), settings_.lease.in(1.0_ms))}));
  }
  if (quiet > settings_.silence.si() && !silent_) {
    silent_ = true;
    silence_noticed_.store(true, std::memory_order_relaxed);
  }
  return Turn::idle;
}

}  // namespace thyrode::acquisition
