#include "daemon/report/pack.hpp"

#include <gtest/gtest.h>

namespace thyrode::report {
namespace {

TEST(Packer, WritesSmallNumbersInOneByteAndTheLowestBitsFirst) {
  Packer packer;
  packer.put(1);
  packer.put(300);  // 0b10 0101100
  packer.put(127);
  EXPECT_EQ(packer.text(), "AawCfw==");  // 01 ac 02 7f
}

TEST(Packer, WritesWhatDiffersLittleAsTheDifference) {
  Packer packer;
  packer.put_near(1000);                 // 2 * 1000 + 1
  packer.put_near(999);                  // 2 * 1
  packer.put_missing();                  // 0
  packer.put_near(999);                  // 1
  EXPECT_EQ(packer.text(), "0Q8CAAE=");  // d1 0f 02 00 01
}

TEST(Packer, KeepsTheLargestNumbers) {
  Packer packer;
  packer.put(UINT64_MAX);
  EXPECT_EQ(packer.text(), "////////////AQ==");  // nine times ff, then 01
}

TEST(Packer, OfNothingIsAnEmptyText) {
  EXPECT_TRUE(Packer{}.empty());
  EXPECT_EQ(Packer{}.text(), "");
}

}  // namespace
}  // namespace thyrode::report
