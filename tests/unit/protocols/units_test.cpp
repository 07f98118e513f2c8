#include "protocols/units.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace thyrode {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};

TEST(Quantity, AddsOnlyTheSameDimension) {
  static_assert(Addable<Voltage, Voltage>);
  static_assert(!Addable<Voltage, Current>);
  static_assert(!Addable<Voltage, double>);
  EXPECT_DOUBLE_EQ((1.0_V + 250.0_mV).si(), 1.25);
}

TEST(Quantity, MultiplicationGivesTheDimensionOfTheProduct) {
  static_assert(std::is_same_v<decltype(1.0_V / 1.0_A), Resistance>);
  static_assert(std::is_same_v<decltype(1.0_Ohm * 1.0_uF), Duration>);
  static_assert(std::is_same_v<decltype(1.0_A * 1.0_s), Charge>);
  static_assert(std::is_same_v<decltype(1.0_mA / 1.0_s), Slew>);
  EXPECT_DOUBLE_EQ((100.0_kOhm * 20.0_nF).in(1.0_ms), 2.0);
}

TEST(Quantity, WithoutDimensionIsANumber) {
  static_assert(std::is_same_v<decltype(1.0_V / 1.0_V), double>);
  static_assert(std::is_same_v<decltype(1.0_s * 1.0_Hz), double>);
  EXPECT_DOUBLE_EQ(50.0_Hz * 20.0_ms, 1.0);
}

TEST(Quantity, IsCountedInANamedUnit) {
  EXPECT_DOUBLE_EQ((12.5_mV).in(1.0_mV), 12.5);
  EXPECT_DOUBLE_EQ((150.0_uA).in(1.0_mA), 0.15);
  EXPECT_DOUBLE_EQ((-(3.0_nA)).in(1.0_pA), -3000.0);
}

TEST(Quantity, ComparesByValue) {
  EXPECT_LT(999.0_uA, 1.0_mA);
  EXPECT_EQ(1.0_s, 1000.0_ms);
}

}  // namespace
}  // namespace thyrode
