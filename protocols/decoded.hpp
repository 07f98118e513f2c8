// How bytes are judged: a value, or one byte that says what is wrong. No heap, no exception.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>

namespace thyrode::protocol {

enum class Defect : std::uint8_t {
  too_short,     ///< fewer bytes than the layout needs
  too_long,      ///< bytes left over after the last field
  bad_cobs,      ///< a code byte points past the end of the frame
  bad_crc,       ///< checksum differs
  unknown_type,  ///< no message has this type byte
  bad_value,     ///< a field holds a value outside its range
};

template <class T>
using Decoded = tl::expected<T, Defect>;

/// The defect in words, for messages to people.
constexpr const char* describe(Defect defect) {
  switch (defect) {
    case Defect::too_short: return "message too short";
    case Defect::too_long: return "message too long";
    case Defect::bad_cobs: return "broken COBS code";
    case Defect::bad_crc: return "checksum differs";
    case Defect::unknown_type: return "unknown message type";
    case Defect::bad_value: return "field out of range";
  }
  return "unknown defect";
}

}  // namespace thyrode::protocol
