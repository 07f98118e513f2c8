#include "daemon/experiment/load/station.hpp"

#include <gtest/gtest.h>

namespace thyrode::load {
namespace {

constexpr const char* full =
    "schema: thyrode.station/1\n"
    "device: \"usb:serial=066BFF\"\n"
    "channels:\n"
    "  A: {limits: [0 uA, 130 uA], slew: 6 mA/s, V_out: {gain: 2, rate: 50 kS/s}, V_m: {gain: 0.5}}\n"
    "  B: {limits: [-10 uA, 10 uA]}\n"
    "safety: {lease: 50 ms, max_charge: 30 mC/min, v_compliance: 2.5 V, on_fault: ramp_to_safe}\n"
    "decision_latency: 1 s\n";

TEST(Station, ReadsEveryKey) {
  const auto station = parse_station(full, "s.yaml");
  ASSERT_TRUE(station.has_value()) << station.error().message;
  EXPECT_EQ(station->device, "usb:serial=066BFF");
  ASSERT_EQ(station->channels.size(), 2U);
  const StationChannel& a = station->channels.at("A");
  EXPECT_EQ(a.lowest.si(), 0.0);
  EXPECT_EQ(a.highest.si(), 130e-6);
  EXPECT_EQ(a.slew.si(), 6e-3);
  EXPECT_EQ(a.v_out_gain, 2.0);
  EXPECT_EQ(a.trace_rate.si(), 50e3);
  EXPECT_EQ(a.v_m_gain, 0.5);
  EXPECT_EQ(station->channels.at("B").lowest.si(), -10e-6);
  EXPECT_EQ(station->safety.lease.si(), 50e-3);
  EXPECT_NEAR(station->safety.max_charge_per_minute.si(), 30e-3, 1e-15);
  EXPECT_EQ(station->safety.stuck, 2000);
  EXPECT_EQ(station->safety.rail_i_read.si(), 10e-3);
  EXPECT_EQ(station->safety.rail_v_m.si(), 0.0);
  EXPECT_EQ(station->safety.v_compliance.si(), 2.5);
  EXPECT_EQ(station->decision_latency.si(), 1.0);
}

TEST(Station, HasTheDocumentedDefaults) {
  const auto station =
      parse_station("schema: thyrode.station/1\ndevice: sim:msn\nchannels: {A: {limits: [0 uA, 130 uA]}}\n", "s");
  ASSERT_TRUE(station.has_value()) << station.error().message;
  const StationChannel& a = station->channels.at("A");
  EXPECT_EQ(station->device, "sim:msn");
  EXPECT_EQ(a.slew.si(), 5e-3);
  EXPECT_EQ(a.v_out_gain, 4.0);
  EXPECT_EQ(a.trace_rate.si(), 25e3);
  EXPECT_EQ(a.v_m_gain, 1.0);
  EXPECT_EQ(station->safety.lease.si(), 0.1);
  EXPECT_EQ(station->safety.max_charge_per_minute.si(), 50e-3);
  EXPECT_EQ(station->safety.v_compliance.si(), 3.0);
  EXPECT_EQ(station->decision_latency.si(), 0.2);
}

TEST(Station, KeepsItsTextAndThePlacesOfItsValues) {
  const auto station = parse_station(full, "s.yaml");
  ASSERT_TRUE(station.has_value());
  EXPECT_EQ(station->source.text, full);
  EXPECT_EQ(station->source.at("device"), "s.yaml:2:9");
  EXPECT_EQ(station->source.at("channels.A.limits[1]"), "s.yaml:4:22");
  EXPECT_EQ(station->source.at("safety.lease"), "s.yaml:6:17");
  EXPECT_FALSE(station->source.has("channels.B.slew"));
}

TEST(Station, AcceptsTheEndsOfItsRanges) {
  const auto with = [](const std::string& line) {
    return parse_station("schema: thyrode.station/1\ndevice: sim:msn\nchannels: {A: {limits: [0 uA, 130 uA]}}\n" + line,
                         "s")
        .has_value();
  };
  EXPECT_TRUE(with("safety: {lease: 20 ms}"));
  EXPECT_TRUE(with("safety: {lease: 1 s}"));
  EXPECT_TRUE(with("decision_latency: 20 ms"));
  EXPECT_TRUE(with("decision_latency: 10 s"));
  EXPECT_FALSE(with("safety: {lease: 19.9 ms}"));
  EXPECT_FALSE(with("decision_latency: 10.1 s"));
}

}  // namespace
}  // namespace thyrode::load
