// A list with a fixed capacity and no heap, for lists inside messages.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace thyrode::protocol {

/// Up to N values of T, in order. Plain data: copied by value between threads.
template <class T, std::size_t N>
class Sequence {
 public:
  using value_type = T;
  static constexpr std::size_t capacity = N;
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr bool full() const noexcept { return size_ == N; }
  /// Appends; the caller has checked full().
  constexpr void push_back(const T& value) noexcept { items_[size_++] = value; }
  constexpr void clear() noexcept { size_ = 0; }
  /// Sets the size; new values are whatever stood there. The caller keeps it at most N.
  constexpr void resize(std::size_t size) noexcept { size_ = size; }
  constexpr T& operator[](std::size_t i) noexcept { return items_[i]; }
  constexpr const T& operator[](std::size_t i) const noexcept { return items_[i]; }
  constexpr T* data() noexcept { return items_.data(); }
  constexpr const T* data() const noexcept { return items_.data(); }
  constexpr const T* begin() const noexcept { return items_.data(); }
  constexpr const T* end() const noexcept { return items_.data() + size_; }
  constexpr T& back() noexcept { return items_[size_ - 1]; }
  friend constexpr bool operator==(const Sequence& a, const Sequence& b) noexcept {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (!(a.items_[i] == b.items_[i])) return false;
    }
    return true;
  }

 private:
  std::array<T, N> items_{};
  std::size_t size_ = 0;
};

}  // namespace thyrode::protocol
