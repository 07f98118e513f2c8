#include "protocols/codec.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thyrode::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <class Message>
Bytes encoded(const Message& message) {
  Bytes out(max_payload_up);
  out.resize(encode(message, out));
  return out;
}

/// The same message with its lists full.
template <class T>
void fill_lists(T& value) {
  if constexpr (detail::Composite<T>) {
    T::fields(value, [](const char*, auto& field) { fill_lists(field); });
  } else if constexpr (detail::IsSequence<T>::value) {
    value.resize(T::capacity);
  }
}

TEST(Codec, PutsTheLowestByteFirst) {
  const Schedule segment{
      .channel = 1, .start = Sample{0x0102030405060708}, .duration = 0x0A0B0C0D, .first = -2, .last = 3};
  EXPECT_EQ(encoded(segment),
            (Bytes{1, 8, 7, 6, 5, 4, 3, 2, 1, 0x0D, 0x0C, 0x0B, 0x0A, 0xFE, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0}));
}

TEST(Codec, EveryMessageFitsItsDirectionWithFullLists) {
  for_each_message([](auto message) {
    fill_lists(message);
    const std::size_t limit = message.type < 0x80 ? max_payload_down : max_payload_up;
    Bytes out(1000);
    EXPECT_LE(encode(message, out), limit) << message.name;
  });
}

TEST(Codec, EveryTypeByteAndEveryNameIsUsedOnce) {
  std::map<int, std::string> types;
  std::map<std::string, int> names;
  for_each_message([&](const auto& message) {
    EXPECT_TRUE(types.emplace(message.type, message.name).second) << message.name;
    EXPECT_TRUE(names.emplace(message.name, message.type).second) << message.name;
  });
}

TEST(Codec, RefusesEveryShorterAndEveryLongerPayload) {
  for_each_message([](auto message) {
    const Bytes payload = encoded(message);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      const auto decoded = decode<decltype(message)>({payload.data(), size});
      ASSERT_FALSE(decoded) << message.name << ", " << size << " bytes";
      EXPECT_EQ(decoded.error(), Defect::too_short) << message.name << ", " << size << " bytes";
    }
    Bytes longer = payload;
    longer.push_back(0);
    const auto decoded = decode<decltype(message)>(longer);
    ASSERT_FALSE(decoded) << message.name;
    EXPECT_EQ(decoded.error(), Defect::too_long) << message.name;
  });
}

TEST(Codec, RefusesAListLongerThanItsCapacity) {
  Bytes payload = encoded(SpikeBlock{});
  payload.back() = 15;
  payload.resize(payload.size() + 15 * 16);
  const auto decoded = decode<SpikeBlock>(payload);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error(), Defect::bad_value);
}

TEST(Codec, WritesNothingWhenTheBufferIsTooSmall) {
  const Ident ident{};
  Bytes out(encoded(ident).size() - 1);
  EXPECT_EQ(encode(ident, out), 0U);
}

TEST(Codec, KeepsEveryBitOfADouble) {
  ChannelInfo info{};
  info.command.scale = 9.8e-8;
  info.command.zero = -0.0;
  const auto decoded = decode<ChannelInfo>(encoded(info));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(decoded->command.scale), std::bit_cast<std::uint64_t>(9.8e-8));
  EXPECT_EQ(std::bit_cast<std::uint64_t>(decoded->command.zero), std::bit_cast<std::uint64_t>(-0.0));
}

struct Probe {
  std::array<char, 3> text{};
  std::int8_t small = 0;
  Sequence<std::uint16_t, 12> list;
  static constexpr void fields(auto& m, auto&& f) { f("text", m.text), f("small", m.small), f("list", m.list); }
};

struct Collected {
  std::string all;
  void text(const char* s) { all += s; }
  void number(std::size_t n) { all += std::to_string(n); }
};

TEST(Schema, NamesCharactersAloneAndTheCapacityOfLists) {
  Collected collected;
  detail::schema_of(Probe{}, collected);
  EXPECT_EQ(collected.all, "{text:array3c8;small:i8;list:list12u16;}");
}

}  // namespace
}  // namespace thyrode::protocol
