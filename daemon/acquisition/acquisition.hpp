// Owns the device: carries orders down, checks the order of what comes up, marks gaps, keeps the device's time granted.
#pragma once

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::acquisition {

// ---------------------------------------------------------------- orders to the device thread

struct ScheduleStep {
  Channel channel;
  Segment segment;
};
struct StopRun {
  Sample at;
};
struct EmergencyStop {};
/// All decisions that depend on data before this sample have been taken.
struct Decided {
  Sample until;
};
using Order = std::variant<ScheduleStep, StopRun, EmergencyStop, Decided>;

using MessageQueue = boost::lockfree::spsc_queue<DeviceMessage, boost::lockfree::capacity<1024>>;
using OrderQueue = boost::lockfree::spsc_queue<Order, boost::lockfree::capacity<256>>;

/// The three queues around the device thread.
struct Queues {
  MessageQueue recording;
  MessageQueue analysis;  ///< everything but the trace
  OrderQueue orders;
};

struct Settings {
  Duration decision_latency;  ///< an order given for time T is about T + this
  Duration lease;
  Duration silence;   ///< a device that says nothing for so long is told of; a real-time device is lost
  Duration patience;  ///< a virtual-time device, whose time stands still meanwhile, is lost after so long
  bool trace_on = true;
  /// Seconds of a steady wall clock; only for silence and heartbeats, never for a decision.
  std::function<double()> wall_clock;
};

/// What was counted on the way.
struct Counters {
  std::int64_t samples = 0;  ///< ADC samples of V_out that arrived in the trace
  std::int64_t gaps = 0;
  std::int64_t overruns = 0;
};

enum class Turn {
  moved,    ///< a message went on its way
  idle,     ///< nothing came
  blocked,  ///< a queue is full: the readers must drain first
};

class Acquisition {
 public:
  /// @param device, queues  outlive this object; one thread calls
  Acquisition(Device& device, Queues& queues, Settings settings);

  /// One turn: orders down, one message up.
  /// @param timeout  longest wait for the message, wall clock
  /// Errors: device (lost, silent, refuses an order), run_failed (recording_overrun: in real time the recorder fell
  /// behind by a full queue).
  Result<Turn> turn(Duration timeout);

  const Counters& counters() const { return counters_; }
  Sample last_mark() const { return last_mark_; }
  /// True once for each time that a device which is still waited for has been silent. From any thread.
  bool take_silence_notice() { return silence_noticed_.exchange(false, std::memory_order_relaxed); }

 private:
  Result<void> carry_orders();
  Result<void> keep_granted();
  Result<Turn> hand_on(DeviceMessage message);
  Result<Turn> deliver();
  void check_samples(const protocol::SampleBlock& block);
  void check_mark(const protocol::Mark& mark);
  Result<Turn> silent();

  Device& device_;
  Queues& queues_;
  Settings settings_;
  Counters counters_;
  std::vector<std::optional<Sample>> expected_;  // next sample of each channel's trace
  std::vector<DeviceMessage> outgoing_;          // what a turn found, in order
  std::size_t delivered_ = 0;
  bool recorded_front_ = false;
  bool frames_lost_ = false;
  Sample last_mark_{};
  Sample decided_{};
  Sample granted_{};
  double last_heard_ = -1.0;
  bool silent_ = false;
  std::atomic<bool> silence_noticed_{false};
  double last_beat_ = -1.0;
};

}  // namespace thyrode::acquisition
