#include "protocols/framing.hpp"

#include <cstring>

namespace thyrode::protocol {
namespace {

// Eight tables let the CRC take eight bytes a step: the link's cost is the CRC, not memory.
using CrcTables = std::array<std::array<std::uint16_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0U ? (crc << 1) ^ 0x1021U : crc << 1;
    tables[0][byte] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const unsigned previous = tables[k - 1][byte];
      tables[k][byte] = static_cast<std::uint16_t>((previous << 8) ^ tables[0][(previous >> 8) & 0xFFU]);
    }
  }
  return tables;
}

constexpr CrcTables crc_tables = make_crc_tables();

}  // namespace

std::uint16_t crc16(std::span<const std::uint8_t> bytes) noexcept {
  unsigned crc = 0xFFFFU;
  const std::uint8_t* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const unsigned a = (crc >> 8) ^ p[0];
    const unsigned b = (crc & 0xFFU) ^ p[1];
    crc = static_cast<unsigned>(crc_tables[7][a] ^ crc_tables[6][b] ^ crc_tables[5][p[2]] ^ crc_tables[4][p[3]] ^
                                crc_tables[3][p[4]] ^ crc_tables[2][p[5]] ^ crc_tables[1][p[6]] ^ crc_tables[0][p[7]]);
  }
  for (; n > 0; --n, ++p) crc = ((crc << 8) & 0xFFFFU) ^ crc_tables[0][((crc >> 8) ^ *p) & 0xFFU];
  return static_cast<std::uint16_t>(crc);
}

std::size_t write_frame(std::uint8_t type, std::uint8_t sequence, std::span<const std::uint8_t> payload,
                        std::span<std::uint8_t> out) noexcept {
  const std::size_t body_size = payload.size() + frame_overhead;
  if (payload.size() > max_payload_up || out.size() < body_size + 3) return 0;
  std::array<std::uint8_t, max_payload_up + frame_overhead> body;
  body[0] = type;
  body[1] = sequence;
  if (!payload.empty()) std::memcpy(body.data() + 2, payload.data(), payload.size());
  const std::uint16_t crc = crc16({body.data(), payload.size() + 2});
  body[payload.size() + 2] = static_cast<std::uint8_t>(crc & 0xFFU);
  body[payload.size() + 3] = static_cast<std::uint8_t>(crc >> 8);

  // COBS: each run of non-zero bytes is preceded by its length + 1; a zero ends a run. Codes near the baseline have a
  // zero in every second byte, so one plain pass beats a search for each zero.
  std::uint8_t* code = out.data();
  std::uint8_t* next = code + 1;
  for (std::size_t k = 0; k < body_size; ++k) {
    if (body[k] != 0) *next++ = body[k];
    const std::ptrdiff_t run = next - code;
    if (body[k] == 0 || run == 0xFF) {
      *code = static_cast<std::uint8_t>(run);
      code = next++;
    }
  }
  *code = static_cast<std::uint8_t>(next - code);
  *next++ = 0;
  return static_cast<std::size_t>(next - out.data());
}

bool FrameReader::push(std::span<const std::uint8_t>& bytes) noexcept {
  const void* zero = bytes.empty() ? nullptr : std::memchr(bytes.data(), 0, bytes.size());
  const std::size_t take =
      zero != nullptr ? static_cast<std::size_t>(static_cast<const std::uint8_t*>(zero) - bytes.data()) : bytes.size();
  if (size_ + take > raw_.size()) {
    overflow_ = true;
  } else if (take > 0) {
    std::memcpy(raw_.data() + size_, bytes.data(), take);
    size_ += take;
  }
  bytes = bytes.subspan(zero != nullptr ? take + 1 : take);
  if (zero == nullptr) return false;
  if (size_ == 0 && !overflow_) return false;  // an idle delimiter, not a frame
  finish();
  size_ = 0;
  overflow_ = false;
  return true;
}

void FrameReader::finish() noexcept {
  if (overflow_) {
    frame_ = tl::make_unexpected(Defect::too_long);
    return;
  }
  // Decoding in place: the output never overtakes the input.
  std::size_t in = 0;
  std::size_t out = 0;
  while (in < size_) {
    const std::size_t code = raw_[in++];
    const std::size_t run = code - 1;
    if (code == 0 || in + run > size_) {
      frame_ = tl::make_unexpected(Defect::bad_cobs);
      return;
    }
    if (run > 16) {
      std::memmove(raw_.data() + out, raw_.data() + in, run);
    } else {
      for (std::size_t k = 0; k < run; ++k) raw_[out + k] = raw_[in + k];
    }
    in += run;
    out += run;
    if (code != 0xFF && in < size_) raw_[out++] = 0;
  }
  if (out < frame_overhead) {
    frame_ = tl::make_unexpected(Defect::too_short);
    return;
  }
  // The longest COBS text can carry one or two bytes more than a body may have.
  if (out > max_payload_up + frame_overhead) {
    frame_ = tl::make_unexpected(Defect::too_long);
    return;
  }
  const std::size_t covered = out - 2;
  const unsigned expected = raw_[covered] | (static_cast<unsigned>(raw_[covered + 1]) << 8);
  if (crc16({raw_.data(), covered}) != expected) {
    frame_ = tl::make_unexpected(Defect::bad_crc);
    return;
  }
  frame_ = Frame{raw_[0], raw_[1], {raw_.data() + 2, covered - 2}, static_cast<std::uint16_t>(expected)};
}

}  // namespace thyrode::protocol
