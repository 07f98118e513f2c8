// Numbers as short text: how long series travel inside the page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace thyrode::report {

/// Whole numbers of any size, small ones in one byte: seven bits a byte, the lowest first, the eighth bit set on all
/// but the last byte of a number. The page reads the same (daemon/page/src/unpack.ts).
class Packer {
 public:
  void put(std::uint64_t value);
  /// What differs little from the value before it, as the difference: 0 is kept for missing(), and of the others the
  /// even numbers are negative.
  void put_near(std::int64_t value);
  /// In place of a value that is not known.
  void put_missing() { put(0); }
  bool empty() const { return bytes_.empty(); }
  /// The bytes as text (base64 with padding).
  std::string text() const;

 private:
  std::vector<std::uint8_t> bytes_;
  std::int64_t last_ = 0;
};

}  // namespace thyrode::report
