// A link that damages what it carries, by seed: bytes vanish, bits flip, and things come late.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "drivers/link.hpp"
#include "protocols/messages.hpp"

namespace thyrode::test {

/// How often, as probabilities.
struct LinkFaults {
  double up_byte_lost = 0.0;
  double up_bit_flipped = 0.0;  ///< of a byte
  double up_read_late = 0.0;    ///< of a read: it gives nothing, the next one gives it
  double down_write_lost = 0.0;
  int lost_command = -1;  ///< number of the command, from 0, that is lost for certain; negative: none
  double down_write_flipped = 0.0;
  double down_write_late = 0.0;  ///< it and what follows reach the device two reads later
};

class FaultyLink final : public Link {
 public:
  FaultyLink(std::unique_ptr<Link> inner, LinkFaults faults, std::uint64_t seed)
      : inner_{std::move(inner)}, faults_{faults}, random_{seed} {}

  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    if (hold_ > 0 && --hold_ == 0) {
      for (; !held_.empty(); held_.pop_front()) {
        if (auto sent = inner_->write(held_.front()); !sent) return tl::make_unexpected(sent.error());
      }
    }
    if (waiting_.empty()) {
      auto came = inner_->read(into, timeout);
      if (!came) return came;
      damage(into.first(*came));
    }
    if (happens(faults_.up_read_late)) return std::size_t{0};
    const std::size_t count = std::min(into.size(), waiting_.size());
    std::copy_n(waiting_.begin(), count, into.begin());
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

  Result<void> write(std::span<const std::uint8_t> bytes) override {
    // The type stands behind the first COBS code; from arm on, commands are acknowledged, but for the one question.
    const bool command =
        bytes.size() > 1 && bytes[1] >= protocol::Arm::type && bytes[1] != protocol::DescribePart::type;
    if (command && commands_++ == faults_.lost_command) return {};
    if (happens(faults_.down_write_lost)) return {};
    std::vector<std::uint8_t> sent{bytes.begin(), bytes.end()};
    if (happens(faults_.down_write_flipped)) flip(sent[random_() % sent.size()]);
    if (hold_ == 0 && happens(faults_.down_write_late)) hold_ = 2;
    if (hold_ == 0) return inner_->write(sent);
    held_.push_back(std::move(sent));
    return {};
  }

  std::size_t unsent() const override { return held_.size(); }
  bool in_lockstep() const override { return inner_->in_lockstep(); }

 private:
  bool happens(double probability) { return probability > 0.0 && uniform_(random_) < probability; }
  void flip(std::uint8_t& byte) { byte = static_cast<std::uint8_t>(byte ^ (1U << (random_() % 8))); }
  void damage(std::span<const std::uint8_t> bytes) {
    for (std::uint8_t byte : bytes) {
      if (happens(faults_.up_byte_lost)) continue;
      if (happens(faults_.up_bit_flipped)) flip(byte);
      waiting_.push_back(byte);
    }
  }

  std::unique_ptr<Link> inner_;
  LinkFaults faults_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
  std::vector<std::uint8_t> waiting_;
  std::deque<std::vector<std::uint8_t>> held_;
  int hold_ = 0;
  int commands_ = 0;
};

}  // namespace thyrode::test
