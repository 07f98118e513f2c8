// Laws of the messages over random content, for every message of the table.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "protocols/codec.hpp"

namespace thyrode::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Random content for every field, lists of every length; a double may be anything but NaN, which equals nothing.
template <class T>
void randomize(T& value) {
  if constexpr (detail::Composite<T>) {
    T::fields(value, [](const char*, auto& field) { randomize(field); });
  } else if constexpr (detail::IsSequence<T>::value) {
    value.resize(*rc::gen::inRange<std::size_t>(0, T::capacity + 1));
    for (std::size_t k = 0; k < value.size(); ++k) randomize(value[k]);
  } else if constexpr (detail::IsArray<T>::value) {
    for (auto& item : value) randomize(item);
  } else if constexpr (std::is_same_v<T, double>) {
    value = std::bit_cast<double>(*rc::gen::arbitrary<std::uint64_t>());
    if (std::isnan(value)) value = 0.0;
  } else {
    using Bits = decltype(detail::to_wire(value));
    const auto whole = *rc::gen::inRange<std::uint64_t>(0, std::numeric_limits<Bits>::max());
    value = detail::from_wire<T>(static_cast<Bits>(whole + *rc::gen::inRange<std::uint64_t>(0, 2)));
  }
}

template <class Message>
Bytes encoded(const Message& message) {
  Bytes out(max_payload_up);
  out.resize(encode(message, out));
  return out;
}

RC_GTEST_PROP(MessagesLaw, DecodingWhatWasEncodedGivesItBack, ()) {
  for_each_message([](auto message) {
    randomize(message);
    const auto decoded = decode<decltype(message)>(encoded(message));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == message);
  });
}

RC_GTEST_PROP(MessagesLaw, AnyBytesAreRefusedOrEncodeToThemselves, ()) {
  for_each_message([](auto message) {
    randomize(message);
    // Near a real payload, where bytes have a chance to be accepted: cut or made longer, and a few changed.
    Bytes payload = encoded(message);
    const auto size = static_cast<std::ptrdiff_t>(payload.size()) + *rc::gen::inRange(-2, 3);
    payload.resize(static_cast<std::size_t>(std::max<std::ptrdiff_t>(size, 0)));
    for (int change = 0; change < 3 && !payload.empty(); ++change) {
      payload[*rc::gen::inRange<std::size_t>(0, payload.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto decoded = decode<decltype(message)>(payload);
    if (decoded) RC_ASSERT(encoded(*decoded) == payload);
  });
}

RC_GTEST_PROP(MessagesLaw, RandomBytesAreRefusedOrEncodeToThemselves, (const Bytes& payload)) {
  for_each_message([&payload](const auto& message) {
    const auto decoded = decode<std::decay_t<decltype(message)>>(payload);
    if (decoded) RC_ASSERT(encoded(*decoded) == payload);
  });
}

RC_GTEST_PROP(MessagesLaw, LengthFollowsFromTheContentAlone, ()) {
  for_each_message([](auto message) {
    randomize(message);
    const Bytes once = encoded(message);
    RC_ASSERT(encoded(message) == once);
    // Not one byte less will do.
    if (once.empty()) return;
    Bytes small(once.size() - 1);
    RC_ASSERT(encode(message, small) == 0U);
  });
}

}  // namespace
}  // namespace thyrode::protocol
