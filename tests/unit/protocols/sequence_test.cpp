#include "protocols/sequence.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace thyrode::protocol {
namespace {

TEST(Sequence, HoldsValuesInOrderUpToItsCapacity) {
  Sequence<int, 3> list;
  EXPECT_TRUE(list.empty());
  for (const int value : {4, 5, 6}) list.push_back(value);
  EXPECT_TRUE(list.full());
  EXPECT_EQ(list.back(), 6);
  EXPECT_EQ(std::accumulate(list.begin(), list.end(), 0), 15);
}

TEST(Sequence, ComparesOnlyTheValuesItHolds) {
  Sequence<int, 3> a;
  Sequence<int, 3> b;
  a.push_back(1);
  a.push_back(2);
  b.push_back(1);
  EXPECT_FALSE(a == b);
  a.resize(1);
  EXPECT_TRUE(a == b);
  b[0] = 9;
  EXPECT_FALSE(a == b);
}

}  // namespace
}  // namespace thyrode::protocol
