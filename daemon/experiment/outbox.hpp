// Pieces of the command that wait until the device may be told of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::experiment {

/// Holds segments in the order of time and hands out those that are due, never more than the device's queue holds.
class Outbox {
 public:
  /// @param depth  segments that the device's queue holds; 0: it does not say
  explicit Outbox(int depth) : most_{depth > 0 ? static_cast<std::size_t>(std::max(depth - 1, 1)) : 0} {}

  void add(const std::vector<Segment>& segments) { waiting_.insert(waiting_.end(), segments.begin(), segments.end()); }
  /// What was not handed out is taken back.
  void clear() { waiting_.clear(); }

  /// Hands out what begins before `until`. One place of the device's queue stays free, for a current of zero.
  /// @param now  the device has begun everything up to here
  template <class Send>
  void send_due(Sample now, Sample until, Send&& send) {
    while (!sent_.empty() && sent_.front() <= now) sent_.pop_front();
    while (!waiting_.empty() && waiting_.front().start < until && (most_ == 0 || sent_.size() < most_)) {
      last_ = std::max(last_, waiting_.front().start);
      sent_.push_back(waiting_.front().start);
      send(waiting_.front());
      waiting_.pop_front();
    }
  }
  /// Start of the latest segment that was handed out: the device takes none before it any more.
  Sample last() const { return last_; }

 private:
  std::size_t most_;
  std::deque<Segment> waiting_;
  std::deque<Sample> sent_;  // starts of what the device has not begun
  Sample last_{};
};

}  // namespace thyrode::experiment
