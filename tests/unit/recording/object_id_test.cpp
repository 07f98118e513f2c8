#include "daemon/recording/object_id.hpp"

#include <gtest/gtest.h>

namespace thyrode::recording {
namespace {

// The expected texts are what Python's uuid.uuid5 gives for the same namespace and name.
TEST(ObjectId, IsTheVersion5UuidOfSeedAndPath) {
  EXPECT_EQ(object_id(42, "/acquisition/V_out_A"), "9a3942b0-1b78-5c44-9d3e-60c4a4dc0dfb");
  EXPECT_EQ(object_id(0, "/"), "1fa46214-5948-5c61-9d92-ae12245d7932");
}

TEST(ObjectId, MatchesThePublishedExampleOfVersion5) {
  constexpr unsigned char dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                     0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  EXPECT_EQ(uuid5(dns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(ObjectId, HashesNamesOfEveryLengthAroundABlock) {
  constexpr unsigned char zero[16] = {};
  EXPECT_EQ(uuid5(zero, std::string(39, 'x')), "5293c6a7-0531-5b02-a33d-9c11ce365bbb");
  EXPECT_EQ(uuid5(zero, std::string(40, 'x')), "8cd356ea-c023-55d3-800b-ff1dd8f309ec");
  EXPECT_EQ(uuid5(zero, std::string(48, 'x')), "d740564a-13e1-5ef6-8512-7b3660b5d6ee");
  EXPECT_EQ(uuid5(zero, std::string(200, 'x')), "bf1f4819-bdb3-5d7f-ab57-08f303afeb7c");
}

}  // namespace
}  // namespace thyrode::recording
