// A ring of bytes between one writer and one reader, without locks: frames on their way out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace thyrode::firmware {

template <std::size_t Capacity>
class ByteRing {
  static_assert((Capacity & (Capacity - 1)) == 0, "a power of two, so that the indices may run over");

 public:
  std::size_t room() const noexcept {
    return Capacity - (written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire));
  }
  bool empty() const noexcept {
    return written_.load(std::memory_order_acquire) == read_.load(std::memory_order_relaxed);
  }
  /// Takes all bytes or none. @returns false when there is no room
  bool push(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() > room()) return false;
    const std::uint32_t at = written_.load(std::memory_order_relaxed);
    const std::size_t start = at % Capacity;
    const std::size_t head = bytes.size() < Capacity - start ? bytes.size() : Capacity - start;
    std::memcpy(bytes_.data() + start, bytes.data(), head);
    std::memcpy(bytes_.data(), bytes.data() + head, bytes.size() - head);
    written_.store(at + static_cast<std::uint32_t>(bytes.size()), std::memory_order_release);
    return true;
  }
  /// Free bytes that lie in one piece, where the next ones go; commit() those that were written.
  std::span<std::uint8_t> writable() noexcept {
    const std::size_t start = written_.load(std::memory_order_relaxed) % Capacity;
    const std::size_t free = room();
    return {bytes_.data() + start, free < Capacity - start ? free : Capacity - start};
  }
  void commit(std::size_t count) noexcept {
    written_.store(written_.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(count),
                   std::memory_order_release);
  }
  /// The oldest bytes that lie in one piece; pop() them after use.
  std::span<const std::uint8_t> front() const noexcept {
    const std::uint32_t at = read_.load(std::memory_order_relaxed);
    const std::size_t used = written_.load(std::memory_order_acquire) - at;
    const std::size_t start = at % Capacity;
    return {bytes_.data() + start, used < Capacity - start ? used : Capacity - start};
  }
  void pop(std::size_t count) noexcept {
    read_.store(read_.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(count), std::memory_order_release);
  }
  void clear() noexcept { read_.store(written_.load(std::memory_order_acquire), std::memory_order_release); }

 private:
  std::array<std::uint8_t, Capacity> bytes_{};
  std::atomic<std::uint32_t> written_{0};
  std::atomic<std::uint32_t> read_{0};
};

}  // namespace thyrode::firmware
