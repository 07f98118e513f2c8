// The bytes that tests/python/golden_wire.py made from the tables of wire.md, against our encoder and decoder.
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "protocols/codec.hpp"
#include "tests/unit/protocols/message_json.hpp"

namespace thyrode::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

const nlohmann::json& golden() {
  static const nlohmann::json document = [] {
    std::ifstream file("tests/data/wire/golden.json");
    return nlohmann::json::parse(file);
  }();
  return document;
}

Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t k = 0; k < hex.size(); k += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(k, 2), nullptr, 16)));
  }
  return bytes;
}

/// Calls visit(vector, message) with each vector and a message of its type.
template <class Visit>
int for_each_vector(Visit&& visit) {
  int visited = 0;
  for (const nlohmann::json& vector : golden().at("vectors")) {
    for_each_message([&](auto message) {
      if (vector.at("message") != message.name) return;
      SCOPED_TRACE(vector.at("message").get<std::string>() + ", " + vector.at("case").get<std::string>());
      visit(vector, message);
      ++visited;
    });
  }
  return visited;
}

int message_count() {
  int count = 0;
  for_each_message([&count](const auto&) { ++count; });
  return count;
}

TEST(Golden, HasThreeVectorsForEveryMessageAndNoOthers) {
  const int visited = for_each_vector(
      [](const nlohmann::json& vector, const auto& message) { EXPECT_EQ(vector.at("type").get<int>(), message.type); });
  EXPECT_EQ(visited, 3 * message_count());
  EXPECT_EQ(golden().at("vectors").size(), static_cast<std::size_t>(visited));
}

TEST(Golden, DecodesToTheFieldsOfTheVector) {
  for_each_vector([](const nlohmann::json& vector, const auto& message) {
    const Bytes payload = from_hex(vector.at("payload"));
    const auto decoded = decode<std::decay_t<decltype(message)>>(payload);
    ASSERT_TRUE(decoded) << describe(decoded.error());
    EXPECT_EQ(to_json(*decoded), vector.at("fields"));
  });
}

TEST(Golden, EncodesToThePayloadOfTheVector) {
  for_each_vector([](const nlohmann::json& vector, const auto& message) {
    const Bytes payload = from_hex(vector.at("payload"));
    const auto decoded = decode<std::decay_t<decltype(message)>>(payload);
    ASSERT_TRUE(decoded) << describe(decoded.error());
    Bytes out(max_payload_up);
    out.resize(encode(*decoded, out));
    EXPECT_EQ(out, payload);
  });
}

TEST(Golden, FramesToTheBytesOfTheVector) {
  for_each_vector([](const nlohmann::json& vector, const auto& message) {
    const Bytes payload = from_hex(vector.at("payload"));
    const Bytes expected = from_hex(vector.at("frame"));
    Bytes out(max_frame_bytes);
    out.resize(write_frame(message.type, vector.at("sequence"), payload, out));
    EXPECT_EQ(out, expected);
    FrameReader reader;
    std::span<const std::uint8_t> input = expected;
    ASSERT_TRUE(reader.push(input));
    ASSERT_TRUE(reader.frame()) << describe(reader.frame().error());
    EXPECT_EQ(reader.frame()->type, message.type);
    EXPECT_EQ(reader.frame()->sequence, vector.at("sequence").get<int>());
    EXPECT_EQ(Bytes(reader.frame()->payload.begin(), reader.frame()->payload.end()), payload);
  });
}

TEST(Golden, SchemaHashIsThatOfThePage) {
  EXPECT_EQ(schema_hash, golden().at("schema_hash").get<std::uint32_t>());
}

}  // namespace
}  // namespace thyrode::protocol
