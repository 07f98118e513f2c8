// encode(), decode() and schema_hash(), made from the field lists of messages.hpp.
#pragma once

#include "protocols/messages.hpp"

namespace thyrode::protocol {
namespace detail {

template <class T>
concept Composite = requires(T& m) {
  T::fields(m, [](const char*, auto&) {});
};

template <class T>
struct IsSequence : std::false_type {};
template <class T, std::size_t N>
struct IsSequence<Sequence<T, N>> : std::true_type {};
template <class T>
struct IsArray : std::false_type {};
template <class T, std::size_t N>
struct IsArray<std::array<T, N>> : std::true_type {};

/// The unsigned integer that carries a value on the wire, little endian.
template <class T>
constexpr auto to_wire(T value) {
  if constexpr (std::is_same_v<T, Sample>) {
    return static_cast<std::uint64_t>(value.index);
  } else if constexpr (std::is_same_v<T, Ticks>) {
    return static_cast<std::uint64_t>(value.count);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(value);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::make_unsigned_t<std::underlying_type_t<T>>>(value);
  } else {
    return static_cast<std::make_unsigned_t<T>>(value);
  }
}

template <class T, class U>
constexpr T from_wire(U bits) {
  if constexpr (std::is_same_v<T, Sample> || std::is_same_v<T, Ticks>) {
    return T{static_cast<std::int64_t>(bits)};
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<double>(bits);
  } else {
    return static_cast<T>(bits);
  }
}

/// Values whose bytes in memory are those of the wire: a long list of them is one copy.
template <class T>
inline constexpr bool lies_as_on_the_wire =
    std::is_unsigned_v<T>&& std::is_integral_v<T>&& std::endian::native == std::endian::little;

class Writer {
 public:
  constexpr explicit Writer(std::span<std::uint8_t> out) : out_{out} {}
  template <class T>
  constexpr void put(const T& value) {
    if constexpr (Composite<const T>) {
      T::fields(value, [this](const char*, const auto& field) { this->put(field); });
    } else if constexpr (IsSequence<T>::value) {
      put(static_cast<std::uint8_t>(value.size()));
      if constexpr (lies_as_on_the_wire<typename T::value_type>) {
        put_bytes(value.data(), value.size() * sizeof(typename T::value_type));
      } else {
        for (const auto& item : value) put(item);
      }
    } else if constexpr (IsArray<T>::value) {
      for (const auto& item : value) put(item);
    } else {
      const auto bits = to_wire(value);
      if (size_ + sizeof(bits) > out_.size()) {
        overflow_ = true;
        return;
      }
      if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(out_.data() + size_, &bits, sizeof(bits));
      } else {
        for (std::size_t k = 0; k < sizeof(bits); ++k) {
          out_[size_ + k] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(bits) >> (8 * k));
        }
      }
      size_ += sizeof(bits);
    }
  }
  constexpr std::size_t size() const { return overflow_ ? 0 : size_; }
  constexpr bool overflow() const { return overflow_; }

 private:
  void put_bytes(const void* bytes, std::size_t count) {
    if (count > out_.size() - size_) {
      overflow_ = true;
    } else if (count > 0) {
      std::memcpy(out_.data() + size_, bytes, count);
      size_ += count;
    }
  }
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

class Reader {
 public:
  constexpr explicit Reader(std::span<const std::uint8_t> in) : in_{in} {}
  template <class T>
  constexpr void get(T& value) {
    if constexpr (Composite<T>) {
      T::fields(value, [this](const char*, auto& field) { this->get(field); });
    } else if constexpr (IsSequence<T>::value) {
      std::uint8_t size = 0;
      get(size);
      if (size > T::capacity) {
        bad_value_ = true;
        return;
      }
      value.resize(size);
      if constexpr (lies_as_on_the_wire<typename T::value_type>) {
        get_bytes(value.data(), size * sizeof(typename T::value_type));
      } else {
        for (std::size_t k = 0; k < size; ++k) get(value[k]);
      }
    } else if constexpr (IsArray<T>::value) {
      for (auto& item : value) get(item);
    } else {
      using Bits = decltype(to_wire(value));
      Bits bits = 0;
      if (at_ + sizeof(bits) > in_.size()) {
        short_ = true;
        return;
      }
      if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&bits, in_.data() + at_, sizeof(bits));
      } else {
        std::uint64_t wide = 0;
        for (std::size_t k = 0; k < sizeof(bits); ++k) {
          wide |= static_cast<std::uint64_t>(in_[at_ + k]) << (8 * k);
        }
        bits = static_cast<Bits>(wide);
      }
      at_ += sizeof(bits);
      value = from_wire<T>(bits);
    }
  }
  constexpr Defect defect() const {
    return short_ ? Defect::too_short : bad_value_ ? Defect::bad_value : Defect::too_long;
  }
  constexpr bool complete() const { return !short_ && !bad_value_ && at_ == in_.size(); }

 private:
  void get_bytes(void* bytes, std::size_t count) {
    if (count > in_.size() - at_) {
      short_ = true;
    } else if (count > 0) {
      std::memcpy(bytes, in_.data() + at_, count);
      at_ += count;
    }
  }
  std::span<const std::uint8_t> in_;
  std::size_t at_ = 0;
  bool short_ = false;
  bool bad_value_ = false;
};

/// Feeds the schema text of a type to `byte`, one character at a time.
template <class T, class Sink>
constexpr void schema_of(const T& value, Sink& sink) {
  if constexpr (Composite<const T>) {
    sink.text("{");
    T::fields(value, [&sink](const char* field_name, const auto& field) {
      sink.text(field_name);
      sink.text(":");
      schema_of(field, sink);
      sink.text(";");
    });
    sink.text("}");
  } else if constexpr (IsSequence<T>::value) {
    sink.text("list");
    sink.number(T::capacity);
    schema_of(value[0], sink);
  } else if constexpr (IsArray<T>::value) {
    sink.text("array");
    sink.number(value.size());
    schema_of(value[0], sink);
  } else {
    // Plain char has a sign on one processor and none on another; its name must not depend on that.
    sink.text(std::is_same_v<T, double>   ? "f"
              : std::is_same_v<T, Sample> ? "sample"
              : std::is_same_v<T, Ticks>  ? "ticks"
              : std::is_same_v<T, char>   ? "c"
              : std::is_enum_v<T>         ? "e"
              : std::is_signed_v<T>       ? "i"
                                          : "u");
    sink.number(8 * sizeof(to_wire(value)));
  }
}

/// CRC-32 (IEEE, reflected) of the schema text.
class SchemaHash {
 public:
  constexpr void text(const char* s) {
    for (; *s != '\0'; ++s) byte(static_cast<std::uint8_t>(*s));
  }
  constexpr void number(std::size_t n) {
    if (n >= 10) number(n / 10);
    byte(static_cast<std::uint8_t>('0' + n % 10));
  }
  constexpr std::uint32_t value() const { return ~crc_; }

 private:
  constexpr void byte(std::uint8_t b) {
    crc_ ^= b;
    for (int k = 0; k < 8; ++k) crc_ = (crc_ & 1U) != 0U ? (crc_ >> 1) ^ 0xEDB88320U : crc_ >> 1;
  }
  std::uint32_t crc_ = 0xFFFFFFFFU;
};

constexpr std::uint32_t compute_schema_hash() {
  SchemaHash hash;
  for_each_message([&hash](const auto& message) {
    hash.text(message.name);
    hash.text("=");
    hash.number(message.type);
    schema_of(message, hash);
  });
  return hash.value();
}

}  // namespace detail

/// CRC-32 of the message table: two ends that print the same number speak the same language.
inline constexpr std::uint32_t schema_hash = detail::compute_schema_hash();

/// Writes a message's payload.
/// @param out  at least max_payload_up bytes for messages up, max_payload_down for messages down
/// @returns bytes written; 0 if they do not fit (a message without fields also gives 0)
template <class Message>
constexpr std::size_t encode(const Message& message, std::span<std::uint8_t> out) noexcept {
  detail::Writer writer{out};
  writer.put(message);
  return writer.size();
}

/// Reads a message's payload; every byte must be used.
/// Errors: too_short, too_long, bad_value (a list longer than its capacity).
template <class Message>
constexpr Decoded<Message> decode(std::span<const std::uint8_t> payload) noexcept {
  Message message;
  detail::Reader reader{payload};
  reader.get(message);
  if (!reader.complete()) return tl::make_unexpected(reader.defect());
  return message;
}

}  // namespace thyrode::protocol
