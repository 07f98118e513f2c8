#include "daemon/report/pack.hpp"

namespace thyrode::report {

void Packer::put(std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80U));
  bytes_.push_back(static_cast<std::uint8_t>(value));
}

void Packer::put_near(std::int64_t value) {
  const std::int64_t difference = value - last_;
  last_ = value;
  const auto size = static_cast<std::uint64_t>(difference < 0 ? -difference : difference);
  put(difference < 0 ? 2U * size : 2U * size + 1U);
}

std::string Packer::text() const {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes_.size() + 2) / 3 * 4);
  for (std::size_t k = 0; k < bytes_.size(); k += 3) {
    const std::size_t left = bytes_.size() - k;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes_[k] << 16U) |
                                static_cast<std::uint32_t>(left > 1 ? bytes_[k + 1] << 8U : 0) |
                                (left > 2 ? bytes_[k + 2] : 0U);
    text += letters[group >> 18U];
    text += letters[(group >> 12U) & 63U];
    text += left > 1 ? letters[(group >> 6U) & 63U] : '=';
    text += left > 2 ? letters[group & 63U] : '=';
  }
  return text;
}

}  // namespace thyrode::report
