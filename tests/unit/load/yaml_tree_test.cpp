#include "daemon/experiment/load/yaml_tree.hpp"

#include <gtest/gtest.h>

namespace thyrode::load {
namespace {

Result<YamlNode> parse(std::string_view text) {
  return parse_yaml(text, "f", "a test file", "schema: test/1");
}

std::string refusal(std::string_view text) {
  const auto tree = parse(text);
  return tree ? "accepted" : tree.error().message;
}

TEST(YamlTree, KeepsScalarsAsTheyAreWritten) {
  const auto tree = parse("a: off\nb: 1e-4\nc: '007'\nd: ~\ne: 0x10\n");
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(tree->items[0].text, "off");
  EXPECT_EQ(tree->items[1].text, "1e-4");
  EXPECT_EQ(tree->items[2].text, "007");
  EXPECT_EQ(tree->items[3].kind, YamlNode::Kind::nothing);
  EXPECT_EQ(tree->items[4].text, "0x10");
}

TEST(YamlTree, CountsLinesAndCharactersFromOne) {
  const auto tree = parse("# µ\na:\n  - x\n  - {µµ: y, z: [w]}\n");
  ASSERT_TRUE(tree.has_value());
  const YamlNode& list = tree->items[0];
  EXPECT_EQ(list.items[0].at, (Position{3, 5}));
  EXPECT_EQ(list.items[1].keys[0].at, (Position{4, 6}));
  EXPECT_EQ(list.items[1].items[0].at, (Position{4, 10}));
  EXPECT_EQ(list.items[1].items[1].items[0].at, (Position{4, 17}));
}

TEST(YamlTree, SkipsAByteOrderMarkAndReadsWindowsLines) {
  const auto tree = parse(
      "\xEF\xBB\xBF"
      "a: b\r\nc: d\r\n");
  ASSERT_TRUE(tree.has_value()) << tree.error().message;
  EXPECT_EQ(tree->keys[0].at, (Position{1, 1}));
  EXPECT_EQ(tree->items[1].text, "d");
  EXPECT_EQ(tree->items[1].at, (Position{2, 4}));
}

TEST(YamlTree, RefusesBytesThatAreNotText) {
  EXPECT_EQ(refusal(std::string_view("a: b\nc: \0d", 10)),
            "f:2:4: not a text file (byte 0x00); write YAML as UTF-8 text");
  EXPECT_EQ(refusal("\x7F"
                    "ELF"),
            "f:1:1: not a text file (byte 0x7F); write YAML as UTF-8 text");
  EXPECT_EQ(refusal("a: \xFF"), "f:1:4: not a text file (byte 0xFF); write YAML as UTF-8 text");
  EXPECT_EQ(refusal("a: \xC0\x80"), "f:1:4: not a text file (byte 0xC0); write YAML as UTF-8 text");      // overlong
  EXPECT_EQ(refusal("a: \xED\xA0\x80"), "f:1:4: not a text file (byte 0xED); write YAML as UTF-8 text");  // surrogate
  EXPECT_EQ(refusal("a: \xE2\x82"), "f:1:4: not a text file (byte 0xE2); write YAML as UTF-8 text");      // cut short
  EXPECT_EQ(refusal("a: \xF4\x90\x80\x80"), "f:1:4: not a text file (byte 0xF4); write YAML as UTF-8 text");
  EXPECT_EQ(refusal("a: \xF0\x9F\x98\x80"), "accepted");
}

TEST(YamlTree, RefusesNothingAtAll) {
  const std::string empty = "f:1:1: the file holds nothing; a test file begins with \"schema: test/1\"";
  for (const char* text : {"", "\n\n", "# only a comment", "---\n", "~\n", "\xEF\xBB\xBF"})
    EXPECT_EQ(refusal(text), empty);
}

TEST(YamlTree, RefusesMoreThanAMebibyte) {
  EXPECT_EQ(refusal(std::string(largest_file + 1, 'x')),
            "f:1:1: larger than 1 MiB; a test file has a few hundred lines at most");
}

TEST(YamlTree, BoundsLinesSinceTheLibraryTakesTheSquareOfTheirLength) {
  EXPECT_EQ(refusal("a: " + std::string(9997, 'x') + "\nb: c"), "accepted");
  EXPECT_EQ(refusal("b: c\na: " + std::string(9998, 'x')),
            "f:2:10001: the line is longer than 10000 bytes; break it into several");
}

TEST(YamlTree, BoundsNesting) {
  const auto nested = [](std::size_t n) { return "a: " + std::string(n, '[') + "x" + std::string(n, ']'); };
  EXPECT_EQ(refusal(nested(15)), "accepted");
  EXPECT_EQ(refusal(nested(16)), "f:1:19: nested deeper than 16 levels; no file of this kind needs that");
  EXPECT_NE(refusal(nested(4900)), "accepted");
  std::string dashes;
  for (int i = 0; i < 4900; ++i) dashes += "- ";
  EXPECT_NE(refusal("a:\n" + dashes), "accepted");
}

TEST(YamlTree, PlacesAMissingValueAtItsKey) {
  const auto tree = parse("a: b\nlonger:\nc: d\n");
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(tree->items[1].kind, YamlNode::Kind::nothing);
  EXPECT_EQ(tree->items[1].at, (Position{2, 1}));
}

TEST(YamlTree, RefusesAKeyTwiceAlsoInsideAMap) {
  EXPECT_EQ(refusal("a:\n  b: 1\n  c: 2\n  b: 3\n"),
            "f:4:3: key 'b' appears twice, first in line 2; remove one of them");
  EXPECT_EQ(refusal("a: {b: 1}\nc: {b: 1}\n"), "accepted");
}

TEST(YamlTree, RefusesReferencesSoThatNothingGrows) {
  const std::string anchors = "anchors (&) and aliases (*) are not used here; write the value out";
  EXPECT_EQ(refusal("a: &x b\nc: *x\n"), "f:1:4: " + anchors);
  EXPECT_EQ(refusal("a: &x [b]\n"), "f:1:4: " + anchors);
  EXPECT_EQ(refusal("a: &x {b: c}\n"), "f:1:4: " + anchors);
  EXPECT_NE(refusal("a: *unknown\n"), "accepted");
}

}  // namespace
}  // namespace thyrode::load
