#include "daemon/figures/unit.hpp"

#include <gtest/gtest.h>

namespace thyrode::figures {
namespace {

std::string unit(const std::string& path) {
  return unit_of(*DocumentPath::parse(path)).word;
}

TEST(Unit, IsTheEndOfTheLastNameThatHasOne) {
  EXPECT_EQ(unit("steps[0].frequency_hz"), "Hz");
  EXPECT_EQ(unit("fit.transitions[0].bracket_ua[1]"), "uA");
  EXPECT_EQ(unit("steps[0].beta_n_per_ua_low"), "") << "an interval's end says its unit in the middle";
  EXPECT_EQ(unit("steps[0].beta_n_per_ua"), "/uA");
  EXPECT_EQ(unit("fit.lif.ideal_slope_hz_per_ua"), "Hz/uA");
  EXPECT_EQ(unit("steps[0].conditions.tau_L"), "s");
  EXPECT_EQ(unit("steps[current_ua=3].cv"), "");
}

TEST(Unit, GivesAQuantityInItself) {
  EXPECT_DOUBLE_EQ(*parse_in("1.9 kHz", {"Hz"}), 1900.0);
  EXPECT_DOUBLE_EQ(*parse_in("45.3 uA", {"uA"}), 45.3);
  EXPECT_DOUBLE_EQ(*parse_in("0.3 ms", {"s"}), 0.3e-3);
  EXPECT_DOUBLE_EQ(*parse_in("0.05 /uA", {"/uA"}), 0.05);
  EXPECT_DOUBLE_EQ(*parse_in("0.4 Hz/uA", {"Hz/uA"}), 0.4);
  EXPECT_DOUBLE_EQ(*parse_in("5 %", {}), 0.05);
  EXPECT_DOUBLE_EQ(*parse_in("3", {}), 3.0);
}

TEST(Unit, ReadsWellWithItsValue) {
  EXPECT_EQ(text_of(45.3, {"uA"}), "45.3 uA");
  EXPECT_EQ(text_of(0.00021, {"s"}), "210 us");
  EXPECT_EQ(text_of(0.0, {"s"}), "0 s");
  EXPECT_EQ(text_of(0.0042, {"/uA"}), "0.0042 /uA");
  EXPECT_EQ(text_of(0.123456, {}), "0.1235");
}

TEST(Unit, RefusesAnotherOneAndANumberAlone) {
  EXPECT_FALSE(parse_in("1.9", {"Hz"}));
  EXPECT_FALSE(parse_in("1.9 s", {"Hz"}));
  EXPECT_FALSE(parse_in("1.9 kS/s", {"Hz"}));
  EXPECT_FALSE(parse_in("1.9 Hz", {}));
  EXPECT_FALSE(parse_in("0.05", {"/uA"}));
  EXPECT_FALSE(parse_in("0.05 uA", {"/uA"}));
  EXPECT_FALSE(parse_in("nan /uA", {"/uA"}));
  EXPECT_FALSE(parse_in("", {"Hz/uA"}));
}

}  // namespace
}  // namespace thyrode::figures
