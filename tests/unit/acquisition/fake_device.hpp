// A device made of a list: says what the test put into it and notes what it is told.
#pragma once

#include <fmt/core.h>

#include <deque>
#include <string>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::test {

class FakeDevice final : public Device {
 public:
  DeviceInfo information;
  std::deque<DeviceMessage> messages;
  std::vector<std::string> calls;
  std::vector<Sample> grants;
  LinkCounters link;
  Error when_empty{ErrorKind::timeout, "nothing came"};  ///< what reading says then
  Result<void> answer;

  const DeviceInfo& info() const override { return information; }
  Result<DeviceMessage> read(Duration) override {
    if (messages.empty()) return tl::make_unexpected(when_empty);
    DeviceMessage message = messages.front();
    messages.pop_front();
    return message;
  }
  Result<void> schedule(Channel channel, std::span<const Segment> segments) override {
    for (const Segment& s : segments) calls.push_back(fmt::format("schedule {} {}", channel.index, s.start.index));
    return answer;
  }
  Result<void> configure(Channel, const Setting&, Sample) override { return answer; }
  Result<void> arm() override { return answer; }
  Result<void> start(Sample) override { return answer; }
  Result<void> stop(Sample at) override {
    calls.push_back(fmt::format("stop {}", at.index));
    return answer;
  }
  Result<void> estop() override {
    calls.emplace_back("estop");
    return answer;
  }
  Result<void> clear(protocol::FaultCode) override { return answer; }
  Result<void> grant(Sample until) override {
    grants.push_back(until);
    return answer;
  }
  LinkCounters counters() const override { return link; }
};

}  // namespace thyrode::test
