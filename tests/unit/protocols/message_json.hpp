// A message as JSON, made from its field list: what the golden vectors are compared with.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "protocols/codec.hpp"

namespace thyrode::protocol {

template <class T>
struct IsText : std::false_type {};
template <std::size_t N>
struct IsText<std::array<char, N>> : std::true_type {};

template <class T>
nlohmann::json to_json(const T& value) {
  if constexpr (detail::Composite<const T>) {
    nlohmann::json object = nlohmann::json::object();
    T::fields(value, [&object](const char* name, const auto& field) { object[name] = to_json(field); });
    return object;
  } else if constexpr (IsText<T>::value) {
    std::string text(value.begin(), value.end());
    text.erase(text.find_last_not_of('\0') + 1);
    return text;
  } else if constexpr (detail::IsArray<T>::value || detail::IsSequence<T>::value) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& item : value) list.push_back(to_json(item));
    return list;
  } else if constexpr (std::is_same_v<T, Sample>) {
    return value.index;
  } else if constexpr (std::is_same_v<T, Ticks>) {
    return value.count;
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else {
    return value;
  }
}

}  // namespace thyrode::protocol
