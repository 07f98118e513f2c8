#include <gtest/gtest.h>

#include "daemon/experiment/load/checks.hpp"

namespace thyrode::load {
namespace {

const std::string head = "schema: thyrode.experiment/1\nname: e\nplan: list\ncurrent: [45.3 uA, 60 uA]\n";

std::string refusal(const std::string& companions) {
  const auto parsed = parse_experiment(head + companions, "e.yaml");
  return parsed ? "accepted" : parsed.error().message;
}

Station station(const std::string& b = "  B: {limits: [0 uA, 50 uA]}\n") {
  return parse_station("schema: thyrode.station/1\ndevice: sim:two\nchannels:\n  A: {limits: [0 uA, 130 uA]}\n" + b,
                       "station.yaml")
      .value();
}

std::string refusal_of_station(const std::string& companions, const Station& s) {
  const auto checked = check_against(parse_experiment(head + companions, "e.yaml").value(), s);
  return checked ? "accepted" : checked.error().message;
}

TEST(Companions, AreChannelsWithTheCurrentOfThePlanOrOneOfTheirOwn) {
  const auto e = parse_experiment(head + "companions: [{channel: B}, {channel: C, current: 20 uA}]\n", "e.yaml");
  ASSERT_TRUE(e) << e.error().message;
  ASSERT_EQ(e->companions.size(), 2U);
  EXPECT_EQ(e->companions[0].channel, "B");
  EXPECT_FALSE(e->companions[0].current);
  EXPECT_EQ(e->companions[1].channel, "C");
  EXPECT_DOUBLE_EQ(e->companions[1].current->si(), 20e-6);
  EXPECT_TRUE(parse_experiment(head, "e.yaml")->companions.empty());
}

TEST(Companions, AreRefusedTwiceOrAsThePlansChannel) {
  EXPECT_EQ(refusal("companions: [{channel: A}]\n"),
            "e.yaml:5:24: companions[0].channel: channel A is driven already; name another");
  EXPECT_EQ(refusal("companions: [{channel: B}, {channel: B}]\n"),
            "e.yaml:5:38: companions[1].channel: channel B is driven already; name another");
  EXPECT_EQ(refusal("channel: B\ncompanions: [{channel: A}]\n"), "accepted");
}

TEST(Companions, AreRefusedInAnotherShape) {
  EXPECT_EQ(refusal("companions: B\n"),
            "e.yaml:5:13: companions must be a list of maps; write for example \"[{channel: B}]\"");
  EXPECT_EQ(refusal("companions: []\n"),
            "e.yaml:5:13: companions must be a list of maps; write for example \"[{channel: B}]\"");
  EXPECT_NE(refusal("companions: [{channel: bee}]\n").find("'bee' is not known"), std::string::npos);
  EXPECT_NE(refusal("companions: [{current: 1 uA}]\n").find("channel"), std::string::npos);
  EXPECT_NE(refusal("companions: [{channel: B, current: 20}]\n").find("e.yaml:5:36"), std::string::npos);
}

TEST(Companions, KeepTheLimitsOfTheirOwnChannel) {
  EXPECT_EQ(refusal_of_station("companions: [{channel: B}]\n", station()),
            "e.yaml:4:20: current[1]: 60 uA is above the station's limit of 50 uA for channel B (station.yaml:5:22); "
            "lower it or raise the limit");
  EXPECT_EQ(refusal_of_station("companions: [{channel: B, current: 50 uA}]\n", station()), "accepted");
  EXPECT_EQ(refusal_of_station("companions: [{channel: B, current: 51 uA}]\n", station()),
            "e.yaml:5:36: companions[0].current: 51 uA is above the station's limit of 50 uA for channel B "
            "(station.yaml:5:22); lower it or raise the limit");
  EXPECT_EQ(refusal_of_station("companions: [{channel: B}]\n", station("")),
            "e.yaml:5:24: the station has no channel B (station.yaml:4:3); it has A");
}

TEST(Companions, CarryNoMoreChargeThanAMinuteMay) {
  const std::string wide = "  B: {limits: [0 uA, 140 uA]}\nsafety: {max_charge: 4 mC/min}\n";
  EXPECT_EQ(refusal_of_station("companions: [{channel: B, current: 60 uA}]\n", station(wide)), "accepted");
  EXPECT_NE(refusal_of_station("companions: [{channel: B, current: 70 uA}]\n", station(wide))
                .find("e.yaml:5:36: companions[0].current: 70 uA carries 4.2 mC/min"),
            std::string::npos);
}

}  // namespace
}  // namespace thyrode::load
