// What a recording must say of a stream of which a part was lost, from what the device sent and nothing else.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::test {

inline bool same(const DeviceMessage& a, const DeviceMessage& b) {
  return std::visit(
      [&](const auto& left) {
        using Kind = std::decay_t<decltype(left)>;
        if constexpr (requires { left == left; }) {
          const auto* right = std::get_if<Kind>(&b);
          return right != nullptr && left == *right;
        }
        return false;
      },
      a);
}

/// One frame that was sent: between which marks, and whether the recording has it.
struct Sent {
  const DeviceMessage* message = nullptr;
  Sample after;   ///< the mark before it
  Sample before;  ///< the mark that follows, or itself
  bool recorded = false;
  bool after_run = false;  ///< the output has gone idle before: no data any more
};

class StreamOracle {
 public:
  /// @param sent  every frame of the stream, from the first on
  /// @param recorded  what the recording was given
  StreamOracle(const std::vector<DeviceMessage>& sent, const std::vector<DeviceMessage>& recorded) {
    Sample last_recorded{};
    for (const DeviceMessage& message : recorded) {
      if (const auto* gap = std::get_if<Gap>(&message)) gaps_.push_back(*gap);
      if (const auto* mark = std::get_if<protocol::Mark>(&message)) last_recorded = mark->at;
    }
    Sample mark_before{};
    bool ran = false;
    bool over = false;
    for (const DeviceMessage& message : sent) {
      frames_.push_back({&message, mark_before, mark_before, false, over});
      const auto* mark = std::get_if<protocol::Mark>(&message);
      if (mark == nullptr) continue;
      mark_before = mark->at;
      for (auto frame = frames_.rbegin(); frame != frames_.rend() && frame->after == frame->before; ++frame) {
        frame->before = mark->at;
      }
      ran = ran || mark->state == protocol::State::running;
      over = over || (ran && mark->state == protocol::State::idle);
      if (mark->at == last_recorded) break;  // the run is over for the host
    }
    match(recorded);
  }

  const std::vector<Sent>& frames() const { return frames_; }

  /// Every frame is recorded once, in order, or lost; every lost one lies in a gap; every gap has lost something.
  void expect_every_loss_told() const {
    EXPECT_TRUE(in_order_) << "the recording has something that was never sent, or twice, or out of order";
    std::int64_t missing = 0;
    std::int64_t told = 0;
    for (const Gap& gap : gaps_) {
      told += gap.trace_samples;
      EXPECT_LT(gap.first, gap.last);
      EXPECT_TRUE(has_cause(gap)) << "nothing is missing in " << gap.first.index << " to " << gap.last.index;
    }
    for (const Sent& frame : frames_) {
      if (frame.recorded) continue;
      if (const auto* block = std::get_if<protocol::SampleBlock>(frame.message)) missing += length(*block);
      EXPECT_TRUE(frame.after_run || is_told(frame)) << "untold: kind " << frame.message->index() << " sent in "
                                                     << frame.after.index << " to " << frame.before.index;
    }
    EXPECT_EQ(told, missing) << "samples of the trace in gaps";
    expect_disjoint();
  }
  std::int64_t trace_samples_sent() const {
    std::int64_t sum = 0;
    for (const Sent& frame : frames_) {
      if (const auto* block = std::get_if<protocol::SampleBlock>(frame.message)) sum += length(*block);
    }
    return sum;
  }
  std::int64_t trace_samples_told() const {
    std::int64_t sum = 0;
    for (const Gap& gap : gaps_) sum += gap.trace_samples;
    return sum;
  }
  std::int64_t lost() const {
    return std::count_if(frames_.begin(), frames_.end(), [](const Sent& frame) { return !frame.recorded; });
  }
  const std::vector<Gap>& gaps() const { return gaps_; }

 private:
  static std::int64_t length(const protocol::SampleBlock& block) {
    return static_cast<std::int64_t>(block.sums.size()) * block.decimation;
  }
  static int channel_of(const DeviceMessage& message) {
    return std::visit(
        [](const auto& m) {
          if constexpr (std::is_same_v<std::decay_t<decltype(m)>, protocol::Fault>) return -1;
          if constexpr (requires { m.channel + 0; }) return static_cast<int>(m.channel);
          return -1;
        },
        message);
  }
  void match(const std::vector<DeviceMessage>& recorded) {
    std::size_t next = 0;
    for (const DeviceMessage& message : recorded) {
      if (std::holds_alternative<Gap>(message) || std::holds_alternative<FramesLost>(message) ||
          std::holds_alternative<Rejected>(message)) {
        continue;
      }
      while (next < frames_.size() && !same(message, *frames_[next].message)) ++next;
      if (next == frames_.size()) {
        in_order_ = false;
        return;
      }
      frames_[next++].recorded = true;
    }
  }
  bool is_told(const Sent& frame) const {
    const int channel = channel_of(*frame.message);
    return std::any_of(gaps_.begin(), gaps_.end(), [&](const Gap& gap) {
      if (channel >= 0 && gap.channel.index != channel) return false;
      if (const auto* block = std::get_if<protocol::SampleBlock>(frame.message)) {
        return gap.first <= block->first && block->first + length(*block) <= gap.last;
      }
      if (!gap.records) return false;
      if (const auto* levels = std::get_if<protocol::LevelRecord>(frame.message)) {
        return gap.first <= levels->first && frame.before <= gap.last;
      }
      // Several spike blocks between two marks may have their own gaps.
      if (std::holds_alternative<protocol::SpikeBlock>(*frame.message)) {
        return gap.first < frame.before && frame.after < gap.last;
      }
      return gap.first <= frame.after && frame.before <= gap.last;
    });
  }
  bool has_cause(const Gap& gap) const {
    return std::any_of(frames_.begin(), frames_.end(), [&](const Sent& frame) {
      if (frame.recorded || frame.after_run) return false;
      if (const auto* block = std::get_if<protocol::SampleBlock>(frame.message); block != nullptr && !gap.records) {
        return gap.first <= block->first && block->first + length(*block) <= gap.last;
      }
      return gap.records && frame.after < gap.last && gap.first < frame.before;
    });
  }
  void expect_disjoint() const {
    for (std::size_t a = 0; a < gaps_.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        if (gaps_[a].channel != gaps_[b].channel) continue;
        // A value that a mark falls into may belong to both sides of it.
        const std::int64_t overlap = std::min(gaps_[a].last, gaps_[b].last) - std::max(gaps_[a].first, gaps_[b].first);
        EXPECT_LT(overlap, 16) << gaps_[b].first.index << " to " << gaps_[b].last.index << " is told twice";
      }
    }
  }

  std::vector<Sent> frames_;
  std::vector<Gap> gaps_;
  bool in_order_ = true;
};

}  // namespace thyrode::test
