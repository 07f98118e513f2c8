#include "daemon/experiment/load/words.hpp"

#include <gtest/gtest.h>

namespace thyrode::load {
namespace {

const std::vector<std::string> keys{"current", "direction", "dwell", "record", "detect"};

TEST(Words, FindTheOneThatWasMeant) {
  EXPECT_EQ(nearest("curent", keys), "current");
  EXPECT_EQ(nearest("Current", keys), "current");
  EXPECT_EQ(nearest("dewll", keys), "dwell");
  EXPECT_EQ(nearest("recrod", keys), "record");
}

TEST(Words, SuggestNothingFarAway) {
  EXPECT_EQ(nearest("budget", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(100000, 'c'), keys), "");
}

TEST(Words, PreferAChangeOfCaseToAnotherLetter) {
  const std::vector<std::string> units{"uF", "uS", "uA"};
  EXPECT_EQ(nearest("ua", units), "uA");
  EXPECT_EQ(nearest("us", units), "uS");
}

TEST(Words, AreListedInASentence) {
  EXPECT_EQ(list_of_words(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(list_of_words(std::vector<std::string>{"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(list_of_words(std::vector<std::string>{"a", "b"}, " or "), "a or b");
}

}  // namespace
}  // namespace thyrode::load
