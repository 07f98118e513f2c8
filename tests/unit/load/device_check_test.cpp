#include <gtest/gtest.h>

#include "daemon/experiment/load/checks.hpp"

namespace thyrode::load {
namespace {

DeviceInfo device() {
  DeviceInfo info;
  info.uri = "serial:x";
  info.snippets = true;
  info.link_bytes_per_second = 100e3;
  ChannelDescription channel;
  channel.label = "A";
  channel.command.scale = 98e-9;
  channel.lowest = Current::from_si(-200e-6);
  channel.highest = Current::from_si(200e-6);
  channel.fastest = Slew::from_si(20.0);
  info.channels.push_back(channel);
  return info;
}

std::string refusal(const DeviceInfo& info, const std::string& record = "{}",
                    const std::string& limits = "[0 uA, 130 uA]") {
  const auto station = parse_station(
      "schema: thyrode.station/1\ndevice: serial:x\nchannels: {A: {limits: " + limits + ", slew: 5 mA/s}}\n", "s.yaml");
  const auto experiment = parse_experiment(
      "schema: thyrode.experiment/1\nname: e\nplan: list\ncurrent: [40 uA]\nrecord: " + record + "\n", "e.yaml");
  EXPECT_TRUE(station.has_value() && experiment.has_value());
  const auto checked = check_device(*experiment, *station, info);
  return checked ? "accepted" : checked.error().message;
}

TEST(DeviceCheck, AcceptsWhatTheDeviceCanDo) {
  EXPECT_EQ(refusal(device()), "accepted");
}

TEST(DeviceCheck, RefusesATraceThatTheLinkCannotCarryWithTheFigures) {
  EXPECT_EQ(
      refusal(device(), "{trace: 50 kS/s}"),
      "e.yaml:5:17: record.trace: 50 kS/s needs 124 kB/s, the link of serial:x carries 100 kB/s; write a lower rate "
      "or off");
  EXPECT_EQ(refusal(device(), "{trace: 25 kS/s}"), "accepted");
  DeviceInfo memory = device();
  memory.link_bytes_per_second = 0.0;
  EXPECT_NE(refusal(memory, "{trace: full}"), "accepted");
  memory.full_trace = true;
  EXPECT_EQ(refusal(memory, "{trace: full}"), "accepted");
}

TEST(DeviceCheck, RefusesLimitsBeyondTheBoard) {
  EXPECT_EQ(
      refusal(device(), "{}", "[0 uA, 300 uA]"),
      "s.yaml:3:24: channels.A.limits: 0 A to 300 uA is more than the board of serial:x gives, -200 uA to 200 uA; "
      "narrow them");
  EXPECT_EQ(refusal(device(), "{}", "[0 uA, 200.04 uA]"), "accepted");
}

TEST(DeviceCheck, RefusesASlewBeyondTheBoard) {
  DeviceInfo slow = device();
  slow.channels[0].fastest = Slew::from_si(1e-3);
  EXPECT_EQ(refusal(slow),
            "s.yaml:3:46: channels.A.slew: 5 mA/s is above the 1 mA/s of the board of serial:x; lower it");
}

TEST(DeviceCheck, RefusesSnippetsFromADeviceWithout) {
  DeviceInfo plain = device();
  plain.snippets = false;
  EXPECT_EQ(refusal(plain, "{snippets: {before: 1 ms}}"),
            "e.yaml:5:20: record.snippets: the device serial:x sends none; remove the key");
}

TEST(DeviceCheck, RefusesAChannelThatTheDeviceLacks) {
  DeviceInfo other = device();
  other.channels[0].label = "B";
  EXPECT_EQ(refusal(other), "e.yaml:1:1: the device serial:x has no channel A");
}

}  // namespace
}  // namespace thyrode::load
