#include "protocols/framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

namespace thyrode::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes framed(std::uint8_t type, std::uint8_t sequence, const Bytes& payload) {
  Bytes out(max_frame_bytes);
  out.resize(write_frame(type, sequence, payload, out));
  return out;
}

/// COBS written from the definition, one byte at a time, and always with the last, possibly empty, run.
Bytes reference_cobs(const Bytes& body) {
  Bytes out;
  Bytes run;
  const auto end_run = [&] {
    out.push_back(static_cast<std::uint8_t>(run.size() + 1));
    out.insert(out.end(), run.begin(), run.end());
    run.clear();
  };
  for (const std::uint8_t byte : body) {
    if (byte == 0) {
      end_run();
      continue;
    }
    run.push_back(byte);
    if (run.size() == 254) end_run();
  }
  end_run();
  out.push_back(0);
  return out;
}

/// A body with a CRC that fits, of any length.
Bytes body_of(const Bytes& head) {
  Bytes body = head;
  const std::uint16_t crc = crc16(head);
  body.push_back(static_cast<std::uint8_t>(crc & 0xFFU));
  body.push_back(static_cast<std::uint8_t>(crc >> 8));
  return body;
}

struct Seen {
  std::vector<Bytes> payloads;
  std::vector<Defect> defects;
};

/// Feeds a stream in pieces of at most `piece` bytes.
Seen read_all(const Bytes& stream, std::size_t piece = SIZE_MAX) {
  Seen seen;
  FrameReader reader;
  for (std::size_t at = 0; at < stream.size();) {
    std::span<const std::uint8_t> input{stream.data() + at, std::min(piece, stream.size() - at)};
    at += input.size();
    while (!input.empty()) {
      if (!reader.push(input)) continue;
      if (reader.frame()) {
        seen.payloads.emplace_back(reader.frame()->payload.begin(), reader.frame()->payload.end());
      } else {
        seen.defects.push_back(reader.frame().error());
      }
    }
  }
  return seen;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Crc16, GivesThePublishedCheckValue) {
  const std::string_view digits = "123456789";
  const Bytes bytes(digits.begin(), digits.end());
  EXPECT_EQ(crc16(bytes), 0x29B1);
}

TEST(Crc16, OfNothingIsItsInitialValue) {
  EXPECT_EQ(crc16({}), 0xFFFF);
}

TEST(Crc16, AgreesWithTheBitwiseDefinitionAtEveryLength) {
  Bytes bytes;
  for (unsigned n = 0; n < 70; ++n) {
    unsigned crc = 0xFFFF;
    for (const std::uint8_t byte : bytes) {
      crc ^= static_cast<unsigned>(byte) << 8;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? ((crc << 1) ^ 0x1021U) & 0xFFFFU : crc << 1;
    }
    ASSERT_EQ(crc16(bytes), crc) << n << " bytes";
    bytes.push_back(static_cast<std::uint8_t>(n * 37 + 11));
  }
}

TEST(Framing, WritesTheBytesOfTheDefinitionForEveryLengthAndPatternOfZeros) {
  for (std::size_t size = 0; size <= max_payload_up; ++size) {
    for (const std::size_t every : {1U, 2U, 3U, 7U, 253U, 1000U}) {
      Bytes payload(size);
      for (std::size_t k = 0; k < size; ++k) payload[k] = k % every == 0 ? 0 : static_cast<std::uint8_t>(1 + k % 255);
      Bytes head{0x90, 0x17};
      head = head + payload;
      ASSERT_EQ(framed(0x90, 0x17, payload), reference_cobs(body_of(head))) << size << " bytes, zero at each " << every;
    }
  }
}

TEST(Framing, GivesBackAPayloadOfZerosAlone) {
  for (const std::size_t size : {0U, 1U, 2U, 56U, 249U, 250U}) {
    const Seen seen = read_all(framed(0, 0, Bytes(size, 0)));
    ASSERT_EQ(seen.payloads.size(), 1U) << size;
    EXPECT_EQ(seen.payloads[0], Bytes(size, 0)) << size;
  }
}

TEST(Framing, GivesBackRunsAroundTheLongestCobsRun) {
  // The body is type, sequence, payload, CRC: with a zero at `zero` the runs before and after it end on each side of
  // 253, 254 and 255 bytes.
  for (std::size_t size = 246; size <= max_payload_up; ++size) {
    for (std::size_t zero = 0; zero <= size; ++zero) {
      Bytes payload(size, 0xAA);
      if (zero < size) payload[zero] = 0;
      const Seen seen = read_all(framed(0x90, 1, payload));
      ASSERT_EQ(seen.payloads.size(), 1U) << size << " bytes, zero at " << zero;
      ASSERT_EQ(seen.payloads[0], payload) << size << " bytes, zero at " << zero;
    }
  }
}

/// A payload of the longest length whose whole body, the CRC included, has no zero byte.
Bytes longest_run() {
  for (std::uint8_t fill = 1; fill != 0; ++fill) {
    Bytes payload(max_payload_up, fill);
    const Bytes body = body_of(Bytes{0x90, 1} + payload);
    if (std::find(body.begin(), body.end(), 0) == body.end()) return payload;
  }
  ADD_FAILURE() << "every fill gives a zero in the CRC";
  return {};
}

TEST(Framing, LongestFrameHasTwoCodesAndFillsTheStatedLength) {
  const Bytes frame = framed(0x90, 1, longest_run());
  ASSERT_EQ(frame.size(), max_frame_bytes);
  EXPECT_EQ(frame.front(), 0xFF);
  EXPECT_EQ(frame[255], 0x01);
  EXPECT_EQ(frame.back(), 0x00);
}

TEST(Framing, ReadsARunOf254AtTheEndWithAndWithoutTheLastCode) {
  const Bytes payload = longest_run();
  Bytes frame = framed(0x90, 1, payload);
  frame.erase(frame.end() - 2);
  const Seen seen = read_all(frame);
  ASSERT_EQ(seen.payloads.size(), 1U);
  EXPECT_EQ(seen.payloads[0], payload);
}

TEST(Framing, WritesNoZeroBeforeTheDelimiter) {
  Bytes payload(200);
  std::iota(payload.begin(), payload.end(), std::uint8_t{0});
  const Bytes frame = framed(3, 0, payload);
  EXPECT_EQ(std::count(frame.begin(), frame.end(), 0), 1);
  EXPECT_EQ(frame.back(), 0);
}

TEST(Framing, RefusesToWriteAPayloadOrIntoABufferThatDoesNotFit) {
  Bytes out(400);
  EXPECT_EQ(write_frame(1, 0, Bytes(max_payload_up + 1, 1), out), 0U);
  const Bytes payload(20, 1);
  Bytes small(payload.size() + frame_overhead + 2);
  EXPECT_EQ(write_frame(1, 0, payload, small), 0U);
  small.resize(small.size() + 1);
  EXPECT_GT(write_frame(1, 0, payload, small), 0U);
}

TEST(FrameReader, SaysTypeSequenceAndPayload) {
  const Bytes frame = framed(0x94, 0xFE, {1, 0, 2});
  FrameReader reader;
  std::span<const std::uint8_t> input = frame;
  ASSERT_TRUE(reader.push(input));
  ASSERT_TRUE(reader.frame());
  EXPECT_EQ(reader.frame()->type, 0x94);
  EXPECT_EQ(reader.frame()->sequence, 0xFE);
  EXPECT_EQ(Bytes(reader.frame()->payload.begin(), reader.frame()->payload.end()), (Bytes{1, 0, 2}));
  EXPECT_TRUE(input.empty());
}

TEST(FrameReader, FindsTheSameFramesInPiecesOfAnySize) {
  Bytes stream;
  for (std::uint8_t k = 0; k < 20; ++k)
    stream = stream + framed(0x90, k, Bytes(k * 12U, static_cast<std::uint8_t>(k % 3)));
  const Seen whole = read_all(stream);
  ASSERT_EQ(whole.payloads.size(), 20U);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 255U, 256U}) {
    const Seen seen = read_all(stream, piece);
    EXPECT_EQ(seen.payloads, whole.payloads) << "pieces of " << piece;
    EXPECT_TRUE(seen.defects.empty()) << "pieces of " << piece;
  }
}

TEST(FrameReader, IgnoresDoubledDelimiters) {
  const Bytes frame = framed(1, 2, {3});
  const Seen seen = read_all(Bytes{0, 0, 0} + frame + Bytes{0, 0} + frame + Bytes{0});
  EXPECT_EQ(seen.payloads.size(), 2U);
  EXPECT_TRUE(seen.defects.empty());
}

TEST(FrameReader, IsInStepAgainAfterGarbageOfAnyLength) {
  const Bytes frame = framed(1, 2, {3, 4, 5});
  for (std::size_t length = 1; length < 600; ++length) {
    Bytes garbage(length);
    for (std::size_t k = 0; k < length; ++k) garbage[k] = static_cast<std::uint8_t>(1 + (k * 91 + length) % 255);
    const Seen seen = read_all(garbage + Bytes{0} + frame, 50);
    ASSERT_EQ(seen.defects.size(), 1U) << length << " bytes";
    ASSERT_EQ(seen.payloads.size(), 1U) << length << " bytes";
    EXPECT_EQ(seen.payloads[0], (Bytes{3, 4, 5}));
  }
}

TEST(FrameReader, LosesOnlyTheFrameThatGarbageTouches) {
  const Bytes frame = framed(1, 2, {3, 4, 5});
  const Seen seen = read_all(frame + Bytes{0x55, 0x66} + frame + frame);
  EXPECT_EQ(seen.defects.size(), 1U);
  EXPECT_EQ(seen.payloads.size(), 2U);
}

TEST(FrameReader, RefusesEveryTruncation) {
  Bytes payload(60);
  std::iota(payload.begin(), payload.end(), std::uint8_t{0});
  const Bytes frame = framed(0x90, 9, payload);
  for (std::size_t kept = 1; kept + 1 < frame.size(); ++kept) {
    const Seen seen = read_all(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept)) + Bytes{0});
    ASSERT_TRUE(seen.payloads.empty()) << kept << " bytes kept";
    ASSERT_EQ(seen.defects.size(), 1U) << kept << " bytes kept";
  }
}

TEST(FrameReader, NamesABrokenCobsCode) {
  EXPECT_EQ(read_all({9, 1, 2, 0}).defects, std::vector<Defect>{Defect::bad_cobs});
}

TEST(FrameReader, NamesABodyThatIsTooShort) {
  EXPECT_EQ(read_all({4, 1, 2, 3, 0}).defects, std::vector<Defect>{Defect::too_short});
}

TEST(FrameReader, NamesAWrongChecksum) {
  Bytes frame = framed(1, 2, {3});
  frame[3] ^= 0x10;
  EXPECT_EQ(read_all(frame).defects, std::vector<Defect>{Defect::bad_crc});
}

TEST(FrameReader, RefusesABodyOneAndTwoBytesTooLongEvenWithARightChecksum) {
  for (const std::size_t excess : {1U, 2U}) {
    for (const std::uint8_t fill : {std::uint8_t{0}, std::uint8_t{7}}) {
      const Bytes body = body_of(Bytes{0x90, 1} + Bytes(max_payload_up + excess, fill));
      const Seen seen = read_all(reference_cobs(body));
      EXPECT_TRUE(seen.payloads.empty());
      EXPECT_EQ(seen.defects, std::vector<Defect>{Defect::too_long});
    }
  }
}

TEST(FrameReader, RefusesAnEndlessFrameOnceAndGoesOn) {
  const Bytes frame = framed(1, 2, {3});
  for (const std::size_t piece : {1U, 100U, 5000U}) {
    const Seen seen = read_all(Bytes(5000, 0x11) + Bytes{0} + frame, piece);
    EXPECT_EQ(seen.defects, std::vector<Defect>{Defect::too_long});
    EXPECT_EQ(seen.payloads.size(), 1U);
  }
}

TEST(FrameReader, FindsEverySingleAndDoubleFlippedBitOfABody) {
  const Bytes body = body_of(Bytes{0x94, 7, 0, 0, 1, 2, 3, 0xFF, 0x80, 0});
  const auto holds = [](const Bytes& b) {
    const std::uint16_t crc = crc16({b.data(), b.size() - 2});
    return b[b.size() - 2] == (crc & 0xFFU) && b[b.size() - 1] == (crc >> 8);
  };
  ASSERT_TRUE(holds(body));
  const auto flip = [](Bytes& b, std::size_t bit) { b[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8)); };
  for (std::size_t first = 0; first < body.size() * 8; ++first) {
    Bytes once = body;
    flip(once, first);
    ASSERT_FALSE(holds(once)) << "bit " << first;
    ASSERT_EQ(read_all(reference_cobs(once)).defects, std::vector<Defect>{Defect::bad_crc}) << "bit " << first;
    for (std::size_t second = first + 1; second < body.size() * 8; ++second) {
      Bytes twice = once;
      flip(twice, second);
      ASSERT_FALSE(holds(twice)) << "bits " << first << " and " << second;
    }
  }
}

TEST(Defects, EachHasItsOwnWords) {
  std::vector<std::string_view> words;
  for (const Defect defect : {Defect::too_short, Defect::too_long, Defect::bad_cobs, Defect::bad_crc,
                              Defect::unknown_type, Defect::bad_value}) {
    words.emplace_back(describe(defect));
  }
  std::sort(words.begin(), words.end());
  EXPECT_EQ(std::unique(words.begin(), words.end()), words.end());
}

}  // namespace
}  // namespace thyrode::protocol
