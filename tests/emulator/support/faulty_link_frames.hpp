// A link that loses, repeats, damages and cuts whole frames of the stream, by seed, and counts what it did.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "tests/emulator/support/stream_witness.hpp"

namespace thyrode::test {

/// How often, as probabilities of a frame of the stream; at most one of them happens to it.
struct FrameFaults {
  double dropped = 0.0;
  double repeated = 0.0;   ///< comes twice; answers too
  double corrupted = 0.0;  ///< one bit
  double cut = 0.0;        ///< its end is missing, half of the time with the delimiter, which costs the next frame too
  std::int64_t burst_at = -1;  ///< number of the first frame of a burst that is lost whole; negative: none
  std::int64_t burst = 0;      ///< its length, frames
};

/// What it sent and what became of it; the test owns it.
struct FrameFate {
  std::vector<DeviceMessage> stream;
  std::vector<bool> lost;  ///< by position in stream
  std::int64_t repeated = 0;
};

class FaultyLinkFrames final : public Link {
 public:
  FaultyLinkFrames(std::unique_ptr<Link> inner, FrameFaults faults, std::uint64_t seed, FrameFate& fate)
      : inner_{std::move(inner)}, faults_{faults}, random_{seed}, fate_{fate} {}

  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    if (waiting_.empty()) {
      auto came = inner_->read(into, timeout);
      if (!came) return came;
      for (WitnessedFrame& frame : witness_.take(into.first(*came))) pass(frame);
    }
    const std::size_t count = std::min(into.size(), waiting_.size());
    std::copy_n(waiting_.begin(), count, into.begin());
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override { return inner_->write(bytes); }
  std::size_t unsent() const override { return inner_->unsent(); }
  bool in_lockstep() const override { return inner_->in_lockstep(); }

 private:
  void pass(WitnessedFrame& frame) {
    const bool spoilt = std::exchange(spoil_next_, false);
    const double chance = uniform_(random_);
    if (!frame.stream) {
      give(frame.text);
      if (chance < faults_.repeated) give(frame.text);
      return;
    }
    const auto number = static_cast<std::int64_t>(fate_.stream.size());
    fate_.stream.push_back(std::move(frame.message));
    const bool in_burst =
        faults_.burst_at >= 0 && number >= faults_.burst_at && number < faults_.burst_at + faults_.burst;
    double limit = faults_.dropped;
    bool lost = true;
    if (in_burst || chance < limit) {
      // A delimiter still ends what was cut before it.
      if (spoilt) waiting_.push_back(0);
    } else if (chance < (limit += faults_.corrupted)) {
      const std::size_t at = random_() % (frame.text.size() - 1);
      frame.text[at] = static_cast<std::uint8_t>(frame.text[at] ^ (1U << (random_() % 8)));
      give(frame.text);
    } else if (chance < (limit += faults_.cut)) {
      frame.text.resize(1 + random_() % (frame.text.size() - 2));
      spoil_next_ = random_() % 2 == 0;
      if (!spoil_next_) frame.text.push_back(0);
      give(frame.text);
    } else {
      lost = spoilt;
      give(frame.text);
      if (!spoilt && chance < limit + faults_.repeated) {
        give(frame.text);
        ++fate_.repeated;
      }
    }
    fate_.lost.push_back(lost);
  }
  void give(const std::vector<std::uint8_t>& text) { waiting_.insert(waiting_.end(), text.begin(), text.end()); }

  std::unique_ptr<Link> inner_;
  FrameFaults faults_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
  FrameFate& fate_;
  StreamWitness witness_;
  std::vector<std::uint8_t> waiting_;
  bool spoil_next_ = false;
};

}  // namespace thyrode::test
