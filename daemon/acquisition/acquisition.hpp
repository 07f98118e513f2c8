// Owns the device: carries orders down, hands on what comes up with its gaps marked, keeps the device's time granted.
#pragma once

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "daemon/acquisition/continuity.hpp"
#include "drivers/device.hpp"

namespace thyrode::acquisition {

// ---------------------------------------------------------------- orders to the device thread

struct ScheduleStep {
  Channel channel;
  Segment segment;
};
/// Takes a setting over at a sample; the device thread waits for the answer.
struct Configure {
  Channel channel;
  Setting setting;
  Sample at;
};
struct StopRun {
  Sample at;
};
/// All decisions that depend on data before this sample have been taken.
struct Decided {
  Sample until;
};
using Order = std::variant<ScheduleStep, Configure, StopRun, Decided>;

/// A message for the decisions and the live view.
struct AnalysisMessage {
  DeviceMessage message;
  bool after_drop = false;  ///< messages before it were dropped: the recording alone has them
};

using MessageQueue = boost::lockfree::spsc_queue<DeviceMessage, boost::lockfree::capacity<1024>>;
using AnalysisQueue = boost::lockfree::spsc_queue<AnalysisMessage, boost::lockfree::capacity<1024>>;
using OrderQueue = boost::lockfree::spsc_queue<Order, boost::lockfree::capacity<256>>;

/// The three queues around the device thread.
struct Queues {
  MessageQueue recording;
  AnalysisQueue analysis;  ///< everything but the trace
  OrderQueue orders;
};

struct Settings {
  Duration decision_latency;  ///< an order given for time T is about T + this
  Duration lease;
  Duration silence;             ///< a device that says nothing for so long is told of; a real-time device is lost
  Duration patience;            ///< a virtual-time device, whose time stands still meanwhile, is lost after so long
  Sample start;                 ///< first sample of the run
  std::vector<int> decimation;  ///< ADC samples in one value of the trace, by channel; 0 or none: no trace
  /// Seconds of a steady wall clock; only for silence and heartbeats, never for a decision.
  std::function<double()> wall_clock;
};

enum class Turn {
  moved,    ///< a message went on its way
  idle,     ///< nothing came
  blocked,  ///< virtual time: a queue is full, the readers must drain first
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

  const Counters& counters() const { return continuity_.counters(); }
  /// How the link did: the device's counters, with the lost frames that only the samples tell of.
  LinkCounters link() const;
  /// True once for each time that a device which is still waited for has been silent. From any thread.
  bool take_silence_notice() { return silence_noticed_.exchange(false, std::memory_order_relaxed); }

 private:
  Result<void> carry_orders();
  Result<void> keep_granted();
  Duration until_next_beat(Duration timeout) const;
  Result<Turn> deliver();
  bool deliver_for_analysis(const DeviceMessage& message);
  Result<Turn> silent();
  Error ended(Error error);

  Device& device_;
  Queues& queues_;
  Settings settings_;
  Continuity continuity_;
  std::vector<DeviceMessage> outgoing_;  // what a turn found, in order
  std::size_t delivered_ = 0;
  bool recorded_front_ = false;
  std::vector<DeviceMessage> owed_;  // to the analysis, which was behind
  bool dropped_ = false;             // since the last message that the analysis got
  Sample last_mark_{};
  Sample decided_{};
  Sample granted_{};
  double last_heard_ = -1.0;
  bool silent_ = false;
  std::atomic<bool> silence_noticed_{false};
  double last_beat_ = -1.0;
};

}  // namespace thyrode::acquisition
